"""bnn_affine: the interpreter's FixedAffine, bit for bit, a beat per cycle, constant latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bnnhw.interpret.interpreter import execute
from bnnhw.ir.ops import FixedAffine, Tensor
from bnnhw.ir.types import Integer
from compute import image, tile_order
from runner import run_streams
from stream_beats import pack, unpack


@dataclass(frozen=True)
class Shape:
    """Parameters of a unit: widths as (bits, signed)."""

    x: tuple[int, int] = (16, 1)
    y: tuple[int, int] = (16, 1)
    lanes: int = 1
    folds: int = 1
    shift: int = 8
    multiplier: int = 12
    offset: int = 28
    segments: int = 1
    style: int = 0
    multiply: int = 0
    hold: int = 1
    shared: int = 0

    @property
    def low(self) -> int:
        """What the shared bits of all offsets are."""
        return 0x2A5B39E7 & ((1 << self.shared) - 1)

    @property
    def parameters(self) -> dict[str, int | str]:
        return {
            "IN_BITS": self.x[0], "IN_SIGNED": self.x[1], "OUT_BITS": self.y[0],
            "OUT_SIGNED": self.y[1], "LANES": self.lanes, "FOLDS": self.folds,
            "HOLD": self.hold, "SHIFT": self.shift, "MULTIPLIER_BITS": self.multiplier,
            "OFFSET_BITS": self.offset, "OFFSET_SHIFT": self.shared, "OFFSET_LOW": self.low,
            "SEGMENTS": self.segments, "STYLE": self.style,
            "MULTIPLY_STYLE": self.multiply,
        }  # fmt: skip

    @property
    def dsp(self) -> bool:
        factors = sorted([self.x[0] + 1 - self.x[1], self.multiplier])
        fits = factors[0] <= 18 and factors[1] <= 25 and self.offset + self.shared <= 47
        return self.multiplier > 0 and self.multiply != 1 and fits

    @property
    def latency(self) -> int:
        if self.multiplier == 0 and self.segments == 1:
            return 3
        return 5 if self.dsp else 3 + max(1, -(-self.multiplier // 4))


def span(bits: int, signed: int) -> tuple[int, int]:
    """The lowest and the highest value."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def mixed(rng: np.random.Generator, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
    """Values of every magnitude, then both ends, 0 and -1 in place of some."""
    values = np.clip(rng.integers(low, high + 1, size) >> rng.integers(0, 40, size), low, high)
    corners = np.clip([low, high, 0, -1], low, high)
    return np.where(rng.random(size) < 0.3, rng.choice(corners, size), values)


def affine(shape: Shape, rng: np.random.Generator) -> tuple[FixedAffine, np.ndarray]:
    """An operation whose gains and offsets reach both ends, and its memory image [folds, lanes]."""
    size = (shape.segments, shape.folds * shape.lanes)
    half = (1 << shape.shift) >> 1
    multiplier = np.ones(size, np.int64)
    if shape.multiplier:
        multiplier = mixed(rng, *span(shape.multiplier, 1), size)
    low, high = span(shape.offset, 1)
    offset = mixed(rng, low - min(half, high), high - half, size) if half < high else low - half
    stored = np.broadcast_to(np.maximum(offset, low - half), size) + half
    offset = (stored << shape.shared) + shape.low - half
    knee = np.zeros(0, np.int64)
    if shape.segments > 1:
        knee = mixed(rng, *span(shape.x[0] + 1, 1), (shape.segments - 1, size[1]))
        knee = np.sort(knee, axis=0).reshape(size[1:] if shape.segments == 2 else knee.shape)
    op = FixedAffine(multiplier, offset, shape.shift, Integer(*shape.y), knee)
    fields = [0] * size[1]
    bit = 0
    for segment in range(shape.segments):
        for values, bits in ((multiplier, shape.multiplier), (stored, shape.offset)):
            for c, value in enumerate(values[segment]):
                fields[c] |= (int(value) & ((1 << bits) - 1)) << bit
            bit += bits
    for one in op.knees:
        for c, value in enumerate(one):
            fields[c] |= (int(value) & ((2 << shape.x[0]) - 1)) << bit
        bit += shape.x[0] + 1
    return op, np.array(fields, object).reshape(shape.folds, shape.lanes)


CASES = [
    Shape(lanes=2, folds=3, segments=2, style=2, multiply=2),
    Shape(lanes=2, folds=3, segments=2, style=2, multiply=2, hold=4),
    Shape(lanes=2, folds=3, segments=2, style=1, multiply=1, multiplier=11),
    Shape(x=(8, 0), y=(8, 0), lanes=3, shift=3, multiplier=5, offset=13, multiply=1, hold=2),
    Shape(x=(12, 1), y=(8, 1), lanes=2, folds=2, shift=2, multiplier=0, offset=12, hold=5),
    Shape(x=(5, 0), y=(6, 0), folds=4, shift=0, multiplier=0, offset=5, segments=2),
    Shape(x=(23, 1), y=(16, 1), folds=5, shift=20, multiplier=18, offset=47),
    Shape(x=(25, 0), y=(32, 1), folds=2, shift=1, multiplier=17, offset=33, multiply=0),
    Shape(x=(4, 1), y=(4, 1), shift=12, multiplier=3, offset=5, folds=3, multiply=1),
    Shape(x=(1, 0), y=(40, 1), shift=0, multiplier=1, offset=2, folds=4, multiply=1),
    Shape(x=(8, 0), y=(1, 0), shift=4, multiplier=18, offset=20, folds=7, multiply=2),
    Shape(x=(17, 1), y=(30, 0), shift=2, multiplier=9, offset=1, folds=4, segments=2, multiply=2),
    Shape(x=(9, 1), y=(8, 1), lanes=3, shift=6, multiplier=12, offset=20, multiply=2),
    Shape(lanes=2, folds=3, segments=3, style=2, multiply=2),
    Shape(
        x=(9, 0),
        y=(8, 0),
        lanes=3,
        folds=2,
        shift=3,
        multiplier=5,
        offset=13,
        segments=3,
        multiply=1,
        hold=2,
    ),
    Shape(x=(5, 1), y=(6, 1), folds=4, shift=0, multiplier=0, offset=5, segments=3),
    Shape(lanes=2, folds=3, segments=2, multiply=2, offset=12, shift=11, shared=10),
    Shape(x=(11, 1), y=(9, 1), folds=4, multiply=1, offset=9, shift=8, shared=7),
    Shape(x=(12, 1), y=(8, 1), folds=2, shift=8, multiplier=0, offset=5, shared=8),
    Shape(x=(9, 1), y=(9, 1), lanes=2, shift=5, offset=1, shared=31),
]


@pytest.mark.parametrize("shape", CASES, ids=str)
def test_computes_what_the_interpreter_defines_and_loses_no_cycle(shape: Shape) -> None:
    rng = np.random.default_rng(shape.x[0] + 100 * shape.shift)
    op, fields = affine(shape, rng)
    low, high = span(*shape.x)
    pixels, channels = 120, shape.folds * shape.lanes
    x = mixed(rng, low, high, (pixels, channels))
    for i, knee in enumerate(op.knees):
        part = slice(40 * i, 40 * i + 40)
        x[part] = np.clip(knee + rng.integers(-1, 2, (40, channels)), low, high)
    expected = execute(op, [x], [Tensor((channels,), Integer(*shape.x))])
    field_bits = shape.segments * (shape.multiplier + shape.offset)
    field_bits += (shape.segments - 1) * (shape.x[0] + 1)
    beats = pixels * shape.folds
    order = tile_order(pixels, shape.folds, shape.hold)
    runs = run_streams(
        "bnn_affine",
        shape.parameters,
        {"s_axis": pack(x.reshape(beats, -1)[order], shape.lanes, shape.x[0])},
        {"m_axis": beats},
        files={"PARAMETERS_FILE": image(fields, field_bits)},
    )
    for run in runs:
        data = unpack(run.outputs["m_axis"].data, shape.lanes, shape.y[0], bool(shape.y[1]))
        assert (data == expected.reshape(beats, -1)[order]).all(), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(beats))
    assert runs[0].outputs["m_axis"].taken == [t + shape.latency for t in range(beats)]


def test_the_cases_saturate_at_both_ends_and_reach_between() -> None:
    for shape in CASES[:3]:
        rng = np.random.default_rng(shape.x[0] + 100 * shape.shift)
        op, _ = affine(shape, rng)
        channels = shape.folds * shape.lanes
        x = mixed(rng, *span(*shape.x), (120, channels))
        y = execute(op, [x], [Tensor((channels,), Integer(*shape.x))])
        assert (y == op.dtype.low).any() and (y == op.dtype.high).any()
        assert ((y > op.dtype.low) & (y < op.dtype.high)).any()
