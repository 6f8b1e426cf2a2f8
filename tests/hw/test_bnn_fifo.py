"""bnn_fifo: passes every beat once, in order, holds exactly DEPTH beats, and adds no bubble."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from runner import PATTERNS, Pattern, run_streams

CONFIGS = [
    (1, 2, 0),
    (8, 3, 0),
    (64, 16, 1),
    (24, 31, 0),
    (9, 32, 0),
    (9, 32, 2),
    (16, 33, 1),
    (72, 100, 0),
    (8, 2, 2),
]


@pytest.mark.parametrize(("width", "depth", "style"), CONFIGS)
def test_holds_depth_beats_in_order_without_bubbles(width: int, depth: int, style: int) -> None:
    rng = random.Random(depth)
    count = 500
    beats = [rng.getrandbits(width) for _ in range(count)]
    latency = 1 if depth <= 32 and (style != 2 or depth == 2) else 2
    runs = run_streams(
        "bnn_fifo",
        {"WIDTH": width, "DEPTH": depth, "RAM_STYLE": style},
        {"s_axis": beats},
        {"m_axis": count},
        patterns=(*PATTERNS, Pattern("always", "half", 7), Pattern("always", "bursts", 8)),
    )
    for run in runs:
        out = run.outputs["m_axis"]
        assert out.data == beats
        taken = run.inputs["s_axis"]
        inside = max(i - sum(t < taken[i] for t in out.taken) + 1 for i in range(count))
        assert inside <= depth
        if run.pattern.stall == "stall" and depth < 260:
            assert inside == depth  # a long stop fills it exactly
    fast = runs[0]
    assert fast.inputs["s_axis"] == list(range(count))
    assert fast.outputs["m_axis"].taken == list(range(latency, count + latency))
    # After a stop, the sink gets a beat in every cycle it asks while the source keeps up.
    stop = next(run for run in runs if run.pattern.stall == "stall")
    given = stop.outputs["m_axis"].taken
    assert {b - a for a, b in pairwise(given)} <= {1, 301}
