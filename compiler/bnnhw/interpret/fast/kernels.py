"""Machine code for the interpreter's inner loops, compiled by numba at their first call.

Every kernel goes over some rows of a batch of images whose channels are innermost. It computes a
row of results as exact integers of 32 bits, and hands it to a ``Tail``: the element-wise operations
that follow, done while the row is in the cache. No kernel needs Python's lock while it runs.

What LLVM does not find by itself are vectors across loops over few channels, and sums that stay in
registers from loop to loop: these are written in its own terms, through numba. Their indices are
not checked. All is in this file, by whose date numba knows whether what it keeps is up to date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bnnhw.interpret.fast.packed import WORD
from bnnhw.ir.machine_code import compiled

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
        knee: [segments - 1, lanes]; the last segment with x >= its knee is taken.
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
        top: rows of padding, for pools; layers find theirs in the image.
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


WORD_BLOCK = 16
"""Outputs of which a kernel computes sums of bits at once. Here, since machine code that is kept
would not follow a change elsewhere."""
NUMBER_BLOCK = 32
"""Outputs of which a kernel computes sums of products at once."""
_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
_VECTORS = 2
"""Vectors in a block of outputs; with those of two pixels they fit the registers."""


class _Code:
    """What emitting code takes: arguments, arrays by their data and tuples one by one; vectors."""

    def __init__(self, context: Any, builder: Any, signature: Any, values: Any) -> None:
        self.builder = builder
        self.values: list[Any] = []
        for kind, value in zip(signature.args, values, strict=True):
            if isinstance(kind, types.Array):
                self.values.append(context.make_array(kind)(context, builder, value).data)
            elif isinstance(kind, types.BaseTuple):
                self.values += cgutils.unpack_tuple(builder, value)
            else:
                self.values.append(value)

    def vector(self, pointer: Any, index: Any, lanes: int) -> Any:
        """The address of a vector."""
        kind = ir.VectorType(pointer.type.pointee, lanes)
        return self.builder.bitcast(self.builder.gep(pointer, [index]), kind.as_pointer())

    def load(self, pointer: Any, index: Any, lanes: int) -> Any:
        """A vector."""
        address = self.vector(pointer, index, lanes)
        return self.builder.load(address, align=pointer.type.pointee.width // 8)

    def splat(self, value: Any, lanes: int) -> Any:
        """Copies of a value."""
        kind = ir.VectorType(value.type, lanes)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, _INT32(0))
        mask = ir.Constant(ir.VectorType(_INT32, lanes), [0] * lanes)
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), mask)

    def differing(self, a: Any, b: Any) -> Any:
        """The number of bits in which two words differ, by lane."""
        vector = self.builder.xor(a, b)
        name = f"llvm.ctpop.v{vector.type.count}i{vector.type.element.width}"
        kind = ir.FunctionType(vector.type, [vector.type])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [vector])


@intrinsic
def _write_sums(
    _typing: Any,
    x: Any,
    at: Any,
    weight: Any,
    size: Any,
    start: Any,
    starts: Any,
    out: Any,
    places: Any,
    scale: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Writes sums over the windows of two pixels, for a block of outputs.

    Of words: start - scale * (bits that differ between x and weight). Of numbers: start + scale *
    (sum of x * weight).

    Args:
        x: words or numbers.
        at: index of the first element of both windows; elements from row to row.
        weight: vectors.
        size: index of the first vector; rows of a window, elements in each.
        start: what sums begin with.
        starts: the index of the block in it, for both pixels.
        out: where sums go.
        places: the index of the block in it, for both pixels.
        scale: see above.
    """
    words = x.dtype == types.uint64
    lanes = (WORD_BLOCK if words else NUMBER_BLOCK) // _VECTORS

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, signature, values)
        x, x_a, x_b, x_step, weight, w_first, rows, count, *others = code.values
        start, s_a, s_b, out, o_a, o_b, scale = others
        zero = ir.Constant(ir.VectorType(weight.type.pointee, lanes), None)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(_VECTORS)] for _ in "ab"]
        with cgutils.for_range(builder, rows) as row:
            x_rows = [builder.add(first, builder.mul(row.index, x_step)) for first in (x_a, x_b)]
            w_row = builder.add(w_first, builder.mul(row.index, count))
            with cgutils.for_range(builder, count) as column:
                at = builder.mul(builder.add(w_row, column.index), _INT64(lanes * _VECTORS))
                places = [builder.gep(x, [builder.add(x_row, column.index)]) for x_row in x_rows]
                pixels = [code.splat(builder.load(place), lanes) for place in places]
                for i in range(_VECTORS):
                    weights = code.load(weight, builder.add(at, _INT64(i * lanes)), lanes)
                    for pixel, totals in zip(pixels, sums, strict=True):
                        term = (
                            code.differing(pixel, weights) if words else builder.mul(pixel, weights)
                        )
                        builder.store(builder.add(builder.load(totals[i]), term), totals[i])
        factor = code.splat(builder.trunc(builder.neg(scale) if words else scale, _INT32), lanes)
        for totals, first, place in zip(sums, (s_a, s_b), (o_a, o_b), strict=True):
            for i, total in enumerate(totals):
                begin = code.load(start, builder.add(first, _INT64(i * lanes)), lanes)
                found = builder.load(total)
                found = builder.trunc(found, begin.type) if words else found
                into = code.vector(out, builder.add(place, _INT64(i * lanes)), lanes)
                builder.store(builder.add(begin, builder.mul(factor, found)), into, 4)
        return context.get_dummy_value()

    return types.void(x, at, weight, size, start, starts, out, places, scale), emit


@intrinsic
def _compare(
    _typing: Any, x: Any, first: Any, table: Any, place: Any
) -> tuple[Any, Callable[..., Any]]:
    """A word of bits x >= table, of 64 numbers each; the first is in the lowest bit."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, signature, values)
        numbers, at, limits, begin = code.values
        values = code.load(numbers, at, WORD)
        bits = builder.icmp_signed(">=", values, code.load(limits, begin, WORD))
        return builder.bitcast(bits, _INT64)

    return types.uint64(x, first, table, place), emit


@compiled
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
        elif segments == 2:
            m1, b1, knee = tail.multiplier[1], tail.offset[1], tail.knee[0]
            for i in range(x.shape[0]):
                second = x[i] >= knee[i]
                gain = m1[i] if second else m[i]
                shift_by = b1[i] if second else b[i]
                result = (np.int64(x[i]) * gain + shift_by) >> tail.shift
                x[i] = min(max(result, tail.low), tail.high)
        else:
            m1, b1, knee = tail.multiplier[1], tail.offset[1], tail.knee[0]
            m2, b2, last = tail.multiplier[2], tail.offset[2], tail.knee[1]
            for i in range(x.shape[0]):
                second, third = x[i] >= knee[i], x[i] >= last[i]
                gain = m2[i] if third else m1[i] if second else m[i]
                shift_by = b2[i] if third else b1[i] if second else b[i]
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
                ones = _compare(
                    acc, column * channels + word * WORD, table, (place * words + word) * WORD
                )
                tail.bits[row * columns + column, word] = ones ^ tail.invert[word]


@compiled
def _close_gaps(acc: Numbers, columns: int, channels: int, apart: int) -> None:
    """Pixels of ``channels`` numbers that lay ``apart``, one after the other.

    A single block leaves no gaps: the next pixel overwrites what it holds beyond its channels.
    """
    for column in range(1, columns if channels < apart else 0):
        for i in range(channels):
            acc[column * channels + i] = acc[column * apart + i]


@compiled
def layer(
    x: Words | Numbers,
    weight: Words | Numbers,
    scale: int,
    geometry: Geometry,
    tail: Tail,
    first: int,
    last: int,
) -> None:
    """Sums of products: of bits, start - scale * (number in which weight and x differ).

    Of numbers, start + scale * (sum of weight * x); sums may wrap on their way to one that fits.

    Args:
        x: [N, H, W, words] or [N, H, W, C], padding included.
        weight: [blocks of outputs, KH, KW * words, WORD_BLOCK] or [.., KW * C, NUMBER_BLOCK].
        scale: 2 for bits that mean {-1, +1}, 1 for {0, 1} and for numbers.
        geometry: of the windows.
        tail: what follows.
        first: row of the results, counted through all images.
        last: the row after the last.
    """
    height, width, elements = x.shape[1:]
    blocks, kernel_h, count, outputs = weight.shape
    rows, columns = geometry.row_class.shape[0], geometry.column_class.shape[0]
    data, weights, start = x.reshape(-1), weight.reshape(-1), geometry.start.reshape(-1)
    padded = blocks * outputs
    apart = padded if blocks > 1 else geometry.channels
    step = geometry.stride_x * elements
    acc = np.zeros(columns * padded + WORD, np.int32)
    for row in range(first, last):
        image, y = row // rows, row % rows
        line = (image * height + y * geometry.stride_y) * width * elements
        starts = geometry.row_class[y] * geometry.start.shape[1]
        for block in range(blocks):
            offset = block * outputs
            for a in range(0, columns, 2):
                b = min(a + 1, columns - 1)
                _write_sums(
                    data,
                    (line + a * step, line + b * step, width * elements),
                    weights,
                    (block * kernel_h * count, kernel_h, count),
                    start,
                    (
                        (starts + geometry.column_class[a]) * padded + offset,
                        (starts + geometry.column_class[b]) * padded + offset,
                    ),
                    acc,
                    (a * apart + offset, b * apart + offset),
                    scale,
                )
        _close_gaps(acc, columns, geometry.channels, apart)
        _finish(acc, row, y, (columns, geometry.channels), tail)


@compiled
def pool(
    x: Numbers,
    kernel: tuple[int, int],
    largest: bool,
    geometry: Geometry,
    tail: Tail,
    first: int,
    last: int,
) -> None:
    """Largest or sum of each window, by channel; of one tap, the number itself.

    Numbers are [N, H, W, C] without padding, ``kernel`` is height and width, and ``geometry.start``
    the least number, or 0. The rest is as in ``layer``.
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
