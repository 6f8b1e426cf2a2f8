"""What element-wise operations keep: the order of numbers, the ranking of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Affine, PRelu

if TYPE_CHECKING:
    from bnnhw.ir.ops import Op


def rises(op: Op) -> bool:
    """Whether an element-wise operation keeps the order of numbers, so that a maximum passes it."""
    if isinstance(op, Affine):
        return not op.row_class and all(s >= 0 for s in op.scale)
    return not isinstance(op, PRelu) or all(s >= 0 for s in op.slope)


def repeated(op: Op, pixels: int) -> Op:
    """An element-wise operation on images as one on their flattened pixels."""
    if isinstance(op, Affine):
        if op.row_class:
            raise ModelError(
                "flattens a stream that is shifted differently from pixel to pixel",
                fix="pool over the whole image before it is flattened",
            )
        return Affine(np.repeat(op.scale, pixels), np.repeat(op.shift, pixels))
    return PRelu(np.repeat(op.slope, pixels)) if isinstance(op, PRelu) else op


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
