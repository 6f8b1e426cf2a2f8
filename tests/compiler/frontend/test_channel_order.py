"""Channels in another order, by a shuffle or a Gather: it goes into weights and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, compiled, passes_agree
from bnnhw.ir.ops import BinaryConv, Flatten, Threshold
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch, image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHANNELS = 12
SIZE = 6


def shuffle(sketch: Sketch, groups: int, *, inverse: bool = False) -> None:
    """ShuffleNet's: Reshape, Transpose, Reshape."""
    pair = [groups, CHANNELS // groups]
    split = [-1, *(pair[::-1] if inverse else pair), SIZE, SIZE]
    sketch.op("Reshape", sketch.constant(split, np.int64))
    sketch.op("Transpose", perm=[0, 2, 1, 3, 4])
    sketch.op("Reshape", sketch.constant([-1, CHANNELS, SIZE, SIZE], np.int64))


def gather(sketch: Sketch) -> None:
    sketch.op("Gather", sketch.constant(sketch.rng.permutation(CHANNELS), np.int64), axis=1)


def gather_from_the_end(sketch: Sketch) -> None:
    places = sketch.rng.permutation(CHANNELS) - CHANNELS
    sketch.op("Gather", sketch.constant(places, np.int64), axis=-3)


def flip(sketch: Sketch) -> None:
    """``x[:, ::-1]``, as frameworks turn RGB to BGR."""
    ends = [sketch.constant([value], np.int64) for value in (-1, -(1 << 62), 1, -1)]
    sketch.op("Slice", *ends)


def shuffle_and_gather(sketch: Sketch) -> None:
    shuffle(sketch, 4)
    gather(sketch)


ORDERS: tuple[Callable[[Sketch], None], ...] = (
    *(lambda sketch: shuffle(sketch, 2), lambda sketch: shuffle(sketch, 3)),
    *(gather, gather_from_the_end, flip, shuffle_and_gather),
)


def start() -> Sketch:
    return image(SIZE, 3).conv(3, CHANNELS, pads=1).batch_norm(CHANNELS)


def end(sketch: Sketch) -> Sketch:
    sketch.conv(CHANNELS, 6, pads=1).batch_norm(6).sign().flatten()
    return sketch.dense(6 * SIZE**2, 5)


@pytest.mark.parametrize("order", ORDERS)
def test_a_convolution_takes_the_order_into_its_weights(
    tmp_path: Path, order: Callable[[Sketch], None]
) -> None:
    sketch = start().sign()
    order(sketch)
    path = end(sketch).save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    layer = [BinaryConv, Threshold]
    assert [type(node.op) for node in graph.nodes[:5]] == [*layer, *layer, Flatten]


@pytest.mark.parametrize("order", ORDERS)
def test_what_treats_channels_alone_keeps_the_order(
    tmp_path: Path, order: Callable[[Sketch], None]
) -> None:
    """BatchNorm, a sign, a pool, and a depthwise convolution with factors and a bias."""
    sketch = image(SIZE, 3).conv(3, CHANNELS, pads=1)
    order(sketch)
    sketch.batch_norm(CHANNELS).sign().pool(3, 1, pads=[1] * 4)
    alpha = sketch.rng.uniform(0.5, 2, (CHANNELS, 1, 1, 1))
    weight = sketch.constant(sketch.signs(CHANNELS, 1, 3, 3) * alpha)
    bias = sketch.constant(sketch.rng.normal(size=CHANNELS))
    sketch.op("Conv", weight, bias, group=CHANNELS, pads=[1] * 4)
    path = end(sketch.batch_norm(CHANNELS).sign()).save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


@pytest.mark.parametrize("order", ORDERS)
def test_a_dense_layer_and_the_input_take_it_too(
    tmp_path: Path, order: Callable[[Sketch], None]
) -> None:
    sketch = Sketch(["N", CHANNELS, SIZE, SIZE], np.uint8, seed=4)
    sketch.op("Cast", to=1)
    order(sketch)
    sketch.op("Sub", sketch.constant(sketch.rng.uniform(100, 150, (CHANNELS, 1, 1))))
    sketch.conv(CHANNELS, CHANNELS, pads=1).batch_norm(CHANNELS, spread=200).sign()
    order(sketch)
    agrees(sketch.flatten().dense(CHANNELS * SIZE**2, 4).save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("order", ORDERS)
def test_streams_of_one_order_are_added(tmp_path: Path, order: Callable[[Sketch], None]) -> None:
    """A residual block between two tensors in another order, with a slope per channel."""
    sketch = start()
    sketch.rng = np.random.default_rng(5)
    order(sketch)
    sketch.op("PRelu", sketch.constant(sketch.rng.uniform(0, 0.5, (CHANNELS, 1, 1))))
    shortcut = sketch.tensor
    sketch.sign().conv(CHANNELS, CHANNELS, pads=1).batch_norm(CHANNELS)
    sketch.rng = np.random.default_rng(5)
    order(sketch)
    sketch.tensor = sketch.node("Add", [shortcut, sketch.tensor])
    path = end(sketch.sign()).save(tmp_path / "m.onnx")
    graph = compiled(path)
    assert check_against_onnxruntime(path, graph).mismatches == 0


def test_a_shuffle_and_its_inverse_are_nothing(tmp_path: Path) -> None:
    """Groups may read that."""
    sketch = start().sign()
    shuffle(sketch, 3)
    shuffle(sketch, 3, inverse=True)
    sketch.conv(CHANNELS, 6, weight=sketch.signs(6, 4, 3, 3), group=3, pads=1).flatten()
    agrees(sketch.dense(6 * SIZE**2, 3).save(tmp_path / "m.onnx"), ties=True)
