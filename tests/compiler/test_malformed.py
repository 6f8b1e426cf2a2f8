"""Malformed and unsupported models: each a clear error that names the place and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fault_channels  # noqa: F401
import fault_hostile  # noqa: F401  (registers its cases)
import fault_operations  # noqa: F401
import fault_windows  # noqa: F401
from bnnhw.errors import ModelError, VerificationError
from bnnhw.frontend import LoadOptions, load
from bnnhw.passes import PIPELINE, run
from faults import CASES, tail
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", CASES)
def test_is_refused_with_a_clear_error(tmp_path: Path, name: str) -> None:
    write, options, where, what = CASES[name]
    path = write(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError) as caught:
        run(load(path, options), PIPELINE)
    error = caught.value
    assert where in (error.where or ""), str(error)
    assert what in error.what + (error.fix or ""), str(error)
    assert error.fix, str(error)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("missing", ["absent.onnx", "."])
def test_paths_that_are_no_file_are_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelError, match=r"no such file|folder"):
        load(tmp_path / missing)


@pytest.mark.parametrize(
    "options",
    [
        {"input_type": "float"},
        {"input_type": "int1"},
        {"input_type": "uint99"},
        {"input_scale": 0.0},
        {"input_scale": -1.0},
        {"input_scale": float("nan")},
        {"input_offset": float("inf")},
        {"input_offset": float("nan")},
        {"sign_zero": "up"},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="option --") as caught:
        LoadOptions(**options)
    assert caught.value.fix


def test_nodes_without_a_name_are_told_by_their_output(tmp_path: Path) -> None:
    for make in (ternary, dilated):
        sketch = make()
        for node in sketch.nodes:
            node.name = ""
        path = sketch.save(tmp_path / "m.onnx")
        output = next(n.output[0] for n in sketch.nodes if n.op_type == "Conv")
        with pytest.raises(ModelError) as caught:
            run(load(path), PIPELINE)
        assert (caught.value.where or "").startswith(f"node 'Conv -> {output}'")


def ternary() -> Sketch:
    weight = np.resize([-1, 0, 1, 1], (3, 3, 1, 1))
    return tail(image().conv(3, 3, kernel=1, weight=weight).sign())


def dilated() -> Sketch:
    return tail(image().conv(3, 3, dilations=[2, 2], pads=2).sign())


def test_the_list_is_long() -> None:
    assert len(CASES) >= 60


def test_every_refusal_has_a_way_out() -> None:
    assert ModelError("is wrong").fix
    assert VerificationError("differ").fix
    assert "\n  fix: " in str(ModelError("is wrong", where="node 'a'", fix=None))
