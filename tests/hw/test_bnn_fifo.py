"""bnn_fifo: passes every beat once, in order, holds exactly DEPTH beats, and adds no bubble."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from bnnhw.hardware.storage import FifoShape
from runner import PATTERNS, Pattern, run_streams

# WIDTH, DEPTH, RAM_STYLE, PACK, TAIL
CONFIGS = [
    (1, 2, 0, 1, 0),
    (8, 3, 0, 1, 0),
    (64, 16, 1, 1, 0),
    (24, 31, 0, 1, 0),
    (9, 32, 0, 1, 0),
    (9, 32, 2, 1, 0),
    (16, 33, 1, 1, 0),
    (72, 100, 0, 1, 0),
    (8, 2, 2, 1, 0),
    (12, 4, 2, 3, 0),  # the least: two words of one beat in use
    (18, 5, 2, 2, 0),
    (40, 36, 2, 2, 0),
    (9, 67, 2, 4, 0),  # 17 words: a group begun as the last beat of the oldest is read
    (12, 195, 2, 3, 0),  # 65 words
    (6, 50, 2, 6, 0),  # more words than full groups
    (1, 130, 1, 7, 0),
    (24, 100, 2, 3, 37),
    (12, 60, 2, 1, 2),
    (5, 40, 2, 4, 32),
]
#: The source pauses longer than any beat takes to come out: none may wait for those behind it.
TRICKLE = Pattern("rare", "always", 4)


@pytest.mark.parametrize(("width", "depth", "style", "pack", "tail"), CONFIGS)
def test_holds_depth_beats_in_order_without_bubbles(
    width: int, depth: int, style: int, pack: int, tail: int
) -> None:
    rng = random.Random(depth)
    count = 500
    beats = [rng.getrandbits(width) for _ in range(count)]
    latency = FifoShape(style, pack, tail).latency(depth)
    runs = run_streams(
        "bnn_fifo",
        {"WIDTH": width, "DEPTH": depth, "RAM_STYLE": style, "PACK": pack, "TAIL": tail},
        {"s_axis": beats},
        {"m_axis": count},
        patterns=(*PATTERNS, Pattern("always", "half", 7), Pattern("always", "bursts", 8)),
    )
    assert TRICKLE in PATTERNS
    for run in runs:
        out = run.outputs["m_axis"]
        assert out.data == beats
        taken = run.inputs["s_axis"]
        inside = max(i - sum(t < taken[i] for t in out.taken) + 1 for i in range(count))
        assert inside <= depth
        if run.pattern.stall == "stall" and depth < 260:
            assert inside == depth  # a long stop fills it exactly
        if run.pattern == TRICKLE:
            assert [t - latency for t in out.appeared] == taken
    fast = runs[0]
    assert fast.inputs["s_axis"] == list(range(count))
    assert fast.outputs["m_axis"].taken == list(range(latency, count + latency))
    # After a stop, the sink gets a beat in every cycle it asks while the source keeps up.
    stop = next(run for run in runs if run.pattern.stall == "stall")
    given = stop.outputs["m_axis"].taken
    assert {b - a for a, b in pairwise(given)} <= {1, 301}


@pytest.mark.parametrize(("depth", "tail"), [(40, 0), (60, 20), (80, 40)])
def test_a_beat_taken_out_makes_room_when_the_model_says(depth: int, tail: int) -> None:
    count = 400
    delay = FifoShape(2, 3, tail).free_delay
    (run,) = run_streams(
        "bnn_fifo",
        {"WIDTH": 12, "DEPTH": depth, "RAM_STYLE": 2, "PACK": 3, "TAIL": tail},
        {"s_axis": list(range(count))},
        {"m_axis": count},
        patterns=(Pattern("always", "rare", 3),),
    )
    taken, given = run.inputs["s_axis"], run.outputs["m_axis"].taken
    filled = range(2 * depth, count)  # the source is always ahead by now
    assert [taken[n] - given[n - depth] for n in filled] == [delay] * len(filled)
