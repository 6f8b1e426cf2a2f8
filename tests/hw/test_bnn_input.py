"""bnn_input: unpacks bytes into elements, and makes whole frames of whatever packets come."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, run_streams
from stream_beats import pack

#: BYTES, ELEM_BITS, LANES, FRAME_ELEMS.
CONFIGS = [
    (8, 8, 3, 192),
    (1, 8, 1, 7),
    (4, 8, 3, 12),
    (8, 1, 64, 64),
    (1, 3, 1, 8),
    (2, 1, 5, 80),
    (1, 12, 2, 6),
]
ONE_FRAME = {"packet_frames_i": 1, "stop_i": 0}


def packed_bytes(elements: np.ndarray, bits: int, width: int) -> list[int]:
    """Elements packed without gaps, LSB first, as beats of ``width`` bytes."""
    whole = sum(int(e) << (i * bits) for i, e in enumerate(elements))
    count = len(elements) * bits // (8 * width)
    return [(whole >> (8 * width * i)) & ((1 << (8 * width)) - 1) for i in range(count)]


@pytest.mark.parametrize(("width", "bits", "lanes", "frame"), CONFIGS)
def test_unpacks_frames_without_error(width: int, bits: int, lanes: int, frame: int) -> None:
    count = 5
    elements = np.random.default_rng(3).integers(0, 1 << bits, (count, frame))
    beats = [b for f in elements for b in packed_bytes(f, bits, width)]
    size = len(beats) // count
    last = [int(i % size == size - 1) for i in range(len(beats))]
    expected = pack(elements, lanes, bits)
    runs = run_streams(
        "bnn_input",
        {"BYTES": width, "ELEM_BITS": bits, "LANES": lanes, "FRAME_ELEMS": frame},
        {"s_axis": {"tdata": beats, "tlast": last}},
        {"m_axis": len(expected)},
        patterns=PATTERNS,
        statics=ONE_FRAME,
        watch=["frame_o", "short_o", "long_o"],
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected
        assert run.watch["short_o"] == run.watch["long_o"] == [(0, 0)]
        ends = [t + 1 for t, is_last in zip(run.inputs["s_axis"], last, strict=True) if is_last]
        assert high(run.watch["frame_o"], run.cycles) == ends
    given, taken = runs[0].outputs["m_axis"].taken, runs[0].inputs["s_axis"]
    if lanes * bits <= 8 * width:
        assert given == list(range(given[0], given[0] + len(expected)))
        assert given[0] - taken[0] == (1 if lanes * bits == 8 * width else 2)
    else:
        assert taken == list(range(taken[0], taken[0] + len(beats)))
    assert taken[0] == 1  # none in the cycle behind the reset


def high(changes: list[tuple[int, int]], cycles: int) -> list[int]:
    """Cycles in which a watched bit is 1."""
    ends = [cycle for cycle, _ in changes[1:]] + [cycles + 1]
    return [c for (s, v), e in zip(changes, ends, strict=True) if v for c in range(s, e)]


def framed(
    beats: list[int], last: list[int], size: int, frames: int
) -> tuple[list[int], list[int], list[int]]:
    """What goes in of each packet, and the beats at which one is found to be short or too long."""
    given: list[int] = []
    short: list[int] = []
    long: list[int] = []
    room = size * frames
    for index, (beat, is_last) in enumerate(zip(beats, last, strict=True)):
        if room:
            given.append(beat)
            room -= 1
            if is_last and room:
                short.append(index)
                given += [0] * room
            elif not is_last and not room:
                long.append(index)
        if is_last:
            room = size * frames
    return given, short, long


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 4])
def test_every_packet_gives_its_frames_whatever_its_length(size: int, frames: int) -> None:
    rng = np.random.default_rng(10 * frames + size)
    count = max(1, frames)
    lengths = [1, size * count, size * count, size * count + 1, 1, 1, 3 * size * count + 2]
    lengths += [*rng.integers(1, 2 * size * count + 2, 20), size * count]
    beats = list(map(int, rng.integers(0, 256, sum(lengths))))
    ends = np.cumsum(lengths) - 1
    last = [int(i in ends) for i in range(len(beats))]
    given, short, long = framed(beats, last, size, count)
    runs = run_streams(
        "bnn_input",
        {"BYTES": 1, "ELEM_BITS": 4, "LANES": 2, "FRAME_ELEMS": 2 * size},
        {"s_axis": {"tdata": beats, "tlast": last}},
        {"m_axis": len(given)},
        statics={"packet_frames_i": frames, "stop_i": 0},
        watch=["frame_o", "short_o", "long_o", "closed_o"],
    )
    assert long and (short or size * count == 1)
    for run in runs:
        taken = run.inputs["s_axis"]
        assert run.outputs["m_axis"].data == given
        for port, faulty in (("short_o", short), ("long_o", long)):
            assert high(run.watch[port], run.cycles) == [taken[i] + 1 for i in faulty]
        assert len(high(run.watch["frame_o"], run.cycles)) == len(given) // size
        closed = set(high(run.watch["closed_o"], run.cycles))
        inside = [taken[i] + 1 for i, is_last in enumerate(last) if not is_last]
        assert not closed & set(inside)
        assert {taken[i] + 1 for i in ends} <= closed
    fast = runs[0].inputs["s_axis"]  # a whole packet behind a whole packet costs no cycle
    whole = int(ends[0]) + 1, int(ends[2])
    assert fast[whole[1]] - fast[whole[0]] == whole[1] - whole[0]
