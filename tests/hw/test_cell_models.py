"""The models of cells that Yosys has none of compute what the cells do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bnnhw.verify.verilator import use_verilator
from unit_builds import SIM


@pytest.mark.slow
def test_block_ram_reads_what_was_written_at_every_size(tmp_path: Path) -> None:
    command = [
        str(use_verilator() / "bin" / "verilator"), "--binary", "--timing", "-Wno-fatal", "-j", "2",
        "--output-split", "0", "-CFLAGS", "-O0 -w -std=c++20 -fcoroutines", "--Mdir", str(tmp_path),
        "--top-module", "block_ram_bench", "-o", "bench",
        str(Path(__file__).with_name("block_ram_bench.sv")), str(SIM / "xilinx_block_ram.sv"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    run = subprocess.run([tmp_path / "bench"], check=True, capture_output=True, text=True)
    rows = [line.split() for line in run.stdout.splitlines() if line[:1].isdigit()]
    assert len(rows) == 10
    assert all(int(checked) > 2000 for _, checked, _ in rows)
    assert [row for row in rows if int(row[2])] == []
