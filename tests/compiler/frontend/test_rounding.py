"""Models that round their streams themselves: the integer graph's scores are onnxruntime's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.frontend import import_file, load
from bnnhw.frontend.model_file import read_proto
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import FixedAdd, FixedAffine, IntegerConv, Quantise
from bnnhw.ir.types import Integer
from bnnhw.passes import run
from bnnhw.verify.model import Session, check_against_onnxruntime, random_inputs
from real_agreement import real_agrees
from sketch import Sketch, image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bnnhw.ir.graph import Graph

    Spelling = Callable[[Sketch, int, int], None]

QONNX = "qonnx.custom_op.general"


def quant(sketch: Sketch, bits: int, frac: int, mode: str = "ROUND") -> None:
    constants = [sketch.constant(v) for v in (2.0**-frac, 0, bits)]
    sketch.op("Quant", *constants, domain=QONNX, signed=1, narrow=0, rounding_mode=mode)
    sketch.domains[QONNX] = 1


def quant_half_up(sketch: Sketch, bits: int, frac: int) -> None:
    quant(sketch, bits, frac, "HALF_UP")


def quant_floor(sketch: Sketch, bits: int, frac: int) -> None:
    sketch.op("Add", sketch.constant(2.0 ** -(frac + 1)))
    quant(sketch, bits, frac, "FLOOR")


def qdq(sketch: Sketch, bits: int, frac: int, point: int = 0, kind: str = "int") -> None:
    dtype = np.dtype(f"{kind}{bits}")
    pair = [sketch.constant(2.0**-frac), sketch.constant(point, dtype)]
    sketch.op("QuantizeLinear", *pair)
    sketch.op("DequantizeLinear", *pair)


def unsigned_qdq(sketch: Sketch, bits: int, frac: int) -> None:
    qdq(sketch, bits, frac, 1 << (bits - 1), "uint")


def clip(sketch: Sketch, bits: int, scale: float = 1) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    sketch.op("Clip", sketch.constant(low * scale), sketch.constant(high * scale))


def floor(sketch: Sketch, bits: int, frac: int) -> None:
    sketch.op("Mul", sketch.constant(2.0**frac))
    sketch.op("Add", sketch.constant(0.5))
    sketch.op("Floor")
    clip(sketch, bits)
    sketch.op("Mul", sketch.constant(2.0**-frac))


def floor_of_clipped(sketch: Sketch, bits: int, frac: int) -> None:
    sketch.op("Div", sketch.constant(2.0**-frac))
    clip(sketch, bits)
    sketch.op("Add", sketch.constant(0.5))
    sketch.op("Floor")
    sketch.op("Div", sketch.constant(2.0**frac))


def clipped_behind_the_scale(sketch: Sketch, bits: int, frac: int) -> None:
    sketch.op("Mul", sketch.constant(2.0**frac))
    sketch.op("Round")
    sketch.op("Mul", sketch.constant(2.0**-frac))
    clip(sketch, bits, 2.0**-frac)


SPELLINGS: dict[str, Spelling] = {
    f.__name__: f
    for f in (quant, quant_half_up, quant_floor, qdq, unsigned_qdq, floor, floor_of_clipped,
              clipped_behind_the_scale)
}  # fmt: skip


def scaled(sketch: Sketch, channels: int, frac: int, *, step: int = 3) -> None:
    """Per channel * m + b: multiples of 2^-(frac + step), b an odd one, so that no tie occurs."""
    shape = (channels, 1, 1)
    unit = 2.0 ** -(frac + step)
    gains = 2 * sketch.rng.integers(-20, 21, shape) * unit
    sketch.op("Mul", sketch.constant(gains))
    sketch.op("Add", odd(sketch, *shape, bits=frac + step))


def grid(sketch: Sketch, *shape: int) -> str:
    """Weights that are multiples of 2^-5, of 8 bits, with a largest of its own a channel."""
    return sketch.constant(sketch.rng.integers(-90, 91, shape) / 32)


def odd(sketch: Sketch, *shape: int, bits: int) -> str:
    """Odd multiples of 2^-bits: half the unit of the sums they are added to, so no tie occurs."""
    return sketch.constant((2 * sketch.rng.integers(-40, 41, shape) + 1) * 2.0**-bits)


def residual(spelling: Spelling, *, frac: int = 4, sum_rounded: bool = True) -> Sketch:
    """A real convolution, a binary block beside a shortcut, a pool and a real classifier."""
    sketch = image(6, 3, opset=21, seed=5)
    sketch.conv(3, 8, weight=grid(sketch, 8, 3, 3, 3), pads=1)
    sketch.op("Add", odd(sketch, 8, 1, 1, bits=13))
    spelling(sketch, 8, frac)
    shortcut = sketch.tensor
    sketch.sign().conv(8, 8, pads=1)
    scaled(sketch, 8, frac)
    spelling(sketch, 8, frac)
    sketch.op("Add", shortcut)
    if sum_rounded:
        spelling(sketch, 8, frac)
    sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    spelling(sketch, 8, frac + 2)
    sketch.flatten()
    sketch.dense(72, 5, weight=grid(sketch, 72, 5))
    sketch.op("Add", odd(sketch, 5, bits=12))
    spelling(sketch, 16, 6)
    return sketch


def exact_graph(path: Path, count: int = 12) -> Graph:
    """The integer graph, after asserting that its scores are the model's, every one."""
    imported = import_file(path)
    graph = run(imported.graph)
    x = random_inputs(graph, count, 3)
    session = Session(read_proto(path), imported, [imported.scores])
    want = session.run(x)[0].reshape(count, *graph.output_map.shape)
    got = graph.output_map.apply(interpret(graph, graph.input_format.encode(x)))
    np.testing.assert_array_equal(got.reshape(want.shape), want)
    assert len(np.unique(want)) > 10, "the model says nothing"
    return graph


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_scores_are_the_models_own(tmp_path: Path, name: str) -> None:
    path = residual(SPELLINGS[name]).save(tmp_path / "m.onnx")
    graph = exact_graph(path)
    affines = [n.op.dtype for n in graph.nodes if isinstance(n.op, FixedAffine)]
    assert affines == [Integer(8, True, 4)] * 2 + [Integer(8, True, 6), Integer(16, True, 6)]
    (add,) = (n.op for n in graph.nodes if isinstance(n.op, FixedAdd))
    assert add.dtype == Integer(8, True, 4)
    (conv,) = (n.op for n in graph.nodes if isinstance(n.op, IntegerConv))
    assert np.abs(conv.weight).max() <= 90  # the model's own integers
    found = check_against_onnxruntime(path, graph).accuracy
    assert found is not None
    assert (found.largest_difference, found.agreement, found.turned) == (0, 1, 0)


def test_a_sum_that_is_not_rounded_is_as_wide_as_it_gets(tmp_path: Path) -> None:
    graph = exact_graph(residual(floor, sum_rounded=False).save(tmp_path / "m.onnx"))
    (add,) = (n.op for n in graph.nodes if isinstance(n.op, FixedAdd))
    assert add.dtype == Integer(9, True, 4)


def test_quantised_integers_may_have_several_readers(tmp_path: Path) -> None:
    """One QuantizeLinear, a DequantizeLinear for each reader, as quantisation tools write it."""
    sketch = image(6, 3, seed=6)
    sketch.conv(3, 8, weight=grid(sketch, 8, 3, 3, 3), pads=1)
    sketch.op("Add", odd(sketch, 8, 1, 1, bits=13))
    pair = [sketch.constant(1 / 16), sketch.constant(0, np.int8)]
    integers = sketch.op("QuantizeLinear", *pair)
    shortcut = sketch.op("DequantizeLinear", *pair)
    sketch.tensor = integers
    sketch.op("DequantizeLinear", *pair)
    sketch.sign().conv(8, 8, pads=1)
    scaled(sketch, 8, 4)
    qdq(sketch, 8, 4)
    sketch.op("Add", shortcut)
    sketch.sign().flatten().dense(288, 4)
    graph = exact_graph(sketch.save(tmp_path / "m.onnx"))
    assert sum(isinstance(n.op, FixedAffine) for n in graph.nodes) == 2


def test_limits_that_are_no_whole_type_are_kept(tmp_path: Path) -> None:
    sketch = image(6, 3, seed=8)
    sketch.conv(3, 8, weight=grid(sketch, 8, 3, 3, 3), pads=1)
    sketch.op("Mul", sketch.constant(16))
    sketch.op("Add", sketch.constant(0.5 + 1 / 64))
    sketch.op("Floor")
    sketch.op("Clip", sketch.constant(-9), sketch.constant(127))
    sketch.op("Mul", sketch.constant(1 / 16))
    sketch.flatten().dense(288, 4)
    path = sketch.save(tmp_path / "m.onnx")
    exact_graph(path)
    (made,) = (n.op for n in load(path).nodes if isinstance(n.op, Quantise))
    assert made.dtype == Integer(8, True, 4)


@pytest.mark.parametrize("scale", [0.3, 0.25])
@pytest.mark.parametrize("signed", [0, 1])
def test_activations_of_four_bits_before_binary_layers(
    tmp_path: Path, scale: float, signed: int
) -> None:
    """W1A4: scales need be no powers of two where nothing is added."""
    sketch = image(6, 3, seed=9)
    sketch.conv(3, 8, pads=1).batch_norm(8)
    constants = [sketch.constant(v) for v in (scale, 0, 4)]
    sketch.op("Quant", *constants, domain=QONNX, signed=signed, rounding_mode="ROUND")
    sketch.domains[QONNX] = 1
    sketch.conv(8, 8, pads=1).batch_norm(8).sign().flatten().dense(288, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = run(load(path))
    (affine,) = (n.op for n in graph.nodes if isinstance(n.op, FixedAffine))
    assert (affine.dtype.bits, affine.dtype.signed) == (4, bool(signed))
    check_against_onnxruntime(path, graph)


def test_ties_to_even_are_told_and_explained(tmp_path: Path) -> None:
    """Every second value of this stream lies halfway between two numbers."""
    sketch = image(6, 3, seed=10)
    sketch.conv(3, 8).op("Mul", sketch.constant(1 / 4))
    quant(sketch, 8, 4)
    sketch.sign().flatten().dense(128, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = run(load(path))
    assert any("even neighbour" in note for note in graph.notes)
    check_against_onnxruntime(path, graph)


@pytest.mark.parametrize("name", ["conv_7_round", "conv_26_add"])
def test_a_type_that_the_model_gives_is_not_set_again(tmp_path: Path, name: str) -> None:
    real = load(residual(floor).save(tmp_path / "m.onnx"))
    assert name in {node.name for node in real.nodes}
    with pytest.raises(ModelError, match="rounds it to"):
        run(real, precision={name: 10})


def refused(sketch: Sketch, tmp_path: Path) -> str:
    path = sketch.flatten().dense(128, 3).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError) as caught:
        run(load(path))
    return str(caught.value)


@pytest.mark.parametrize("order", ["Min Max", "Max Min", "Relu Min"])
def test_a_clip_of_a_minimum_and_a_maximum_is_one(tmp_path: Path, order: str) -> None:
    """As TensorFlow spells Larq's DoReFa: round(3 * max(min(x, 1), 0)) / 3."""
    sketch = image(6, 3).conv(3, 8, pads=1).batch_norm(8)
    for op in order.split():
        bound = sketch.constant(np.full((1, 1, 1, 1), 1.0 if op == "Min" else 0.0))
        sketch.op(op, *([] if op == "Relu" else [bound]))
    sketch.op("Mul", sketch.constant(3))
    sketch.op("Round")
    sketch.op("Mul", sketch.constant(np.float32(1 / 3)))
    sketch.conv(8, 4).batch_norm(4).sign().flatten().dense(64, 5)
    path = sketch.save(tmp_path / "m.onnx")
    graph = real_agrees(path)
    (rounded,) = [node for node in graph.nodes if isinstance(node.op, Quantise)]
    assert rounded.op.dtype == Integer(2, signed=False)
    assert run(graph).nodes


def test_a_rounding_without_limits_is_refused(tmp_path: Path) -> None:
    sketch = image(6, 3).conv(3, 8)
    sketch.op("Round")
    assert "node 'round_8'" in refused(sketch, tmp_path)


def test_scales_by_channel_are_refused(tmp_path: Path) -> None:
    sketch = image(6, 3).conv(3, 8).batch_norm(8)
    scales = sketch.constant(np.linspace(0.1, 1, 8).reshape(1, 8, 1, 1))
    sketch.op("Quant", scales, *(sketch.constant(v) for v in (0, 4)), domain=QONNX, signed=1)
    sketch.domains[QONNX] = 1
    assert "several scales" in refused(sketch, tmp_path)


def test_more_bits_than_streams_have_are_refused(tmp_path: Path) -> None:
    sketch = image(6, 3).conv(3, 8).batch_norm(8)
    quant(sketch, 28, 4)
    assert "28 bits" in refused(sketch, tmp_path)
