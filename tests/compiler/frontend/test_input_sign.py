"""A one-bit quantiser that reads the input: nobody need declare the input's type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

import bnnhw
from bnnhw.compiler import integer_graph
from bnnhw.ir.types import Bit
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

QONNX = "qonnx.custom_op.general"
KINDS = (
    *("greater", "greater_or_equal", "less", "less_or_equal", "cast", "not", "sign"),
    *("larq", "qkeras"),
    *("sign_repaired", "scaled", "falling", "flat", "rounded"),
)


def quantised(kind: str, shape: tuple[int, ...] = (4, 6, 6)) -> Sketch:
    """A network whose first operation is a one-bit quantiser; ties are among its inputs."""
    sketch = Sketch(["N", *shape], opset=13)
    if kind in ("scaled", "falling"):
        sketch.op("Mul", sketch.constant(2 if kind == "scaled" else -2))
        sketch.op("Sub", sketch.constant(1))
    if kind == "flat":
        sketch.flatten()
    if kind == "bipolar_quant":
        sketch.bipolar()
    elif kind == "larq":  # sign(sign(x) + 0.1)
        sketch.op("Sign")
        sketch.op("Add", sketch.constant(0.1))
        sketch.op("Sign")
    elif kind == "qkeras":  # sign(x) + 1 - |sign(x)|
        signs = sketch.op("Sign")
        sizes = sketch.op("Abs")
        rest = sketch.node("Sub", [sketch.constant(1), sizes])
        sketch.tensor = sketch.node("Add", [signs, rest])
    elif kind == "quant":
        constants = [sketch.constant(v) for v in (1.0, 0, 1)]
        sketch.op("Quant", *constants, domain=QONNX, narrow=0, signed=0, rounding_mode="ROUND")
        sketch.domains[QONNX] = 1
    elif kind == "rounded":
        sketch.op("Clip", sketch.constant(0), sketch.constant(1))
        constants = [sketch.constant(1.0), sketch.constant(0, np.uint8)]
        sketch.op("QuantizeLinear", *constants)
        sketch.op("DequantizeLinear", *constants)
    else:
        sketch.sign(kind if kind not in ("scaled", "falling", "flat") else "greater")
    if kind == "flat":
        return sketch.dense(144, 16).sign().dense(16, 4)
    return sketch.conv(4, 8).batch_norm(8).sign().flatten().dense(128, 4)


def inputs(kind: str) -> np.ndarray:
    """Values on both sides of the threshold, and on it but where ONNX's Sign gives 0."""
    x = np.random.default_rng(0).integers(-3, 4, (6, 4, 6, 6)) / 4
    return np.where((x == 0) & (kind == "sign"), 0.25, x).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_values_between_are_taken_as_the_model_does(tmp_path: Path, kind: str) -> None:
    path = quantised(kind).save(tmp_path / "m.onnx")
    x = inputs(kind)
    (want,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    ran = bnnhw.run(path, x)
    np.testing.assert_allclose(ran.outputs.reshape(want.shape), want, rtol=1e-4, atol=1e-3)
    assert len(np.unique(ran.scores)) > 3


@pytest.mark.parametrize("kind", [*KINDS, "bipolar_quant", "quant"])
def test_compile_run_and_inspect_need_no_input_type(tmp_path: Path, kind: str) -> None:
    path = quantised(kind).save(tmp_path / "m.onnx")
    found = bnnhw.inspect(path)
    assert found.complete
    assert [layer.input for layer in found.layers] == ["binary", "binary"]
    assert isinstance(found.graph.input_format.element, Bit)
    x = inputs(kind)
    build = bnnhw.compile(path, board="pynq-z2", output=tmp_path / "b", inputs=x)
    assert build.report["accuracy"]["agreement"] == 1
    assert np.array_equal(build.run(x).scores, bnnhw.run(path, x).scores)
    assert "bit 1 where" in build.manifest["input"]["rounds"]
    notes = [note for note in build.report["notes"] if "begins with a sign of its input" in note]
    assert len(notes) == (kind != "quant")


def test_what_ones_sign_zero_says_holds_at_the_input(tmp_path: Path) -> None:
    path = quantised("sign").save(tmp_path / "m.onnx")
    zeros = np.zeros((1, 4, 6, 6), np.float32)
    ones = np.ones_like(zeros)
    for choice, same in (("minus", -ones), ("plus", ones)):
        scores = [bnnhw.run(path, x, sign_zero=choice).scores for x in (zeros, same)]
        assert np.array_equal(*scores)


@pytest.mark.parametrize("choice", ["minus", "plus"])
def test_zeros_of_ones_sign_are_compared_as_the_chosen_bit_and_said(tmp_path: Path, choice) -> None:
    path = quantised("sign").save(tmp_path / "m.onnx")
    x = inputs("greater")
    assert (x == 0).any()
    build = bnnhw.compile(path, board="pynq-z2", output=tmp_path / "b", inputs=x, sign_zero=choice)
    (check,) = build.report["verification"]
    assert check["mismatches"] == 0
    assert (
        f"{(x == 0).sum()} values of the inputs are where the model's first Sign" in check["note"]
    )
    assert any("--sign-zero" in note for note in build.report["notes"])


@pytest.mark.parametrize("kind", ["greater", "greater_or_equal", "less", "larq", "qkeras"])
def test_values_next_to_the_threshold_and_tiny_ones_are_the_models(tmp_path: Path, kind) -> None:
    path = quantised(kind).save(tmp_path / "m.onnx")
    tiny = np.asarray([0, 1e-45, -1e-45, 1e-38, -1e-38, 1e-17, -1e-17, -0.0], np.float32)
    x = np.random.default_rng(2).choice(tiny, (6, 4, 6, 6))
    (want,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    ran = bnnhw.run(path, x)
    np.testing.assert_allclose(ran.outputs.reshape(want.shape), want, rtol=1e-4, atol=1e-3)


def test_the_compile_looks_at_the_threshold_itself(tmp_path: Path) -> None:
    path = quantised("greater").save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert check_against_onnxruntime(path, graph).inputs == 10
    wrong = replace(graph, input_format=replace(graph.input_format, ties_high=True))
    with pytest.raises(bnnhw.BnnhwError, match="give other scores"):
        check_against_onnxruntime(path, wrong)


def test_an_input_that_is_read_elsewhere_too_must_be_declared(tmp_path: Path) -> None:
    sketch = Sketch(["N", 16])
    source = sketch.tensor
    signs = sketch.sign().tensor
    sketch.tensor = sketch.node("Add", [source, signs])
    found = bnnhw.inspect(sketch.dense(16, 4).save(tmp_path / "m.onnx"))
    assert found.undeclared is not None
