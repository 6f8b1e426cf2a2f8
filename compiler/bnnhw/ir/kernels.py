"""Machine code for the interpreter's inner loops, compiled by numba at their first call.

Every kernel goes over some rows of a batch of images whose channels are innermost. It computes a
row of results as exact integers of 32 bits, and hands it to a ``Tail``: the element-wise operations
that follow, done while the row is in the cache. No kernel needs Python's lock while it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from bnnhw.ir.kernel_vectors import compare, sum_bits, sum_products
from bnnhw.ir.packed import NUMBER_BLOCK, WORD, WORD_BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Long = NDArray[np.int64]
    Numbers = NDArray[np.int32]
    Words = NDArray[np.uint64]


class Tail(NamedTuple):
    """What happens to a row of results, in this order; an empty array leaves a step out.

    Attributes:
        multiplier: [segments, lanes]: saturate((m * x + b) >> shift). Parameters are those of all
            channels, for one pixel after the other, for as many as it takes to make loops long.
        offset: [segments, lanes]; one half of 2^shift is in it.
        knee: [lanes]; x >= knee takes segment 1.
        shift: see there.
        low: smallest result of the affine operation.
        high: largest.
        other: [pixels * channels], what is added.
        add_low: smallest sum.
        add_high: largest.
        values: [pixels * channels]: takes the numbers up to here.
        table: [row classes, column classes, words * 64]: bit = x >= T; beyond the channels the
            largest number, which no x is.
        row_class: [height]: of the table.
        column_class: [width]: of the table.
        invert: [words]: bits that are inverted.
        bits: [pixels, words]: takes the bits, channel 0 in the lowest; others are zero.
    """

    multiplier: Long
    offset: Long
    knee: Numbers
    shift: int
    low: int
    high: int
    other: Numbers
    add_low: int
    add_high: int
    values: Numbers
    table: Numbers
    row_class: Long
    column_class: Long
    invert: Words
    bits: Words


class Geometry(NamedTuple):
    """How windows lie on an image, and what a sum starts with.

    Attributes:
        stride_y: rows from window to window.
        stride_x: columns.
        top: rows of padding that are not in the image at hand.
        left: columns.
        start: [row classes, column classes, outputs in whole blocks].
        row_class: [height of the result]: of ``start``.
        column_class: [width of the result]: of ``start``.
        channels: of the result.
    """

    stride_y: int
    stride_x: int
    top: int
    left: int
    start: Numbers
    row_class: Long
    column_class: Long
    channels: int


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Machine code, kept on disk between runs of Python where numba finds a folder for that."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def _finish(acc: Numbers, row: int, y: int, size: tuple[int, int], tail: Tail) -> None:
    """The tail of row ``row`` of all images, row ``y`` of its own, of ``size`` columns, channels.

    ``acc`` holds a word's worth of numbers more, whose bits come out as zero.
    """
    columns, channels = size
    count = columns * channels
    segments, lanes = tail.multiplier.shape
    for first in range(0, count if segments else 0, max(1, lanes)):
        x = acc[first : min(first + lanes, count)]
        m, b = tail.multiplier[0], tail.offset[0]
        if segments == 1:
            for i in range(x.shape[0]):
                result = (np.int64(x[i]) * m[i] + b[i]) >> tail.shift
                x[i] = min(max(result, tail.low), tail.high)
        else:
            m1, b1, knee = tail.multiplier[1], tail.offset[1], tail.knee
            for i in range(x.shape[0]):
                second = x[i] >= knee[i]
                gain = m1[i] if second else m[i]
                shift_by = b1[i] if second else b[i]
                result = (np.int64(x[i]) * gain + shift_by) >> tail.shift
                x[i] = min(max(result, tail.low), tail.high)
    if tail.other.shape[0]:
        other = tail.other[row * count : (row + 1) * count]
        for i in range(count):
            result = np.int64(acc[i]) + np.int64(other[i])
            acc[i] = min(max(result, tail.add_low), tail.add_high)
    if tail.values.shape[0]:
        values = tail.values[row * count : (row + 1) * count]
        for i in range(count):
            values[i] = acc[i]
    if tail.bits.shape[0]:
        table, words = tail.table.reshape(-1), tail.bits.shape[1]
        for column in range(columns):
            place = tail.row_class[y] * tail.table.shape[1] + tail.column_class[column]
            for word in range(words):
                ones = compare(
                    acc, column * channels + word * WORD, table, (place * words + word) * WORD
                )
                tail.bits[row * columns + column, word] = ones ^ tail.invert[word]


@_compiled
def _close_gaps(acc: Numbers, columns: int, channels: int, apart: int) -> None:
    """Pixels of ``channels`` numbers that lay ``apart``, one after the other.

    A single block leaves no gaps: the next pixel overwrites what it holds beyond its channels.
    """
    for column in range(1, columns if channels < apart else 0):
        for i in range(channels):
            acc[column * channels + i] = acc[column * apart + i]


@_compiled
def binary(
    x: Words, weight: Words, scale: int, geometry: Geometry, tail: Tail, first: int, last: int
) -> None:
    """Products of bits: start - scale * (number of bits in which weight and x differ).

    Args:
        x: [N, H, W, words], padding included.
        weight: [blocks of outputs, KH, KW * words, WORD_BLOCK].
        scale: 2 for bits that mean {-1, +1}, 1 for {0, 1}.
        geometry: of the windows.
        tail: what follows.
        first: row of the results, counted through all images.
        last: the row after the last.
    """
    height, width, words = x.shape[1:]
    blocks, kernel_h, count = weight.shape[:3]
    rows, columns = geometry.row_class.shape[0], geometry.column_class.shape[0]
    elements, weights, start = x.reshape(-1), weight.reshape(-1), geometry.start.reshape(-1)
    padded = blocks * WORD_BLOCK
    apart = padded if blocks > 1 else geometry.channels
    acc = np.zeros(columns * padded + WORD, np.int32)
    for row in range(first, last):
        image, y = row // rows, row % rows
        line = (image * height + y * geometry.stride_y) * width * words
        starts = geometry.row_class[y] * geometry.start.shape[1]
        for block in range(blocks):
            offset = block * WORD_BLOCK
            for a in range(0, columns, 2):
                b = min(a + 1, columns - 1)
                sum_bits(
                    elements,
                    line + a * geometry.stride_x * words,
                    line + b * geometry.stride_x * words,
                    width * words,
                    weights,
                    block * kernel_h * count,
                    kernel_h,
                    count,
                    start,
                    (starts + geometry.column_class[a]) * padded + offset,
                    (starts + geometry.column_class[b]) * padded + offset,
                    acc,
                    a * apart + offset,
                    b * apart + offset,
                    scale,
                )
        _close_gaps(acc, columns, geometry.channels, apart)
        _finish(acc, row, y, (columns, geometry.channels), tail)


@_compiled
def integer(
    x: Numbers, weight: Numbers, geometry: Geometry, tail: Tail, first: int, last: int
) -> None:
    """Products of integers: start + sum of weight * x; sums may wrap if only the last one fits.

    Args:
        x: [N, H, W, channels], padding included.
        weight: [blocks of outputs, KH, KW * channels, NUMBER_BLOCK].
        geometry: of the windows.
        tail: what follows.
        first: row of the results, counted through all images.
        last: the row after the last.
    """
    height, width, channels = x.shape[1:]
    blocks, kernel_h, count = weight.shape[:3]
    rows, columns = geometry.row_class.shape[0], geometry.column_class.shape[0]
    elements, weights, start = x.reshape(-1), weight.reshape(-1), geometry.start.reshape(-1)
    padded = blocks * NUMBER_BLOCK
    apart = padded if blocks > 1 else geometry.channels
    acc = np.zeros(columns * padded + WORD, np.int32)
    for row in range(first, last):
        image, y = row // rows, row % rows
        line = (image * height + y * geometry.stride_y) * width * channels
        starts = geometry.row_class[y] * geometry.start.shape[1]
        for block in range(blocks):
            offset = block * NUMBER_BLOCK
            for a in range(0, columns, 2):
                b = min(a + 1, columns - 1)
                sum_products(
                    elements,
                    line + a * geometry.stride_x * channels,
                    line + b * geometry.stride_x * channels,
                    width * channels,
                    weights,
                    block * kernel_h * count,
                    kernel_h,
                    count,
                    start,
                    (starts + geometry.column_class[a]) * padded + offset,
                    (starts + geometry.column_class[b]) * padded + offset,
                    acc,
                    a * apart + offset,
                    b * apart + offset,
                )
        _close_gaps(acc, columns, geometry.channels, apart)
        _finish(acc, row, y, (columns, geometry.channels), tail)


@_compiled
def pool(
    x: Numbers,
    kernel: tuple[int, int],
    largest: bool,
    geometry: Geometry,
    tail: Tail,
    first: int,
    last: int,
) -> None:
    """Largest or sum of the numbers of each window, by channel; of one tap, the number itself.

    Args:
        x: [N, H, W, C].
        kernel: height and width.
        largest: whether it is the largest.
        geometry: of the windows; ``start`` is the least number, or 0.
        tail: what follows.
        first: row of the results, counted through all images.
        last: the row after the last.
    """
    height, width, channels = x.shape[1:]
    rows, columns = geometry.row_class.shape[0], geometry.column_class.shape[0]
    acc = np.zeros(columns * channels + WORD, np.int32)
    for row in range(first, last):
        image, out_y = row // rows, row % rows
        y = out_y * geometry.stride_y - geometry.top
        for out_x in range(columns):
            left = out_x * geometry.stride_x - geometry.left
            joined = acc[out_x * channels : (out_x + 1) * channels]
            joined[:] = geometry.start[0, 0, 0]
            for ky in range(max(0, -y), min(kernel[0], height - y)):
                for kx in range(max(0, -left), min(kernel[1], width - left)):
                    pixel = x[image, y + ky, left + kx]
                    if largest:
                        for c in range(channels):
                            joined[c] = max(joined[c], pixel[c])
                    else:
                        for c in range(channels):
                            joined[c] += pixel[c]
        _finish(acc, row, out_y, (columns, channels), tail)


def work_here() -> bool:
    """Compiles every kernel, and runs each on one pixel whose result is known."""
    none, zero = np.empty((0, 1), np.int64), np.zeros(1, np.int64)
    start, table = np.full((1, 1, WORD), 5, np.int32), np.full((1, 1, WORD), 7, np.int32)
    geometry = Geometry(1, 1, 0, 0, start, zero, zero, 1)
    results = []
    for kernel, x, fixed in (
        (binary, np.uint64(0b1011), (np.full((1, 1, 1, WORD_BLOCK), 2, np.uint64), 2)),
        (integer, np.int32(-3), (np.full((1, 1, 1, NUMBER_BLOCK), 4, np.int32),)),
        (pool, np.int32(7), ((1, 1), True)),
    ):
        tail = Tail(
            *(none, none, np.empty(0, np.int32), 0, 0, 0, np.empty(0, np.int32), 0, 0),
            values=np.empty(1, np.int32),
            table=table,
            row_class=zero,
            column_class=zero,
            invert=np.ones(1, np.uint64),
            bits=np.empty((1, 1), np.uint64),
        )
        kernel(np.full((1, 1, 1, 1), x), *fixed, geometry, tail, 0, 1)
        results.append((int(tail.values[0]), int(tail.bits[0, 0]) & 1))
    return results == [(1, 1), (-7, 1), (7, 0)]
