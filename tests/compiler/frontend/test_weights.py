"""Weights as people store them: +-alpha, INT8 with Cast, computed in the graph, Gemm, 1x1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, compiled, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import layer_nodes
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

BIPOLAR = LoadOptions(input_type="bipolar")


def finish(sketch: Sketch, size: int = 4) -> Sketch:
    return sketch.batch_norm(8).sign().flatten().dense(8 * size * size, 4)


@pytest.mark.parametrize("kind", ["scalar", "per channel", "negative", "with a zero channel"])
def test_weights_of_plus_and_minus_alpha(tmp_path: Path, kind: str) -> None:
    sketch = image()
    alpha = {
        "scalar": np.full(8, 0.37),
        "per channel": np.linspace(0.1, 2, 8),
        "negative": np.linspace(-1, 1, 8),
        "with a zero channel": np.array([0, 1, 2, 0, 0.5, 3, 4, 5]),
    }[kind].reshape(8, 1, 1, 1)
    sketch.conv(3, 8, weight=sketch.signs(8, 3, 3, 3) * alpha.astype(np.float32))
    path = finish(sketch).save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    for node in layer_nodes(graph):
        weight = node.op.weight  # type: ignore[attr-defined]
        assert weight.dtype == np.int8
        assert set(np.unique(weight)) == {-1, 1}


@pytest.mark.parametrize(
    "way", ["cast", "dequantize", "sign", "where", "mul", "transpose", "quant"]
)
def test_weights_computed_in_the_graph(tmp_path: Path, way: str) -> None:
    sketch = image()
    raw = sketch.rng.normal(size=(8, 3, 3, 3)).astype(np.float32)
    signs = np.sign(raw)
    if way == "cast":
        weight = sketch.node("Cast", [sketch.constant(signs, np.int8)], to=1)
    elif way == "dequantize":
        weight = sketch.node(
            "DequantizeLinear",
            [sketch.constant(signs, np.int8), sketch.constant(np.linspace(0.5, 2, 8))],
            axis=0,
        )
    elif way == "sign":
        weight = sketch.node("Sign", [sketch.constant(raw)])
    elif way == "where":
        side = sketch.node("GreaterOrEqual", [sketch.constant(raw), sketch.constant(0)])
        weight = sketch.node("Where", [side, sketch.constant(1), sketch.constant(-1)])
    elif way == "mul":
        alpha = sketch.constant(np.abs(raw).mean(axis=(1, 2, 3), keepdims=True))
        weight = sketch.node("Mul", [sketch.node("Sign", [sketch.constant(raw)]), alpha])
    elif way == "transpose":
        stored = sketch.constant(signs.transpose(2, 3, 1, 0))
        weight = sketch.node("Transpose", [stored], perm=[3, 2, 0, 1])
    else:
        inputs = [sketch.constant(v) for v in (raw, 0.25)]
        weight = sketch.node("BipolarQuant", inputs, domain="onnx.brevitas")
        sketch.domains["onnx.brevitas"] = 1
    sketch.conv(3, 8, weight=weight)
    agrees(finish(sketch).save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 2.0), (-1.0, 0.0)])
def test_gemm_with_all_its_attributes(
    tmp_path: Path, trans_b: int, alpha: float, beta: float
) -> None:
    sketch = Sketch(["N", 21])
    shape = (8, 21) if trans_b else (21, 8)
    bias = sketch.constant(sketch.rng.normal(size=8) * 3)
    sketch.op(
        "Gemm", sketch.constant(sketch.signs(*shape)), bias, transB=trans_b, alpha=alpha, beta=beta
    )
    sketch.sign().dense(8, 3)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path, BIPOLAR)
    passes_agree(path, BIPOLAR)


def test_weights_on_the_left_of_matmul(tmp_path: Path) -> None:
    sketch = Sketch(["N", 21])
    sketch.op("Transpose", perm=[1, 0])
    sketch.op("MatMul", sketch.constant(sketch.signs(9, 21)), first=False)
    sketch.op("Transpose", perm=[1, 0])
    sketch.batch_norm(9).sign().dense(9, 3)
    agrees(sketch.save(tmp_path / "m.onnx"), BIPOLAR)


def test_transposed_weights_of_matmul(tmp_path: Path) -> None:
    sketch = Sketch(["N", 21])
    sketch.dense(21, 9, weight=sketch.node("Transpose", [sketch.constant(sketch.signs(9, 21))]))
    sketch.batch_norm(9).sign().dense(9, 3)
    agrees(sketch.save(tmp_path / "m.onnx"), BIPOLAR)


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("case", ["a batch of 1", "squeezed", "squeezed on the left", "left as is"])
def test_weights_with_ones_in_front_put_ones_in_front_of_the_batch(
    tmp_path: Path, case: str, real: bool
) -> None:
    sketch = Sketch([1 if case == "a batch of 1" else "N", 21])
    sketch.dense(21, 9).batch_norm(9).sign()
    matrix = sketch.rng.normal(size=(9, 3)) if real else sketch.signs(9, 3)
    if case == "squeezed on the left":
        sketch.op("Transpose", perm=[1, 0])
        sketch.op("MatMul", sketch.constant(matrix.T[None]), first=False)
        sketch.op("Transpose", perm=[0, 2, 1])
    else:
        sketch.op("MatMul", sketch.constant(matrix[None]))
    if case.startswith("squeezed"):
        sketch.op("Squeeze", sketch.constant([0], np.int64))
    path = sketch.save(tmp_path / "m.onnx")
    if case == "left as is":
        with pytest.raises(ModelError, match="does not have the batch as its first dimension"):
            load(path, BIPOLAR)
        return
    graph = compiled(path, BIPOLAR)
    result = check_against_onnxruntime(path, graph, options=BIPOLAR)
    assert result.mismatches == 0
    assert not real or result.accuracy.agreement == 1


def test_matmul_over_the_channels_of_an_image_is_a_1x1_convolution(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8).batch_norm(8).sign()
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.dense(8, 5).batch_norm_pieces((5,)).sign()
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.flatten().dense(80, 4)
    agrees(sketch.save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("kernel", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_kernels_and_strides(tmp_path: Path, kernel: int, stride: int) -> None:
    sketch = image(7)
    sketch.conv(3, 8, kernel=kernel, strides=[stride] * 2, pads=kernel // 2)
    size = (7 + 2 * (kernel // 2) - kernel) // stride + 1
    agrees(finish(sketch, size).save(tmp_path / "m.onnx"))


def test_rectangular_kernels_strides_and_pads(tmp_path: Path) -> None:
    sketch = Sketch(["N", 2, 9, 5])
    sketch.conv(2, 8, weight=sketch.signs(8, 2, 5, 2), strides=[2, 1], pads=[2, 1, 0, 0])
    sketch.batch_norm(8).sign().flatten().dense(8 * 4 * 5, 4)
    agrees(sketch.save(tmp_path / "m.onnx"), BIPOLAR)


def test_biases_of_convolutions(tmp_path: Path) -> None:
    sketch = image()
    bias = sketch.constant(sketch.rng.normal(size=8))
    sketch.op("Conv", sketch.constant(sketch.signs(8, 3, 3, 3)), bias)
    sketch.sign().flatten().dense(128, 4)
    agrees(sketch.save(tmp_path / "m.onnx"))


def test_input_scale_of_one_magnitude_and_either_sign_folds_into_signs(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6])
    sketch.op("Mul", sketch.constant(np.array([0.5, -0.5, 0.5]).reshape(3, 1, 1)))
    path = finish(sketch.conv(3, 8, pads=1), 6).save(tmp_path / "m.onnx")
    agrees(path, BIPOLAR)
    passes_agree(path, BIPOLAR)


def test_layers_are_named_after_unique_nodes_else_numbered(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6])
    for i, name in enumerate(["/net/fc.1/MatMul", "same", "same", "", "2nd"]):
        weight = sketch.constant(sketch.signs(6, 6))
        sketch.op("MatMul", weight, name=name)
        if i < 4:
            sketch.sign()
    graph = load(sketch.save(tmp_path / "m.onnx"), BIPOLAR)
    names = [n.name for n in graph.nodes if type(n.op).__name__ == "Dense"]
    assert names == ["net_fc_1", "dense1", "dense2", "dense3", "n2nd"]
