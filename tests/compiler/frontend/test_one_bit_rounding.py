"""Roundings to two numbers are signs, at ties too: Round, Floor, Quant, QuantizeLinear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.ops import Binarize, Quantise, Threshold
from bnnhw.ir.types import Bit
from bnnhw.verify.model import random_inputs
from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Spelling = Callable[[Sketch], None]

QONNX = "qonnx.custom_op.general"
BIPOLAR = LoadOptions(input_type="bipolar")


def clip(sketch: Sketch, low: float, high: float, dtype: type = np.float32) -> None:
    sketch.op("Clip", sketch.constant(low, dtype), sketch.constant(high, dtype))


def clip_and_round(sketch: Sketch) -> None:
    clip(sketch, 0, 1)
    sketch.op("Round")


def clip_between_integers(sketch: Sketch) -> None:
    clip(sketch, 0.25, 1.25)
    sketch.op("Sub", sketch.constant(0.25))
    sketch.op("Round")
    sketch.op("Sub", sketch.constant(0.5))


def round_and_clip(sketch: Sketch) -> None:
    sketch.op("Round")
    clip(sketch, 1, 2)


def round_and_clip_below_zero(sketch: Sketch) -> None:
    sketch.op("Round")
    clip(sketch, -1, 0)


def scaled(sketch: Sketch) -> None:
    sketch.op("Mul", sketch.constant(2))
    sketch.op("Round")
    clip(sketch, 0, 1)
    sketch.op("Mul", sketch.constant(0.75))


def round_of_a_sign(sketch: Sketch) -> None:
    sketch.sign("greater_or_equal")
    clip(sketch, 0, 1)
    sketch.op("Round")


def relu_and_floor(sketch: Sketch) -> None:
    sketch.op("Relu")
    clip(sketch, -5, 1)
    sketch.op("Add", sketch.constant(0.5))
    sketch.op("Floor")
    clip(sketch, 0, 1)


def quant(sketch: Sketch, scale: float, bits: int, **attributes: int | str) -> None:
    sketch.domains[QONNX] = 1
    constants = [sketch.constant(v) for v in (scale, 0, bits)]
    sketch.op("Quant", *constants, domain=QONNX, **attributes)


def unsigned_quant(sketch: Sketch) -> None:
    quant(sketch, 0.5, 1, signed=0, narrow=0, rounding_mode="ROUND")


def signed_quant(sketch: Sketch) -> None:
    quant(sketch, 0.3, 1, signed=1, narrow=0, rounding_mode="ROUND")


def quant_floor(sketch: Sketch) -> None:
    quant(sketch, 0.5, 1, signed=0, narrow=0, rounding_mode="FLOOR")


def quantize_linear(sketch: Sketch, *, inside: bool, point: int = 0) -> None:
    dtype = np.int8 if point < 0 else np.uint8
    pair = [sketch.constant(0.5), sketch.constant(point, dtype)]
    if not inside:
        clip(sketch, 0, 0.5)
    sketch.op("QuantizeLinear", *pair)
    if inside:
        clip(sketch, point, point + 1, dtype)
    sketch.op("DequantizeLinear", *pair)


def clip_and_quantize(sketch: Sketch) -> None:
    quantize_linear(sketch, inside=False)


def quantize_and_clip(sketch: Sketch) -> None:
    quantize_linear(sketch, inside=True)


def quantize_around_another_point(sketch: Sketch) -> None:
    quantize_linear(sketch, inside=True, point=-3)


SPELLINGS = (
    clip_and_round, clip_between_integers, round_and_clip, round_and_clip_below_zero, scaled,
    round_of_a_sign, relu_and_floor, unsigned_quant, signed_quant, quant_floor, clip_and_quantize,
    quantize_and_clip, quantize_around_another_point,
)  # fmt: skip


def network(spelling: Spelling, step: float = 0.25) -> Sketch:
    """Sums times ``step``, so that many lie just between two integers."""
    sketch = Sketch(["N", 4, 4, 4], seed=6).conv(4, 6, pads=1)
    sketch.op("Mul", sketch.constant(step))
    spelling(sketch)
    sketch.conv(6, 4, pads=1).batch_norm(4)
    spelling(sketch)
    return sketch.flatten().dense(64, 5)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda s: s.__name__)
def test_rounding_to_two_numbers_is_a_sign(tmp_path: Path, spelling: Spelling) -> None:
    path = network(spelling).save(tmp_path / "m.onnx")
    real = load(path, BIPOLAR)
    assert not any(isinstance(node.op, Quantise) for node in real.nodes)
    assert sum(isinstance(node.op, Binarize) for node in real.nodes) == (
        4 if spelling is round_of_a_sign else 2
    )
    graph = agrees(path, BIPOLAR, count=24)
    assert sum(isinstance(node.op, Threshold) for node in graph.nodes) == 2
    passes_agree(path, BIPOLAR)


@pytest.mark.parametrize(("low", "strict"), [(0, True), (1, False), (-1, False)])
def test_ties_go_to_the_even_neighbour(tmp_path: Path, low: int, strict: bool) -> None:
    sketch = Sketch(["N", 4, 4, 4], seed=6).conv(4, 6, pads=1)
    sketch.op("Mul", sketch.constant(0.25))
    sketch.op("Round")
    clip(sketch, low, low + 1)
    path = sketch.flatten().dense(96, 5).save(tmp_path / "m.onnx")
    sign = next(n.op for n in load(path, BIPOLAR).nodes if isinstance(n.op, Binarize))
    assert (sign.strict, sign.low, sign.high) == (strict, low, low + 1)
    graph = agrees(path, BIPOLAR, count=24)
    values = interpret_all(graph, graph.input_format.encode(random_inputs(graph, 24, 1)))
    first = graph.nodes[0].output
    assert (values[first] == 4 * low + 2).any(), "no sum lies on a tie"


def test_one_bit_quantiser_at_the_input(tmp_path: Path) -> None:
    sketch = Sketch(["N", 4, 4, 4], seed=6)
    unsigned_quant(sketch)
    sketch.conv(4, 6, pads=1).batch_norm(6).sign().flatten().dense(96, 5)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    assert graph.input_format.element == Bit(False)


def test_rounding_to_one_number_is_refused(tmp_path: Path) -> None:
    def constant(sketch: Sketch) -> None:
        sketch.op("Round")
        clip(sketch, 1, 1)

    path = network(constant).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"rounds to 1 .. 1, one number") as caught:
        load(path, BIPOLAR)
    assert caught.value.fix
