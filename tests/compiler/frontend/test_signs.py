"""Every spelling of sign, every BatchNorm, every place of a pool gives onnxruntime's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from agreement import agrees, compiled, passes_agree
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.ops import Binarize, BitMaxPool, Threshold
from bnnhw.ir.types import Bit
from bnnhw.verify.model import random_inputs
from sketch import SIGNS, Sketch, image, small_cnn

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def thresholds(graph: Graph) -> list[Threshold]:
    return [n.op for n in graph.nodes if isinstance(n.op, Threshold)]


@pytest.mark.parametrize("spelling", SIGNS)
def test_every_spelling_of_sign_is_exact(tmp_path: Path, spelling: str) -> None:
    path = small_cnn(spelling).save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


@pytest.mark.parametrize("spelling", SIGNS)
def test_the_point_zero_goes_where_the_model_puts_it(tmp_path: Path, spelling: str) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 16).sign(spelling).dense(16, 3)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), LoadOptions(input_type="bipolar"), count=40)
    # Sums of four +-1 reach 0 in every channel, so onnxruntime has judged the point itself.
    q = graph.input_format.encode(random_inputs(graph, 40, 1))
    sums = interpret_all(graph, q)[graph.nodes[0].output]
    assert (sums == 0).any(axis=0).all()
    assert {*np.unique(thresholds(graph)[0].thresholds).tolist()} <= {0, 1}


@pytest.mark.parametrize(("choice", "threshold"), [("minus", 1), ("plus", 0)])
def test_sign_of_zero_is_the_users_choice_and_noted(
    tmp_path: Path, choice: str, threshold: int
) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 16).sign("sign").dense(16, 3)
    options = LoadOptions(input_type="bipolar", sign_zero=choice)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), options, count=40)
    assert set(np.unique(thresholds(graph)[0].thresholds)) == {threshold}
    assert any("--sign-zero" in note and "16 channels" in note for note in graph.notes)


def with_zero_as(sketch: Sketch, side: float) -> None:
    """sign(x) + side * (1 - |sign(x)|), as QKeras spells its binary quantiser with side = 1."""
    signs = sketch.op("Sign")
    sketch.op("Abs")
    sketch.op("Sub", sketch.constant(1), first=False)
    sketch.op("Mul", sketch.constant(side))
    sketch.op("Add", signs)


@pytest.mark.parametrize(("side", "threshold"), [(1, 0), (-1, 1)])
def test_a_sum_behind_a_sign_may_say_what_its_zero_is(
    tmp_path: Path, side: float, threshold: int
) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 16)
    with_zero_as(sketch, side)
    sketch.dense(16, 3)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), LoadOptions(input_type="bipolar"), count=40)
    assert set(np.unique(thresholds(graph)[0].thresholds)) == {threshold}
    assert graph.notes == ()


@pytest.mark.parametrize("side", [0.5, 0])
def test_a_sum_that_gives_zero_a_third_value_says_nothing(tmp_path: Path, side: float) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 16)
    with_zero_as(sketch, side)
    path = sketch.dense(16, 3).save(tmp_path / "m.onnx")
    signs = [n.op for n in load(path, LoadOptions(input_type="bipolar")).nodes]
    assert [op.zero_is_zero for op in signs if isinstance(op, Binarize)] == [True]


def test_a_sign_that_is_also_read_elsewhere_stays_as_it_is(tmp_path: Path) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 4)
    with_zero_as(sketch, 1)
    sketch.op("Add", sketch.nodes[-5].output[0])
    path = sketch.dense(4, 3).save(tmp_path / "m.onnx")
    nodes = load(path, LoadOptions(input_type="bipolar")).nodes
    assert sum(isinstance(n.op, Binarize) and n.op.zero_is_zero for n in nodes) == 1


@pytest.mark.parametrize(("features", "shift"), [(5, 0), (5, 0.5), (4, 0.5), (4, 1)])
def test_sign_that_cannot_meet_zero_is_not_noted(
    tmp_path: Path, features: int, shift: float
) -> None:
    sketch = Sketch(["N", features])
    sketch.dense(features, 16)
    sketch.op("Add", sketch.constant(shift))
    sketch.sign("sign").dense(16, 3)
    options = LoadOptions(input_type="bipolar")
    assert agrees(sketch.save(tmp_path / "m.onnx"), options, count=40).notes == ()


def test_sign_after_relu_is_unipolar(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8, pads=1).batch_norm(8).op("Relu")
    sketch.sign("sign").conv(8, 6, pads=1).batch_norm(6)
    sketch.sign("greater").flatten().dense(216, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    assert [op.bipolar for op in thresholds(graph)] == [False, True]


def test_bits_zero_and_one_of_a_comparison_are_unipolar(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8).batch_norm(8)
    sketch.op("Greater", sketch.constant(0))
    sketch.op("Cast", to=1)
    sketch.conv(8, 6, pads=1).batch_norm(6).sign().flatten().dense(96, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    assert [op.bipolar for op in thresholds(graph)] == [False, True]


@pytest.mark.parametrize(
    ("high", "low"), [(2.5, -2.5), (0.75, 0), (-1, 1), (0, -0.5), (1, 0.25), (3, -1)]
)
def test_signs_of_any_two_values_are_exact(tmp_path: Path, high: float, low: float) -> None:
    sketch = image()
    sketch.conv(3, 8, pads=1).batch_norm(8)
    sketch.op("Greater", sketch.constant(0))
    sketch.op("Where", sketch.constant(high), sketch.constant(low))
    # Zero padding of values other than +-1 makes thresholds differ at the borders.
    sketch.conv(8, 6, pads=1).batch_norm(6).sign().flatten().dense(216, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


@pytest.mark.parametrize("between", [0.5, -1.25])
def test_comparison_with_another_constant_than_zero(tmp_path: Path, between: float) -> None:
    sketch = image()
    sketch.conv(3, 8)
    sketch.op("Less", sketch.constant(between))
    sketch.op("Where", sketch.constant(1), sketch.constant(-1))
    sketch.conv(8, 6).sign().flatten().dense(24, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


@pytest.mark.parametrize(
    "gain", [-1.5, 0.0, 1e-30, -1e-38, 1e-6, [1, -1, 0, 2, -2, 0, 1e-20, -1e-20]]
)
def test_batch_norm_gains_of_every_kind(tmp_path: Path, gain: object) -> None:
    sketch = image()
    # Sums of 9 taps of an unpadded x/128 - 1 are multiples of 1/128: no rounding anywhere.
    sketch.conv(3, 8).batch_norm(8, gain=gain).sign()
    sketch.conv(8, 6).batch_norm(6, gain=-0.5).sign().flatten().dense(24, 4)
    path = sketch.save(tmp_path / "m.onnx")
    compiled(path)
    agrees(path, ties=False)


def test_thresholds_beyond_the_accumulator_are_constant_channels(tmp_path: Path) -> None:
    sketch = Sketch(["N", 9])
    bias = np.tile([1e6, -1e6, 9.0, -9.0, 8.0, -8.0, 10.0, -10.0], 2)
    sketch.dense(9, 16)
    sketch.op("Add", sketch.constant(bias))
    sketch.sign().dense(16, 3)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path, LoadOptions(input_type="bipolar"), count=64)
    found = thresholds(graph)[0].thresholds[0, 0, :8].tolist()
    assert found == [-9, 10, -8, 10, -7, 9, -9, 10]


def test_batch_norm_in_pieces_with_constants_computed_in_the_graph(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8, pads=1).batch_norm_pieces((8, 1, 1)).sign()
    sketch.conv(8, 6).batch_norm_pieces((1, 6, 1, 1)).sign().flatten()
    sketch.dense(96, 12).batch_norm_pieces((12,)).sign().dense(12, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


@pytest.mark.parametrize("order", ["pool bn sign", "bn pool sign", "bn sign pool", "pool sign"])
@pytest.mark.parametrize("pads", [0, 1])
def test_max_pool_wherever_it_stands(tmp_path: Path, order: str, pads: int) -> None:
    sketch = image(7)
    sketch.conv(3, 8, pads=1)
    for item in order.split():
        if item == "pool":
            sketch.pool(3, 2, pads=[pads] * 4)
        elif item == "bn":
            sketch.batch_norm(8)
        else:
            sketch.sign()
    size = 4 if pads else 3
    sketch.conv(8, 6, pads=1).batch_norm(6).sign().flatten().dense(6 * size * size, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    pool = next(n for n in graph.nodes if isinstance(n.op, BitMaxPool))
    assert isinstance(graph.tensors[pool.inputs[0]].dtype, Bit)
    # A maximum taken before a negative gain is a minimum of bits.
    minima = int(pool.op.minimum.sum())  # type: ignore[attr-defined]
    assert (0 < minima < 8) if order.startswith("pool bn") else minima == 0


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("size", [5, 6, 7])
def test_max_pool_with_ceil_mode(tmp_path: Path, ceil_mode: int, size: int) -> None:
    sketch = image(size)
    sketch.conv(3, 4, pads=1).batch_norm(4).sign().pool(2, 2, ceil_mode=ceil_mode)
    out = -(-size // 2) if ceil_mode else size // 2
    sketch.flatten().dense(4 * out * out, 4)
    agrees(sketch.save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("after", ["relu", "clip", "relu bn", "clip bn", "bn relu bn"])
def test_monotone_functions_before_the_sign_are_exact(tmp_path: Path, after: str) -> None:
    sketch = image()
    sketch.conv(3, 8)
    for item in after.split():
        if item == "relu":
            sketch.op("Relu")
        elif item == "clip":
            sketch.op("Clip", sketch.constant(-1), sketch.constant(2))
        else:
            sketch.batch_norm(8, spread=2.0)
    sketch.sign("greater_or_equal").conv(8, 6).batch_norm(6).sign().flatten().dense(24, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


def test_two_signs_in_a_row_and_pools_between_bits(tmp_path: Path) -> None:
    sketch = image(8)
    sketch.conv(3, 8).batch_norm(8).sign("greater").pool(2, 1).pool(2, 2)
    sketch.op("Neg")
    sketch.conv(8, 6, kernel=2).batch_norm(6).sign("not").flatten().dense(6, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


def test_flatten_between_batch_norm_and_sign(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 4).batch_norm(4).flatten().sign().dense(64, 8).sign().dense(8, 3)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


def test_batch_norm_on_single_elements_of_a_flattened_image(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 4).flatten().batch_norm(64, gain=np.linspace(0.5, 2, 64)).sign()
    sketch.dense(64, 8).sign().dense(8, 3)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    assert thresholds(graph)[0].thresholds.shape == (4, 4, 4)


def test_a_sign_directly_on_the_input(tmp_path: Path) -> None:
    sketch = image(6, 3)
    sketch.op("Mul", sketch.constant(np.array([1, -2, 0.5]).reshape(3, 1, 1)))
    sketch.op("Add", sketch.constant(np.array([0.3, 0.2, -0.1]).reshape(3, 1, 1)))
    sketch.sign().conv(3, 6, pads=1).batch_norm(6).sign().flatten().dense(216, 4)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.nodes[0].name == "input_threshold"
    assert thresholds(graph)[0].invert.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "after",
    [
        ["Add", 0.1, "Sign"],
        ["Sub", 0.1, "Sign"],
        ["Relu"],
        ["GreaterOrEqual", 0, "Cast"],
        ["Greater", 0, "Cast"],
        ["Neg", "Relu"],
    ],
)
@pytest.mark.parametrize("choice", ["minus", "plus"])
def test_models_that_decide_sign_of_zero_themselves_are_followed(
    tmp_path: Path, after: list[object], choice: str
) -> None:
    sketch = Sketch(["N", 4])
    sketch.dense(4, 16).sign("sign")
    for item in after:
        if isinstance(item, str):
            kind = item
            if item in ("Sign", "Relu", "Neg"):
                sketch.op(kind)
            elif item == "Cast":
                sketch.op("Cast", to=1)
        else:
            sketch.op(kind, sketch.constant(item))
    sketch.dense(16, 3)
    options = LoadOptions(input_type="bipolar", sign_zero=choice)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), options, count=40)
    assert graph.notes == ()
    sums = interpret_all(graph, graph.input_format.encode(random_inputs(graph, 40, 1)))
    assert (sums[graph.nodes[0].output] == 0).any(axis=0).all()


@pytest.mark.parametrize("batch", ["N", 3])
@pytest.mark.parametrize("how", ["repair", "where", "compare"])
def test_constants_of_the_activations_shape(tmp_path: Path, batch: object, how: str) -> None:
    """As torch.ones_like and zeros_like are exported; a dynamic batch must cost no memory."""
    sketch = Sketch([batch, 64])
    sketch.dense(64, 128)
    shape = sketch.node("Shape", [sketch.tensor])
    value = onnx.numpy_helper.from_array(np.ones(1, np.float32))
    ones = sketch.node("ConstantOfShape", [shape], value=value)
    zeros = sketch.node("Expand", [sketch.constant([0]), shape])
    if how == "repair":
        sign = sketch.node("Sign", [sketch.tensor])
        equal = sketch.node("Equal", [sign, zeros])
        sketch.tensor = sketch.node("Where", [equal, ones, sign])
    elif how == "where":
        minus = sketch.node("Neg", [ones])
        sketch.op("Greater", sketch.constant(0))
        sketch.op("Where", ones, minus)
    else:
        sketch.op("GreaterOrEqual", zeros)
        sketch.op("Cast", to=1)
    sketch.dense(128, 3)
    agrees(sketch.save(tmp_path / "m.onnx"), LoadOptions(input_type="bipolar"))


@pytest.mark.parametrize("spelling", ["greater", "less_or_equal"])
def test_batch_norm_of_a_flattened_image_before_a_sign(tmp_path: Path, spelling: str) -> None:
    sketch = Sketch(["N", 4, 4, 4], seed=3)
    sketch.conv(4, 6, pads=1).flatten().batch_norm(96).sign(spelling).dense(96, 5)
    path = sketch.save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="bipolar")
    agrees(path, options)
    passes_agree(path, options)
