"""Fractions whose denominator is a power of two, as that of every float is.

Parameters are exact from the file to the threshold, and have hundreds of bits. Nearly all are
floats, and products and sums of floats: they need no greatest common divisor, which is what takes
most of the time of ``fractions.Fraction``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Dyadic(Fraction):
    """A fraction with a power of two as its denominator; equal to, and hashed as, that fraction.

    Sums, differences and products with such fractions, and with integers, are of this type; all
    else is as of a Fraction.
    """

    __slots__ = ()
    if TYPE_CHECKING:  # as Fraction has them
        _numerator: int
        _denominator: int

    def __mul__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None:
            return Fraction.__mul__(self, other)
        return _reduced(self._numerator * parts[0], self._denominator * parts[1])

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None:
            return Fraction.__add__(self, other)
        return _sum(self._numerator, self._denominator, *parts)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None:
            return Fraction.__sub__(self, other)
        return _sum(self._numerator, self._denominator, -parts[0], parts[1])

    def __rsub__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None:
            return Fraction.__rsub__(self, other)
        return _sum(-self._numerator, self._denominator, *parts)

    def __truediv__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None or not parts[0]:
            return Fraction.__truediv__(self, other)
        return _quotient(self._numerator, self._denominator, *parts)

    def __rtruediv__(self, other: Any) -> Any:
        parts = _parts(other)
        if parts is None or not self._numerator:
            return Fraction.__rtruediv__(self, other)
        return _quotient(*parts, self._numerator, self._denominator)

    def __neg__(self) -> Dyadic:
        return _made(-self._numerator, self._denominator)

    def __abs__(self) -> Dyadic:
        return _made(abs(self._numerator), self._denominator)

    def __eq__(self, other: object) -> bool:
        parts = _parts(other)
        if parts is None:
            return Fraction.__eq__(self, other)
        return self._numerator == parts[0] and self._denominator == parts[1]

    __hash__ = Fraction.__hash__

    def __lt__(self, other: Any) -> bool:
        parts = _parts(other)
        if parts is None:
            return Fraction.__lt__(self, other)
        return self._numerator * parts[1] < parts[0] * self._denominator

    def __gt__(self, other: Any) -> bool:
        parts = _parts(other)
        if parts is None:
            return Fraction.__gt__(self, other)
        return self._numerator * parts[1] > parts[0] * self._denominator

    def __le__(self, other: Any) -> bool:
        parts = _parts(other)
        if parts is None:
            return Fraction.__le__(self, other)
        return self._numerator * parts[1] <= parts[0] * self._denominator

    def __ge__(self, other: Any) -> bool:
        parts = _parts(other)
        if parts is None:
            return Fraction.__ge__(self, other)
        return self._numerator * parts[1] >= parts[0] * self._denominator

    def __float__(self) -> float:
        return self._numerator / self._denominator

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._numerator, self._denominator)

    def __repr__(self) -> str:
        return f"Fraction({self._numerator}, {self._denominator})"


def dyadic(value: float | Fraction) -> Fraction:
    """``value``, as a Dyadic where its denominator is a power of two."""
    if isinstance(value, Fraction):
        parts = _parts(value)
        return value if parts is None else _made(*parts)
    return _made(*value.as_integer_ratio())


def dyadics(values: Iterable[float]) -> list[Fraction]:
    """``dyadic`` of each."""
    made: list[Fraction] = []
    for value in values:
        number: Dyadic = _new(Dyadic)
        number._numerator, number._denominator = value.as_integer_ratio()
        made.append(number)
    return made


def lengths(values: Iterable[Fraction]) -> list[tuple[int, int]]:
    """Bits of each numerator and of each denominator."""
    return [
        (v._numerator.bit_length(), v._denominator.bit_length())  # type: ignore[attr-defined]
        for v in values
    ]


def over_power(top: int, bits: int) -> Dyadic:
    """``top`` / 2^bits."""
    return _reduced(top, 1 << bits)


def _parts(value: Any) -> tuple[int, int] | None:
    """Numerator and denominator of an integer or of what has a power of two; None of others."""
    kind = type(value)
    if kind is Dyadic:
        return value._numerator, value._denominator
    if kind is int:
        return value, 1
    if kind is Fraction and not value._denominator & (value._denominator - 1):
        return value._numerator, value._denominator
    return None


def _sum(a: int, below_a: int, b: int, below_b: int) -> Dyadic:
    """The sum of a / below_a and b / below_b, each reduced."""
    if below_a == below_b:
        return _reduced(a + b, below_a)
    # Of different denominators, the larger one stands below an odd number: so the sum is odd.
    if below_a > below_b:
        return _made(a + (b << (below_a.bit_length() - below_b.bit_length())), below_a)
    return _made(b + (a << (below_b.bit_length() - below_a.bit_length())), below_b)


def _quotient(a: int, below_a: int, b: int, below_b: int) -> Fraction:
    """What a / below_a divided by b / below_b is, each reduced; b is not 0."""
    common = math.gcd(a, b)
    if b < 0:
        common = -common
    # What is even stands above 1: the powers of two have nothing more in common with a or b.
    top, bottom = a // common, b // common
    bits = below_a.bit_length() - below_b.bit_length()
    if bits >= 0:
        bottom <<= bits
    else:
        top <<= -bits
    if not bottom & (bottom - 1):
        return _made(top, bottom)
    quotient: Any = _new(Fraction)
    quotient._numerator, quotient._denominator = top, bottom
    found: Fraction = quotient
    return found


def _reduced(top: int, bottom: int) -> Dyadic:
    """``top`` / ``bottom``, of which the latter is a power of two."""
    if not top & 1 and bottom > 1:
        bits = min((top & -top).bit_length() if top else bottom.bit_length(), bottom.bit_length())
        return _made(top >> (bits - 1), bottom >> (bits - 1))
    return _made(top, bottom)


def _made(top: int, bottom: int) -> Dyadic:
    """The number whose numerator and denominator have no common divisor, unchecked."""
    # As Fraction makes its own; its constructor would look for a common divisor.
    made: Dyadic = _new(Dyadic)
    made._numerator, made._denominator = top, bottom
    return made


_new = object.__new__
