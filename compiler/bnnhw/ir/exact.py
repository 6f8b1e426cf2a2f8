"""Exact rational parameters.

A threshold is where an affine function of an integer crosses zero. Whether an integer lies exactly
on it must not depend on rounding, so parameters are kept as fractions from the file to the
threshold. The only irrational number is 1/sqrt(variance + epsilon), taken to 2^-400.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.dyadic import dyadic, dyadics, over_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.op_base import Exacts

_ROOT_BITS = 400
_SNAP_BITS = 250


def exact(values: NDArray[np.generic]) -> Exacts:
    """The numbers of an array as fractions, in the same shape."""
    array = np.asarray(values)
    if array.dtype.kind not in "iub":
        array = array.astype(np.float64)
    return _objects(dyadics(array.ravel().tolist())).reshape(array.shape)


def full(count: int, value: Fraction | int) -> Exacts:
    """``count`` times ``value``."""
    return _objects([dyadic(value)] * count)


def one_number(values: Exacts) -> bool:
    """Whether all elements are equal; told by the first that differs."""
    first = values.flat[0]
    return all(value is first or value == first for value in values.flat)


def floats(values: Exacts) -> NDArray[np.float64]:
    """The nearest doubles."""
    return values.astype(np.float64)


def decimal_fraction(value: float) -> Fraction:
    """``value`` as the user meant it: 1/255 for the double nearest to 1/255."""
    near = Fraction(value).limit_denominator(1 << 16)
    return near if float(near) == value else Fraction(value)


def inverse_root(value: Fraction) -> Fraction:
    """1 / sqrt(value): exact for squares, else to a relative 2^-400 or so.

    Args:
        value: positive.
    """
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(bottom, top)
    scaled = (value.denominator << (2 * _ROOT_BITS)) // value.numerator
    return over_power(math.isqrt(scaled), _ROOT_BITS)


def snap(value: Fraction) -> Fraction:
    """``value``, or the integer it equals but for the approximation of a square root."""
    top, bottom = value.numerator, value.denominator
    if bottom == 1:
        return value
    near = (2 * top + bottom) // (2 * bottom)
    error = abs(top - near * bottom)  # over ``bottom``
    return Fraction(near) if error << _SNAP_BITS < max(1, abs(near)) * bottom else value


def _objects(values: list[Fraction]) -> Exacts:
    result = np.empty(len(values), object)
    result[:] = values
    return result
