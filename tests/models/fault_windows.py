"""Convolutions, pools and pads without hardware, each with the error it must give."""

from __future__ import annotations

import numpy as np

from faults import BY_TYPE, case, floats
from sketch import Sketch, image


@case("node 'averagepool", "divides by the number of taps inside")
def average_pool_that_leaves_padding_out() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1])
    return sketch.flatten().dense(36, 3)


@case("node 'averagepool", "ceil_mode")
def average_pool_beyond_the_image() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    return sketch.flatten().dense(16, 3)


@case("node 'convtranspose", "not supported")
def transposed_convolution() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("ConvTranspose", sketch.constant(sketch.signs(4, 3, 2, 2)))
    return sketch


@case("node 'conv", "in each of 2 groups")
def groups_of_too_many_channels() -> Sketch:
    sketch = image()
    sketch.conv(3, 6, group=2)
    return sketch.sign().flatten().dense(96, 3)


@case("node 'conv", "do not split into 3 groups")
def groups_that_do_not_split_the_outputs() -> Sketch:
    sketch = image()
    sketch.conv(1, 4, group=3)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'conv", "dilations (2, 2)")
def dilated_convolution() -> Sketch:
    return image().conv(3, 4, dilations=[2, 2]).sign().flatten().dense(16, 3)


@case("node 'conv", "dimensions")
def convolution_of_a_vector() -> Sketch:
    sketch = image().flatten()
    sketch.op("Conv", sketch.constant(sketch.signs(4, 108, 1)))
    return sketch.sign().flatten().dense(4, 3)


@case("node 'conv", "of (N, C, L)", **BY_TYPE)
def convolution_of_a_signal_over_its_channels() -> Sketch:
    sketch = floats("N", 2, 3, 16)
    sketch.op("Reshape", sketch.constant([-1, 6, 16], np.int64))
    sketch.op("Transpose", perm=[0, 2, 1])
    sketch.op("Conv", sketch.constant(sketch.signs(4, 16, 3)))
    return sketch.sign().flatten().dense(16, 3)


@case("node 'conv", "channels")
def convolution_of_too_many_channels() -> Sketch:
    return image().conv(4, 4).sign().flatten().dense(64, 3)


@case("node 'conv", "does not fit")
def kernel_larger_than_the_image() -> Sketch:
    return image().conv(3, 4, kernel=7).sign().flatten().dense(4, 3)


@case("node 'conv", "declares a kernel")
def kernel_shape_that_contradicts_the_weights() -> Sketch:
    return image().conv(3, 4, kernel_shape=[5, 5]).sign().flatten().dense(64, 3)


@case("node 'conv", "negative pads")
def negative_pads() -> Sketch:
    return image().conv(3, 4, pads=-1).sign().flatten().dense(16, 3)


@case("node 'conv", "axes")
def channels_last_convolution_without_transpose() -> Sketch:
    sketch = Sketch(["N", 6, 6, 3], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'pad", "constants, reflect and edge are supported")
def padding_that_wraps_around() -> Sketch:
    sketch = image(opset=19)
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64), mode="wrap")
    return sketch.conv(3, 4).sign().flatten().dense(144, 3)


@case("node 'pad", "the outermost is not repeated")
def padding_by_reflection_of_more_than_the_image() -> Sketch:
    sketch = image()
    sketch.op("Pad", sketch.constant([0, 0, 1, 1, 0, 0, 6, 1], np.int64), mode="reflect")
    return sketch.conv(3, 4).sign().flatten().dense(264, 3)


@case("node 'pad", "pads dimension 1")
def channels_padded_by_reflection() -> Sketch:
    sketch = image()
    sketch.op("Pad", sketch.constant([0, 1, 0, 0, 0, 0, 0, 0], np.int64), mode="reflect")
    return sketch.conv(4, 4).sign().flatten().dense(64, 3)


@case("node 'pad", "pads dimension 2")
def edge_cut_off_by_a_pad() -> Sketch:
    sketch = image()
    sketch.op("Pad", sketch.constant([0, 0, -1, 0, 0, 0, 0, 0], np.int64), mode="edge")
    return sketch.conv(3, 4).sign().flatten().dense(48, 3)


@case("node 'conv", "pads with zeros what is padded with 1")
def padding_with_one_and_then_zero() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4).sign()
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64), sketch.constant(1.0))
    return sketch.conv(4, 4, pads=1).sign().flatten().dense(144, 3)


@case("node 'maxpool", "a Pad with a constant is supported before a convolution only")
def padding_before_a_pool() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64))
    return sketch.pool().flatten().dense(36, 3)


@case("node 'maxpool", "neither a sign nor bits")
def max_pool_of_scores() -> Sketch:
    return image().conv(3, 4).sign().conv(4, 3).pool()


@case("node 'maxpool", "dilations")
def dilated_max_pool() -> Sketch:
    return image().conv(3, 4).sign().pool(2, 1, dilations=[2, 2]).flatten().dense(16, 3)
