"""bnn_frame_window: all windows of each frame, pass after pass, without a lost cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack
from window_model import WindowShape

FRAMES = 3


@dataclass(frozen=True)
class Case:
    """A shape and how it is folded."""

    shape: WindowShape
    simd: int
    lanes: int
    passes: int
    tile_major: int
    bits: int = 1
    pad_value: int = 0
    style: int = 0
    groups: int = 1

    def parameters(self) -> dict[str, int]:
        return {
            **self.shape.parameters(),
            "ELEM_BITS": self.bits,
            "SIMD": self.simd,
            "PASSES": self.passes,
            "GROUPS": self.groups,
            "IN_LANES": self.lanes,
            "TILE_MAJOR": self.tile_major,
            "PAD_VALUE": self.pad_value,
            "RAM_STYLE": self.style,
        }


SAME = (1, 1, 1, 1)
CASES = [
    Case(WindowShape(8, 3, 4, pads=SAME), 8, 8, 3, 0),
    Case(WindowShape(12, 3, 3, pads=SAME), 4, 2, 2, 1),
    Case(WindowShape(12, 3, 3, pads=SAME), 4, 2, 2, 0, 3, 5, 1),
    Case(WindowShape(6, 5, 4, (3, 2), (2, 2), (1, 0, 1, 0)), 6, 1, 2, 1),  # channel by channel
    Case(WindowShape(4, 5, 6, (3, 3), (2, 3), (0, 0, 0, 0)), 2, 2, 1, 0, 8, 0, 2),  # left over
    Case(WindowShape(4, 3, 2, (3, 2), (1, 1), (3, 3, 2, 2)), 2, 1, 2, 1),  # padded as wide as it is
    Case(WindowShape(10, 1, 1, (1, 1)), 5, 5, 4, 0),  # a fully connected layer
    Case(WindowShape(4, 3, 3, (1, 1), (2, 2)), 4, 2, 3, 1, 8),
    Case(WindowShape(3, 1, 1, (1, 1)), 3, 3, 1, 1),  # one beat per frame
    Case(WindowShape(12, 3, 4, pads=SAME), 2, 2, 6, 0, groups=3),
    Case(WindowShape(12, 4, 3, (3, 2), (2, 1), (1, 0, 1, 1)), 3, 1, 4, 1, 2, 1, groups=2),
    Case(WindowShape(4, 3, 3, (1, 1), (2, 2)), 1, 1, 4, 1, 8, groups=4),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plays_all_windows_once_a_pass(case: Case) -> None:
    shape = case.shape
    rng = np.random.default_rng(shape.channels)
    size = (FRAMES, shape.height, shape.width, shape.channels)
    frames = rng.integers(0, 1 << case.bits, size)
    order = frames
    if case.tile_major:
        order = frames.reshape(FRAMES, shape.pixels, -1, case.lanes).transpose(0, 2, 1, 3)
    beats = pack(order, case.lanes, case.bits)
    once = shape.windows(frames, case.pad_value)
    padded = shape.windows(np.zeros_like(frames), 1)

    def played(values: np.ndarray) -> np.ndarray:
        """(frame, group, pass, beat, lane)"""
        split = values.reshape(FRAMES, -1, case.groups, shape.channels // case.groups)
        each = split.transpose(0, 2, 1, 3).reshape(FRAMES, case.groups, 1, -1, case.simd)
        passes = case.passes // case.groups
        return np.broadcast_to(each, (FRAMES, case.groups, passes, *each.shape[3:]))

    expected = pack(played(once), case.simd, case.bits)
    user = played(padded)[..., 0].reshape(-1).tolist()
    runs = run_streams(
        "bnn_frame_window",
        case.parameters(),
        {"s_axis": beats},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("half", "always", 9)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected, run.pattern
        assert run.outputs["m_axis"].user == user, run.pattern
    taken, given = frame_cycles(len(beats) // FRAMES, len(expected) // FRAMES)
    assert runs[0].inputs["s_axis"] == taken
    assert runs[0].outputs["m_axis"].taken == given


def frame_cycles(beats_in: int, beats_out: int) -> tuple[list[int], list[int]]:
    """The cycles in which beats move, both sides always willing: two frames fit, reading begins
    in the cycle after a frame is in, and a frame's place is free in the cycle after its last
    read, which is one cycle before that beat goes out."""
    taken: list[int] = []
    given: list[int] = []
    free = [0, 0]  # when the place of the next frames is free
    read = 0
    for frame in range(FRAMES):
        begin = max(taken[-1] + 1 if taken else 0, free[frame % 2])
        taken += range(begin, begin + beats_in)
        read = max(read, begin + beats_in)
        given += range(read + 1, read + 1 + beats_out)
        read += beats_out
        free[frame % 2] = read
    return taken, given
