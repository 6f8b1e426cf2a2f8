"""The tutorial, word for word: train, export, compile, run, simulate."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("torch", "onnxscript", "sklearn", "cocotb"):
    pytest.importorskip(package)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text("utf-8")


def test_tutorial_runs_as_written(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "train.py").write_text(script)
    install, *commands = re.findall(r"^    \$ (.*)$", PAGE, re.MULTILINE)
    assert install.startswith("pip install")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = {}
    for command in commands:
        ended = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        said[command.split()[1]] = ended.stdout
    assert list(said) == ["train.py", "inspect", "compile", "run", "simulate"]
    trained = re.search(r"PyTorch: ([\d.]+)%", said["train.py"])
    integers = re.search(r"accuracy: ([\d.]+)% of 360 labelled inputs", said["run"])
    assert trained and integers
    assert float(trained[1]) >= 90
    assert float(integers[1]) == pytest.approx(float(trained[1]), abs=0.1)
    assert "weights: 58,144 binary, 0 real" in said["inspect"]
    assert said["simulate"].count("5 frames, bit-exact") == 2
