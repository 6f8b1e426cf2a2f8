"""bnn_concat: the channels of two streams, pixel by pixel, in order; no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack

CASES = [
    # bits, lanes, folds of the first, folds of the second
    (8, 2, 1, 1),
    (12, 3, 4, 4),
    (1, 8, 1, 5),
    (5, 1, 7, 1),
    (16, 2, 2, 6),
]


@pytest.mark.parametrize(("bits", "lanes", "first", "second"), CASES)
def test_gives_each_pixel_of_the_first_then_of_the_second(
    bits: int, lanes: int, first: int, second: int
) -> None:
    rng = np.random.default_rng(bits * 100 + lanes)
    pixels, folds = 24, first + second
    a = rng.integers(0, 1 << bits, (pixels, first * lanes))
    b = rng.integers(0, 1 << bits, (pixels, second * lanes))
    expected = pack(np.concatenate([a, b], axis=1), lanes, bits)
    runs = run_streams(
        "bnn_concat",
        {"ELEM_BITS": bits, "LANES": lanes, "FOLDS0": first, "FOLDS1": second},
        {"s0_axis": pack(a, lanes, bits), "s1_axis": pack(b, lanes, bits)},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("half", "always", 7), Pattern("bursts", "half", 8)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected, run.pattern
        taken = sorted(run.inputs["s0_axis"] + run.inputs["s1_axis"])
        assert run.outputs["m_axis"].appeared == [cycle + 1 for cycle in taken], run.pattern
    beats = np.arange(pixels * folds).reshape(pixels, folds)
    assert runs[0].inputs["s0_axis"] == beats[:, :first].ravel().tolist()
    assert runs[0].inputs["s1_axis"] == beats[:, first:].ravel().tolist()
    assert runs[0].outputs["m_axis"].taken == list(range(1, beats.size + 1))
