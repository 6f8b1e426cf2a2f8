"""Activations of the papers are compositions of affine and piecewise linear functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto
from test_residual import block, classifier, stem

from bnnhw.compiler import integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.interpret.real import evaluated
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Binarize, IntegerTable, Piecewise, clip, prelu, relu
from bnnhw.ir.pieces import then, value
from bnnhw.verify.model import check_against_onnxruntime
from sketch import image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sketch import Sketch

CHANNELS = 4


def per_channel(sketch: Sketch, low: float, high: float) -> str:
    return sketch.constant(sketch.rng.uniform(low, high, (CHANNELS, 1, 1)))


def rsign(sketch: Sketch) -> None:
    sketch.op("Sub", per_channel(sketch, -0.3, 0.3))


def rprelu(sketch: Sketch) -> None:
    sketch.op("Sub", per_channel(sketch, -0.3, 0.3))
    sketch.op("PRelu", per_channel(sketch, 0.1, 0.9))
    sketch.op("Add", per_channel(sketch, -0.3, 0.3))


def mask(sketch: Sketch, op: str, bound: object) -> str:
    """Where the tensor so far lies beyond a bound, as 0 and 1."""
    compared = sketch.node(op, [sketch.tensor, sketch.constant(bound)])
    return sketch.node("Cast", [compared], to=TensorProto.FLOAT)


def times(sketch: Sketch, first: str, second: object) -> str:
    second = second if isinstance(second, str) else sketch.constant(second)
    return sketch.node("Mul", [first, second])


def two_slopes(op: str, at: float = 0.0) -> Callable[[Sketch], object]:
    """Where(x > 0, r * x, l * x), a slope 0 and negative ones included; or bent elsewhere."""

    def made(sketch: Sketch) -> None:
        x = sketch.node("Sub", [sketch.tensor, sketch.constant(at)])
        first = times(sketch, x, [[[0.0]], [[-0.5]], [[0.7]], [[1.5]]])
        second = times(sketch, x, [[[0.5]], [[0.3]], [[0.7]], [[-0.2]]])
        bits = sketch.node(op, [sketch.tensor, sketch.constant(at)])
        sketch.tensor = sketch.node("Where", [bits, first, second])

    return made


def leaky_clip(sketch: Sketch) -> None:
    """As Bi-Real Net's code writes it: products of lines and masks."""
    start = sketch.tensor
    for bound, shift in ((-1.0, -0.9), (1.0, 0.9)):
        inside = mask(sketch, "Less", bound)
        outside = sketch.node("Sub", [sketch.constant(1.0), inside])
        sloping = sketch.node("Add", [times(sketch, start, 0.1), sketch.constant(shift)])
        if bound < 0:
            parts = times(sketch, sloping, inside), times(sketch, start, outside)
            below, sketch.tensor = sketch.node("Add", [*parts]), start
        else:
            parts = times(sketch, below, inside), times(sketch, sloping, outside)
            sketch.tensor = sketch.node("Add", [*parts])


def relu_and_negative(sketch: Sketch) -> None:
    start = sketch.tensor
    falling = sketch.node("Relu", [sketch.node("Neg", [start])])
    part = times(sketch, falling, [[[0.1]], [[-0.3]], [[0.0]], [[1.0]]])
    sketch.tensor = sketch.node("Sub", [sketch.node("Relu", [start]), part])


def max_and_min(sketch: Sketch) -> None:
    parts = [
        times(sketch, sketch.node(op, [sketch.tensor, sketch.constant(0.0)]), slope)
        for op, slope in (("Max", 0.7), ("Min", 0.3))
    ]
    sketch.tensor = sketch.node("Add", parts)


def between(sketch: Sketch) -> None:
    """Where(And(x > -1, x < 1), x, sign(x)): a HardTanh."""
    start = sketch.tensor
    low = sketch.node("Greater", [start, sketch.constant(-1.0)])
    high = sketch.node("Less", [start, sketch.constant(1.0)])
    sign = sketch.node("Sign", [start])
    sketch.tensor = sketch.node("Where", [sketch.node("And", [low, high]), start, sign])


def bounds_of_channels(sketch: Sketch) -> None:
    sketch.op("Max", per_channel(sketch, -1, -0.5))
    sketch.op("Min", per_channel(sketch, 0.5, 1))


ACTIVATIONS: dict[str, Callable[[Sketch], object]] = {
    "RSign": rsign,
    "RPReLU": rprelu,
    "FPReLU": lambda s: s.op("PRelu", per_channel(s, 0.2, 5.0)),
    "PReLU that falls": lambda s: s.op("PRelu", per_channel(s, -0.5, 0.5)),
    "LeakyReLU": lambda s: s.op("LeakyRelu", alpha=0.1),
    "ReLU": lambda s: s.op("Relu"),
    "Abs": lambda s: s.op("Abs"),
    "ReLU6": lambda s: s.op("Clip", s.constant(0), s.constant(6)),
    "HardTanh": lambda s: s.op("Clip", s.constant(-1), s.constant(1)),
    "HardTanh of Max and Min": lambda s: s.op("Max", s.constant(-1)) and s.op("Min", s.constant(1)),
    **{f"two slopes, {op}": two_slopes(op) for op in ("Greater", "GreaterOrEqual", "Less")},
    "two slopes, <= 0.4": two_slopes("LessOrEqual", 0.4),
    "leaky clip": leaky_clip,
    "relu(x) - a * relu(-x)": relu_and_negative,
    "max(x, a * x)": lambda s: s.op("Max", times(s, s.tensor, 0.2)),
    "a * max(x, 0) + b * min(x, 0)": max_and_min,
    "x * (x > 0)": lambda s: s.op("Mul", mask(s, "Greater", 0.0)),
    "a HardTanh of And": between,
    "HardTanh per channel": bounds_of_channels,
    "HardSigmoid": lambda s: s.op("HardSigmoid", alpha=0.3, beta=0.4),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_needs_no_operation_and_no_unit_of_its_own(tmp_path: Path, name) -> None:
    """It stands before a sign, before an addition and behind one; the scores are the model's."""
    sketch = stem()
    ACTIVATIONS[name](sketch)
    block(sketch, CHANNELS, CHANNELS)
    ACTIVATIONS[name](sketch)
    block(sketch, CHANNELS, CHANNELS)
    path = classifier(sketch, CHANNELS).save(tmp_path / "m.onnx")
    bends = {type(n.op) for n in load(path).nodes if type(n.op).__name__ not in LINEAR}
    assert bends <= {Piecewise, Binarize}
    assert check_against_onnxruntime(path, integer_graph(path)).mismatches == 0


LINEAR = {"Add", "Affine", "AveragePool", "Conv", "Dense", "Flatten"}


@pytest.mark.parametrize("order", ["Max", "Min"])
def test_max_and_min_take_constants_in_any_place(tmp_path: Path, order: str) -> None:
    sketch = stem()
    sketch.tensor = sketch.node(
        order, [sketch.constant(0.5), sketch.tensor, sketch.constant([[0.2]])]
    )
    block(sketch, CHANNELS, CHANNELS)
    graph = load(classifier(sketch, CHANNELS).save(tmp_path / "m.onnx"))
    (op,) = [node.op for node in graph.nodes if isinstance(node.op, Piecewise)]
    assert op.limits == ((0.5, np.inf) if order == "Max" else (-np.inf, pytest.approx(0.2)))


REFUSED = {
    "Where": "selects between two functions that do not meet: at 0.5 it jumps from 0.5 to 1",
    "Mul": "makes a function that is not continuous: at 0.5 it jumps from 0 to 0.5",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_that_jumps_is_refused_where_it_is_made(tmp_path: Path, name: str) -> None:
    """Not where it is read, nor where a constant is added to it."""
    sketch = stem()
    start = sketch.tensor
    if name == "Where":
        bits = sketch.node("Greater", [start, sketch.constant(0.5)])
        sketch.tensor = sketch.node("Where", [bits, times(sketch, start, 2.0), start])
    else:
        sketch.op("Mul", mask(sketch, "Greater", 0.5))
    sketch.op("Add", sketch.constant(0.25))
    path = classifier(block(sketch, CHANNELS, CHANNELS), CHANNELS).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError) as caught:
        load(path)
    assert caught.value.what == REFUSED[name]
    assert f"({name})" in str(caught.value.where)


def test_four_pieces_name_the_node_that_makes_them(tmp_path: Path) -> None:
    sketch = stem()
    sketch.op("Abs")
    sketch.tensor = sketch.node("Sub", [sketch.tensor, sketch.constant(1.0)])
    sketch.op("Abs", name="bent")
    path = classifier(block(sketch, CHANNELS, CHANNELS), CHANNELS).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="4 linear pieces; the hardware has three") as caught:
        integer_graph(path)
    assert "bent" in str(caught.value.where)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 40))]
)
def test_random_functions_of_three_pieces(tmp_path: Path, seed: int) -> None:
    """Slopes and knees of each channel, spelled with masks, before a sign and an addition."""
    rng = np.random.default_rng(seed)
    for case in range(5):
        sketch = stem()
        sketch.rng = rng
        for _ in range(2):
            random_function(sketch)
            block(sketch, CHANNELS, CHANNELS)
        path = classifier(sketch, CHANNELS).save(tmp_path / f"m{case}.onnx")
        bends = [node.op for node in load(path).nodes if isinstance(node.op, Piecewise)]
        assert len(bends) == 2
        assert all(len(pieces) <= 3 for op in bends for pieces in op.functions)
        assert check_against_onnxruntime(path, integer_graph(path)).mismatches == 0


def random_function(sketch: Sketch) -> None:
    """Sums of products of lines and masks, nested Wheres, or maxima of differences from knees."""
    rng, start = sketch.rng, sketch.tensor
    knees = np.sort(rng.integers(-8, 9, (2, CHANNELS, 1, 1)) / 8, axis=0)
    slopes = rng.choice([-1.0, -0.25, 0.0, 0.125, 0.5, 1.0, 2.0], (3, CHANNELS, 1, 1))
    ops = rng.choice(["Greater", "GreaterOrEqual", "Less", "LessOrEqual"], 2)
    way = rng.integers(3)
    lines, shift = [], np.zeros((CHANNELS, 1, 1))
    for i in range(3):
        if i:
            shift = shift + (slopes[i - 1] - slopes[i]) * knees[i - 1]
        sloping = times(sketch, start, slopes[i])
        lines.append(sketch.node("Add", [sloping, sketch.constant(shift)]))
    result = lines[0]
    for i in range(2):
        if way == 2:
            beyond = sketch.node("Sub", [start, sketch.constant(knees[i])])
            part = sketch.node("Relu", [beyond])
            part = times(sketch, part, slopes[i + 1] - slopes[i])
            result = sketch.node("Add", [result, part])
            continue
        turned = ops[i].startswith("Less")
        bits = sketch.node(ops[i], [start, sketch.constant(knees[i])])
        if way == 1:
            pair = [result, lines[i + 1]] if turned else [lines[i + 1], result]
            result = sketch.node("Where", [bits, *pair])
            continue
        number = sketch.node("Cast", [bits], to=TensorProto.FLOAT)
        other = sketch.node("Sub", [sketch.constant(1.0), number])
        below, above = (number, other) if turned else (other, number)
        parts = times(sketch, result, below), times(sketch, lines[i + 1], above)
        result = sketch.node("Add", [*parts])
    sketch.tensor = result


def test_pieces_evaluate_and_compose_as_the_functions_do() -> None:
    slopes = exact(np.array([0.25, -2.0, 1.0, 0.0]))
    affine = Affine(exact(np.array([2.0, -0.5, 0.0, -1.0])), exact(np.array([0.5, -1.0, 3.0, 0.0])))
    x = np.linspace(-4, 4, 65)
    for first in (relu(), clip(-1.0, 2.0), prelu(slopes), affine):
        for second in (relu(), clip(-0.5, 1.0), clip(2.0, 1.0), prelu(slopes)):
            for channel in range(4):
                made = then(first.pieces(channel), second.pieces(channel))
                starts = [piece.start for piece in made[1:]]
                assert starts == sorted(starts)
                inner = np.array([value(first.pieces(channel), v) for v in exact(x)])
                want = [value(second.pieces(channel), v) for v in inner]
                assert [value(made, v) for v in exact(x)] == want
                whole = np.broadcast_to(inner.astype(float)[None, None], (1, 4, len(x)))
                assert np.allclose(evaluated(second, whole)[0, channel], np.array(want, float))


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh"])
def test_a_smooth_gate_is_a_table(tmp_path: Path, name: str) -> None:
    """Within half a step of its 8 bits of what the model computes of the rounded number."""
    sketch = image(8)
    sketch.conv(3, 16, weight=sketch.rng.normal(size=(16, 3, 3, 3)), pads=1).batch_norm(16)
    start = sketch.tensor
    sketch.sign().conv(16, 16, weight=0.1 * sketch.signs(16, 16, 3, 3), pads=1).batch_norm(16)
    product, sketch.tensor = sketch.tensor, start
    sketch.op("GlobalAveragePool")
    sketch.conv(16, 16, kernel=1, weight=3 * sketch.rng.normal(size=(16, 16, 1, 1)))
    sketch.op(name)
    sketch.op("Mul", product)
    path = classifier(sketch, 16).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    (table,) = [node for node in graph.nodes if isinstance(node.op, IntegerTable)]
    source = graph.tensors[table.inputs[0]].dtype
    x = np.arange(source.low, source.high + 1) * 2.0**-source.frac
    y = table.op.values * 2.0**-table.op.dtype.frac
    want = 1 / (1 + np.exp(-x)) if name == "Sigmoid" else np.tanh(x)
    step = 2.0**-table.op.dtype.frac
    assert (np.abs(y - want) <= np.where(want > 1 - step, 1.0, 0.5 + 1e-9) * step).all()
    assert check_against_onnxruntime(path, graph).mismatches == 0


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh"])
def test_a_smooth_activation_of_a_stream_is_read(tmp_path: Path, name: str) -> None:
    sketch = image(8)
    sketch.conv(3, 16, weight=sketch.rng.normal(size=(16, 3, 3, 3)), pads=1).batch_norm(16)
    sketch.op(name)
    start = sketch.tensor
    sketch.op("Sub", sketch.constant(0.25))
    sketch.sign().conv(16, 16, weight=0.1 * sketch.signs(16, 16, 3, 3), pads=1).batch_norm(16)
    sketch.op("Add", start)
    path = classifier(sketch, 16).save(tmp_path / "m.onnx")
    assert check_against_onnxruntime(path, integer_graph(path)).mismatches == 0
