"""bnn_pe_array: exact dot products, borders included, at one input beat per cycle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from compute import image, wrap
from runner import PATTERNS, Run, run_streams
from stream_beats import pack, unpack


@dataclass(frozen=True)
class Shape:
    """Parameters of a binary or integer PE array and the frames to run."""

    pe: int
    simd: int
    folds: int = 1
    tiles: int = 1
    acc_bits: int = 16
    acc_shift: int = 0
    binary_out: int = 0
    out: tuple[int, int] = (1, 1)
    border: tuple[int, int, int, int] = (0, 0, 0, 0)
    frames: int = 3
    styles: tuple[int, int] = (0, 0)

    @property
    def parameters(self) -> dict[str, int | str]:
        top, bottom, left, right = self.border
        return {
            "PE": self.pe, "SIMD": self.simd, "FOLDS": self.folds, "TILES": self.tiles,
            "ACC_BITS": self.acc_bits, "ACC_SHIFT": self.acc_shift,
            "BINARY_OUT": self.binary_out, "OUT_H": self.out[0], "OUT_W": self.out[1],
            "BORDER_TOP": top, "BORDER_BOTTOM": bottom,
            "BORDER_LEFT": left, "BORDER_RIGHT": right,
            "WEIGHTS_STYLE": self.styles[0], "INIT_STYLE": self.styles[1],
        }  # fmt: skip

    @property
    def patterns(self) -> int:
        top, bottom, left, right = self.border
        return (top + 1 + bottom) * (left + 1 + right)

    def pattern_of(self, y: int, x: int) -> int:
        """The contract's border class, word for word."""
        top, bottom, left, right = self.border
        height, width = self.out

        def border_class(at: int, before: int, after: int, size: int) -> int:
            if at < before:
                return at
            if at >= size - after:
                return before + 1 + (at - (size - after))
            return before

        row = border_class(y, top, bottom, height)
        return row * (left + 1 + right) + border_class(x, left, right, width)


def operands(
    shape: Shape, rng: np.random.Generator, low: int, high: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Windows (frames, pixels, K), weights (C, K), init (patterns, C) and the init per pixel."""
    pixels = shape.out[0] * shape.out[1]
    k = shape.folds * shape.simd
    channels = shape.tiles * shape.pe
    x = rng.integers(low, high, (shape.frames, pixels, k))
    x[0, 0] = high - 1
    x[-1, -1] = low
    weights = rng.integers(0, 2, (channels, k))
    weights[0] = 1
    weights[-1] = 0
    half = 1 << (shape.acc_bits - 2)
    init = rng.integers(-half, half, (shape.patterns, channels))
    order = [shape.pattern_of(y, x) for y in range(shape.out[0]) for x in range(shape.out[1])]
    return x, weights, init, init[order]


def run_array(
    unit: str,
    shape: Shape,
    x: np.ndarray,
    weights: np.ndarray,
    init: np.ndarray,
    bits: int = 1,
    extra: dict[str, int | str] | None = None,
) -> list[Run]:
    frames, pixels, _ = x.shape
    beats = np.repeat(x.reshape(frames, pixels, 1, shape.folds * shape.simd), shape.tiles, axis=2)
    rows = weights.reshape(shape.tiles, shape.pe, shape.folds, shape.simd)
    words = rows.transpose(0, 2, 1, 3).reshape(-1, shape.pe * shape.simd)
    return run_streams(
        unit,
        {**shape.parameters, **(extra or {})},
        {"s_axis": pack(beats, shape.simd, bits)},
        {"m_axis": frames * pixels * shape.tiles},
        patterns=PATTERNS,
        files={
            "WEIGHTS_FILE": image(words, 1),
            "INIT_FILE": image(init.reshape(-1, shape.pe), shape.acc_bits),
        },
    )


def check(shape: Shape, runs: list[Run], acc: np.ndarray, latency: int) -> None:
    """All patterns give ``acc``; at full speed no cycle is lost and the latency is exact."""
    expected = acc.reshape(-1, shape.pe)
    assert (expected == wrap(expected, shape.acc_bits)).all()
    for run in runs:
        data = run.outputs["m_axis"].data
        if shape.binary_out:
            assert (unpack(data, shape.pe, 1) == (expected >= 0)).all(), run.pattern
        else:
            assert (unpack(data, shape.pe, shape.acc_bits, True) == expected).all(), run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(len(taken)))
    assert runs[0].outputs["m_axis"].taken == [
        t + latency for t in taken[shape.folds - 1 :: shape.folds]
    ]


def level(simd: int) -> int:
    return max(0, (simd - 1).bit_length() - 2)


def check_binary(shape: Shape) -> None:
    rng = np.random.default_rng(shape.simd)
    x, weights, init, init_of = operands(shape, rng, 0, 2)
    count = (x[:, :, None, :] == weights).sum(axis=-1)
    runs = run_array("bnn_pe_array", shape, x, weights, init)
    check(shape, runs, init_of + (count << shape.acc_shift), 3 + level(shape.simd) // 2)


@pytest.mark.parametrize("simd", [1, 2, 4, 36, 64, 72])
def test_counts_agreements_for_any_simd(simd: int) -> None:
    check_binary(Shape(pe=3 if simd < 64 else 2, simd=simd, folds=3, tiles=2, frames=5))


BASE = Shape(pe=4, simd=5, folds=2, tiles=3, out=(5, 4), border=(1, 1, 1, 1))


@pytest.mark.parametrize(
    "shape",
    [
        BASE,
        replace(BASE, acc_shift=3, styles=(2, 1)),
        replace(BASE, acc_shift=1, binary_out=1, acc_bits=7, folds=1, tiles=4, pe=1),
        replace(BASE, pe=1, tiles=1, out=(7, 3), border=(3, 2, 0, 1), styles=(1, 2)),
        replace(BASE, out=(2, 4), border=(1, 1, 2, 2), tiles=1, folds=1),
        replace(BASE, out=(3, 1), border=(1, 2, 1, 0), binary_out=1),
        replace(BASE, border=(0, 0, 0, 0), folds=1, tiles=1, frames=8),
    ],
    ids=str,
)
def test_takes_back_what_padding_adds_and_loses_no_cycle(shape: Shape) -> None:
    check_binary(shape)
