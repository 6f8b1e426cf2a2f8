"""Rows and columns of a padded convolution's output that see the same taps.

Classes are numbered as the hardware numbers them: each of the first rows its own class, then one
class for all rows in the middle (there is always one), then each of the last rows its own.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.ops import by_input

if TYPE_CHECKING:
    from bnnhw.ir.ops import Exacts, Floats, Ints, Window

Classes = tuple[int, ...]


def classes_of(taps: list[range]) -> Classes:
    """Class of each row, given the kernel rows that lie inside the image for each."""
    runs = [len(list(group)) for _, group in groupby(taps)]
    longest = runs.index(max(runs))
    first = sum(runs[:longest])
    middle = runs[longest]
    rest = len(taps) - first - middle
    return (*range(first), *(first,) * middle, *range(first + 1, first + 1 + rest))


def taps_inside(size: int, kernel: int, stride: int, before: int, count: int) -> list[range]:
    """For each of ``count`` output rows: the kernel rows inside an image of ``size`` rows."""
    starts = [i * stride - before for i in range(count)]
    return [range(min(kernel, max(0, -s)), max(0, min(kernel, size - s))) for s in starts]


def padded_shift(
    weight: Floats, window: Window, image: tuple[int, int], shift: Exacts
) -> tuple[Exacts, Classes, Classes]:
    """What a convolution (weights of integers) makes of a constant input ``shift`` [Cin].

    Returns:
        sums [row classes, column classes, Cout], the class of each row and of each column.
    """
    return class_sums(weighted_sums(weight, shift), window, image)


def class_sums(
    by_tap: Exacts, window: Window, image: tuple[int, int]
) -> tuple[Exacts, Classes, Classes]:
    """Sums of ``by_tap`` [Cout, KH, KW] over the taps inside the image, as ``padded_shift``."""
    out_h, out_w = window.output_size(*image)
    top, left, _, _ = window.pads
    rows = taps_inside(image[0], window.kernel[0], window.stride[0], top, out_h)
    columns = taps_inside(image[1], window.kernel[1], window.stride[1], left, out_w)
    row_class, column_class = classes_of(rows), classes_of(columns)
    grid = np.empty((max(row_class) + 1, max(column_class) + 1, len(by_tap)), object)
    for r, row in zip(row_class, rows, strict=True):
        for c, column in zip(column_class, columns, strict=True):
            if grid[r, c, 0] is None:
                inside = by_tap[:, row.start : row.stop, column.start : column.stop]
                grid[r, c] = inside.reshape(len(by_tap), -1).sum(axis=1)
    return (*shrink(grid, row_class, column_class),)  # type: ignore[return-value]


def weighted_sums(weight: Floats, shift: Exacts) -> Exacts:
    """Sums over input channels of weight * shift, exact.

    [Cout, ...] of weights [Cout, Cin / groups, ...] and shifts [Cin].
    """
    total = np.zeros((weight.shape[0], *weight.shape[2:]), object)
    whole = weight.astype(np.int64)
    for value in {*shift}:
        if value:
            chosen = by_input(np.array([s == value for s in shift], np.int64), whole)
            total = total + (whole * chosen).sum(axis=1).astype(object) * value
    return total


def shrink(
    values: Exacts | Ints, row_class: Classes, column_class: Classes
) -> tuple[Exacts | Ints, Classes, Classes]:
    """The same values per pixel with the fewest classes; none where all pixels are alike."""
    values, row_class = _shrink_rows(values, row_class)
    turned, column_class = _shrink_rows(values.swapaxes(0, 1), column_class)
    return turned.swapaxes(0, 1), row_class, column_class


def _shrink_rows(values: Exacts | Ints, row_class: Classes) -> tuple[Exacts | Ints, Classes]:
    per_row = values[np.asarray(row_class)]
    same = [bool((a == b).all()) for a, b in pairwise(per_row)]
    labels = np.concatenate([[0], np.cumsum(~np.asarray(same, bool))]).tolist()
    classes = classes_of([range(label, label + 1) for label in labels])
    firsts = [classes.index(c) for c in range(max(classes) + 1)]
    return per_row[firsts], classes
