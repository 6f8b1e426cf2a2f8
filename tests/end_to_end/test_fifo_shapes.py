"""Residual networks whose memories lie elsewhere than the search has them: FIFOs in packed words,
with and without a tail in LUTs, and all that may in UltraRAM."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.model import budget
from bnnhw.hardware.storage import FifoShape
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import ULTRA
from bnnhw.planning.packing import place_memories
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


def in_ultra_ram(design: Design) -> Design:
    """The design with each memory that may lie there in UltraRAM."""
    names = [unit.name for unit in design.units if ULTRA in KINDS[unit.kind].styles]
    names += [f"{name}_fifo" for name, stream in design.streams.items() if stream.depth > 32]
    limit = replace(budget(load_board("kv260")), uram=10_000.0)
    return place_memories(design, limit, dict.fromkeys(names, "uram"))


@pytest.mark.slow
def test_residual_network_in_ultra_ram_runs_as_predicted(tmp_path):
    executed = execute_everywhere(residual(), tmp_path, change=in_ultra_ram)
    units, streams = executed.design.units, executed.design.streams.values()
    assert any(unit.params.get("RAM_STYLE") == ULTRA for unit in units)
    deep = [stream.name for stream in streams if stream.shape.ram_style == ULTRA]
    assert deep
    assert_prediction_holds(executed)
    top = (tmp_path / "build" / "hls" / f"{executed.design.top}.cpp").read_text()
    for name in deep:
        assert f"BIND_STORAGE variable={name} type=FIFO impl=URAM" in top
