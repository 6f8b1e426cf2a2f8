"""bnn_max_pool: exact maxima and minima, borders dropped, no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image
from runner import run_streams
from stream_beats import pack, unpack

FRAMES = 3
CASES = [
    # channels, lanes, height, width, pool_h, pool_w
    (8, 8, 4, 4, 2, 2),
    (12, 3, 5, 7, 2, 3),
    (6, 1, 3, 5, 3, 1),
    (4, 2, 4, 5, 1, 2),
    (5, 5, 3, 1, 1, 1),
    (3, 3, 1, 9, 1, 4),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools_exactly_and_loses_no_cycle(case: tuple[int, ...]) -> None:
    channels, lanes, height, width, pool_h, pool_w = case
    rng = np.random.default_rng(channels)
    x = (rng.random((FRAMES, height, width, channels)) < rng.random(channels)).astype(np.int64)
    is_min = rng.integers(0, 2, channels)
    out_h, out_w = height // pool_h, width // pool_w
    tiles = x[:, : out_h * pool_h, : out_w * pool_w].reshape(
        FRAMES, out_h, pool_h, out_w, pool_w, channels
    )
    expected = np.where(is_min, tiles.min(axis=(2, 4)), tiles.max(axis=(2, 4)))
    folds = channels // lanes
    runs = run_streams(
        "bnn_max_pool",
        {
            "CHANNELS": channels, "LANES": lanes, "HEIGHT": height, "WIDTH": width,
            "POOL_H": pool_h, "POOL_W": pool_w,
        },
        {"s_axis": pack(x, lanes, 1)},
        {"m_axis": FRAMES * out_h * out_w * folds},
        files={"MIN_FILE": image(is_min.reshape(folds, lanes), 1)},
    )  # fmt: skip
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, 1).reshape(expected.shape)
        assert (got == expected).all(), run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(FRAMES * height * width * folds))
    last = np.arange(len(taken)).reshape(FRAMES, height, width, folds)[
        :, pool_h - 1 : out_h * pool_h : pool_h, pool_w - 1 : out_w * pool_w : pool_w
    ]
    assert runs[0].outputs["m_axis"].taken == (last.reshape(-1) + 1).tolist()
