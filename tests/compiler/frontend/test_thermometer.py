"""Thermometer codes of pixels: every spelling is copies of channels and a threshold for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, passes_agree
from bnnhw.errors import ModelError
from bnnhw.ir.ops import BinaryConv, Concat, Threshold
from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE = 5
LEVELS = (20, 77.5, 128, 254)
WHOLE = [0, -1, SIZE, SIZE]


def pixels(channels: int) -> Sketch:
    sketch = Sketch(["N", channels, SIZE, SIZE], np.uint8, seed=channels)
    sketch.op("Cast", to=1)
    return sketch


def levels(sketch: Sketch, axis: int, rank: int = 5) -> str:
    shape = [1] * rank
    shape[axis] = len(LEVELS)
    return sketch.constant(np.reshape(LEVELS, shape))


def bipolar(sketch: Sketch) -> None:
    sketch.op("Where", sketch.constant(1), sketch.constant(-1))


def after_channels(sketch: Sketch) -> None:
    """FracBNN's: channel L * c + i."""
    sketch.op("Unsqueeze", sketch.constant([2], np.int64))
    sketch.op("Greater", levels(sketch, 2))
    bipolar(sketch)
    sketch.op("Reshape", sketch.constant(WHOLE, np.int64))


def before_channels(sketch: Sketch) -> None:
    """Channel C * i + c."""
    sketch.op("Unsqueeze", sketch.constant([1], np.int64))
    sketch.op("LessOrEqual", levels(sketch, 1))
    sketch.op("Cast", to=1)
    sketch.op("Reshape", sketch.constant(WHOLE, np.int64))


def channels_last(sketch: Sketch) -> None:
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.op("Unsqueeze", sketch.constant([4], np.int64))
    sketch.op("Less", levels(sketch, 4), first=False)
    bipolar(sketch)
    sketch.op("Reshape", sketch.constant([0, SIZE, SIZE, -1], np.int64))
    sketch.op("Transpose", perm=[0, 3, 1, 2])


def flattened(sketch: Sketch) -> None:
    """By Flatten-like Reshape behind arithmetic on the levels."""
    sketch.op("Div", sketch.constant(255))
    sketch.op("Unsqueeze", sketch.constant([2], np.int64))
    sketch.op("Sub", sketch.constant(np.reshape(LEVELS, (4, 1, 1)) / 255 + 1e-4))
    sketch.op("GreaterOrEqual", sketch.constant(0))
    sketch.op("Cast", to=1)
    sketch.op("Reshape", sketch.constant(WHOLE, np.int64))


def levels_of_channels(sketch: Sketch) -> None:
    """Other levels for each channel."""
    sketch.op("Unsqueeze", sketch.constant([2], np.int64))
    channels = 3 if sketch.inputs[0].type.tensor_type.shape.dim[1].dim_value == 3 else 1
    values = sketch.rng.integers(0, 255, (channels, len(LEVELS), 1, 1))
    sketch.op("Greater", sketch.constant(values))
    bipolar(sketch)
    sketch.op("Reshape", sketch.constant(WHOLE, np.int64))


def concatenated(sketch: Sketch) -> None:
    start, parts = sketch.tensor, []
    for level in LEVELS:
        sketch.tensor = start
        sketch.op("Greater", sketch.constant(level))
        sketch.op("Cast", to=1)
        parts.append(sketch.tensor)
    sketch.tensor = sketch.node("Concat", parts, axis=1)


SPELLINGS = (
    *(after_channels, before_channels, channels_last, flattened, levels_of_channels),
    concatenated,
)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_thermometer_code_is_copies_and_thresholds(
    tmp_path: Path, spelling: Callable[[Sketch], None], channels: int
) -> None:
    sketch = pixels(channels)
    spelling(sketch)
    bits = channels * len(LEVELS)
    sketch.conv(bits, 6, pads=1).batch_norm(6).sign().flatten().dense(6 * SIZE * SIZE, 3)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    kinds = [type(node.op) for node in graph.nodes[:3]]
    assert kinds == [Concat, Threshold, BinaryConv]
    assert graph.nodes[0].inputs == (graph.input,) * len(LEVELS)


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 3, 3), (2, 1, 1), (4, 4, 2), (4, 4, 3)])
def test_levels_of_each_channel_say_where_the_channels_are(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    """Two channels of 4x4 look like an image of 2x4 with four channels, but for the levels."""
    last = shape[0] == 4
    channels, size = shape[-1 if last else 0], shape[1]
    sketch = Sketch(["N", *shape], np.uint8, seed=size)
    sketch.op("Cast", to=1)
    if last:
        sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.op("Unsqueeze", sketch.constant([2], np.int64))
    values = sketch.rng.integers(0, 255, (channels, len(LEVELS), 1, 1))
    sketch.op("Greater", sketch.constant(values))
    bipolar(sketch)
    sketch.op("Reshape", sketch.constant([0, -1, size, size], np.int64))
    bits = channels * len(LEVELS)
    sketch.conv(bits, 6, pads=1).batch_norm(6).sign().flatten().dense(6 * size * size, 3)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.input_format.channels_last == last
    assert graph.tensors[graph.input].shape == (channels, size, size)


@pytest.mark.parametrize("spelling", [after_channels, channels_last])
def test_a_dense_layer_reads_the_code_in_its_own_order(
    tmp_path: Path, spelling: Callable[[Sketch], None]
) -> None:
    sketch = pixels(3)
    spelling(sketch)
    path = sketch.flatten().dense(12 * SIZE * SIZE, 4).save(tmp_path / "m.onnx")
    agrees(path)


def test_a_pool_keeps_the_order_of_the_code(tmp_path: Path) -> None:
    sketch = pixels(3)
    after_channels(sketch)
    agrees(sketch.pool().conv(12, 4, kernel=2).save(tmp_path / "m.onnx"))


def test_a_convolution_in_groups_reads_no_interleaved_channels(tmp_path: Path) -> None:
    sketch = pixels(3)
    after_channels(sketch)
    sketch.conv(12, 6, weight=sketch.signs(6, 4, 3, 3), group=3).flatten().dense(54, 3)
    with pytest.raises(ModelError, match="its 3 groups read channels in another order"):
        agrees(sketch.save(tmp_path / "m.onnx"))
