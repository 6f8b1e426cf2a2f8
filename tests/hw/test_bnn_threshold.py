"""bnn_threshold: x >= T for every x and T, inverted where flagged."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image, tile_order
from runner import run_streams
from stream_beats import pack, unpack


@pytest.mark.parametrize(
    ("bits", "signed", "lanes", "folds", "hold"),
    [
        (8, 1, 3, 4, 1),
        (8, 0, 2, 1, 1),
        (1, 0, 4, 3, 1),
        (1, 1, 1, 2, 4),
        (17, 1, 2, 5, 6),
        (5, 1, 2, 1, 3),
    ],
)
def test_compares_exactly(bits: int, signed: int, lanes: int, folds: int, hold: int) -> None:
    rng = np.random.default_rng(bits)
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits) - 1
    # Up to one beyond what x reaches, so that a channel can be constant.
    thresholds = rng.integers(-(1 << bits), 1 << bits, (folds, lanes))
    thresholds.reshape(-1)[:3] = [low, min(high + 1, (1 << bits) - 1), (low + high) // 2][
        : thresholds.size
    ]
    flips = rng.integers(0, 2, (folds, lanes))
    x = rng.integers(low, high + 1, (60, folds, lanes))
    x[:20] = np.clip(thresholds + rng.integers(-1, 2, (20, folds, lanes)), low, high)
    x[20], x[21] = low, high
    order = tile_order(60, folds, hold)
    fields = (flips << (bits + 1)) | (thresholds & ((1 << (bits + 1)) - 1))
    runs = run_streams(
        "bnn_threshold",
        {"IN_BITS": bits, "IN_SIGNED": signed, "LANES": lanes, "FOLDS": folds, "HOLD": hold},
        {"s_axis": pack(x.reshape(-1, lanes)[order], lanes, bits)},
        {"m_axis": 60 * folds},
        files={"THRESHOLDS_FILE": image(fields, bits + 2)},
    )
    expected = ((x >= thresholds) ^ flips).reshape(-1, lanes)[order]
    for run in runs:
        assert (unpack(run.outputs["m_axis"].data, lanes, 1) == expected).all(), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(60 * folds))
    assert runs[0].outputs["m_axis"].taken == list(range(2, 60 * folds + 2))
