"""Channels taken apart and put together again: grouped convolutions, padded shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, compiled, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.ir.ops import Concat, Conv, Dense
from real_agreement import real_agrees
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path


def parts_of(sketch: Sketch, count: int, size: int, spelling: str, axis: int) -> list[str]:
    """Names of equal parts of the last tensor's channels."""
    if spelling == "slice":
        made = []
        for i in range(count):
            ends = [sketch.constant([v], np.int64) for v in (i * size, (i + 1) * size, axis)]
            made.append(sketch.node("Slice", [sketch.tensor, *ends]))
        return made
    outputs = [f"part{len(sketch.nodes)}_{i}" for i in range(count)]
    inputs = [sketch.tensor]
    if spelling == "sizes":
        inputs.append(sketch.constant([size] * count, np.int64))
    sketch.node("Split", inputs, axis=axis)
    del sketch.nodes[-1].output[:]
    sketch.nodes[-1].output.extend(outputs)
    return outputs


@pytest.mark.parametrize("spelling", ["split", "sizes", "slice"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_convolutions_of_all_parts_are_one_with_groups(
    tmp_path: Path, spelling: str, last: bool, bias: bool
) -> None:
    """As Larq's MeliusNet spells its stem: Split, a convolution of each part, Concat."""
    sketch = image(6, 3, opset=13).conv(3, 8).batch_norm(8).sign()
    if last:
        sketch.op("Transpose", perm=[0, 2, 3, 1])
    convs = []
    for part in parts_of(sketch, 4, 2, spelling, -1 if last else 1):
        turned = sketch.node("Transpose", [part], perm=[0, 3, 1, 2]) if last else part
        names = [turned, sketch.constant(sketch.signs(3, 2, 3, 3))]
        if bias:
            names.append(sketch.constant(sketch.rng.normal(size=3)))
        convs.append(sketch.node("Conv", names, pads=[1] * 4))
    sketch.tensor = sketch.node("Concat", convs, axis=1)
    sketch.batch_norm(12).sign().flatten().dense(192, 5)
    path = sketch.save(tmp_path / "m.onnx")
    groups = [node.op.groups for node in load(path).nodes if isinstance(node.op, Conv)]
    assert groups == [1, 4]
    agrees(path)
    passes_agree(path)


def test_parts_of_concatenated_channels_are_what_was_concatenated(tmp_path: Path) -> None:
    sketch = image(6, 3, opset=13).conv(3, 8).batch_norm(8).sign()
    before = sketch.tensor
    sketch.conv(8, 8, pads=1).batch_norm(8).sign()
    sketch.op("Concat", before, axis=1)
    first, second = parts_of(sketch, 2, 8, "split", 1)
    sketch.tensor = first
    sketch.conv(8, 4).batch_norm(4)
    left = sketch.tensor
    sketch.tensor = second
    sketch.conv(8, 4).batch_norm(4)
    sketch.op("Add", left)
    sketch.sign().flatten().dense(16, 5)
    path = sketch.save(tmp_path / "m.onnx")
    real_agrees(path)
    assert compiled(path).nodes


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("behind", [0, 4])
def test_padded_channels_add_to_some_of_concatenated_ones(
    tmp_path: Path, last: bool, swapped: bool, behind: int
) -> None:
    """As in MeliusNet: the improvement block adds to the channels that were concatenated last."""
    sketch = image(6, 3, opset=13).conv(3, 8).batch_norm(8)
    stem = sketch.tensor
    sketch.sign().conv(8, 4, pads=1).batch_norm(4)
    sketch.op("Concat", stem, first=False, axis=1)
    if behind:
        sketch.op("Concat", sketch.node("Relu", [sketch.nodes[-1].input[1]]), axis=1)
    whole = sketch.tensor
    sketch.sign().conv(12 + behind, 4, pads=1).batch_norm(4)
    if last:
        sketch.op("Transpose", perm=[0, 2, 3, 1])
        whole = sketch.node("Transpose", [whole], perm=[0, 2, 3, 1])
    sides = [0, 0, 0, 8, 0, 0, 0, behind] if last else [0, 8, 0, 0, 0, behind, 0, 0]
    sketch.op("Pad", sketch.constant(sides, np.int64))
    sketch.op("Add", whole, first=not swapped)
    if last:
        sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.batch_norm(12 + behind).sign().flatten().dense((12 + behind) * 16, 5)
    path = sketch.save(tmp_path / "m.onnx")
    assert sum(isinstance(node.op, Concat) for node in load(path).nodes) == (3 if behind else 2)
    real_agrees(path)
    assert compiled(path).nodes


def test_what_else_reads_parts_is_refused(tmp_path: Path) -> None:
    sketch = image(6, 3, opset=13).conv(3, 8).batch_norm(8).sign()
    sketch.tensor = parts_of(sketch, 2, 4, "split", 1)[1]
    sketch.conv(4, 4).batch_norm(4).sign().flatten().dense(16, 5)
    with pytest.raises(ModelError, match="takes channels 4 to 7 of 8") as caught:
        load(sketch.save(tmp_path / "m.onnx"))
    assert "(Split)" in str(caught.value.where)


def test_channels_padded_where_nothing_was_concatenated_are_refused(tmp_path: Path) -> None:
    sketch = image(6, 3, opset=13).conv(3, 8).batch_norm(8)
    short = sketch.tensor
    sketch.sign().conv(8, 16, pads=1).batch_norm(16)
    sides = sketch.constant([0, 4, 0, 0, 0, 4, 0, 0], np.int64)
    sketch.op("Add", sketch.node("Pad", [short, sides]))
    sketch.sign().flatten().dense(256, 5)
    with pytest.raises(ModelError, match=r"pads channels by \(4, 4\)"):
        load(sketch.save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_of_a_flattened_image_is_a_fully_connected_layer(
    tmp_path: Path, last: bool, kernel: int
) -> None:
    """As Larq's BinaryAlexNet ends: Reshape to (1, 1, HWC), 1x1 convolutions, Flatten."""
    sketch = image(6, 3, opset=13)
    sketch.conv(3, 4).batch_norm(4).sign()
    if last:
        sketch.op("Transpose", perm=[0, 2, 3, 1])
    for features, out in ((64, 12), (12, 5)):
        sketch.op("Reshape", sketch.constant([-1, features, 1, 1], np.int64))
        sketch.conv(features, out, kernel, pads=kernel // 2)
        sketch.op("Reshape", sketch.constant([-1, 1, 1, out], np.int64))
        sketch.op("Transpose", perm=[0, 3, 1, 2])
        sketch.batch_norm(out)
        if out == 12:
            sketch.sign()
    sketch.flatten()
    path = sketch.save(tmp_path / "m.onnx")
    graph = load(path)
    assert sum(isinstance(node.op, Dense) for node in graph.nodes) == 2
    agrees(path)
    passes_agree(path)
