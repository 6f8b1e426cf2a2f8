"""Residual networks whose FIFOs keep beats in packed words, with and without a tail in LUTs."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from bnnhw.hardware.storage import FifoShape
from executions import assert_prediction_holds, execute_everywhere
from graphs import residual

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design


def in_packed_words(design: Design) -> Design:
    """The design with 2 to 4 beats per word in each FIFO, and every other one with a tail."""
    shapes = cycle([(3, False), (2, True), (4, True)])
    streams = dict(design.streams)
    for stream in design.streams.values():
        if stream.depth >= 8:
            pack, tail = next(shapes)
            shape = FifoShape(2, pack, stream.depth // 3 if tail else 0)
            streams[stream.name] = replace(stream, shape=shape)
    return replace(design, streams=streams)


@pytest.mark.slow
def test_residual_network_with_packed_fifos_runs_as_predicted(tmp_path):
    executed = execute_everywhere(residual(), tmp_path, change=in_packed_words)
    shapes = [s.shape for s in executed.design.streams.values() if s.shape.pack > 1]
    assert len(shapes) >= 2 and any(shape.tail for shape in shapes)
    assert_prediction_holds(executed)
    peaks = {s.stream: s.peak for s in executed.simulation.streams if s.depth}
    for name, peak in peaks.items():
        assert peak <= executed.design.streams[name].depth, name
