"""bnn_width_converter: keeps the order of elements, and the narrower side never waits."""

from __future__ import annotations

from math import lcm

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack

CONFIGS = [
    (1, 8, 8),
    (8, 12, 1),
    (1, 64, 32),
    (3, 1, 5),
    (1, 16, 64),
    (4, 2, 3),
    (8, 3, 2),
    (1, 36, 64),
    (5, 7, 4),
    (1, 10, 4),
]


@pytest.mark.parametrize(("bits", "lanes_in", "lanes_out"), CONFIGS)
def test_keeps_order_and_the_narrower_side_never_waits(
    bits: int, lanes_in: int, lanes_out: int
) -> None:
    group = lcm(lanes_in, lanes_out)
    elements = np.random.default_rng(1).integers(0, 1 << bits, group * (1 + 400 // group * 3))
    beats = pack(elements, lanes_in, bits)
    expected = pack(elements, lanes_out, bits)
    runs = run_streams(
        "bnn_width_converter",
        {"ELEM_BITS": bits, "IN_LANES": lanes_in, "OUT_LANES": lanes_out},
        {"s_axis": beats},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("always", "half", 7), Pattern("half", "always", 8)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected
    taken, given = runs[0].inputs["s_axis"], runs[0].outputs["m_axis"].taken
    latency = 0 if lanes_in == lanes_out else 1
    if lanes_in <= lanes_out:
        assert taken == list(range(len(beats)))
        needed = [-(-(i + 1) * lanes_out // lanes_in) - 1 for i in range(len(expected))]
        assert given == [n + latency for n in needed]
    else:
        assert given == list(range(latency, len(expected) + latency))
