"""Designs whose streams part, turn to tiles and back, and meet again: values and cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.backend.build import write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_bench, emit_verilog
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.token_model import predict
from bnnhw.verify.hls_run import simulate_hls
from bnnhw.verify.simulate import simulate
from reordered_design import BITS, IMAGE, LANES, PIXELS, reordered

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.design import Design
    from bnnhw.planning.token_model import Prediction


def assert_exact(design: Design, prediction: Prediction, first: int, folder: Path) -> None:
    """Verilog and HLS C++ give the channels in their new order, Verilog in the cycles foretold."""
    parts = (
        emit_verilog(design), emit_bench(design, 20_000), emit_hls(design), emit_manifest(design),
    )  # fmt: skip
    build = write_build(folder / "build", {k: v for part in parts for k, v in part.items()})
    frames, channels = 5, design.input_port.shape[0]
    x = np.random.default_rng(1).integers(0, 1 << BITS, (frames, channels, *IMAGE))
    expected = np.roll(x, -first * LANES, axis=1).transpose(0, 2, 3, 1).reshape(frames, -1)
    packed = build.input_port.pack(x)
    for idle, stall in ((0.0, 0.0), (0.5, 0.4), (0.0, 0.8)):
        result = simulate(build, packed, frames, idle=idle, back_pressure=stall)
        scores = build.output_port.unpack(result.data)
        np.testing.assert_array_equal(scores & 255, expected)
        if not idle + stall:
            assert result.cycles_per_frame is not None
            assert abs(result.cycles_per_frame - prediction.cycles_per_frame) <= 1
            assert abs(result.latency[0] - prediction.latency_cycles) <= 1
    scores = build.output_port.unpack(simulate_hls(build.path, packed, frames))
    np.testing.assert_array_equal(scores & 255, expected)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("first", "second", "tiles"), [(1, 3, False), (4, 2, True)])
def test_parts_of_a_stream_meet_again_in_the_cycles_foretold(
    first: int, second: int, tiles: bool, tmp_path: Path
) -> None:
    design, prediction = size_fifos(reordered(first, second, tiles=tiles))
    assert design.streams["split_out0"].depth
    beats = PIXELS * (first + second)
    assert beats <= prediction.cycles_per_frame <= 1.01 * beats
    assert prediction == predict(design)
    assert_exact(design, prediction, first, tmp_path)
