"""Layouts that the kernels work on: bits in words, weights with outputs innermost, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.op_base import Window

    Words = NDArray[np.uint64]

WORD = 64
"""Bits in a word."""


def word_count(channels: int) -> int:
    """Words that hold a bit of each channel."""
    return -(-channels // WORD)


def pack(bits: NDArray[np.bool_]) -> Words:
    """Bits [..., C] as words [..., words]: channel 0 in the lowest bit, zeros beyond C."""
    *shape, channels = bits.shape
    octets = np.zeros((*shape, word_count(channels) * 8), np.uint8)
    octets[..., : -(-channels // 8)] = np.packbits(bits, axis=-1, bitorder="little")
    return octets.view("<u8").astype(np.uint64)


def unpack(words: Words, channels: int) -> NDArray[np.uint8]:
    """Undoes ``pack``, as zeros and ones."""
    octets = np.ascontiguousarray(words, "<u8").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=channels, bitorder="little")


def binary_weights(weight: NDArray[Any], block: int) -> Words:
    """Weights {-1, +1} [outputs, C, KH, KW] as words [blocks, KH, KW * words, block]."""
    return _blocks(pack(weight.transpose(0, 2, 3, 1) > 0), block)


def integer_weights(weight: NDArray[Any], block: int) -> NDArray[np.int32]:
    """Weights [outputs, C, KH, KW] as [blocks, KH, KW * C, block]."""
    return _blocks(weight.transpose(0, 2, 3, 1).astype(np.int32), block)


def class_index(classes: tuple[int, ...], size: int) -> NDArray[np.int64]:
    """The class of each of ``size`` rows or columns; one class where none are given."""
    return np.array(classes or (0,) * size, np.int64)


def whole_blocks(values: NDArray[Any], block: int, fill: int = 0) -> NDArray[Any]:
    """Values [..., outputs] with ``fill`` up to whole blocks."""
    *shape, outputs = values.shape
    result = np.full((*shape, -(-outputs // block) * block), fill, values.dtype)
    result[..., :outputs] = values
    return result


def _blocks(weight: NDArray[Any], block: int) -> NDArray[Any]:
    """[outputs, KH, KW, elements] as [blocks, KH, KW * elements, block], zeros in the last."""
    outputs, kernel_h, kernel_w, elements = weight.shape
    turned = whole_blocks(weight.transpose(1, 2, 3, 0), block)
    split = turned.reshape(kernel_h, kernel_w * elements, -(-outputs // block), block)
    return np.ascontiguousarray(split.transpose(2, 0, 1, 3))


def binary_start(
    weight: NDArray[Any],
    window: Window,
    size: tuple[int, int],
    *,
    bipolar: bool,
    fill: int = 0,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """What a sum of products of bits is where all bits of weights and input agree.

    Of n taps and channels inside the image that is n where bits mean {-1, +1}; each bit that
    differs takes 2 away. Where they mean {0, 1} it is the number of ones among the weights, and
    each bit that differs takes 1 away: w * x - (w = +1) is -1 where x is not w, else 0.
    A tap in the padding reads zeros, which differ where the weight is +1: that is added back.

    Args:
        weight: {-1, +1} [outputs, C, KH, KW].
        window: of the convolution.
        size: height and width of the input.
        bipolar: whether the bits mean {-1, +1}.
        fill: what padded taps read instead of 0, -1 or +1, where bits mean {-1, +1}.

    Returns:
        The values [row classes, column classes, outputs] and the classes of rows and columns.
    """
    out_size = window.output_size(*size)
    top, left, _, _ = window.pads
    rows, row_class = _inside(size[0], window.kernel[0], window.stride[0], (top, out_size[0]))
    columns, column_class = _inside(
        size[1], window.kernel[1], window.stride[1], (left, out_size[1])
    )
    ones = (weight > 0).sum(axis=1, dtype=np.int32)
    outside = 2 * ones if bipolar else ones
    inside = np.full_like(ones, weight.shape[1]) if bipolar else ones
    if fill:
        outside = outside + fill * weight.sum(axis=1, dtype=np.int32)
    gain, base = inside - outside, outside.sum(axis=(1, 2))
    start = [[base + gain[:, y, x].sum(axis=(1, 2)) for x in columns] for y in rows]
    return np.array(start, np.int32), row_class, column_class


def _inside(
    size: int, kernel: int, stride: int, place: tuple[int, int]
) -> tuple[list[slice], NDArray[np.int64]]:
    """The different ranges of taps inside an image along one axis, and each position's.

    ``place`` is the padding before the image, and the number of positions.
    """
    ranges: dict[tuple[int, int], int] = {}
    classes = []
    for position in range(place[1]):
        first = position * stride - place[0]
        taps = (max(0, -first), max(0, min(kernel, size - first)))
        classes.append(ranges.setdefault(taps, len(ranges)))
    return [slice(*taps) for taps in ranges], np.array(classes, np.int64)
