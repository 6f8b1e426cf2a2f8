"""bnn_fork: both outputs give every beat once, in their own time."""

from __future__ import annotations

import random

import pytest

from runner import PATTERNS, Pattern, Run, run_streams

BEATS = 160


def is_exact(run: Run) -> bool:
    """Whether every beat shows on both outputs one cycle after it was taken, and is only taken
    when both have given, or give in that cycle, the beat before."""
    taken = run.inputs["s_axis"]
    outputs = list(run.outputs.values())
    shown = all(out.appeared == [cycle + 1 for cycle in taken] for out in outputs)
    given = zip(taken[1:], *(out.taken for out in outputs), strict=False)
    return shown and all(cycle >= max(before) for cycle, *before in given)


@pytest.mark.parametrize("width", [1, 70])
def test_copies_every_beat_at_full_throughput_with_latency_one(width: int) -> None:
    rng = random.Random(width)
    beats = [rng.getrandbits(width) for _ in range(BEATS)]
    runs = run_streams(
        "bnn_fork",
        {"WIDTH": width},
        {"s_axis": beats},
        {"m0_axis": BEATS, "m1_axis": BEATS},
        patterns=(*PATTERNS, Pattern("always", "half", 9), Pattern("half", "shy", 9)),
    )
    for run in runs:
        assert [out.data for out in run.outputs.values()] == [beats, beats], run.pattern
        assert is_exact(run), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(BEATS))
    for out in runs[0].outputs.values():
        assert out.taken == list(range(1, BEATS + 1))
    # Neither output waits for the other to give a beat: each is ahead at times.
    first, second = (runs[1].outputs[name].taken for name in ("m0_axis", "m1_axis"))
    order = [a - b for a, b in zip(first, second, strict=True)]
    assert min(order) < 0 < max(order)
