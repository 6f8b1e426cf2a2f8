"""bnn_int_pool_reduce: exact maxima and sums of the taps that are not padding."""

from __future__ import annotations

import numpy as np
import pytest

from runner import run_streams
from stream_beats import pack, unpack

CASES = [
    # operation, bits, signed, lanes, folds, taps
    (0, 8, 1, 4, 3, 9),
    (0, 8, 0, 3, 1, 9),
    (0, 1, 1, 2, 1, 4),  # one signed bit: -1 or 0
    (0, 12, 1, 7, 2, 1),
    (1, 8, 1, 4, 3, 9),
    (1, 10, 0, 1, 1, 4),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reduces_taps_and_ignores_padding(case: tuple[int, ...]) -> None:
    operation, bits, signed, lanes, folds, taps = case
    rng = np.random.default_rng(taps)
    windows = 24
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = rng.integers(low, high + 1, (windows, folds, taps, lanes))
    x[2], x[3] = low, high
    padded = rng.random((windows, folds, taps)) < rng.random((windows, 1, 1))
    padded[0], padded[1:4] = True, False
    count = (~padded).sum(axis=2)[..., None]
    if operation:
        expected = np.where(padded[..., None], 0, x).sum(axis=2)
    else:
        expected = np.where(padded[..., None], low, x).max(axis=2)
        expected = np.where(count == 0, 0, expected)
    extra = (taps - 1).bit_length() if operation else 0
    runs = run_streams(
        "bnn_int_pool_reduce",
        {
            "OPERATION": operation, "ELEM_BITS": bits, "SIGNED": signed, "OUT_BITS": bits + extra,
            "LANES": lanes, "FOLDS": folds, "TAPS": taps,
        },
        {
            "s_axis": {
                "tdata": pack(x, lanes, bits),
                "tuser": [int(p) for p in padded.reshape(-1)],
            }
        },
        {"m_axis": windows * folds},
    )  # fmt: skip
    for run in runs:
        beats = run.outputs["m_axis"].data
        got = unpack(beats, lanes, bits + extra, bool(signed)).reshape(expected.shape)
        assert (got == expected).all(), run.pattern
    total = windows * folds * taps
    assert runs[0].inputs["s_axis"] == list(range(total))
    assert runs[0].outputs["m_axis"].taken == list(range(taps, total + 1, taps))
