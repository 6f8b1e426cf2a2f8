"""bnn_stream_counters: counts what a stream does; with its neighbours see test_bnn_instruments."""

from __future__ import annotations

import pytest

from runner import run_module


@pytest.mark.parametrize("depth", [0, 1, 2, 37, 256])
def test_counts_wraps_and_hands_words_on(depth: int) -> None:
    env = {"BNNHW_DEPTH": str(depth)}
    run_module("bnn_stream_counters", {"DEPTH": depth}, "counters_bench", env=env)
