"""bnn_reset_control: resets the core once nothing is on its way, or nobody is there any more."""

from __future__ import annotations

from runner import run_module


def test_drains_before_it_resets() -> None:
    run_module("bnn_reset_control", {"PATIENCE_BITS": 4}, "reset_bench")
