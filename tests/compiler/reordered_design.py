"""A design put together by hand, whose stream parts, turns to tiles and back, and meets again."""

from __future__ import annotations

import numpy as np

from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import Design, InputPort, OutputPort, Stream, Unit
from bnnhw.ir.graph import InputFormat, OutputMap
from bnnhw.ir.types import Integer

BITS, LANES = 8, 2
IMAGE = (5, 6)
PIXELS = IMAGE[0] * IMAGE[1]


def reordered(first: int, second: int, *, tiles: bool) -> Design:
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
