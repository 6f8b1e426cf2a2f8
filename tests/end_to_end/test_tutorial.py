"""The tutorial, word for word: train, export, compile, run, simulate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pages import ROOT, commands, run

if TYPE_CHECKING:
    from pathlib import Path

for package in ("torch", "onnxscript", "sklearn", "cocotb"):
    pytest.importorskip(package)

PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")


def test_tutorial_runs_as_written(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "train.py").write_text(script)
    said = {command.split()[1]: run(command, tmp_path) for command in commands(PAGE)}
    assert list(said) == ["train.py", "inspect", "compile", "run", "simulate"]
    trained = re.search(r"PyTorch: ([\d.]+)%", said["train.py"])
    integers = re.search(r"accuracy: ([\d.]+)% of 360 labelled inputs", said["run"])
    assert trained and integers
    assert float(trained[1]) >= 90
    assert float(integers[1]) == pytest.approx(float(trained[1]), abs=0.1)
    assert "weights: 58,144 binary, 0 real" in said["inspect"]
    assert said["simulate"].count("5 frames, bit-exact") == 2
