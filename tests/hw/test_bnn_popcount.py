"""bnn_popcount: the exact number of agreements, for any size, at the documented latency."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bnnhw.verify.verilator import use_verilator
from unit_builds import HW


@pytest.mark.slow
def test_counts_agreements_for_every_size(tmp_path: Path) -> None:
    command = [
        str(use_verilator() / "bin" / "verilator"), "--binary", "--timing", "-Wno-fatal", "-j", "2",
        "--output-split", "0", "-CFLAGS", "-O0 -w -std=c++20 -fcoroutines", "-y", str(HW),
        "--Mdir", str(tmp_path), "-o", "bench", str(Path(__file__).with_name("popcount_bench.sv")),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    run = subprocess.run([tmp_path / "bench"], check=True, capture_output=True, text=True)
    found = re.search(r"checked (\d+) wrong (\d+)", run.stdout)
    assert found, run.stdout[-2000:]
    assert int(found[2]) == 0, run.stdout[:2000]
    assert int(found[1]) > 300
