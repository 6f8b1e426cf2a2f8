"""bnn_channel_sum: exact sums of all channels of each pixel; no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack

CASES = [
    # bits, signed, lanes, folds, out bits
    (8, False, 4, 4, 12),
    (8, True, 1, 5, 12),
    (6, False, 3, 1, 8),
    (5, True, 6, 3, 16),
    (1, False, 8, 2, 5),
    (7, False, 1, 1, 7),
]


@pytest.mark.parametrize(("bits", "signed", "lanes", "folds", "out_bits"), CASES)
def test_adds_up_the_channels_of_each_pixel(
    bits: int, signed: bool, lanes: int, folds: int, out_bits: int
) -> None:
    rng = np.random.default_rng(bits * 100 + lanes)
    pixels = 40
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = rng.integers(low, high + 1, (pixels, folds * lanes))
    x[0], x[1] = low, high
    runs = run_streams(
        "bnn_channel_sum",
        {
            "IN_BITS": bits,
            "IN_SIGNED": int(signed),
            "OUT_BITS": out_bits,
            "LANES": lanes,
            "FOLDS": folds,
        },
        {"s_axis": pack(x, lanes, bits)},
        {"m_axis": pixels},
        patterns=(*PATTERNS, Pattern("half", "always", 7), Pattern("bursts", "half", 8)),
    )
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, 1, out_bits, signed=signed)
        assert (got.ravel() == x.sum(axis=1)).all(), run.pattern
    latency = (lanes - 1).bit_length() + 1
    assert runs[0].inputs["s_axis"] == list(range(pixels * folds))
    ends = [pixel * folds + folds - 1 + latency for pixel in range(pixels)]
    assert runs[0].outputs["m_axis"].taken == ends
