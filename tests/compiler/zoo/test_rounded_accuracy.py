"""Networks trained without their rounding keep their accuracy in integers, whatever they use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "rounded_accuracy.py"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["leaky0.01-6", "flat-4", "wide-4", "ftbnn-4"])
def test_small_trained_networks_lose_little(name: str) -> None:
    """A few of 360 images may change by chance; what was wrong cost 20 to 90 points."""
    ended = subprocess.run(
        [sys.executable, BENCHMARK, "--only", name, "--epochs", "15", "--allow", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert name in ended.stdout
