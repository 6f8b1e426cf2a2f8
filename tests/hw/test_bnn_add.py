"""bnn_add: exact sums, saturated at both ends; beats join in order, no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack

CASES = [
    # in_bits, out_bits, lanes
    (12, 12, 3),  # saturates by one bit
    (12, 13, 1),  # exact
    (8, 20, 5),  # exact, sign-extended
    (10, 4, 2),  # saturates far
    (5, 1, 3),  # one bit: -1 or 0
]


@pytest.mark.parametrize(("in_bits", "out_bits", "lanes"), CASES)
def test_adds_and_saturates_exactly(in_bits: int, out_bits: int, lanes: int) -> None:
    rng = np.random.default_rng(in_bits * 100 + out_bits)
    beats = 120
    low, high = -(1 << (in_bits - 1)), (1 << (in_bits - 1)) - 1
    least, most = -(1 << (out_bits - 1)), (1 << (out_bits - 1)) - 1
    a, b = rng.integers(low, high + 1, (2, beats, lanes))
    a[0], b[0] = low, low
    a[1], b[1] = high, high
    a[2], b[2] = low, high
    # Sums at the ends of the output's range and one beyond.
    for row, target in enumerate((least, least - 1, most, most + 1, 0, -1), start=3):
        a[row] = np.clip(target - low * (target < 0), low, high)
        b[row] = np.clip(target - a[row], low, high)
    expected = np.clip(a + b, least, most)
    runs = run_streams(
        "bnn_add",
        {"IN_BITS": in_bits, "OUT_BITS": out_bits, "LANES": lanes},
        {"s0_axis": pack(a, lanes, in_bits), "s1_axis": pack(b, lanes, in_bits)},
        {"m_axis": beats},
        patterns=(*PATTERNS, Pattern("half", "always", 7), Pattern("bursts", "half", 8)),
    )
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, out_bits, signed=True)
        assert (got == expected).all(), run.pattern
        taken = run.inputs["s0_axis"]
        assert run.inputs["s1_axis"] == taken, run.pattern
        assert run.outputs["m_axis"].appeared == [cycle + 1 for cycle in taken], run.pattern
    assert runs[0].inputs["s0_axis"] == list(range(beats))
    assert runs[0].outputs["m_axis"].taken == list(range(1, beats + 1))
