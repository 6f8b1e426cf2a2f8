"""Windows in the padding: some may be, and a layer that has no others is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_residual import classifier

from agreement import agrees, passes_agree
from bnnhw.compiler import integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.ir.ops import BinaryConv, Conv, IntegerConv
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def loaded(
    folder: Path,
    size: tuple[int, int],
    kernel: tuple[int, int],
    pads: list[int],
    strides: list[int],
    *,
    apart: bool = False,
) -> Graph:
    """A model of one convolution, its padding in a node of its own where ``apart``."""
    sketch = Sketch(["N", 8, *size], np.float32)
    if apart:
        sketch.op("Pad", sketch.constant(np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64)))
        pads = [0] * 4
    sketch.conv(8, 4, weight=sketch.signs(4, 8, *kernel), pads=pads, strides=strides)
    path = sketch.sign().flatten().save(folder / "m.onnx")
    return load(path, LoadOptions(input_type="bipolar"))


ALONE = [
    ((1, 4), (1, 1), [1, 0, 0, 0], [2, 1]),
    ((4, 1), (1, 1), [0, 1, 0, 0], [1, 2]),
    ((2, 5), (2, 3), [2, 1, 2, 1], [4, 1]),
    ((5, 5), (3, 3), [0, 3, 0, 0], [1, 6]),
]


@pytest.mark.parametrize(
    ("size", "kernel", "pads", "strides", "apart"),
    [*((*one, False) for one in ALONE), *((*one, True) for one in ALONE[2:])],
)
def test_windows_in_the_padding_alone_are_refused(
    tmp_path: Path, size, kernel, pads, strides, apart: bool
) -> None:
    with pytest.raises(ModelError, match="all of its windows lie in the padding") as caught:
        loaded(tmp_path, size, kernel, pads, strides, apart=apart)
    assert "(Conv)" in str(caught.value.where)


SOME = [
    ((1, 4), (1, 1), [1, 0, 0, 0], [1, 1]),
    ((2, 5), (2, 3), [2, 1, 2, 1], [3, 1]),
    ((5, 5), (3, 3), [0, 3, 0, 3], [1, 6]),
    ((5, 5), (3, 3), [3, 3, 3, 3], [3, 3]),
]


@pytest.mark.parametrize(("size", "kernel", "pads", "strides"), SOME)
def test_some_windows_in_the_padding_are_none_the_worse(
    tmp_path: Path, size, kernel, pads, strides
) -> None:
    graph = loaded(tmp_path, size, kernel, pads, strides)
    assert any(isinstance(node.op, Conv) for node in graph.nodes)


BIPOLAR = LoadOptions(input_type="bipolar")


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("auto_pad", ["NOTSET", "VALID", "SAME_UPPER"])
@pytest.mark.parametrize("last", [False, True])
def test_a_pad_node_makes_room_for_the_kernel(
    tmp_path: Path, size: int, auto_pad: str, last: bool
) -> None:
    """As in Larq's QuickNet, whose last 3x3 layers read images of 1x1 that a Pad has grown."""
    sketch = Sketch(["N", 8, size + 2, size + 2], np.float32)
    sketch.conv(8, 8).batch_norm(8).sign()
    value = 0 if auto_pad == "SAME_UPPER" else 1
    amounts = [0, 1, 1, 0] if last else [0, 0, 1, 1]
    if last:
        sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.op("Pad", sketch.constant(2 * amounts, np.int64), sketch.constant(value))
    if last:
        sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(8, 4, auto_pad=auto_pad, strides=[2, 2]).batch_norm(4).sign().flatten()
    side = (size + 3) // 2 if auto_pad == "SAME_UPPER" else (size + 1) // 2
    sketch.dense(4 * side**2, 3)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path, BIPOLAR)
    passes_agree(path, BIPOLAR)


def pad(sketch: Sketch, value: float, sides: tuple[int, int, int, int]) -> Sketch:
    """A Pad with a constant: top, left, bottom, right."""
    amounts = np.array([0, 0, *sides[:2], 0, 0, *sides[2:]], np.int64)
    sketch.op("Pad", sketch.constant(amounts, np.int64), sketch.constant(value))
    return sketch


@pytest.mark.parametrize("value", [1.0, -1.0, 0.3])
@pytest.mark.parametrize("before", ["bits", "unipolar", "mean"])
def test_padding_with_a_constant_is_exact_at_the_borders(
    tmp_path: Path, before: str, value: float
) -> None:
    """Larq's and BMXNet's one-padding, of bits of both kinds and of a shifted input."""
    options = BIPOLAR
    sketch = Sketch(["N", 8, 5, 6])
    if before == "unipolar":
        sketch.conv(8, 8, pads=1).batch_norm(8)
        sketch.op("Relu")
        sketch.op("Sign")
    if before == "mean":
        sketch.op("Sub", sketch.constant(sketch.rng.uniform(0, 1, (8, 1, 1))))
        options = LoadOptions(input_type="uint8", input_scale=1 / 255)
    pad(sketch, value, (1, 1, 1, 1)).conv(8, 6).batch_norm(6).sign()
    pad(sketch, value, (2, 0, 1, 2)).conv(6, 6, weight=0.3 * sketch.signs(6, 6, 3, 3))
    sketch.batch_norm(6).sign().flatten().dense(6 * 6 * 6, 4)
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path, options, ties=True)
    passes_agree(path, options)


def padded_block(sketch: Sketch, channels: int, value: float) -> Sketch:
    """Sign, binary convolution with alpha of an image padded with ``value``, and the shortcut."""
    start = sketch.tensor
    pad(sketch.sign(), value, (1, 1, 1, 1))
    alpha = sketch.rng.uniform(0.05, 0.2, (channels, 1, 1, 1))
    sketch.conv(channels, channels, weight=alpha * sketch.signs(channels, channels, 3, 3))
    sketch.batch_norm(channels)
    sketch.op("Add", start)
    return sketch


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_a_residual_network_pads_with_bits(tmp_path: Path, value: float) -> None:
    """Streams have no border classes: the convolution itself counts padded taps as that bit."""
    sketch = image(8)
    sketch.conv(3, 16, weight=sketch.rng.normal(size=(16, 3, 3, 3)), pads=1).batch_norm(16)
    for _ in range(3):
        padded_block(sketch, 16, value)
    path = classifier(sketch, 16).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    fills = [node.op.fill for node in graph.nodes if isinstance(node.op, BinaryConv)]
    assert fills == [value] * 3
    assert check_against_onnxruntime(path, graph).mismatches == 0


@pytest.mark.parametrize("value", [1.0, -1.0])
@pytest.mark.parametrize("signs", ["behind", "before", "of copies"])
def test_concatenated_bits_are_padded_with_bits(tmp_path: Path, signs: str, value: float) -> None:
    sketch = image(8)
    sketch.conv(3, 16, weight=sketch.rng.normal(size=(16, 3, 3, 3)), pads=1).batch_norm(16)
    start = sketch.tensor
    sketch.sign().conv(16, 16, weight=0.1 * sketch.signs(16, 16, 3, 3), pads=1).batch_norm(16)
    if signs == "before":
        second = sketch.sign().tensor
        sketch.tensor = start
        start, sketch.tensor = sketch.sign().tensor, second
    sketch.op("Concat", sketch.tensor if signs == "of copies" else start, axis=1)
    if signs != "before":
        sketch.sign()
    pad(sketch, value, (1, 1, 1, 1))
    sketch.conv(32, 16, weight=0.1 * sketch.signs(16, 32, 3, 3)).batch_norm(16)
    path = classifier(sketch, 16).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert [n.op.fill for n in graph.nodes if isinstance(n.op, BinaryConv)][-1] == value
    assert check_against_onnxruntime(path, graph).mismatches == 0


@pytest.mark.parametrize("value", [1.0, -0.7, 30.0])
@pytest.mark.parametrize("normalised", [False, True])
def test_the_image_may_be_padded_with_any_number(
    tmp_path: Path, normalised: bool, value: float
) -> None:
    sketch = image(8)
    if normalised:
        sketch.op("Sub", sketch.constant([[[0.4]], [[0.5]], [[0.6]]]))
        sketch.op("Div", sketch.constant([[[0.2]], [[0.25]], [[0.3]]]))
    pad(sketch, value, (1, 2, 0, 1))
    sketch.conv(3, 16, weight=sketch.rng.normal(size=(16, 3, 3, 3))).batch_norm(16)
    path = classifier(padded_block(sketch, 16, 1.0), 16).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert any(isinstance(n.op, IntegerConv) and n.op.row_class for n in graph.nodes)
    assert check_against_onnxruntime(path, graph).mismatches == 0


def test_streams_padded_with_half_a_bit_are_refused(tmp_path: Path) -> None:
    sketch = image(8)
    sketch.conv(3, 8, weight=sketch.rng.normal(size=(8, 3, 3, 3)), pads=1).batch_norm(8)
    path = classifier(padded_block(sketch, 8, 0.5), 8).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="differently from pixel to pixel") as caught:
        integer_graph(path)
    assert "pad bits of {-1, +1} with 0, -1 or +1" in str(caught.value.fix)


@pytest.mark.parametrize("size", [(4, 7, 8), (8, 8, 3), (5, 8, 3), (3, 8, 4)])
def test_a_pad_that_comes_first_does_not_settle_the_layout(tmp_path: Path, size) -> None:
    """(8, 8, 3) may be eight channels of width 3 as well: the convolution behind tells."""
    sketch = Sketch(["N", *size], np.uint8)
    sketch.op("Cast", to=1)
    pad(sketch, 0.5, (1, 2, 0, 1))
    sketch.conv(size[0], 6, weight=0.1 * sketch.rng.normal(size=(6, size[0], 3, 3))).batch_norm(6)
    path = classifier(padded_block(sketch, 6, 1.0), 6).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert graph.tensors[graph.input].shape == size
    assert check_against_onnxruntime(path, graph).mismatches == 0
