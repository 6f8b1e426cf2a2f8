"""Channels in another order, steps and selections without hardware, each with its error."""

from __future__ import annotations

from typing import Any

import numpy as np

from faults import case
from sketch import Sketch, image


def shuffled() -> Sketch:
    """Bits of four channels, shuffled in two groups."""
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1, 2, 2, 4, 4], np.int64))
    sketch.op("Transpose", perm=[0, 2, 1, 3, 4])
    sketch.op("Reshape", sketch.constant([-1, 4, 4, 4], np.int64))
    return sketch


@case("node 'conv", "groups read channels in another order")
def groups_of_shuffled_channels() -> Sketch:
    sketch = shuffled()
    return sketch.conv(4, 4, weight=sketch.signs(4, 2, 3, 3), group=2).flatten().dense(16, 3)


@case("node 'slice", "takes some channels in another order")
def some_of_shuffled_channels() -> Sketch:
    sketch = shuffled()
    ends = [sketch.constant([value], np.int64) for value in (0, 2, 1)]
    sketch.op("Slice", *ends)
    return sketch.flatten().dense(32, 3)


@case("node 'add", "adds channels in another order")
def shortcut_of_shuffled_channels() -> Sketch:
    sketch = shuffled()
    sketch.tensor = sketch.node("Add", [sketch.tensor, sketch.nodes[-4].output[0]])
    return sketch.flatten().dense(64, 3)


@case("node 'concat", "concatenates channels in another order")
def shuffled_channels_joined() -> Sketch:
    sketch = shuffled()
    sketch.tensor = sketch.node("Concat", [sketch.tensor, sketch.nodes[-4].output[0]], axis=1)
    return sketch.flatten().dense(128, 3)


@case("node 'reducemean", "averages some of the channels")
def average_over_some_channels() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1, 2, 2, 4, 4], np.int64))
    sketch.op("ReduceMean", axes=[1], keepdims=0)
    return sketch.flatten().dense(32, 3)


@case("output", "channels in another order")
def shuffled_scores() -> Sketch:
    sketch = shuffled().conv(4, 4, kernel=4)
    sketch.op("Gather", sketch.constant([2, 1, 0, 3], np.int64), axis=1)
    return sketch


def stairs(thresholds: list[Any], values: list[float]) -> Sketch:
    """Nested Where of three comparisons."""
    sketch = image().conv(3, 4).batch_norm(4)
    low, mid, high = (
        sketch.node("Greater", [sketch.tensor, sketch.constant(value)]) for value in thresholds
    )
    steps = [sketch.constant(value) for value in values]
    above = sketch.node("Where", [high, steps[3], steps[2]])
    below = sketch.node("Where", [low, steps[1], steps[0]])
    sketch.tensor = sketch.node("Where", [mid, above, below])
    return sketch.flatten().dense(64, 3)


@case("node 'where", "which are not equally far apart")
def steps_of_different_sizes() -> Sketch:
    return stairs([-0.5, 0, 0.75], [-1, -0.5, 0.5, 1])


@case("node 'where", "steps that differ between channels")
def steps_of_each_channel() -> Sketch:
    reach = np.reshape([0.25, 0.5, 0.75, 1], (4, 1, 1))
    return stairs([-reach, 0, reach], [-1, -0.5, 0.5, 1])


@case("node 'where", "by a comparison of another tensor")
def where_of_another_tensor_and_zero() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    mask = sketch.node("Greater", [sketch.tensor, sketch.constant(0.25)])
    sketch.sign().conv(4, 4, pads=1)
    sketch.tensor = sketch.node("Where", [mask, sketch.tensor, sketch.constant(0)])
    return sketch.sign().flatten().dense(64, 3)


@case("node 'conv", "by node 'where")
def where_with_a_value_for_each_channel() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Greater", sketch.constant(0))
    sketch.op("Where", sketch.constant(np.reshape([1, 2, 3, 4], (4, 1, 1))), sketch.constant(0))
    return sketch.conv(4, 4).flatten().dense(16, 3)
