"""What precision gating needs when streams are lowered.

One scale for two tensors, thresholds of one, and few-bit numbers as the whole steps that binary
layers read.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import full
from bnnhw.ir.ops import Affine, Binarize, IntegerTable
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes.options import FEW_BITS
from bnnhw.passes.sign_predicates import Side, predicate_of

if TYPE_CHECKING:
    from bnnhw.ir.ops import Bools, Exacts, Ints, Select
    from bnnhw.passes.stream_values import Value

_LARGEST_FACTOR = 64
_LARGEST_DENOMINATOR = 4


def joint_scale(a: Value, b: Value) -> tuple[tuple[int, int], Affine] | None:
    """Factors that bring two tensors' integers to one step, and what the step is worth.

    None where no small factors do, so that one of them must be rounded.
    """
    scales = [_scale(value) for value in (a, b)]
    first, second = scales
    if first is None or second is None or any(s == 0 for s in (*first, *second)):
        return None
    ratios = {x / y for x, y in zip(first, second, strict=True)}
    ratio = ratios.pop()
    if ratios or not 0 < ratio.numerator <= _LARGEST_FACTOR >= ratio.denominator:
        return None
    step = np.array([s / ratio.denominator for s in second], object)
    return (ratio.numerator, ratio.denominator), Affine(step, full(len(step), 0))


def _scale(value: Value) -> Exacts | None:
    """The factor of each channel, where nothing but it is still to be done to signed integers."""
    unsigned = isinstance(value.dtype, Integer) and not value.dtype.signed
    if isinstance(value.dtype, Bit) or unsigned or value.rest or len(value.ops) > 1:
        return None
    if not value.ops:
        return full(value.shape[0], 1)
    (op,) = value.ops
    if not isinstance(op, Affine) or op.row_class or op.shift.any():
        return None
    return op.scale


def thresholds_of(op: Select, a: Value) -> tuple[Ints, Bools]:
    """[C] each: integers of ``a`` from which on the other tensor is chosen, and where up to them.

    Raises:
        ModelError: no single threshold tells.
    """
    channels, reach = a.shape[0], a.reach
    thresholds, invert = np.zeros(channels, np.int64), np.zeros(channels, bool)
    sign = Binarize(op.strict, 0.0, 1.0)
    for channel in range(channels):
        predicate = predicate_of(sign, (*a.chain, op.margin), (0, 0, channel))
        if predicate.side in (Side.ALL, Side.NONE):
            thresholds[channel] = -reach if predicate.side is Side.ALL else reach + 1
            continue
        at, invert[channel] = predicate.first_integer()
        thresholds[channel] = min(max(at, -reach), reach + 1)
    return thresholds, invert if invert.any() else np.zeros(0, bool)


def whole_steps(x: Value) -> tuple[IntegerTable, Affine] | None:
    """Few-bit numbers with a shift as integers without: those of 0 .. 3 as -3, -1, 1 and 3, say.

    A table and what its integers are worth. None where there is no shift, or no small step.
    """
    if not isinstance(x.dtype, Integer) or x.dtype.bits > FEW_BITS or len(x.ops) != 1:
        return None
    (op,) = x.ops
    if not isinstance(op, Affine) or op.row_class or not op.uniform or not op.shift[0]:
        return None
    if not op.scale[0]:
        return None
    offset = Fraction(op.shift[0] / op.scale[0])
    if offset.denominator > _LARGEST_DENOMINATOR:
        return None
    numbers = np.arange(x.dtype.low, x.dtype.high + 1, dtype=np.int64)
    values = numbers * offset.denominator + int(offset * offset.denominator)
    dtype = Integer.spanning(int(values.min()), int(values.max()))
    if dtype.bits > 2 * FEW_BITS:
        return None
    channels = x.shape[0]
    scale = full(channels, Fraction(op.scale[0]) / offset.denominator)
    return IntegerTable(values, dtype), Affine(scale, full(channels, 0))


def is_scaled(x: Value) -> bool:
    """Whether one factor is all that narrow integers are scaled by."""
    if not isinstance(x.dtype, Integer) or len(x.ops) != 1:
        return False
    (op,) = x.ops
    return isinstance(op, Affine) and not op.row_class and op.uniform and not op.shift[0]


def waits(x: Value) -> bool:
    """Whether a tensor that the model rounds to few bits may wait for its readers unscaled."""
    few = isinstance(x.dtype, Integer) and x.dtype.bits <= FEW_BITS
    return x.given and few and len(x.ops) == 1 and isinstance(x.ops[0], Affine)
