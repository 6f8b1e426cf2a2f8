"""bnn_int_pool: exact maxima and sums, borders dropped, no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import run_streams
from stream_beats import pack, unpack

FRAMES = 3
CASES = [
    # operation, bits, signed, channels, lanes, height, width, pool_h, pool_w
    (0, 8, 1, 8, 8, 4, 4, 2, 2),
    (0, 5, 0, 12, 3, 5, 7, 2, 3),
    (0, 7, 1, 5, 5, 3, 1, 1, 1),
    (0, 1, 0, 3, 3, 1, 9, 1, 4),
    (1, 8, 1, 6, 2, 4, 6, 2, 2),
    (1, 12, 0, 4, 2, 4, 5, 1, 2),
    (1, 9, 1, 15, 3, 3, 3, 3, 3),  # global
    (1, 3, 1, 4, 4, 7, 5, 4, 3),
]


def pooled(x: np.ndarray, operation: int, pool: tuple[int, int]) -> np.ndarray:
    """Returns the pool of frames (frame, row, column, channel)."""
    frames, height, width, channels = x.shape
    out_h, out_w = height // pool[0], width // pool[1]
    tiles = x[:, : out_h * pool[0], : out_w * pool[1]].reshape(
        frames, out_h, pool[0], out_w, pool[1], channels
    )
    return tiles.sum(axis=(2, 4)) if operation else tiles.max(axis=(2, 4))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools_exactly_and_loses_no_cycle(case: tuple[int, ...]) -> None:
    operation, bits, signed, channels, lanes, height, width, pool_h, pool_w = case
    rng = np.random.default_rng(channels)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = rng.integers(low, high + 1, (FRAMES, height, width, channels))
    x[1, ..., 0::2], x[1, ..., 1::2] = low, high  # the extreme results, one frame after another
    extra = (pool_h * pool_w - 1).bit_length() if operation else 0
    expected = pooled(x, operation, (pool_h, pool_w))
    out_h, out_w = expected.shape[1:3]
    folds = channels // lanes
    runs = run_streams(
        "bnn_int_pool",
        {
            "OPERATION": operation, "ELEM_BITS": bits, "SIGNED": signed, "OUT_BITS": bits + extra,
            "CHANNELS": channels, "LANES": lanes, "HEIGHT": height, "WIDTH": width,
            "POOL_H": pool_h, "POOL_W": pool_w,
        },
        {"s_axis": pack(x, lanes, bits)},
        {"m_axis": FRAMES * out_h * out_w * folds},
    )  # fmt: skip
    for run in runs:
        beats = run.outputs["m_axis"].data
        got = unpack(beats, lanes, bits + extra, bool(signed)).reshape(expected.shape)
        assert (got == expected).all(), run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(FRAMES * height * width * folds))
    last = np.arange(len(taken)).reshape(FRAMES, height, width, folds)[
        :, pool_h - 1 : out_h * pool_h : pool_h, pool_w - 1 : out_w * pool_w : pool_w
    ]
    assert runs[0].outputs["m_axis"].taken == (last.reshape(-1) + 1).tolist()
