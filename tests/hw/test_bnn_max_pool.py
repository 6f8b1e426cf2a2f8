"""bnn_max_pool: exact maxima and minima, borders dropped, no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image
from runner import run_streams
from stream_beats import pack, unpack

FRAMES = 3
CASES = [
    # channels (of a tile), lanes, height, width, pool_h, pool_w, tiles
    (8, 8, 4, 4, 2, 2, 1),
    (12, 3, 5, 7, 2, 3, 1),
    (6, 1, 3, 5, 3, 1, 1),
    (4, 2, 4, 5, 1, 2, 1),
    (5, 5, 3, 1, 1, 1, 1),
    (3, 3, 1, 9, 1, 4, 1),
    (4, 4, 5, 4, 2, 2, 3),
    (2, 2, 3, 3, 3, 3, 2),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools_exactly_and_loses_no_cycle(case: tuple[int, ...]) -> None:
    channels, lanes, height, width, pool_h, pool_w, tiles = case
    rng = np.random.default_rng(channels)
    images = FRAMES * tiles
    x = (rng.random((images, height, width, channels)) < rng.random(channels)).astype(np.int64)
    is_min = rng.integers(0, 2, (tiles, channels))
    out_h, out_w = height // pool_h, width // pool_w
    pools = x[:, : out_h * pool_h, : out_w * pool_w].reshape(
        images, out_h, pool_h, out_w, pool_w, channels
    )
    takes_min = np.tile(is_min, (FRAMES, 1))[:, None, None]
    expected = np.where(takes_min, pools.min(axis=(2, 4)), pools.max(axis=(2, 4)))
    folds = channels // lanes
    runs = run_streams(
        "bnn_max_pool",
        {
            "CHANNELS": channels, "LANES": lanes, "HEIGHT": height, "WIDTH": width,
            "POOL_H": pool_h, "POOL_W": pool_w, "TILES": tiles,
        },
        {"s_axis": pack(x, lanes, 1)},
        {"m_axis": images * out_h * out_w * folds},
        files={"MIN_FILE": image(is_min.reshape(-1, lanes), 1)},
    )  # fmt: skip
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, 1).reshape(expected.shape)
        assert (got == expected).all(), run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(images * height * width * folds))
    last = np.arange(len(taken)).reshape(images, height, width, folds)[
        :, pool_h - 1 : out_h * pool_h : pool_h, pool_w - 1 : out_w * pool_w : pool_w
    ]
    assert runs[0].outputs["m_axis"].taken == (last.reshape(-1) + 1).tolist()
