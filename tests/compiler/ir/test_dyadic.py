"""Fractions over powers of two give what fractions give."""

from __future__ import annotations

import math
import operator
import pickle
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bnnhw.ir.dyadic import Dyadic, dyadic, over_power

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = (
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
)
FUNCTIONS = (operator.neg, abs, float, hash, bool, round, math.floor, math.ceil, str, repr)


def _number(rng: np.random.Generator) -> Any:
    """An integer, a fraction, or a Dyadic: small, of hundreds of bits, or of a float."""
    kind, small = rng.integers(6), int(rng.integers(-20, 21))
    if kind == 0:
        return small
    if kind == 1:
        return Fraction(small, int(rng.integers(1, 40)))
    if kind == 2:
        return Fraction(small, 1 << int(rng.integers(0, 7)))
    if kind == 3:
        return dyadic(small)
    if kind == 4:
        return dyadic(float(rng.normal()) * 2.0 ** int(rng.integers(-40, 40)))
    return over_power(small * 3 ** int(rng.integers(0, 200)), int(rng.integers(0, 400)))


def _plain(value: Any) -> Fraction:
    return Fraction(value.numerator, value.denominator)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_are_those_of_fractions(operation: Callable[[Any, Any], Any]) -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        a, b = _number(rng), _number(rng)
        if not isinstance(a, Dyadic) and not isinstance(b, Dyadic):
            continue
        if operation is operator.truediv and b == 0:
            with pytest.raises(ZeroDivisionError):
                operation(a, b)
            continue
        found, wanted = operation(a, b), operation(_plain(a), _plain(b))
        assert found == wanted
        if isinstance(wanted, Fraction):
            assert (found.numerator, found.denominator) == (wanted.numerator, wanted.denominator)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_those_of_fractions(function: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        value = dyadic(_number(rng))
        assert function(value) == function(_plain(value))


def test_sums_and_products_stay_over_powers_of_two() -> None:
    half = dyadic(0.5)
    for value in (half * half, half + 1, 1 - half, half * Fraction(3, 4), half / 4, -half):
        assert type(value) is Dyadic
    assert type(half / 3) is Fraction
    assert type(half * Fraction(1, 3)) is Fraction


def test_they_can_be_pickled() -> None:
    value = over_power(3**50, 300)
    assert pickle.loads(pickle.dumps(value)) == value
