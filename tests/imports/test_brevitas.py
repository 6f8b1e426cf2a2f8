"""Exports of Brevitas, QONNX and QCDQ, give the scores that Brevitas gives.

``make test-imports`` runs these tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from foreign import PIXELS, export, needs, scores

import bnnhw
from agreement import compiled
from bnnhw.errors import ModelError
from bnnhw.verify.model import check_against_onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs("brevitas"), pytest.mark.slow]

BINARY = ("binary", "binary-bias", "binary-stats", "binary-channel", "binary-input")
MIXED = (
    *("binary-relu2", "binary-relu3", "binary-relu4", "int2-relu2", "int4-relu4"),
    *("int4-channel-relu3", "int4-input", "residual", "residual-quant", "residual-int2"),
)
QCDQ = ("int2-relu2", "int4-relu4", "int4-channel-relu3", "int4-input", "residual-int2")
"""Without a binary quantiser, which Brevitas does not export so."""
FILES = (*(f"{name}.qonnx" for name in (*BINARY, *MIXED)), *(f"{name}.qcdq" for name in QCDQ))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("brevitas")
    export("brevitas", made)
    return made


@pytest.mark.parametrize("name", FILES)
def test_scores_are_those_of_brevitas(folder: Path, name: str) -> None:
    model = folder / f"{name}.onnx"
    got, want = scores(model, folder / f"{name.split('.')[0]}.npz")
    # In residual-int2 one pixel of a stream lies halfway between two steps of 8 bits.
    apart = 1e-3 if "residual-int2" in name else 1e-5
    assert np.abs(got - want).max() < apart * np.abs(want).max()
    result = check_against_onnxruntime(model, compiled(model, PIXELS), options=PIXELS)
    assert result.mismatches == 0


def test_what_brevitas_cannot_export_is_known(folder: Path) -> None:
    """Where this fails, QCDQ takes more than docs/imports.md says."""
    refused = {path.name.split(".")[0] for path in folder.glob("*.qcdq.txt")}
    assert refused == {p.name.split(".")[0] for p in folder.glob("*.npz")} - {*QCDQ}
    assert not list(folder.glob("*.qonnx.txt"))


@pytest.mark.parametrize("name", ["ternary", "int2", "int4-channel"])
def test_layers_of_bits_need_binary_weights(folder: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"its weights are (ternary|neither)"):
        compiled(folder / f"{name}.qonnx.onnx", PIXELS)


@pytest.mark.parametrize("name", ["binary-channel.qonnx", "int2-relu2.qcdq", "residual.qonnx"])
def test_some_are_exact_in_verilog_and_hls(folder: Path, tmp_path: Path, name: str) -> None:
    build = bnnhw.compile(
        folder / f"{name}.onnx",
        board="pynq-z2",
        cycles=16_384,
        input_type="uint8",
        input_scale=1 / 255,
        output=tmp_path / "build",
    )
    images = np.load(folder / f"{name.split('.')[0]}.npz")["x"]
    outcome = build.simulate(images, hls=True, check=False)
    assert {check.mismatches for check in outcome.checks} == {0}
