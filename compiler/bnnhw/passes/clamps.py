"""HardTanh, ReLU6 and their like in a stream: a FixedAffine has two pieces, a Clip makes three."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.ops import Affine, FixedAffine, clip, limits_of
from bnnhw.passes.piecewise import compose, without_saturated_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Op
    from bnnhw.ir.types import Integer

_MOST_PIECES = 2


def split_clamp(
    ops: Sequence[Op], channels: int, dtype: Integer
) -> tuple[tuple[Op, ...], FixedAffine | None]:
    """Operations of two pieces, and what limits their results to what ``ops`` give at most.

    The last Clip loses its upper bound, and integers are limited to the number that the bound
    becomes. That is no further rounding: min(round(x), round(c)) = round(min(x, c)).

    Returns:
        ``ops`` and None where they have two pieces as they are, or no Clip to take apart.
    """
    limited = [(i, limits) for i, op in enumerate(ops) if (limits := limits_of(op))]
    last, (low, high) = limited[-1] if limited else (0, (0.0, math.inf))
    behind = ops[last + 1 :]
    plain = all(isinstance(op, Affine) and not op.row_class for op in behind)
    if not plain or math.isinf(high) or _pieces(ops, channels, dtype) <= _MOST_PIECES:
        return tuple(ops), None
    free = (*ops[:last], clip(low, math.inf), *behind)
    multiplier = np.ones((2, channels), np.int64)
    offset, knee = np.zeros((2, channels), np.int64), np.zeros(channels, np.int64)
    for c in range(channels):
        rise, bound = Fraction(1), Fraction(high)
        for op in behind:
            assert isinstance(op, Affine)
            rise, bound = rise * op.scale[c], bound * op.scale[c] + op.shift[c]
        limit = math.floor(bound * Fraction(2) ** dtype.frac - dtype.lift + Fraction(1, 2))
        if rise != 0 and dtype.low <= limit <= dtype.high:
            beyond = 1 if rise > 0 else 0
            knee[c], multiplier[beyond, c], offset[beyond, c] = limit, 0, limit
    return free, FixedAffine(multiplier, offset, 0, dtype, knee, exact=True)


def _pieces(ops: Sequence[Op], channels: int, dtype: Integer) -> int:
    step = Fraction(2) ** -dtype.frac
    ends = (dtype.low + dtype.lift) * step, (dtype.high + dtype.lift) * step
    return max(len(without_saturated_ends(compose(ops, c), *ends)) for c in range(channels))
