"""The check against onnxruntime: refuses every wrong graph, explains ties of float32 rounding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import compiled
from bnnhw.errors import ModelError, VerificationError
from bnnhw.frontend import LoadOptions
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.ir.ops import BinaryConv, BinaryDense, BitMaxPool, Threshold
from bnnhw.verify import model as verify_model
from bnnhw.verify.model import check_against_onnxruntime, random_inputs
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op


def changed(graph: Graph, kind: type[Op], which: int, change: Callable[[Node], Op]) -> Graph:
    """The graph with the ``which``-th operation of ``kind`` replaced."""
    node = [n for n in graph.nodes if isinstance(n.op, kind)][which]
    nodes = [replace(n, op=change(n)) if n is node else n for n in graph.nodes]
    return graph.with_nodes(nodes)


def off_by(amount: int) -> Callable[[Node], Op]:
    """Moves all thresholds."""

    def change(node: Node) -> Op:
        assert isinstance(node.op, Threshold)
        return replace(node.op, thresholds=node.op.thresholds + amount)

    return change


def flipped_weight(node: Node) -> Op:
    assert isinstance(node.op, (BinaryConv, BinaryDense))
    weight = node.op.weight.copy()
    weight[1] *= -1
    return replace(node.op, weight=weight)


def maximum_only(node: Node) -> Op:
    assert isinstance(node.op, BitMaxPool)
    return replace(node.op, minimum=np.zeros_like(node.op.minimum))


def padding_with_minus_one(node: Node) -> Op:
    """What a compiler does that pads bits with bit 0: the border's thresholds do not know."""
    assert isinstance(node.op, Threshold)
    middle = node.op.thresholds[1:2, 1:2]
    return Threshold(middle, invert=node.op.invert)


def pool_first_cnn() -> Sketch:
    sketch = image(8)
    sketch.conv(3, 8, pads=1).pool().batch_norm(8).sign()
    return sketch.conv(8, 6, pads=1).batch_norm(6).sign().flatten().dense(96, 5)


WRONG = {
    "first thresholds one too high": (Threshold, 0, off_by(1)),
    "first thresholds one too low": (Threshold, 0, off_by(-1)),
    "second thresholds two too high": (Threshold, 1, off_by(2)),
    "second thresholds two too low": (Threshold, 1, off_by(-2)),
    "a flipped first layer": (BinaryConv, 0, flipped_weight),
    "a flipped second layer": (BinaryConv, 1, flipped_weight),
    "flipped scores": (BinaryDense, 0, flipped_weight),
    "maxima of negative gains": (BitMaxPool, 0, maximum_only),
    "one threshold for borders and middle": (Threshold, 0, padding_with_minus_one),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_graphs_are_refused(tmp_path: Path, name: str) -> None:
    sketch = pool_first_cnn()
    signs = [node.name for node in sketch.nodes if node.op_type == "Greater"]
    path = sketch.save(tmp_path / "m.onnx")
    graph = compiled(path)
    assert check_against_onnxruntime(path, graph, random_count=400).mismatches == 0
    kind, which, change = WRONG[name]
    with pytest.raises(VerificationError) as caught:
        check_against_onnxruntime(path, changed(graph, kind, which, change), random_count=400)
    message = str(caught.value)
    if name == "flipped scores":
        assert "all bits agree, the scores do not" in message
    else:
        assert f"node '{signs[which]}'" in message


def test_wrong_scale_is_refused(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    graph = compiled(path)
    for change in ({"scale": graph.output_map.scale * 1.001}, {"bias": np.full(5, 0.01)}):
        wrong = replace(graph, output_map=replace(graph.output_map, **change))
        with pytest.raises(VerificationError, match="scores do not"):
            check_against_onnxruntime(path, wrong)


def test_given_inputs_are_checked_in_addition(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    x = np.random.default_rng(5).integers(0, 256, (7, 3, 6, 6), np.uint8)
    result = check_against_onnxruntime(path, compiled(path), inputs=x, random_count=3)
    assert (result.inputs, result.mismatches, result.note) == (10, 0, "")


def test_random_inputs_reach_both_ends_of_the_type(tmp_path: Path) -> None:
    graph = compiled(small_cnn().save(tmp_path / "m.onnx"))
    x = random_inputs(graph, 6, 1)
    assert x.dtype == np.uint8
    assert (x[0] == 0).all()
    assert (x[1] == 255).all()
    assert len(np.unique(x[2:])) > 100
    assert (random_inputs(graph, 6, 1) == x).all()


def near_ties(spelling: str = "greater_or_equal") -> Sketch:
    """(sum of pixels)/255 - 0.2: 51/255 is 0.2, but the float32 nearest to 0.2 is larger."""
    sketch = Sketch(["N", 8])
    sketch.dense(8, 32)
    sketch.op("Sub", sketch.constant(np.repeat([0.2, 0.4, -0.6, 0.8], 8)))
    if spelling == "bipolar quant":
        sketch.bipolar(0.3)
    else:
        sketch.sign(spelling)
    return sketch.dense(32, 16).batch_norm(16, mean=0.5).sign().dense(16, 5)


TIES = LoadOptions(input_type="uint8", input_scale=1 / 255)


def inputs_on_the_threshold(graph: Graph, count: int) -> np.ndarray:
    """Model inputs whose sums lie on the boundary of some channel."""
    rng = np.random.default_rng(7)
    q = rng.integers(0, 60, (40000, 8))
    sums = interpret_all(graph, q)[graph.nodes[0].output]
    on = np.isin(np.abs(sums), (51, 102, 153, 204)).sum(axis=1)
    return graph.input_format.decode(q[np.argsort(-on)[:count]])


@pytest.mark.parametrize(
    "spelling", ["greater_or_equal", "less", "cast", "not", "sign", "bipolar quant"]
)
def test_ties_of_the_models_own_rounding_are_counted_and_explained(
    tmp_path: Path, spelling: str
) -> None:
    path = near_ties(spelling).save(tmp_path / "m.onnx")
    graph = compiled(path, TIES)
    x = inputs_on_the_threshold(graph, 200)
    result = check_against_onnxruntime(path, graph, options=TIES, inputs=x)
    assert result.mismatches == 0
    assert "float32 rounding" in result.note
    assert " of 208 inputs differ only in " in result.note


def test_thresholds_near_ties_are_those_of_exact_arithmetic(tmp_path: Path) -> None:
    graph = compiled(near_ties().save(tmp_path / "m.onnx"), TIES)
    op = graph.nodes[1].op
    assert isinstance(op, Threshold)
    points = [Fraction(float(np.float32(v))) * 255 for v in (0.2, 0.4, -0.6, 0.8)]
    want = np.repeat([-(-p.numerator // p.denominator) for p in points], 8)
    assert op.thresholds[0, 0].tolist() == want.tolist()
    assert set(want.tolist()) <= {51, 52, 102, 103, -153, -152, 204, 205}


def test_ties_in_convolutions_before_pools_are_explained(tmp_path: Path) -> None:
    sketch = Sketch(["N", 9, 9, 3])
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.op("Sub", sketch.constant(0.4))
    sketch.op("Div", sketch.constant(0.2))
    sketch.conv(3, 64, pads=1).pool(2, 2).batch_norm(64, bias=0.0, mean=2.0).sign()
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.op("Reshape", sketch.constant([-1, 1024], np.int64))
    path = sketch.dense(1024, 9).save(tmp_path / "m.onnx")
    graph = compiled(path, TIES)
    result = check_against_onnxruntime(path, graph, options=TIES, random_count=600)
    assert result.mismatches == 0
    assert "float32 rounding" in result.note
    wrong = changed(graph, Threshold, 0, off_by(1))
    with pytest.raises(VerificationError, match="first difference is at node 'greater"):
        check_against_onnxruntime(path, wrong, options=TIES, random_count=300)


def test_inputs_of_another_type_are_refused_not_cast(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="no uint8"):
        check_against_onnxruntime(path, compiled(path), inputs=np.full((1, 3, 6, 6), 0.5))


@pytest.mark.parametrize("amount", [1, -1])
def test_an_off_by_one_is_no_tie(tmp_path: Path, amount: int) -> None:
    path = near_ties().save(tmp_path / "m.onnx")
    graph = compiled(path, TIES)
    x = inputs_on_the_threshold(graph, 200)
    shifted = graph.input_format.encode(x)
    assert len(np.unique(interpret(graph, shifted))) > 1
    with pytest.raises(VerificationError, match="first difference is at node 'greaterorequal"):
        check_against_onnxruntime(
            path, changed(graph, Threshold, 0, off_by(amount)), options=TIES, inputs=x
        )


def test_a_model_onnxruntime_cannot_run_is_an_error(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    graph = compiled(path)
    sketch = small_cnn()
    sketch.initializers[3].dims[:] = [4, 2]  # BatchNormalization of 8 channels: shape (4, 2)
    sketch.save(path)
    with pytest.raises(VerificationError, match="onnxruntime cannot run"):
        check_against_onnxruntime(path, graph)


def test_images_of_many_pixels_and_small_layers_are_walked_few_times(tmp_path: Path) -> None:
    """Each tensor takes time, however few multiplications make it."""
    counts = {}
    for size in (8, 256):
        sketch = Sketch(["N", 2, size, size], seed=1).conv(2, 4, pads=1).batch_norm(4)
        start = sketch.tensor
        sketch.sign().conv(4, 4, pads=1).batch_norm(4).op("Add", start)
        sketch.op("GlobalAveragePool")
        sketch.flatten().dense(4, 3, weight=sketch.rng.normal(size=(4, 3)))
        options = LoadOptions(input_type="bipolar")
        path = sketch.save(tmp_path / f"{size}.onnx")
        counts[size] = verify_model._traceable(compiled(path, options))
    assert counts[8] > 1000 > 30 > counts[256] > 2
