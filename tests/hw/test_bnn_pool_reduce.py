"""bnn_pool_reduce: exact maxima and minima of the taps that are not padding."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image
from runner import run_streams
from stream_beats import pack, unpack


@pytest.mark.parametrize(
    ("lanes", "folds", "taps", "hold"),
    [(4, 3, 9, 1), (1, 1, 4, 1), (7, 2, 1, 1), (9, 1, 6, 1), (3, 4, 2, 5)],
)
def test_reduces_taps_and_ignores_padding(lanes: int, folds: int, taps: int, hold: int) -> None:
    """Windows of ``hold`` pixels come for one fold, then for the next."""
    rng = np.random.default_rng(taps)
    windows = 40
    x = (rng.random((windows, folds, taps, lanes)) < rng.random(lanes)).astype(np.int64)
    padded = rng.random((windows, folds, taps)) < rng.random((windows, 1, 1))
    padded[0], padded[1] = True, False
    is_min = rng.integers(0, 2, (folds, lanes))
    word = np.arange(windows * folds).reshape(windows, folds) // hold % folds
    takes_min = is_min[word]
    kept = np.where(padded[..., None], takes_min[:, :, None], x)
    expected = np.where(takes_min, kept.min(axis=2), kept.max(axis=2))
    runs = run_streams(
        "bnn_pool_reduce",
        {"LANES": lanes, "FOLDS": folds, "TAPS": taps, "HOLD": hold},
        {
            "s_axis": {
                "tdata": pack(x, lanes, 1),
                "tuser": [int(p) for p in padded.reshape(-1)],
            }
        },
        {"m_axis": windows * folds},
        files={"MIN_FILE": image(is_min, 1)},
    )
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, 1).reshape(expected.shape)
        assert (got == expected).all(), run.pattern
    count = windows * folds * taps
    assert runs[0].inputs["s_axis"] == list(range(count))
    assert runs[0].outputs["m_axis"].taken == list(range(taps, count + 1, taps))
