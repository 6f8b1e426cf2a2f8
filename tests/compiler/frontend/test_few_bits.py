"""Activations of a few bits and precision gating: exact integers for all that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.compiler import CompileOptions, compile_model, integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.ops import BinaryConv, FixedAffine, FixedSelect, IntegerTable, Select
from bnnhw.ir.types import Integer
from bnnhw.passes.sign_loss import sign_arguments
from bnnhw.verify.model import check_against_onnxruntime, random_inputs
from bnnhw.verify.run_simulation import simulate_build
from gated_networks import gated_network
from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QONNX = "qonnx.custom_op.general"
CHANNELS = 4


def fracbnn(sketch: Sketch) -> None:
    sketch.op("Clip", sketch.constant(-1), sketch.constant(1))
    sketch.op("Add", sketch.constant(1))
    sketch.op("Mul", sketch.constant(1.5))
    sketch.op("Round")
    sketch.op("Mul", sketch.constant(2 / 3))
    sketch.op("Sub", sketch.constant(1))


def nested(sketch: Sketch) -> None:
    """As a tree of comparisons."""
    x, constants = sketch.tensor, [sketch.constant(v) for v in (1, 1 / 3, -1 / 3, -1)]
    above, middle, below = (
        sketch.node("Greater", [x, sketch.constant(v)]) for v in (2 / 3, 0, -2 / 3)
    )
    high = sketch.node("Where", [above, *constants[:2]])
    low = sketch.node("Where", [below, *constants[2:]])
    sketch.tensor = sketch.node("Where", [middle, high, low])


def chained(sketch: Sketch) -> None:
    """One comparison after the other, from below."""
    x, last = sketch.tensor, sketch.constant(1)
    for threshold, value in ((2 / 3, 1 / 3), (0, -1 / 3), (-2 / 3, -1)):
        below = sketch.node("Less", [x, sketch.constant(threshold)])
        last = sketch.node("Where", [below, sketch.constant(value), last])
    sketch.tensor = last


def dorefa(sketch: Sketch) -> None:
    sketch.op("Max", sketch.constant(0))
    sketch.op("Min", sketch.constant(1))
    sketch.op("Mul", sketch.constant(3))
    sketch.op("Round")
    sketch.op("Div", sketch.constant(3))


def quant(sketch: Sketch) -> None:
    constants = [sketch.constant(v) for v in (1 / 3, 0, 2)]
    sketch.op("Quant", *constants, domain=QONNX, signed=0, narrow=0, rounding_mode="ROUND")
    sketch.domains[QONNX] = 1


def start() -> Sketch:
    sketch = Sketch(["N", 3, 6, 6], np.uint8, seed=4)
    sketch.op("Cast", to=1)
    sketch.op("Div", sketch.constant(255))
    weight = sketch.rng.normal(size=(CHANNELS, 3, 3, 3))
    return sketch.conv(3, CHANNELS, weight=weight, pads=1).batch_norm(CHANNELS, spread=1.0)


def end(sketch: Sketch, shortcut: str) -> Sketch:
    sketch.batch_norm(CHANNELS, spread=2.0)
    sketch.op("Add", shortcut)
    sketch.op("GlobalAveragePool")
    weight = sketch.rng.normal(size=(CHANNELS, 3))
    return sketch.flatten().dense(CHANNELS, 3, weight=weight)


@pytest.mark.parametrize(
    ("spelling", "inputs"),
    [
        (fracbnn, Integer(3, True)),
        (nested, Integer(3, True)),
        (chained, Integer(3, True)),
        (dorefa, Integer(2, False)),
        (quant, Integer(2, False)),
    ],
)
def test_binary_layers_read_two_bits_as_they_are(
    tmp_path: Path, spelling: Callable[[Sketch], None], inputs: Integer
) -> None:
    sketch = start()
    shortcut = sketch.tensor
    spelling(sketch)
    path = end(sketch.conv(CHANNELS, CHANNELS, pads=1), shortcut).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    (layer,) = (n for n in graph.nodes if isinstance(n.op, BinaryConv))
    assert graph.tensors[layer.inputs[0]].dtype == inputs
    values = interpret_all(graph, graph.input_format.encode(random_inputs(graph, 4, 1)))
    shifted = spelling in (fracbnn, nested, chained)
    wanted = [-3, -1, 1, 3] if shifted else [0, 1, 2, 3]
    assert sorted(set(values[layer.inputs[0]].ravel().tolist())) == wanted
    tables = [n.op.values.tolist() for n in graph.nodes if isinstance(n.op, IntegerTable)]
    assert [sorted(values) for values in tables] == ([wanted] if shifted else [])
    assert check_against_onnxruntime(path, graph).mismatches == 0
    # Roundings to few bits bound the widths of streams as signs do, at each of their steps.
    assert len(sign_arguments(load(path))) in (0, 3)


def gated(comparison: str, *, swapped: bool, first: bool, scale: float | None) -> Sketch:
    sketch = start()
    shortcut = sketch.tensor
    fracbnn(sketch)
    bits, weight = sketch.tensor, sketch.constant(sketch.signs(CHANNELS, CHANNELS, 3, 3))
    full = sketch.conv(CHANNELS, CHANNELS, weight=weight, pads=1).tensor
    sketch.tensor = bits
    sketch.sign()
    sketch.conv(CHANNELS, CHANNELS, weight=weight, pads=1)
    if scale is not None:
        sketch.op("Mul", sketch.constant(scale))
    high = sketch.tensor
    limits = sketch.constant(np.array([-1, 0.4, 2.5, -30]).reshape(1, CHANNELS, 1, 1))
    sketch.op(comparison, limits, first=first)
    both = [high, full] if swapped else [full, high]
    sketch.tensor = sketch.node("Where", [sketch.tensor, *both])
    return end(sketch, shortcut)


@pytest.mark.parametrize("comparison", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_gating_chooses_between_accumulators(
    tmp_path: Path, comparison: str, swapped: bool, first: bool
) -> None:
    path = gated(comparison, swapped=swapped, first=first, scale=2 / 3).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    (select,) = (n for n in graph.nodes if isinstance(n.op, FixedSelect))
    assert select.op.factors == (2, 1)
    assert check_against_onnxruntime(path, graph).mismatches == 0


def test_scales_of_no_small_ratio_are_chosen_as_streams(tmp_path: Path) -> None:
    path = gated("Greater", swapped=False, first=True, scale=0.7123).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    (select,) = (n for n in graph.nodes if isinstance(n.op, FixedSelect))
    producers = {n.output: n.op for n in graph.nodes}
    assert select.op.factors == (1, 1)
    assert all(isinstance(producers[name], FixedAffine) for name in select.inputs)
    assert check_against_onnxruntime(path, graph).mismatches == 0


def test_a_select_by_another_tensor_is_refused(tmp_path: Path) -> None:
    sketch = start()
    shortcut = sketch.tensor
    sketch.sign().conv(CHANNELS, CHANNELS, pads=1)
    one = sketch.tensor
    sketch.op("Mul", sketch.constant(2))
    two = sketch.tensor
    sketch.tensor = shortcut
    sketch.op("Greater", sketch.constant(0.5))
    sketch.tensor = sketch.node("Where", [sketch.tensor, one, two])
    path = end(sketch, shortcut).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="no comparison of one of them"):
        load(path)


def test_the_select_that_is_read_is_the_models(tmp_path: Path) -> None:
    path = gated("LessOrEqual", swapped=True, first=True, scale=None).save(tmp_path / "m.onnx")
    (select,) = (n.op for n in load(path).nodes if isinstance(n.op, Select))
    assert (select.strict, select.below) == (True, False)
    assert [float(t) for t in select.thresholds] == pytest.approx([-1, 0.4, 2.5, -30])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(200, 208))
def test_random_gated_networks_are_read_exactly(tmp_path: Path, seed: int) -> None:
    network = gated_network(seed)
    path = network.sketch.save(tmp_path / "m.onnx")
    options = CompileOptions(board="pynq-z2", input_type=network.input_type)
    graph = integer_graph(path, options)
    assert check_against_onnxruntime(path, graph, options=options, random_count=4).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(300, 306))]
)
def test_random_gated_networks_are_exact_in_hardware(tmp_path: Path, seed: int) -> None:
    network = gated_network(seed)
    options = CompileOptions(board="pynq-z2", cycles=20_000, input_type=network.input_type)
    path = network.sketch.save(tmp_path / "m.onnx")
    build = compile_model(path, tmp_path / "build", options).build
    outcome = simulate_build(build, None, 2, hls=True, probes=("all",))
    assert [check.mismatches for check in outcome.checks] == [0] * len(outcome.checks)
