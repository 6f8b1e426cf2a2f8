"""Bi-Real Net-18 at 224x224, some weights in memory, through pynq on a simulated board."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import bnnhw
from bnnhw_host.manifest import read_manifest
from bnnhw_host.sim.verilated import library

PYTHON = Path(__file__).resolve().parents[2] / ".venv-pynq-3.1.2" / "bin" / "python"
SECONDS = 300
"""What model, board and frame may take together."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs pynq: make test-all makes it"),
]


def test_a_frame_comes_through_pynqs_overlay(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from bnnhw.zoo.cli import export_command

    model = tmp_path / "birealnet18.onnx"
    export_command("birealnet18", model)
    build = bnnhw.compile(
        model,
        board="pynq-z2",
        cycles=405_000,
        output=tmp_path / "build",
        backends=["verilog"],
        verify=False,
    )
    manifest = read_manifest(tmp_path / "build" / "manifest.json")
    assert manifest.memory and manifest.memory.bytes > 800_000
    images = np.random.default_rng(0).integers(0, 256, (1, *manifest.input.shape), np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "scores.npy", build.run(images).scores)
    start = time.monotonic()
    library(tmp_path / "build", manifest)
    done = subprocess.run(
        [PYTHON, Path(__file__).parent / "on_pynq" / "one_frame.py", tmp_path],
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    told = re.search(r"^0 of 1000 scores differ; (\d+) cycles", done.stdout, re.MULTILINE)
    assert told, done.stdout
    assert int(told[1]) == pytest.approx(manifest.latency_cycles, rel=0.05)
    assert took < SECONDS, f"{took:.0f} s"
