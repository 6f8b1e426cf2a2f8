"""bnn_stream_affine: bnn_affine's numbers at its pace, with a word of parameters for each tile."""

from __future__ import annotations

import numpy as np
import pytest

import test_bnn_affine as plain
from bnnhw.interpret.interpreter import execute
from bnnhw.ir.ops import Tensor
from bnnhw.ir.types import Integer
from compute import tile_order
from runner import run_streams
from stream_beats import pack, unpack
from test_bnn_affine import Shape

PIXELS = 24
CASES = [
    Shape(lanes=2, folds=3, segments=2, multiply=2, hold=4),
    Shape(x=(8, 0), y=(8, 0), lanes=3, shift=3, multiplier=5, offset=13, multiply=1, hold=2),
    Shape(x=(12, 1), y=(8, 1), lanes=2, folds=2, shift=2, multiplier=0, offset=12, hold=6),
    Shape(x=(9, 0), y=(8, 0), folds=2, shift=3, multiplier=5, offset=13, segments=3, hold=1),
    Shape(lanes=4, folds=3, segments=2, offset=12, shift=11, shared=10, hold=24),
]


def field_bits(shape: Shape) -> int:
    """Bits of a channel's parameters."""
    segments = shape.segments
    return segments * (shape.multiplier + shape.offset) + (segments - 1) * (shape.x[0] + 1)


def parameters(shape: Shape) -> dict[str, int | str]:
    """Parameters of the unit: words are filled up to whole bus words."""
    kept = {n: v for n, v in shape.parameters.items() if n not in ("FOLDS", "STYLE")}
    return kept | {"WORD_BITS": -(-shape.lanes * field_bits(shape) // 64) * 64}


@pytest.mark.parametrize("shape", CASES, ids=str)
def test_computes_as_the_unit_with_a_memory_does(shape: Shape) -> None:
    rng = np.random.default_rng(shape.x[0] + 100 * shape.shift)
    op, fields = plain.affine(shape, rng)
    channels = shape.folds * shape.lanes
    x = plain.mixed(rng, *plain.span(*shape.x), (PIXELS, channels))
    expected = execute(op, [x], [Tensor((channels,), Integer(*shape.x))])
    beats = PIXELS * shape.folds
    order = tile_order(PIXELS, shape.folds, shape.hold)
    words = pack(fields, shape.lanes, field_bits(shape)) * (PIXELS // shape.hold)
    runs = run_streams(
        "bnn_stream_affine",
        parameters(shape),
        {"s_axis": pack(x.reshape(beats, -1)[order], shape.lanes, shape.x[0]), "p_axis": words},
        {"m_axis": beats},
    )
    for run in runs:
        data = unpack(run.outputs["m_axis"].data, shape.lanes, shape.y[0], bool(shape.y[1]))
        assert (data == expected.reshape(beats, -1)[order]).all(), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(beats))
    assert runs[0].inputs["p_axis"] == list(range(shape.hold - 1, beats, shape.hold))
    assert runs[0].outputs["m_axis"].taken == [t + shape.latency for t in range(beats)]
