"""Concatenations in their simplest form: branches that are alike become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import compiled
from bnnhw.frontend import LoadOptions, load
from bnnhw.ir.ops import Add, AveragePool, Binarize, Concat, Conv
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

UINT8 = LoadOptions(input_type="uint8")
CHANNELS = 4


def stream() -> Sketch:
    """A real-valued stream of a few channels."""
    sketch = image(channels=3)
    weight = np.random.default_rng(1).normal(size=(CHANNELS, 3, 3, 3))
    return sketch.conv(3, CHANNELS, weight=weight, pads=1).batch_norm(CHANNELS)


def ended(sketch: Sketch, channels: int) -> Sketch:
    """The scores of a real-valued layer behind a global average."""
    weight = np.random.default_rng(2).normal(size=(3, channels))
    sketch.op("GlobalAveragePool")
    sketch.flatten()
    sketch.op("Gemm", sketch.constant(weight), transB=1)
    return sketch


def block(sketch: Sketch, start: str, bits: str, *, swapped: bool = False, kernel: int = 3) -> str:
    """One of two blocks on one input: convolution, BatchNorm, and the shortcut added."""
    sketch.tensor = bits
    weight = sketch.signs(CHANNELS, CHANNELS, kernel, kernel) * np.float32(0.1)
    sketch.conv(CHANNELS, CHANNELS, weight=weight, pads=(kernel - 1) // 2)
    sketch.batch_norm(CHANNELS)
    pair = [start, sketch.tensor] if swapped else [sketch.tensor, start]
    return sketch.node("Add", pair)


def doubled(**second: object) -> Sketch:
    sketch = stream()
    start = sketch.tensor
    bits = sketch.sign().tensor
    parts = [block(sketch, start, bits), block(sketch, start, bits, **second)]  # type: ignore[arg-type]
    sketch.tensor = sketch.node("Concat", parts, axis=1)
    return sketch


def is_exact(path: Path) -> None:
    """Asserts that onnxruntime confirms the integer graph, operation by operation."""
    found = check_against_onnxruntime(path, compiled(path, UINT8), options=UINT8)
    assert found.mismatches == 0
    assert found.inputs >= 8


@pytest.mark.parametrize("second", [{}, {"swapped": True}])
def test_two_blocks_on_one_input_become_one(tmp_path: Path, second: dict[str, object]) -> None:
    path = ended(doubled(**second), 2 * CHANNELS).save(tmp_path / "m.onnx")
    graph = load(path, UINT8)
    layers = [node for node in graph.nodes if isinstance(node.op, Conv)]
    assert [len(node.op.weight) for node in layers] == [CHANNELS, 2 * CHANNELS]
    (copies,) = (node for node in graph.nodes if isinstance(node.op, Concat))
    assert len({*copies.inputs}) == 1
    assert sum(isinstance(node.op, Add) for node in graph.nodes) == 1
    is_exact(path)


def test_blocks_that_differ_stay_apart(tmp_path: Path) -> None:
    path = ended(doubled(kernel=1), 2 * CHANNELS).save(tmp_path / "m.onnx")
    graph = load(path, UINT8)
    assert sum(isinstance(node.op, Add) for node in graph.nodes) == 2
    is_exact(path)


def test_a_pool_of_copies_is_copies_of_a_pool(tmp_path: Path) -> None:
    sketch = stream()
    sketch.op("Concat", sketch.tensor, axis=1)
    sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    path = ended(sketch, 2 * CHANNELS).save(tmp_path / "m.onnx")
    graph = load(path, UINT8)
    pool = next(node for node in graph.nodes if isinstance(node.op, AveragePool))
    assert graph.tensors[pool.output].shape[0] == CHANNELS
    is_exact(path)


def test_signs_are_taken_before_branches_meet(tmp_path: Path) -> None:
    sketch = stream()
    bits = sketch.sign().tensor
    parts = []
    for kernel in (1, 3):
        sketch.tensor = bits
        sketch.conv(CHANNELS, 2, weight=sketch.signs(2, CHANNELS, kernel, kernel),
                    pads=(kernel - 1) // 2)  # fmt: skip
        parts.append(sketch.tensor)
    sketch.tensor = sketch.node("Concat", parts, axis=1)
    sketch.batch_norm(4).sign().conv(4, 4, pads=1)
    path = ended(sketch, 4).save(tmp_path / "m.onnx")
    graph = load(path, UINT8)
    (joined,) = (node for node in graph.nodes if isinstance(node.op, Concat))
    places = {node.output: place for place, node in enumerate(graph.nodes)}
    signs = [node for node in graph.nodes if isinstance(node.op, Binarize)]
    assert [places[node.output] < places[joined.output] for node in signs] == [True] * 3
    is_exact(path)


@pytest.mark.parametrize("between", ["", "Relu", "MaxPool", "LeakyRelu"])
@pytest.mark.parametrize("copies", [2, 3])
def test_signs_of_copies_of_a_stream_end(tmp_path: Path, between: str, copies: int) -> None:
    """Affine operations of the copies once went before the concatenation and back for ever."""
    sketch = stream()
    sketch.op("Concat", *[sketch.tensor] * (copies - 1), axis=1)
    if between == "MaxPool":
        sketch.op("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    elif between:
        sketch.op(between)
    channels = copies * CHANNELS
    sketch.batch_norm(channels).sign()
    sketch.conv(channels, CHANNELS, weight=0.1 * sketch.signs(CHANNELS, channels, 3, 3), pads=1)
    is_exact(ended(sketch.batch_norm(CHANNELS), CHANNELS).save(tmp_path / "m.onnx"))


def test_a_bias_that_sums_begin_with_rounds_each_of_them(tmp_path: Path) -> None:
    """Sums near 0 then have the rounding of large ones."""
    options = LoadOptions(input_type="bipolar")
    sketch = Sketch(["N", 512], np.float32)
    start = sketch.tensor
    parts = []
    for _ in range(2):
        sketch.tensor = start
        parts.append(sketch.dense(512, 512).batch_norm(512).sign().tensor)
    sketch.tensor = sketch.node("Concat", parts, axis=1)
    bias = sketch.constant(sketch.rng.uniform(-0.01, 0.01, 64))
    weight = sketch.constant(sketch.signs(64, 1024))
    sketch.op("Gemm", weight, bias, transB=1)
    path = sketch.save(tmp_path / "m.onnx")
    assert check_against_onnxruntime(path, compiled(path, options), options=options).mismatches == 0


@pytest.mark.parametrize("spelling", ["less", "less_or_equal", "swapped", "greater", "cast"])
@pytest.mark.parametrize("pooled", [False, True])
def test_signs_may_turn_before_they_are_concatenated(
    tmp_path: Path, spelling: str, pooled: bool
) -> None:
    """Where(x < 0, -1, 1) is a sign like any other, in networks without streams too."""
    options = LoadOptions(input_type="bipolar")
    sketch = Sketch(["N", 8, 6, 6], np.float32)
    first = sketch.conv(8, 8, pads=1).batch_norm(8).sign(spelling).tensor
    second = sketch.conv(8, 8, pads=1).batch_norm(8).sign(spelling).tensor
    sketch.tensor = sketch.node("Concat", [first, second], axis=1)
    if pooled:
        sketch.op("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    path = sketch.flatten().dense(16 * (9 if pooled else 36), 5).save(tmp_path / "m.onnx")
    assert check_against_onnxruntime(path, compiled(path, options), options=options).mismatches == 0
