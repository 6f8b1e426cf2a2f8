"""bnn_stream_pe_array: exact dot products with weights that come along, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from compute import image, wrap
from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack
from test_bnn_pe_array import level

FRAMES = 3


@dataclass(frozen=True)
class Shape:
    """Parameters of the array."""

    pe: int
    simd: int
    folds: int
    tiles: int
    pixels: int
    acc_bits: int = 14
    acc_shift: int = 0
    binary_out: int = 0
    pad_half: int = 1
    init_style: int = 0

    @property
    def parameters(self) -> dict[str, int]:
        return {name.upper(): value for name, value in vars(self).items()}


BASE = Shape(2, 8, 3, 4, 5)


@pytest.mark.parametrize(
    "shape",
    [
        BASE,
        replace(BASE, folds=1, acc_shift=2, init_style=2),  # an initial value in every cycle
        replace(BASE, pe=3, simd=5, folds=2, tiles=1, pad_half=0, binary_out=1),
        replace(BASE, pe=1, simd=36, folds=2, pixels=1, acc_shift=1, binary_out=1),
        replace(BASE, pe=1, simd=64, pixels=3, init_style=1),
    ],
    ids=str,
)
def test_counts_agreements_tile_by_tile_and_loses_no_cycle(shape: Shape) -> None:
    rng = np.random.default_rng(shape.simd)
    pe, simd, folds, tiles, pixels = shape.pe, shape.simd, shape.folds, shape.tiles, shape.pixels
    x = rng.integers(0, 2, (FRAMES, 1, pixels, folds, 1, simd))
    weights = rng.integers(0, 2, (1, tiles, 1, folds, pe, simd))
    padded = rng.random((FRAMES, 1, pixels, folds, 1)) < 0.3
    x[padded] = 0
    init = rng.integers(-(1 << 10), 1 << 10, (tiles, pe))
    counts = (x == weights).sum(axis=-1)
    if shape.pad_half:
        counts = np.where(padded, simd // 2, counts)
    acc = init[None, :, None] + (counts.sum(axis=3) << shape.acc_shift)
    assert (acc == wrap(acc, shape.acc_bits)).all()
    size = (FRAMES, tiles, pixels, folds)
    runs = run_streams(
        "bnn_stream_pe_array",
        shape.parameters,
        {
            "s_axis": {
                "tdata": pack(np.broadcast_to(x, (*size, 1, simd)), simd, 1),
                "tuser": np.broadcast_to(padded, (*size, 1)).astype(int).reshape(-1).tolist(),
            },
            "w_axis": pack(np.broadcast_to(weights, (*size, pe, simd)), pe * simd, 1),
        },
        {"m_axis": FRAMES * tiles * pixels},
        patterns=(*PATTERNS, Pattern("half", "always", 7)),
        files={"INIT_FILE": image(init, shape.acc_bits)},
    )
    expected = acc.reshape(-1, pe)
    for run in runs:
        data = run.outputs["m_axis"].data
        if shape.binary_out:
            assert (unpack(data, pe, 1) == (expected >= 0)).all(), run.pattern
        else:
            assert (unpack(data, pe, shape.acc_bits, True) == expected).all(), run.pattern
        assert run.inputs["s_axis"] == run.inputs["w_axis"], run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(len(taken)))
    latency = 3 + level(simd) // 2
    assert runs[0].outputs["m_axis"].taken == [t + latency for t in taken[folds - 1 :: folds]]
