"""Environments that other frameworks need, and what is exported in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bnnhw.frontend import LoadOptions, import_file
from bnnhw.interpret.real import interpret_real

ROOT = Path(__file__).resolve().parents[2]
PIXELS = LoadOptions(input_type="uint8", input_scale=1 / 255)


def python_of(framework: str) -> Path:
    """The interpreter of ``.venv-FRAMEWORK``."""
    return ROOT / f".venv-{framework}" / "bin" / "python"


def needs(framework: str) -> pytest.MarkDecorator:
    """Skips where ``make test-imports`` has not made the environment."""
    return pytest.mark.skipif(
        not python_of(framework).exists(),
        reason=f"needs {framework} in an environment of its own: make test-imports",
    )


def export(framework: str, folder: Path, *names: str) -> None:
    """Runs ``export_FRAMEWORK.py`` in its environment."""
    done = subprocess.run(
        [python_of(framework), ROOT / f"tests/imports/export_{framework}.py", folder, *names],
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def scores(model: Path, known: Path) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the real-valued graph for the framework's images, and the framework's own."""
    graph = import_file(model, PIXELS).graph
    data = np.load(known)
    source = graph.input_format
    return interpret_real(graph, source.encode(source.from_pixels(data["x"]))), data["scores"]
