"""bnn_input: unpacks bytes into elements, and reports frames and a tlast out of place."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, pack, run_streams

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
        watch=["frame_o", "error_o"],
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected
        assert run.watch["error_o"] == [(0, 0)]
        ends = [t + 1 for t, is_last in zip(run.inputs["s_axis"], last, strict=True) if is_last]
        assert high(run.watch["frame_o"], run.cycles) == ends
    given, taken = runs[0].outputs["m_axis"].taken, runs[0].inputs["s_axis"]
    if lanes * bits <= 8 * width:
        assert given == list(range(given[0], given[0] + len(expected)))
        assert given[0] == (1 if lanes * bits == 8 * width else 2)
    else:
        assert taken == list(range(len(beats)))


def high(changes: list[tuple[int, int]], cycles: int) -> list[int]:
    """Cycles in which a watched bit is 1."""
    ends = [cycle for cycle, _ in changes[1:]] + [cycles + 1]
    return [c for (s, v), e in zip(changes, ends, strict=True) if v for c in range(s, e)]


def test_error_pulses_once_for_each_tlast_out_of_place() -> None:
    last = [0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1]
    wrong = [i for i, value in enumerate(last) if value != (i % 4 == 3)]
    runs = run_streams(
        "bnn_input",
        {"BYTES": 1, "ELEM_BITS": 4, "LANES": 2, "FRAME_ELEMS": 8},
        {"s_axis": {"tdata": list(range(12)), "tlast": last}},
        {"m_axis": 12},
        watch=["frame_o", "error_o"],
    )
    for run in runs:
        taken = run.inputs["s_axis"]
        assert run.outputs["m_axis"].data == list(range(12))
        assert high(run.watch["error_o"], run.cycles) == [taken[i] + 1 for i in wrong]
        assert high(run.watch["frame_o"], run.cycles) == [taken[i] + 1 for i in (3, 7, 11)]
