"""What element-wise operations keep: the order of numbers, the ranking of scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.ir.ops import Affine, Piecewise, class_values

if TYPE_CHECKING:
    from bnnhw.ir.ops import Op, Shape


def rises(op: Op) -> bool:
    """Whether an element-wise operation keeps the order of numbers, so that a maximum passes it."""
    if isinstance(op, Affine):
        return not op.row_class and all(s >= 0 for s in op.scale)
    if isinstance(op, Piecewise):
        return all(piece.scale >= 0 for function in op.functions for piece in function)
    raise ModelError(f"{type(op).__name__} is no function of one number", fix=REPORT)


def monotone(op: Op) -> bool:
    """Whether an element-wise operation never falls, or never rises, in any channel."""
    if isinstance(op, Affine):
        return True
    if isinstance(op, Piecewise):
        return not op.turns
    raise ModelError(f"{type(op).__name__} is no function of one number", fix=REPORT)


def flattened(op: Affine, shape: Shape) -> Affine:
    """An affine operation on images of ``shape``, border classes or not, on their vectors."""
    shift = op.shift[:, None, None]
    if op.row_class:
        shift = class_values(op.shift, op.row_class, op.column_class)  # type: ignore[arg-type, assignment]
    pixels = int(np.prod(shape[1:]))
    return Affine(np.repeat(op.scale, pixels), np.broadcast_to(shift, shape).reshape(-1))


def repeated(op: Op, pixels: int) -> Op:
    """An element-wise operation on images as one on their flattened pixels."""
    if isinstance(op, Affine):
        if op.row_class:
            raise ModelError(
                "flattens a stream that is shifted differently from pixel to pixel",
                fix="binarise to {-1, +1} or {0, 1} before a padded convolution",
            )
        return Affine(np.repeat(op.scale, pixels), np.repeat(op.shift, pixels))
    if not isinstance(op, Piecewise):
        raise ModelError(f"{type(op).__name__} is no function of one number", fix=REPORT)
    if len(op.functions) == 1:
        return op
    return replace(op, functions=tuple(f for f in op.functions for _ in range(pixels)))


def tiled(op: Op, count: int) -> Op:
    """An element-wise operation on ``count`` copies of all channels, one after the other."""
    if isinstance(op, Affine):
        times = (*(1,) * (op.shift.ndim - 1), count)
        return replace(op, scale=np.tile(op.scale, count), shift=np.tile(op.shift, times))
    if not isinstance(op, Piecewise):
        raise ModelError(f"{type(op).__name__} is no function of one number", fix=REPORT)
    return op if len(op.functions) == 1 else replace(op, functions=op.functions * count)


def one_scale(ops: tuple[Op, ...]) -> bool:
    """Whether integer scores rank like the real ones: one positive scale, one shift for all."""
    if len(ops) != 1:
        return not ops
    (op,) = ops
    return (
        isinstance(op, Affine)
        and not op.row_class
        and op.scale[0] > 0
        and len({*op.scale}) == len({*op.shift}) == 1
    )
