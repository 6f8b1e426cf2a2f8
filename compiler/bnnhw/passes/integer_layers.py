"""Layers with real weights become layers with integer weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.border_classes import classes_of, shrink, taps_inside
from bnnhw.ir.exact import exact, full
from bnnhw.ir.ops import Affine, Conv, Dense, IntegerConv, IntegerDense, by_input, class_values
from bnnhw.passes.fixed_point import grid_bits, quantise_weights

if TYPE_CHECKING:
    from bnnhw.ir.ops import Floats, Ints, Shape, Window


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """An integer layer and what its accumulators mean: (acc + rest) * scale.

    Attributes:
        op: the layer.
        scale: of its accumulators, without a shift.
        rest: adds what its offset lost by rounding, at most half a step; None for nothing.
    """

    op: IntegerConv | IntegerDense
    scale: Affine
    rest: Affine | None = None


def integer_layer(
    op: Conv | Dense,
    image: Shape,
    bits: int,
    *,
    scale: Floats,
    shift: Floats,
    rough: bool = False,
) -> IntegerLayer:
    """The layer on integers q where the real one reads scale * q + shift, per input channel.

    The scale goes into the weights before these are rounded; the shift, by the weights as
    rounded, into the accumulator's start, with a class for each row and column that sees other
    taps (padding is a number before the shift is undone, mostly 0: that is the pixel that
    normalises to it). So the result is that of the real layer with rounded weights, up to half
    a step of the accumulator where there is a shift; ``rest`` says how much, for signs that
    take it into their thresholds.

    Args:
        op: with real weights [Cout, Cin / groups, ...].
        image: shape of the input.
        bits: width of the weights; narrower where all of them are.
        scale: [Cin].
        shift: [Cin].
        rough: whether any rounding of the weights will do: in a hurry.
    """
    gains, shifts = by_input(scale, op.weight), by_input(shift, op.weight)
    grid, step = quantise_weights(op.weight * gains, bits, rough=rough)
    bits = min(bits, grid_bits(grid))
    out = step.reshape(-1, *(1,) * (op.weight.ndim - 1))
    divisor = np.where(gains != 0, gains, 1.0)
    # Shares of the shift in steps of the accumulator, tap by tap.
    unit = np.where(gains != 0, grid / divisor, op.weight / out)
    taps = unit * shifts
    affine = Affine(exact(step), exact(np.zeros(len(step))))
    if isinstance(op, Dense):
        total = taps.sum(axis=1)
        offset = np.rint(total).astype(np.int64)
        return IntegerLayer(IntegerDense(grid, bits, offset), affine, _rest(total - offset))
    total, rows, columns = _by_class(taps.sum(axis=1), op.window, (image[1], image[2]))
    if op.fill:
        filled = unit.sum(axis=1) * op.fill
        total = total + filled.sum(axis=(1, 2)) - _by_class(filled, op.window, image[1:])[0]
    rounded = np.rint(total).astype(np.int64)
    rest = _rest(total - rounded, rows, columns)
    small, rows, columns = shrink(rounded, rows, columns)
    if small.shape[:2] == (1, 1):
        rows, columns = (), ()
    offset = small.astype(np.int64)
    made = IntegerConv(grid, op.window, bits, offset, rows, columns, op.groups)
    return IntegerLayer(made, affine, rest)


def _rest(
    lost: Floats, row_class: tuple[int, ...] = (), column_class: tuple[int, ...] = ()
) -> Affine | None:
    if not lost.any():
        return None
    channels = lost.shape[-1]
    if (lost == lost.reshape(-1, channels)[0]).all():
        lost, row_class, column_class = lost.reshape(-1, channels)[0], (), ()
    return Affine(full(channels, 1), exact(lost), row_class, column_class)


def with_thresholds(
    op: IntegerConv, thresholds: Ints, row_class: tuple[int, ...], column_class: tuple[int, ...]
) -> tuple[IntegerConv, Ints]:
    """The layer whose offset takes what thresholds differ by from pixel to pixel.

    Args:
        op: the layer.
        thresholds: [row classes, column classes, Cout], on its accumulators.
        row_class: the row class of each output row.
        column_class: likewise for columns.

    Returns:
        the layer, and thresholds [1, 1, Cout] that give the same bits.
    """
    height, width = len(row_class), len(column_class)
    by_pixel = class_values(thresholds, row_class, column_class).transpose(1, 2, 0)
    one = by_pixel[height // 2, width // 2]
    offset = class_values(op.offset, op.row_class, op.column_class).transpose(1, 2, 0)
    moved = np.broadcast_to(offset, by_pixel.shape) + one - by_pixel
    small, rows, columns = shrink(moved, tuple(range(height)), tuple(range(width)))
    if small.shape[:2] == (1, 1):
        rows, columns = (), ()
    made = replace(op, offset=small.astype(np.int64), row_class=rows, column_class=columns)
    return made, one.reshape(1, 1, -1)


def _by_class(
    by_tap: Floats, window: Window, image: tuple[int, ...]
) -> tuple[Floats, tuple[int, ...], tuple[int, ...]]:
    """Sums of ``by_tap`` [Cout, KH, KW] over the taps inside the image, by class."""
    out_h, out_w = window.output_size(image[0], image[1])
    rows = taps_inside(image[0], window.kernel[0], window.stride[0], window.pads[0], out_h)
    columns = taps_inside(image[1], window.kernel[1], window.stride[1], window.pads[1], out_w)
    row_class, column_class = classes_of(rows), classes_of(columns)
    grid = np.zeros((max(row_class) + 1, max(column_class) + 1, len(by_tap)))
    for r, row in dict(zip(row_class, rows, strict=True)).items():
        for c, column in dict(zip(column_class, columns, strict=True)).items():
            inside = by_tap[:, row.start : row.stop, column.start : column.stop]
            grid[r, c] = inside.sum(axis=(1, 2))
    return grid, row_class, column_class
