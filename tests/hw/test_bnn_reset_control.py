"""bnn_reset_control: resets the core once nothing is on its way, or nobody is there any more."""

from __future__ import annotations

import pytest

from compute import refusal
from runner import run_module


def test_drains_before_it_resets() -> None:
    run_module("bnn_reset_control", {"PATIENCE_BITS": 4}, "reset_bench")


@pytest.mark.parametrize("bits", [1, 32])
def test_refuses_illegal_parameters(bits: int) -> None:
    assert refusal("bnn_reset_control", {"PATIENCE_BITS": bits})
