"""bnn_window: gives every window in order, in exactly the cycles that its contract states."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from runner import PATTERNS, run_streams
from stream_beats import pack
from window_model import WindowShape, WindowTiming

#: Shape, ELEM_BITS, SIMD, REPEATS, CHANNEL_OUTER, PAD_VALUE, beats of DEPTH over the minimum (None:
#: as many as it takes not to stall), RAM_STYLE.
CONFIGS: dict[str, tuple[WindowShape, int, int, int, int, int, int | None, int]] = {
    "3x3": (WindowShape(8, 5, 6, pads=(1, 1, 1, 1)), 1, 8, 1, 0, 0, None, 1),
    "3x3 no padding": (WindowShape(8, 6, 5), 1, 4, 1, 0, 0, None, 0),
    "3x3 minimal depth": (WindowShape(8, 5, 6, pads=(1, 1, 1, 1)), 1, 8, 1, 0, 1, 0, 2),
    "3x3 stride 2 repeated": (WindowShape(6, 7, 6, stride=(2, 2)), 2, 2, 4, 0, 0, None, 0),
    "1x1 as a buffer": (WindowShape(40, 1, 1, (1, 1)), 1, 4, 4, 0, 0, None, 0),
    "1x1 stride 3": (WindowShape(4, 7, 8, (1, 1), (3, 3)), 3, 2, 1, 0, 0, 0, 0),
    "5x5 asymmetric": (WindowShape(2, 9, 7, (5, 5), (3, 2), (2, 0, 1, 3)), 4, 1, 1, 0, 9, 11, 0),
    "7x7, small image": (WindowShape(4, 3, 4, (7, 7), pads=(3, 3, 3, 3)), 1, 2, 2, 0, 1, 5, 0),
    "3x3 padding 3": (WindowShape(4, 4, 3, pads=(3, 3, 3, 3)), 2, 2, 2, 0, 1, None, 0),
    "3x3 padding 3, stride 2": (
        WindowShape(2, 5, 4, (3, 3), (2, 2), (3, 3, 3, 3)),
        1,
        1,
        1,
        0,
        0,
        0,
        0,
    ),
    "2x2 padding 2 at the end": (
        WindowShape(4, 3, 3, (2, 2), (1, 1), (0, 2, 0, 2)),
        1,
        2,
        1,
        0,
        0,
        0,
        0,
    ),
    "3x1 padding 1": (WindowShape(4, 4, 3, (3, 1), pads=(1, 1, 1, 1)), 1, 1, 2, 0, 0, 0, 2),
    "1x1 padding 1": (WindowShape(4, 3, 3, (1, 1), pads=(1, 1, 1, 1)), 1, 2, 1, 0, 1, 0, 0),
    "1x1 padding 1 repeated": (
        WindowShape(4, 3, 2, (1, 1), pads=(0, 1, 1, 0)),
        1,
        2,
        3,
        0,
        1,
        3,
        0,
    ),
    "2x3 pool": (WindowShape(6, 8, 7, (2, 3), (2, 1), (1, 1, 0, 2)), 3, 2, 1, 1, 5, 9, 0),
    "2x2 stride 3 pool": (WindowShape(3, 8, 11, (2, 2), (3, 3)), 1, 1, 1, 1, 0, 0, 0),
    "3x3 channel outer repeated": (WindowShape(4, 4, 4, pads=(1, 1, 1, 1)), 8, 2, 3, 1, 0, 2, 0),
    "3x3 in groups": (WindowShape(12, 5, 4, pads=(1, 1, 1, 1)), 1, 2, 2, 0, 0, None, 0),
    "3x3 stride 2, one channel a group": (
        WindowShape(4, 6, 7, stride=(2, 2), pads=(1, 0, 0, 1)),
        8,
        1,
        1,
        0,
        3,
        0,
        2,
    ),
    "1x1 in groups": (WindowShape(8, 3, 4, (1, 1)), 2, 2, 3, 0, 0, None, 0),
    "1x1 in groups, read once": (WindowShape(8, 3, 4, (1, 1), (2, 2)), 1, 2, 1, 0, 0, 0, 0),
}
#: GROUPS, where there are several.
GROUPS = {
    "3x3 in groups": 3,
    "3x3 stride 2, one channel a group": 4,
    "1x1 in groups": 2,
    "1x1 in groups, read once": 4,
}


@pytest.mark.parametrize("name", CONFIGS)
def test_gives_every_window_in_the_stated_cycles(name: str, other: int = 0) -> None:
    shape, bits, simd, repeats, outer, pad_value, slack, style = CONFIGS[name]
    folds = shape.channels // simd
    groups = GROUPS.get(name, 1)
    timing = WindowTiming(shape, folds, repeats, bool(outer), 0, groups)
    depth = timing.no_stall_depth if slack is None else timing.minimal_depth + slack
    timing = replace(timing, depth=depth)
    count = 4
    size = (count, shape.height, shape.width, shape.channels)
    frames = np.random.default_rng(7).integers(0, 1 << bits, size)

    def serial(windows: np.ndarray) -> np.ndarray:
        """(frame, y, x, ky, kx, channel) to (beat, lane)."""
        split = windows.reshape(*windows.shape[:5], groups, folds // groups, simd)
        split = split.transpose(0, 1, 2, 5, *((6, 3, 4) if outer else (3, 4, 6)), 7)
        flat = split.reshape(count * shape.out_h * shape.out_w * groups, -1, simd)
        return np.repeat(flat[:, None], repeats, axis=1).reshape(-1, simd)

    expected = pack(serial(shape.windows(frames, pad_value)), simd, bits)
    user = serial(shape.windows(np.zeros_like(frames), 1))[:, 0].tolist()
    # The padding before the first element of a fifth frame goes out without waiting for it.
    early = user.index(0)
    expected += expected[:early]
    user += user[:early]
    runs = run_streams(
        "bnn_window",
        {
            "ELEM_BITS": bits,
            **shape.parameters(),
            "SIMD": simd,
            "REPEATS": repeats,
            "GROUPS": groups,
            "CHANNEL_OUTER": outer,
            "PAD_VALUE": pad_value,
            "DEPTH": timing.depth,
            "RAM_STYLE": other or style,
        },
        {"s_axis": pack(frames, simd, bits)},
        {"m_axis": len(expected)},
        patterns=PATTERNS,
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected
        assert run.outputs["m_axis"].user == user
    taken, given = timing.cycles(count)
    assert runs[0].inputs["s_axis"] == taken
    assert runs[0].outputs["m_axis"].taken[: len(given)] == given
    if slack is None:
        frame = len(given) // count
        assert given[-1] - given[-1 - frame] == frame  # a beat in every cycle


def test_no_stall_depth_is_the_least_depth_without_stalls() -> None:
    rng = random.Random(5)
    tried = 0
    while tried < 60:
        kernel = (rng.randint(1, 5), rng.randint(1, 5))
        tall, wide = kernel
        pads = tuple(rng.randint(0, size) for size in (tall, tall, wide, wide))
        shape = WindowShape(1, rng.randint(1, 9), rng.randint(1, 9), kernel,
                            (rng.randint(1, 3), rng.randint(1, 3)), pads)  # fmt: skip
        if shape.out_h < 1 or shape.out_w < 1:
            continue
        timing = WindowTiming(shape, rng.randint(1, 2), rng.randint(1, 3), False, 0)
        if len(timing.reads) < shape.pixels * timing.folds:
            continue
        tried += 1
        depth = timing.no_stall_depth
        assert replace(timing, depth=depth).stalls() == 0, timing
        if depth > timing.minimal_depth:
            assert replace(timing, depth=depth - 1).stalls() > 0, timing
