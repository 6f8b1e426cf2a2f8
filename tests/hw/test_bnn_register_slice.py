"""bnn_register_slice: passes every beat once, in order, at full throughput."""

from __future__ import annotations

import random

import pytest

from runner import PATTERNS, Pattern, run_streams


@pytest.mark.parametrize("width", [1, 8, 65, 300])
def test_passes_every_beat_at_full_throughput_with_latency_one(width: int) -> None:
    rng = random.Random(width)
    beats = [rng.getrandbits(width) for _ in range(300)]
    patterns = (*PATTERNS, Pattern("always", "half", 9), Pattern("half", "always", 9))
    runs = run_streams(
        "bnn_register_slice",
        {"WIDTH": width},
        {"s_axis": beats},
        {"m_axis": 300},
        patterns=patterns,
    )
    for run in runs:
        assert run.outputs["m_axis"].data == beats
    taken = runs[0].outputs["m_axis"].taken
    assert runs[0].inputs["s_axis"] == list(range(300))
    assert taken == list(range(1, 301))
