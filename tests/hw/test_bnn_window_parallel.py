"""bnn_window_parallel: gives every window in order, in exactly the cycles of its model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runner import PATTERNS, run_streams
from stream_beats import pack
from window_model import ParallelTiming, WindowShape

#: Shape, ELEM_BITS, SIMD, REPEATS, PAD_VALUE, whether LINES suffice for no stall, RAM_STYLE.
CONFIGS = {
    "3x3": (WindowShape(3, 6, 7, pads=(1, 1, 1, 1)), 8, 9, 1, 0, 0, 0),
    "3x3 one beat a window": (WindowShape(2, 5, 6, pads=(1, 1, 1, 1)), 1, 18, 1, 1, 0, 1),
    "3x3 no padding": (WindowShape(3, 7, 8), 8, 27, 1, 0, 0, 2),
    "5x5 no padding": (WindowShape(1, 8, 9, (5, 5)), 8, 5, 2, 0, 1, 0),
    "3x3 repeated": (WindowShape(1, 5, 5, pads=(1, 1, 1, 1)), 4, 3, 4, 7, 0, 0),
    "7x7 stride 2": (WindowShape(3, 9, 10, (7, 7), (2, 2), (3, 3, 3, 3)), 2, 49, 1, 1, 0, 0),
    "5x5 asymmetric": (WindowShape(1, 11, 10, (5, 5), (3, 3), (2, 4, 1, 0)), 8, 5, 1, 9, 0, 0),
    "5x5 over a small image": (WindowShape(2, 2, 3, (5, 5), pads=(2, 2, 2, 2)), 1, 10, 1, 0, 0, 0),
    "2x3 stride 1x2": (WindowShape(2, 4, 9, (2, 3), (1, 2), (1, 0, 0, 2)), 3, 12, 2, 2, 0, 0),
    "2x2 stride 3": (WindowShape(3, 8, 11, (2, 2), (3, 3)), 1, 1, 1, 0, 1, 0),
    "1x1": (WindowShape(6, 3, 4, (1, 1)), 1, 2, 3, 0, 0, 0),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_gives_every_window_in_the_stated_cycles(name: str, other: int = 0) -> None:
    shape, bits, simd, repeats, pad_value, enough, style = CONFIGS[name]
    count = 4
    size = (count, shape.height, shape.width, shape.channels)
    frames = np.random.default_rng(7).integers(0, 1 << bits, size)
    windows = shape.windows(frames, pad_value).reshape(count * shape.out_h * shape.out_w, 1, -1)
    folds = windows.shape[2] // simd
    expected = pack(np.repeat(windows, repeats, axis=1), simd, bits)
    timing = ParallelTiming(shape, folds * repeats, shape.kernel[0])
    if enough:
        timing = replace(timing, lines=timing.no_stall_lines)
    runs = run_streams(
        "bnn_window_parallel",
        {
            "ELEM_BITS": bits,
            **shape.parameters(),
            "SIMD": simd,
            "REPEATS": repeats,
            "PAD_VALUE": pad_value,
            "LINES": timing.lines,
            "RAM_STYLE": other or style,
        },
        {"s_axis": pack(frames, shape.channels, bits)},
        {"m_axis": len(expected)},
        patterns=PATTERNS,
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected
    taken, given = timing.cycles(count)
    assert runs[0].inputs["s_axis"] == taken
    assert runs[0].outputs["m_axis"].taken == given
    if enough:
        frame = len(given) // count
        assert given[-1] - given[-1 - frame] == timing.bound


@pytest.mark.parametrize("beats", [1, 2, 4, 9])
@pytest.mark.parametrize(
    "shape",
    [
        WindowShape(3, 16, 16, pads=(1, 1, 1, 1)),
        WindowShape(3, 16, 16),
        WindowShape(3, 32, 32, stride=(2, 2), pads=(1, 1, 1, 1)),
        WindowShape(3, 28, 28, (7, 7), (2, 2), (3, 3, 3, 3)),
        WindowShape(1, 28, 28, (5, 5)),
        WindowShape(3, 35, 35, (11, 11), (4, 4), (2, 2, 2, 2)),
        WindowShape(1, 30, 30, (3, 3), (3, 3)),
    ],
)
def test_a_frame_takes_the_stated_cycles(shape: WindowShape, beats: int) -> None:
    timing = ParallelTiming(shape, beats, 0)
    timing = replace(timing, lines=timing.no_stall_lines)
    _, given = timing.cycles(4)
    frame = len(given) // 4
    assert given[-1] - given[-1 - frame] == timing.bound
