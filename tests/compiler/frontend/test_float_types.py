"""Models in float16, bfloat16 and float64: compiled, and checked in their own arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bnnhw.compiler import ModelOptions, integer_graph
from bnnhw.errors import VerificationError
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import Threshold
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bnnhw.ir.graph import Graph

HALF, BRAIN, DOUBLE = TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE
BITS = ModelOptions(input_type="bipolar")


def in_type(proto: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """The model with all of its float32 in another type."""
    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            name, values = tensor.name, numpy_helper.to_array(tensor)
            dtype = helper.tensor_dtype_to_np_dtype(kind)
            tensor.CopyFrom(numpy_helper.from_array(values.astype(dtype), name))
    for node in proto.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.i = kind
    for value in proto.graph.input:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = kind
    return proto


def dense_network(spelling: str = "sign") -> Sketch:
    sketch = Sketch(["N", 64]).dense(64, 32).batch_norm(32).sign(spelling)
    return sketch.dense(32, 24).batch_norm(24).sign(spelling).dense(24, 6)


def image_network(spelling: str = "sign") -> Sketch:
    sketch = Sketch(["N", 8, 6, 6]).conv(8, 16, pads=1).batch_norm(16).sign(spelling).pool()
    return sketch.conv(16, 16, pads=1).batch_norm(16).sign(spelling).flatten().dense(144, 5)


def residual_network() -> Sketch:
    sketch = Sketch(["N", 8, 6, 6]).conv(8, 8, pads=1).batch_norm(8)
    for _ in range(2):
        start = sketch.tensor
        sketch.sign("sign").conv(8, 8, pads=1).batch_norm(8)
        sketch.op("Add", start)
        sketch.op("PRelu", sketch.constant(sketch.rng.uniform(0.1, 0.5, (8, 1, 1))))
    sketch.op("GlobalAveragePool")
    return sketch.flatten().dense(8, 5, weight=sketch.rng.normal(size=(8, 5)))


def quantised_network() -> Sketch:
    """QONNX's quantisers, scales and zero points in other types than what they quantise."""
    sketch = Sketch(["N", 64])
    sketch.domains["qonnx.custom_op.general"] = 1
    sketch.dense(64, 32).batch_norm(32, spread=8)
    quantise = {"domain": "qonnx.custom_op.general", "signed": 1, "narrow": 0}
    sketch.op("Quant", sketch.constant(0.25), sketch.constant(0, np.int64),
              sketch.constant(4, np.int64), **quantise)  # fmt: skip
    return sketch.bipolar().dense(32, 6)


def onnxruntime_scores(path: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float64)


def compiled(tmp_path: Path, proto: onnx.ModelProto, options: ModelOptions = BITS) -> Any:
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    graph = integer_graph(path, options)
    return path, graph, check_against_onnxruntime(path, graph, options=options)


@pytest.mark.parametrize("spelling", ["sign", "greater", "cast", "sign_repaired"])
@pytest.mark.parametrize(
    ("make", "kind"), [(dense_network, HALF), (image_network, HALF), (dense_network, DOUBLE)]
)
def test_scores_are_those_of_the_original_model(
    tmp_path: Path, make: Callable[[str], Sketch], kind: int, spelling: str
) -> None:
    path, graph, result = compiled(tmp_path, in_type(make(spelling).proto(), kind))
    assert result.mismatches == 0 and "float32 copy" not in result.note
    if spelling == "sign":
        return  # the model's own Sign(0) is no bit
    q = np.random.default_rng(3).choice([-1, 1], (64, *graph.tensors[graph.input].shape))
    x = graph.input_format.decode(q)
    assert x.dtype == helper.tensor_dtype_to_np_dtype(kind)
    expected = onnxruntime_scores(path, x)
    same = (graph.output_map.apply(interpret(graph, q)) == expected).all(axis=1)
    assert same.mean() >= (1.0 if kind == DOUBLE else 0.9)  # float16 rounds some signs


@pytest.mark.parametrize(
    ("make", "kind"),
    [(dense_network, BRAIN), (image_network, BRAIN), (image_network, DOUBLE)],
)
def test_what_onnxruntime_has_no_kernels_for_is_compared_in_float32(
    tmp_path: Path, make: Callable[[], Sketch], kind: int
) -> None:
    _, _, result = compiled(tmp_path, in_type(make().proto(), kind))
    assert result.mismatches == 0
    assert "float32 copy" in result.note
    assert ("bfloat16" if kind == BRAIN else "float64") in result.note


@pytest.mark.parametrize("kind", [HALF, BRAIN, DOUBLE])
def test_residual_networks_in_other_floats(tmp_path: Path, kind: int) -> None:
    _, _, result = compiled(tmp_path, in_type(residual_network().proto(), kind))
    assert result.mismatches == 0


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, HALF, BRAIN, DOUBLE])
def test_quantisers_with_integer_zero_points_and_widths(tmp_path: Path, kind: int) -> None:
    _, _, result = compiled(tmp_path, in_type(quantised_network().proto(), kind))
    assert result.mismatches == 0


def test_floats_mixed_by_casts(tmp_path: Path) -> None:
    sketch = Sketch(["N", 64], np.float16)
    weight = sketch.constant(sketch.signs(64, 32), np.float16)
    sketch.op("MatMul", weight)
    sketch.op("Cast", to=TensorProto.FLOAT)
    sketch.batch_norm(32).sign("greater")
    sketch.op("Cast", to=DOUBLE)
    sketch.op("MatMul", sketch.constant(sketch.signs(32, 8), np.float64))
    _, _, result = compiled(tmp_path, sketch.proto())
    assert result.mismatches == 0 and "float32 copy" not in result.note


def test_pixels_of_a_float16_input(tmp_path: Path) -> None:
    options = ModelOptions(input_type="uint8", input_scale=1 / 255)
    sketch = Sketch(["N", 3, 6, 6]).conv(3, 16, pads=1).batch_norm(16, spread=1).sign("greater")
    sketch.flatten().dense(576, 5)
    _, graph, result = compiled(tmp_path, in_type(sketch.proto(), HALF), options)
    assert result.mismatches == 0
    q = np.arange(108).reshape(1, 3, 6, 6)
    x = graph.input_format.decode(q)
    assert x.dtype == np.float16
    assert (graph.input_format.encode(x) == q).all()
    assert (graph.input_format.encode(x.astype(np.float32)) == q).all()


def with_higher_thresholds(graph: Graph, by: int) -> Graph:
    nodes = [
        replace(n, op=replace(n.op, thresholds=n.op.thresholds + by))
        if isinstance(n.op, Threshold)
        else n
        for n in graph.nodes
    ]
    return graph.with_nodes(nodes)


@pytest.mark.parametrize("kind", [HALF, BRAIN, DOUBLE])
def test_a_threshold_that_is_off_by_one_step_is_found(tmp_path: Path, kind: int) -> None:
    path, graph, _ = compiled(tmp_path, in_type(dense_network("greater").proto(), kind))
    with pytest.raises(VerificationError, match="differ"):
        check_against_onnxruntime(path, with_higher_thresholds(graph, 2), options=BITS)


def test_scores_that_overflow_float16_are_named(tmp_path: Path) -> None:
    sketch = dense_network("greater")
    sketch.op("Mul", sketch.constant(3e4))
    path = tmp_path / "m.onnx"
    path.write_bytes(in_type(sketch.proto(), HALF).SerializeToString())
    graph = integer_graph(path, BITS)
    with pytest.raises(VerificationError, match="float16 ends at 65504") as caught:
        check_against_onnxruntime(path, graph, options=BITS)
    assert caught.value.fix
