"""Activations of the papers are compositions of affine and piecewise linear functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_residual import block, classifier, stem

from bnnhw.compiler import integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.interpret.real import evaluated
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Binarize, Piecewise, clip, prelu, relu
from bnnhw.ir.pieces import then, value
from bnnhw.verify.model import check_against_onnxruntime

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


def test_a_bound_for_each_channel_is_refused(tmp_path: Path) -> None:
    sketch = stem()
    sketch.op("Max", per_channel(sketch, 0, 1))
    path = classifier(block(sketch, CHANNELS, CHANNELS), CHANNELS).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="differs between elements"):
        load(path)


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
