"""docs/adding-an-operation.md does what it says: its blocks are executed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.compiler import integer_graph
from bnnhw.frontend.importer import _HANDLERS
from bnnhw.verify.model import check_against_onnxruntime

sys.path.append(str(Path(__file__).resolve().parent / "frontend"))
from test_residual import block, classifier, stem

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-an-operation.md"


def test_the_page_adds_an_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"HANDLERS": {}, "ACTIVATIONS": {}}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(code, names)
    monkeypatch.setitem(_HANDLERS, "Abs", names["HANDLERS"]["Abs"])
    sketch = stem()
    names["ACTIVATIONS"]["Abs"](sketch)
    block(sketch, 4, 4)
    names["ACTIVATIONS"]["Abs"](sketch)
    path = classifier(block(sketch, 4, 4), 4).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    check = check_against_onnxruntime(path, graph)
    assert check.mismatches == 0
    assert check.accuracy is not None
    assert check.accuracy.agreement == 1


def test_the_places_that_the_page_names_exist() -> None:
    root, package = PAGE.parents[1], PAGE.parents[1] / "compiler" / "bnnhw"
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|json|sv))`", PAGE.read_text("utf-8"))
    assert len(named) > 10
    assert not [
        name for name in named if not (root / name).exists() and not (package / name).exists()
    ]
