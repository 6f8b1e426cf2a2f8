"""The recipes, word for word: train, export, compile, run; each needs its framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pages import ROOT, commands, run

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
NEEDS = {
    "PyTorch": ("torch", "onnxscript"),
    "Brevitas": ("torch", "onnxscript", "onnxoptimizer", "brevitas"),
    "QKeras": ("tensorflow", "tf2onnx", "qkeras"),
    "Larq": ("tensorflow", "tf2onnx", "larq"),
}


def sections() -> dict[str, str]:
    """The page's sections with their headings."""
    _, *parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_section_is_tested() -> None:
    assert list(sections()) == list(NEEDS)


@pytest.mark.parametrize("framework", NEEDS)
def test_recipe_runs_as_written(
    tmp_path: Path, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for a core slow each other down
    for package in ("sklearn", *NEEDS[framework]):
        pytest.importorskip(package)
    section = sections()[framework]
    (script,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (name,) = re.findall(r"[Ss]ave\sthis\sas\s`(.*)`", section)
    (tmp_path / name).write_text(script)
    said = {command.split()[1]: run(command, tmp_path) for command in commands(section)}
    assert list(said) == [name, "compile", "run"]
    trained = re.search(rf"{framework}: ([\d.]+)% of the test images", said[name])
    integers = re.search(r"accuracy: ([\d.]+)% of 360 labelled inputs", said["run"])
    assert trained and integers
    assert float(trained[1]) >= 85
    assert integers[1] == trained[1]
