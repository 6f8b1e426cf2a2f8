"""Residual models against onnxruntime: every tensor compared, every kind of fault found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.errors import VerificationError
from bnnhw.frontend import import_file, load
from bnnhw.frontend.model_file import read_proto
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import Add, Affine, AveragePool, Binarize, Conv, FixedAffine, Window, relu
from bnnhw.passes import run
from bnnhw.verify.model import Tracer, check_against_onnxruntime, random_inputs
from bnnhw.verify.real_check import check_real
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def normalised(sketch: Sketch, channels: int, *, beta: float = 0.0) -> Sketch:
    """BatchNorm of a plausible scale, so that streams stay within theirs."""
    gain = sketch.rng.normal(1, 0.3, channels)
    return sketch.batch_norm(channels, spread=6.0, gain=gain, bias=beta)


def block(sketch: Sketch, channels: int, features: int, stride: int = 1) -> Sketch:
    before = sketch.tensor
    weight = sketch.signs(features, channels, 3, 3) * sketch.rng.uniform(
        0.5, 1, (features, 1, 1, 1)
    )
    sketch.sign().conv(channels, features, weight=weight, pads=1, strides=[stride] * 2)
    branch = normalised(sketch, features).tensor
    sketch.tensor = before
    if stride > 1:
        sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
        weight = sketch.rng.normal(size=(features, channels, 1, 1))
        normalised(sketch.conv(channels, features, weight=weight), features)
    sketch.op("Add", branch)
    return sketch


def residual(seed: int = 1, *, size: int = 8, features: int = 6, blocks: int = 2) -> Sketch:
    sketch = image(size, seed=seed)
    sketch.op("Sub", sketch.constant(np.array([120.0, 130, 110]).reshape(3, 1, 1)))
    sketch.op("Div", sketch.constant(np.array([60.0, 70, 80]).reshape(3, 1, 1)))
    weight = sketch.rng.normal(size=(features, 3, 3, 3)) * 2
    normalised(sketch.conv(3, features, weight=weight, pads=1), features)
    for _ in range(blocks):
        block(sketch, features, features)
    block(sketch, features, 8, stride=2)
    sketch.op("GlobalAveragePool")
    sketch.flatten()
    bias = sketch.constant(sketch.rng.normal(size=5))
    sketch.op("Gemm", sketch.constant(sketch.rng.normal(size=(5, 8))), bias, transB=1)
    return sketch


@pytest.mark.parametrize("seed", range(6))
def test_residual_models_are_checked_tensor_by_tensor(tmp_path: Path, seed: int) -> None:
    sketch = residual(seed, size=(8, 10, 12)[seed % 3], features=(5, 8)[seed % 2])
    path = sketch.save(tmp_path / "m.onnx")
    graph = run(load(path))
    result = check_against_onnxruntime(path, graph, random_count=6)
    assert (result.inputs, result.mismatches) == (6, 0)
    assert result.what == "every integer operation by itself"
    x = random_inputs(graph, 6, 1)
    got = graph.output_map.apply(interpret(graph, graph.input_format.encode(x)))
    assert np.isfinite(got).all()
    assert "integer tensors agree" in result.note
    found = result.accuracy
    assert found is not None and found.synthetic and found.inputs == found.compared == 64
    assert 0 <= found.agreement <= 1
    assert 0 < found.largest_difference < np.inf


def test_given_inputs_are_checked_first(tmp_path: Path) -> None:
    path = residual().save(tmp_path / "m.onnx")
    graph = run(load(path))
    given = np.random.default_rng(5).integers(0, 256, (3, 3, 8, 8)).astype(np.uint8)
    result = check_against_onnxruntime(path, graph, inputs=given, random_count=2)
    assert result.inputs == 5


def test_the_graph_of_another_model_is_refused(tmp_path: Path) -> None:
    first = residual(1).save(tmp_path / "a.onnx")
    second = residual(2).save(tmp_path / "b.onnx")
    with pytest.raises(VerificationError, match="integer weights are not near the model's"):
        check_against_onnxruntime(first, run(load(second)))


def test_a_fault_in_the_integer_graph_is_refused(tmp_path: Path) -> None:
    path = residual().save(tmp_path / "m.onnx")
    graph = run(load(path))
    node = [n for n in graph.nodes if isinstance(n.op, FixedAffine)][1]
    op = replace(node.op, offset=node.op.offset + (2 << node.op.shift))
    wrong = graph.with_nodes([replace(n, op=op) if n is node else n for n in graph.nodes])
    with pytest.raises(VerificationError, match="beyond the bound on their rounding"):
        check_against_onnxruntime(path, wrong)


def with_op(graph: Graph, kind: type, which: int, change) -> Graph:
    node = [n for n in graph.nodes if isinstance(n.op, kind)][which]
    made = replace(node, op=change(node.op))
    return graph.with_nodes([made if n is node else n for n in graph.nodes])


def scaled(op: Conv) -> Conv:
    weight = op.weight.copy()
    weight[1] *= 1.001
    return replace(op, weight=weight)


FRONT_END_FAULTS = {
    "a first layer": lambda g: with_op(g, Conv, 0, scaled),
    "a downsampling layer": lambda g: with_op(g, Conv, -1, scaled),
    "a BatchNorm": lambda g: with_op(
        g, Affine, 2, lambda op: replace(op, shift=op.shift + op.scale / 7)
    ),
    "an average pool": lambda g: with_op(
        g, AveragePool, 0, lambda op: AveragePool(Window((2, 2), (2, 2), (1, 1, 0, 0)))
    ),
    "a sign of other bits": lambda g: with_op(
        g, Binarize, 1, lambda op: replace(op, low=op.high, high=op.low)
    ),
    "a shortcut from elsewhere": lambda g: rewired(g),
    "a ReLU": lambda g: clipped(g),
}


def rewired(graph: Graph) -> Graph:
    adds = [n for n in graph.nodes if isinstance(n.op, Add)]
    wrong = replace(adds[1], inputs=(adds[1].inputs[1], adds[1].inputs[1]))
    return graph.with_nodes([wrong if n is adds[1] else n for n in graph.nodes])


def clipped(graph: Graph) -> Graph:
    add = next(n for n in graph.nodes if isinstance(n.op, Add))
    inner = replace(add, name="inner", output="inner")
    bent = replace(add, name="relu", op=relu(), inputs=("inner",))
    return graph.with_nodes([m for n in graph.nodes for m in ([inner, bent] if n is add else [n])])


@pytest.mark.parametrize("name", FRONT_END_FAULTS)
def test_a_real_graph_that_is_not_the_models_is_refused(tmp_path: Path, name: str) -> None:
    path = residual(3).save(tmp_path / "m.onnx")
    imported, proto = import_file(path, None), read_proto(path)
    graph = run(load(path))
    x = random_inputs(graph, 6, 1)
    inputs = x, graph.input_format.encode(x)
    check = check_real(imported, Tracer(proto, imported), inputs)
    assert check.signs == 3
    assert check.tensors >= 5
    wrong = replace(imported, graph=FRONT_END_FAULTS[name](imported.graph))
    with pytest.raises(VerificationError, match="differ from the model's"):
        check_real(wrong, Tracer(proto, wrong), inputs)


def test_signs_that_float32_rounding_decides_are_explained(tmp_path: Path) -> None:
    """Streams that lie exactly on a sign's zero: float32 and exact arithmetic may part."""
    sketch = image(8, seed=2)
    weight = sketch.rng.integers(-3, 4, (6, 3, 3, 3)) * np.float32(0.1)
    sketch.conv(3, 6, weight=weight, pads=1)
    sketch.op("Mul", sketch.constant(0.01))
    for _ in range(2):
        block(sketch, 6, 6)
    sketch.op("GlobalAveragePool")
    sketch.flatten()
    sketch.op("Gemm", sketch.constant(sketch.rng.normal(size=(5, 6))), transB=1)
    path = sketch.save(tmp_path / "m.onnx")
    imported = import_file(path, None)
    graph = run(load(path))
    x = random_inputs(graph, 12, 1)
    check = check_real(
        imported, Tracer(read_proto(path), imported), (x, graph.input_format.encode(x))
    )
    assert check.ties > 0
    assert 0 <= check.largest <= 1
    assert check_against_onnxruntime(path, graph, random_count=4).mismatches == 0
