"""Straight-through arithmetic: what cancels is left out, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from agreement import agrees
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, import_partly, load, read_model
from bnnhw.frontend.cancel import cancel
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    Conv,
    Dense,
    Flatten,
    Lookup,
    MaxPool,
    Piecewise,
)
from real_agreement import real_agrees
from sketch import Sketch, image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Spell = Callable[[Sketch, str], str]

PIXELS = LoadOptions(input_type="uint8", input_scale=1 / 64, input_offset=-2.0)


@pytest.fixture(scope="module", params=[False, True], ids=["torchscript", "dynamo"])
def export(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Path, bool]:
    """An untouched export of training code, and whether the dynamo exporter wrote it."""
    torch = pytest.importorskip("torch")
    if request.param:
        pytest.importorskip("onnxscript")
    from straight_through import StraightThroughNet, trained_looking

    torch.manual_seed(5)
    model, path = trained_looking(StraightThroughNet()), tmp_path_factory.mktemp("x") / "m.onnx"
    example = (torch.zeros(2, 3, 32, 32),)
    if request.param:
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(model, example, path, dynamo=True, dynamic_shapes=shapes, verbose=False)
    else:
        axes = {"x": {0: "batch"}}
        torch.onnx.export(model, example, path, dynamo=False, dynamic_axes=axes, input_names=["x"])
    return path, request.param


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_untouched_exports_of_training_code(
    tmp_path: Path, export: tuple[Path, bool], external: bool
) -> None:
    path, dynamo = export
    assert len(list(path.parent.iterdir())) == 1 + dynamo, "dynamo writes external data by itself"
    if external != dynamo:
        proto, path = onnx.load(path), tmp_path / "m.onnx"
        if external:
            onnx.save(proto, path, save_as_external_data=True, location="m.bin", size_threshold=64)
        else:
            onnx.save(proto, path)
        assert len(list(tmp_path.iterdir())) == 1 + external
    graph = real_agrees(path, PIXELS, ties=1)
    kinds = (Add, Affine, AveragePool, Binarize, Conv, Dense, Flatten, MaxPool)
    assert {type(node.op) for node in graph.nodes} == set(kinds)
    assert len([n for n in graph.nodes if isinstance(n.op, Binarize)]) == 3
    convolutions = [n.op.weight for n in graph.nodes if isinstance(n.op, Conv)]
    binary = [w for w in convolutions if (np.abs(w) == np.abs(w[:, :1, :1, :1])).all()]
    assert (len(convolutions), len(binary)) == (5, 3)
    assert any("3 of activations" in note for note in graph.notes)
    # The dynamo exporter evaluates small weights itself, with the rounding of float32.
    assert any("but for the rounding" in note for note in graph.notes) == dynamo
    assert bool(graph.statistics) != dynamo, "TorchScript keeps the BatchNorms behind such weights"


@pytest.mark.filterwarnings("ignore")
def test_learned_shifts_around_signs_and_prelus(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from straight_through import ShiftedBlock, StraightThroughNet, trained_looking

    torch.manual_seed(6)
    model = StraightThroughNet((1,))
    model.stages = torch.nn.Sequential(ShiftedBlock(8), ShiftedBlock(8))
    path = tmp_path / "m.onnx"
    axes = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch"}}}
    example = (torch.zeros(2, 3, 24, 24),)
    torch.onnx.export(trained_looking(model), example, path, dynamo=False, **axes)
    graph = real_agrees(path, PIXELS, ties=1)
    kinds = [type(node.op) for node in graph.nodes]
    assert (kinds.count(Binarize), kinds.count(Piecewise), kinds.count(Add)) == (2, 2, 2)


# ------------------------------------------------------------------------------- activations


def smooth(sketch: Sketch, x: str) -> str:
    """Something without hardware: x * x, cut at 1."""
    square = sketch.node("Mul", [x, x])
    inside = sketch.node("Cast", [sketch.node("Less", [x, sketch.constant(1)])], to=1)
    return sketch.node("Mul", [square, inside])


def sign(sketch: Sketch, x: str) -> str:
    return sketch.node("Sign", [x])


def plain(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    return s.node("Add", [s.node("Sub", [sign(s, x), f]), f])


def f_first(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    return s.node("Add", [f, s.node("Sub", [sign(s, x), f])])


def negated(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    return s.node("Sum", [s.node("Neg", [f]), sign(s, x), f])


def difference_of_differences(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    return s.node("Sub", [f, s.node("Sub", [f, sign(s, x)])])


def computed_twice(s: Sketch, x: str) -> str:
    return s.node("Add", [s.node("Sub", [sign(s, x), smooth(s, x)]), smooth(s, x)])


def factors_in_another_order(s: Sketch, x: str) -> str:
    gain = s.constant(3)
    ab = s.node("Mul", [s.node("Mul", [x, gain]), s.node("Tanh", [x])])
    ba = s.node("Mul", [s.node("Tanh", [x]), s.node("Mul", [gain, x])])
    return s.node("Add", [s.node("Sub", [sign(s, x), ab]), ba])


def signs_of_factors(s: Sketch, x: str) -> str:
    minus = s.node("Mul", [s.node("Neg", [x]), x])
    return s.node("Add", [s.node("Add", [sign(s, x), minus]), s.node("Mul", [x, x])])


def halves(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    half = s.node("Mul", [f, s.constant(0.5)])
    quarter = s.node("Div", [f, s.constant(4)])
    rest = s.node("Sub", [s.node("Sub", [f, half]), quarter])
    return s.node("Add", [s.node("Sub", [sign(s, x), quarter]), rest])


def only_minus_a_product(s: Sketch, x: str) -> str:
    """The product occurs negated alone, at first."""
    minus = s.node("Mul", [s.node("Neg", [x]), x])
    return s.node("Sub", [s.node("Add", [sign(s, x), minus]), minus])


def channels_last_and_back(s: Sketch, x: str) -> str:
    """As tf2onnx puts transpositions around what has no layout."""
    last = s.node("Transpose", [x], perm=[0, 2, 3, 1])
    signs = s.node("Transpose", [sign(s, last)], perm=[0, 3, 1, 2])
    return s.node("Add", [x, s.node("Add", [s.node("Neg", [x]), signs])])


SPELLINGS: list[Spell] = [
    channels_last_and_back,
    plain,
    f_first,
    negated,
    difference_of_differences,
    computed_twice,
    factors_in_another_order,
    signs_of_factors,
    halves,
    only_minus_a_product,
]


def network(spell: Spell) -> Sketch:
    sketch = image().conv(3, 4, pads=1).batch_norm(4)
    sketch.tensor = spell(sketch, sketch.tensor)
    return sketch.conv(4, 4).batch_norm(4).flatten().dense(64, 3)


@pytest.mark.parametrize("spell", SPELLINGS, ids=lambda spell: spell.__name__)
def test_terms_cancel_however_they_are_spelled(tmp_path: Path, spell: Spell) -> None:
    graph = real_agrees(network(spell).save(tmp_path / "m.onnx"))
    kinds = [type(node.op) for node in graph.nodes]
    assert kinds.count(Binarize) == 1
    assert not {Add}.intersection(kinds)
    assert any("terms cancel" in note for note in graph.notes)


def left_over_scale(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    twice = s.node("Mul", [sign(s, x), s.constant(2)])
    shifted = s.node("Add", [twice, s.constant(0.5)])
    return s.node("Add", [s.node("Sub", [shifted, f]), f])


def left_over_sum(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    joined = s.node("Add", [sign(s, x), x])
    return s.node("Add", [s.node("Sub", [joined, f]), f])


def left_over_part_of_f(s: Sketch, x: str) -> str:
    """f - 3f leaves -2f, f being a clipped x; only its square vanishes."""
    f = s.node("Clip", [x, s.constant(-1), s.constant(1)])
    square = s.node("Mul", [x, x])
    both = s.node("Sub", [s.node("Add", [f, square]), s.node("Mul", [f, s.constant(3)])])
    return s.node("Sub", [both, square])


def left_over_negated_product(s: Sketch, x: str) -> str:
    """What is left is held by no tensor as it is: the sign's double, halved."""
    f = smooth(s, x)
    y = s.node("Sub", [s.node("Mul", [sign(s, x), s.constant(0.5)]), f])
    return s.node("Mul", [s.node("Add", [y, f]), s.constant(-3)])


@pytest.mark.parametrize(
    "spell",
    [left_over_scale, left_over_sum, left_over_part_of_f, left_over_negated_product],
    ids=lambda spell: spell.__name__,
)
def test_what_does_not_cancel_stays(tmp_path: Path, spell: Spell) -> None:
    real_agrees(network(spell).save(tmp_path / "m.onnx"))


def another_edge(s: Sketch, x: str) -> str:
    square = s.node("Mul", [x, x])
    masks = [s.node("Less", [x, s.constant(edge)]) for edge in (1.0, 1.5)]
    one, other = (s.node("Mul", [square, s.node("Cast", [m], to=1)]) for m in masks)
    return s.node("Add", [s.node("Sub", [sign(s, x), one]), other])


def another_factor(s: Sketch, x: str) -> str:
    f = smooth(s, x)
    rest = s.node("Mul", [f, s.constant(0.999)])
    return s.node("Add", [s.node("Sub", [sign(s, x), f]), rest])


def another_attribute(s: Sketch, x: str) -> str:
    one, other = (s.node("Elu", [x], alpha=alpha) for alpha in (1.0, 1.25))
    return s.node("Add", [s.node("Sub", [sign(s, x), one]), other])


def another_tensor(s: Sketch, x: str) -> str:
    y = s.node("Mul", [x, s.constant(1.001)])
    return s.node("Add", [s.node("Sub", [sign(s, x), smooth(s, x)]), smooth(s, y)])


@pytest.mark.parametrize(
    "spell",
    [another_edge, another_factor, another_attribute, another_tensor],
    ids=lambda spell: spell.__name__,
)
def test_terms_that_differ_do_not_cancel_and_the_node_is_named(
    tmp_path: Path, spell: Spell
) -> None:
    path = network(spell).save(tmp_path / "m.onnx")
    assert not cancel(read_model(path)).notes
    with pytest.raises(ModelError, match=r"node '(mul|elu)_\d+'"):
        load(path)


def test_random_terms_do_not_cancel(tmp_path: Path) -> None:
    def spell(s: Sketch, x: str) -> str:
        one, other = (s.node("RandomNormalLike", [x]) for _ in range(2))
        return s.node("Add", [s.node("Sub", [sign(s, x), one]), other])

    path = network(spell).save(tmp_path / "m.onnx")
    assert not cancel(read_model(path)).notes


@pytest.mark.parametrize("wraps", [False, True])
def test_integer_arithmetic_is_left_alone_since_it_wraps(tmp_path: Path, wraps: bool) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    y = sketch.node("Mul", ["x", sketch.constant(5, np.uint8)])
    y = sketch.node("Add", [y, "x"])
    sketch.tensor = y if wraps else sketch.node("Sub", [y, "x"])
    sketch.op("Cast", to=1)
    sketch.conv(3, 4, pads=1).batch_norm(4).sign().flatten().dense(144, 3)
    path = sketch.save(tmp_path / "m.onnx")
    assert not cancel(read_model(path)).notes
    graph = real_agrees(path)
    assert isinstance(graph.nodes[0].op, Lookup)


def test_a_term_that_widens_the_shape_does_not_cancel(tmp_path: Path) -> None:
    """(pooled - f) + f has f's shape, which pooled alone has not."""
    sketch = image().conv(3, 4)
    x = sketch.tensor
    pooled = sketch.node("GlobalAveragePool", [x])
    f = sketch.node("Relu", [x])
    sketch.tensor = sketch.node("Add", [sketch.node("Sub", [pooled, f]), f])
    path = sketch.sign().flatten().dense(64, 3).save(tmp_path / "m.onnx")
    assert not cancel(read_model(path)).notes
    with pytest.raises(ModelError, match="shapes"):
        load(path)


def test_a_term_of_other_axes_does_not_cancel(tmp_path: Path) -> None:
    """(y - f) + f, where y is a transposed f: the shapes are told apart."""
    sketch = image().conv(3, 4)
    x = sketch.tensor
    turned = sketch.node("Transpose", [sketch.node("Sign", [x])], perm=[0, 1, 3, 2])
    sketch.tensor = sketch.node("Add", [sketch.node("Sub", [turned, x]), x])
    path = sketch.flatten().dense(64, 3).save(tmp_path / "m.onnx")
    assert not cancel(read_model(path)).notes


# ----------------------------------------------------------------------------------- weights


def test_as_much_as_can_be_read_comes_with_the_error(tmp_path: Path) -> None:
    path = network(another_edge).save(tmp_path / "m.onnx")
    graph, error = import_partly(read_model(path), LoadOptions())
    assert error is not None and "combines two tensors" in error.what
    assert len([n for n in graph.nodes if isinstance(n.op, Conv)]) == 1
    graph, error = import_partly(read_model(network(plain).save(path)), LoadOptions())
    assert error is None
    assert len([n for n in graph.nodes if isinstance(n.op, Conv)]) == 2


@pytest.mark.parametrize("way", ["Gemm", "Gemm, transposed", "MatMul", "MatMul on the left"])
def test_the_model_is_checked_with_the_chosen_signs_of_0_in_dense_layers(
    tmp_path: Path, way: str
) -> None:
    sketch = Sketch(["N", 40])
    weight = sketch.signs(40, 32) * np.float32(0.5)
    weight[3, 5] = 0
    if way == "MatMul":
        sketch.dense(40, 32, weight=weight)
    elif way == "MatMul on the left":
        sketch.op("Transpose", perm=[1, 0])
        sketch.op("MatMul", sketch.constant(weight.T), first=False)
        sketch.op("Transpose", perm=[1, 0])
    else:
        turned = "transposed" in way
        sketch.op("Gemm", sketch.constant(weight.T if turned else weight), transB=int(turned))
    path = sketch.batch_norm(32).sign().dense(32, 3).save(tmp_path / "m.onnx")
    for choice in ("minus", "plus"):
        graph = agrees(path, LoadOptions(input_type="bipolar", sign_zero=choice))
        assert "1 of 1280 binary weights are sign(0)" in graph.notes[0]
