"""bnn_stream_mac_pe_array: exact sums of products with weights that come along, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from compute import image
from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack

FRAMES = 3
LUT, DSP, PAIR = 1, 2, 3


@dataclass(frozen=True)
class Shape:
    """Parameters of the array."""

    pe: int
    simd: int
    folds: int
    tiles: int
    pixels: int
    in_bits: int = 8
    in_signed: int = 0
    weight_bits: int = 8
    acc_bits: int = 24
    init_style: int = 0
    multiply_style: int = PAIR

    @property
    def parameters(self) -> dict[str, int]:
        return {name.upper(): value for name, value in vars(self).items()}


BASE = Shape(2, 4, 3, 4, 5)


@pytest.mark.parametrize(
    "shape",
    [
        BASE,
        replace(BASE, folds=1, pixels=1, multiply_style=DSP, in_signed=1, init_style=2),
        replace(BASE, pe=3, simd=5, tiles=1, multiply_style=LUT, weight_bits=5),
        replace(BASE, simd=1, folds=8, pixels=1, tiles=6, in_signed=1),  # a classifier
    ],
    ids=str,
)
def test_sums_exactly_tile_by_tile_and_loses_no_cycle(shape: Shape) -> None:
    rng = np.random.default_rng(shape.simd)
    pe, simd, folds, tiles, pixels = shape.pe, shape.simd, shape.folds, shape.tiles, shape.pixels
    half = 1 << (shape.in_bits - 1)
    low, high = (-half, half - 1) if shape.in_signed else (0, 2 * half - 1)
    least = -(1 << (shape.weight_bits - 1))
    x = rng.integers(low, high + 1, (FRAMES, 1, pixels, folds, 1, simd))
    weights = rng.integers(least, -least, (1, tiles, 1, folds, pe, simd))
    x[0], weights[:, 0] = low, least
    x[1] = high
    x[2, :, 0, 0] = 0  # a padded tap
    init = rng.integers(-(1 << 20), 1 << 20, (tiles, pe))
    acc = init[None, :, None] + (x * weights).sum(axis=(3, 5))
    assert np.abs(acc).max() < 1 << (shape.acc_bits - 1)
    size = (FRAMES, tiles, pixels, folds)
    beats = pack(np.broadcast_to(x, (*size, 1, simd)), simd, shape.in_bits)
    runs = run_streams(
        "bnn_stream_mac_pe_array",
        shape.parameters,
        {
            "s_axis": {"tdata": beats, "tuser": [int(beat == 0) for beat in beats]},
            "w_axis": pack(
                np.broadcast_to(weights, (*size, pe, simd)), pe * simd, shape.weight_bits
            ),
        },
        {"m_axis": FRAMES * tiles * pixels},
        patterns=(*PATTERNS, Pattern("half", "always", 7)),
        files={"INIT_FILE": image(init, shape.acc_bits)},
    )
    expected = acc.reshape(-1, pe)
    for run in runs:
        data = run.outputs["m_axis"].data
        assert (unpack(data, pe, shape.acc_bits, True) == expected).all(), run.pattern
        assert run.inputs["s_axis"] == run.inputs["w_axis"], run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(len(taken)))
    multiply = 3 + -(-shape.weight_bits // 4) if shape.multiply_style == LUT else 5
    latency = (simd - 1).bit_length() + multiply
    assert runs[0].outputs["m_axis"].taken == [t + latency for t in taken[folds - 1 :: folds]]
