"""Designs whose streams part, turn to tiles and back, and meet again: values and cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.backend.build import write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_bench, emit_verilog
from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import Design, InputPort, OutputPort, Stream, Unit
from bnnhw.ir.graph import InputFormat, OutputMap
from bnnhw.ir.types import Integer
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.token_model import Prediction, predict
from bnnhw.verify.hls_run import simulate_hls
from bnnhw.verify.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path

BITS, LANES = 8, 2
IMAGE = (5, 6)
PIXELS = IMAGE[0] * IMAGE[1]


def design_of(first: int, second: int, *, tiles: bool) -> Design:
    """The second part of the channels before the first; with ``tiles``, by way of tiles."""
    folds, shape = first + second, {"ELEM_BITS": BITS, "LANES": LANES}
    streams: dict[str, Stream] = {}
    units: list[Unit] = []

    def add(
        name: str, kind: str, source: tuple[str, ...], own: dict[str, int], *beats: int
    ) -> None:
        sinks = [f"{name}_out{i}" for i in range(len(beats))]
        streams.update(
            {s: Stream(s, BITS, LANES, n, pixels=PIXELS) for s, n in zip(sinks, beats, strict=True)}
        )
        units.append(Unit(name, kind, shape | own, source, tuple(sinks), name))

    elements = PIXELS * folds * LANES
    add("input", "bnn_input", (), {"BYTES": LANES, "FRAME_ELEMS": elements}, PIXELS * folds)
    parts = {"FOLDS0": first, "FOLDS1": second}
    add("split", "bnn_split", ("input_out0",), parts, PIXELS * first, PIXELS * second)
    late = "split_out1"
    if tiles:
        for name, rows, columns in (("tiles", PIXELS, second), ("raster", second, PIXELS)):
            own = {"ROWS": rows, "COLUMNS": columns, "RAM_STYLE": 1}
            add(name, "bnn_transpose", (late,), own, PIXELS * second)
            late = f"{name}_out0"
    parts = {"FOLDS0": second, "FOLDS1": first}
    add("concat", "bnn_concat", (late, "split_out0"), parts, PIXELS * folds)
    own = {"FIELD_BITS": 8, "FRAME_BEATS": PIXELS * folds}
    add("output", "bnn_output", ("concat_out0",), own)
    channels, scores = folds * LANES, (elements,)
    return Design(
        name="reordered", units=tuple(units), streams=streams, memories={}, layers=(),
        input_port=InputPort(LANES, BITS, False, 0, (channels, *IMAGE), PIXELS * folds),
        output_port=OutputPort(LANES, 8, BITS, scores, PIXELS * folds),
        input_format=InputFormat("x", (channels, *IMAGE), "float32", element=Integer(8, False)),
        output_map=OutputMap("y", scores, np.ones(1), np.zeros(1)),
        board=load_board("pynq-z2"), clock_mhz=100.0,
    )  # fmt: skip


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


@pytest.mark.parametrize(("first", "second", "tiles"), [(1, 3, False), (4, 2, True)])
def test_parts_of_a_stream_meet_again_in_the_cycles_foretold(
    first: int, second: int, tiles: bool, tmp_path: Path
) -> None:
    design, prediction = size_fifos(design_of(first, second, tiles=tiles))
    assert design.streams["split_out0"].depth
    beats = PIXELS * (first + second)
    assert beats <= prediction.cycles_per_frame <= 1.01 * beats
    assert prediction == predict(design)
    assert_exact(design, prediction, first, tmp_path)
