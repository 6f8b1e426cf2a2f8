"""bnn_select: b where a reaches its channel's threshold, else a; inverted where flagged."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image, tile_order
from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack

CASES = [
    # a_bits, b_bits, factors, lanes, folds, hold
    (8, 10, (2, 1), 3, 4, 1),
    (12, 12, (1, 1), 1, 1, 1),
    (1, 2, (1, 3), 2, 3, 4),
    (9, 5, (5, 6), 4, 2, 6),
]


@pytest.mark.parametrize(("a_bits", "b_bits", "factors", "lanes", "folds", "hold"), CASES)
def test_chooses_exactly(
    a_bits: int, b_bits: int, factors: tuple[int, int], lanes: int, folds: int, hold: int
) -> None:
    rng = np.random.default_rng(a_bits)
    low, high = -(1 << (a_bits - 1)), (1 << (a_bits - 1)) - 1
    thresholds = rng.integers(low, high + 1, (folds, lanes))
    flips = rng.integers(0, 2, (folds, lanes))
    a = rng.integers(low, high + 1, (60, folds, lanes))
    a[:20] = np.clip(thresholds + rng.integers(-1, 2, (20, folds, lanes)), low, high)
    a[20], a[21] = low, high
    b = rng.integers(-(1 << (b_bits - 1)), 1 << (b_bits - 1), a.shape)
    out_bits = max(bits + factor.bit_length()
                   for bits, factor in zip((a_bits, b_bits), factors, strict=True))  # fmt: skip
    chosen = (a >= thresholds) ^ flips.astype(bool)
    order = tile_order(60, folds, hold)
    expected = np.where(chosen, factors[1] * b, factors[0] * a).reshape(-1, lanes)[order]
    fields = (flips << (a_bits + 1)) | (thresholds & ((1 << (a_bits + 1)) - 1))
    runs = run_streams(
        "bnn_select",
        {"A_BITS": a_bits, "B_BITS": b_bits, "OUT_BITS": out_bits, "A_FACTOR": factors[0],
         "B_FACTOR": factors[1], "LANES": lanes, "FOLDS": folds, "HOLD": hold},
        {"s0_axis": pack(a.reshape(-1, lanes)[order], lanes, a_bits),
         "s1_axis": pack(b.reshape(-1, lanes)[order], lanes, b_bits)},
        {"m_axis": 60 * folds},
        patterns=(*PATTERNS, Pattern("half", "always", 7), Pattern("bursts", "half", 8)),
        files={"THRESHOLDS_FILE": image(fields, a_bits + 2)},
    )  # fmt: skip
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, out_bits, signed=True)
        assert (got == expected).all(), run.pattern
        assert run.inputs["s0_axis"] == run.inputs["s1_axis"], run.pattern
    assert runs[0].inputs["s0_axis"] == list(range(60 * folds))
    assert runs[0].outputs["m_axis"].taken == list(range(2, 60 * folds + 2))
