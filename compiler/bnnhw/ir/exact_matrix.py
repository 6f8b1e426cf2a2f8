"""Exact products of integers in floating-point matrix products, two outputs in one where they fit.

A float32 holds every integer up to 2^24, so a sum of products that stays below is exact whatever
its order. Sums of bits are far smaller: with |a|, |b| <= R, one number v = a + B*b holds two of
them for any B > 2R with R * (B + 1) <= 2^24. The matrix W_a + B*W_b computes both at once, and

    b = round(v / B), a = v - B*b.

B is taken as large as it may be, which leaves v / B at least 1/2 - R/B away from a tie: far more
than the rounding of the quotient. Longer sums are split so that each part fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOAT32_EXACT = 1 << 24
_PAIR_REACH = 2500
"""Largest R of a pair: B is then at least 2.68 R, and quotients stay 0.12 away from ties."""
_PAIR_TERMS = 48
"""Terms that a part of a sum must have, or unpacking would cost more than is saved."""


@dataclass(frozen=True, eq=False)
class _Part:
    """Some of the terms, as a matrix [terms, outputs]; of pairs of outputs where ``base`` is set.

    Output o of the first half is in column o; that of the second half is ``base`` times as large.
    """

    terms: slice
    matrix: NDArray[np.floating[Any]]
    base: int = 0


class ExactMatrix:
    """Integer weights [outputs, terms] that multiply columns of integers exactly."""

    def __init__(self, weight: NDArray[np.integer[Any]]) -> None:
        self._weight = weight
        self._largest = int(np.abs(weight).max(initial=0))
        self._plans: dict[int, list[_Part]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs and terms."""
        outputs, terms = self._weight.shape
        return outputs, terms

    def dtype(self, reach: int) -> type[np.floating[Any]]:
        """The float type in which sums over inputs up to ``reach`` are exact."""
        return np.float32 if self.bound(reach) < _FLOAT32_EXACT else np.float64

    def bound(self, reach: int) -> int:
        """No sum over inputs up to ``reach`` is larger, nor any part of one."""
        return reach * self._largest * self._weight.shape[1]

    def times(self, columns: NDArray[np.floating[Any]], reach: int, out: NDArray[Any]) -> None:
        """Writes columns @ weight.T to ``out``.

        Args:
            columns: [rows, terms], integers of magnitude up to ``reach`` in ``dtype(reach)``.
            reach: see there.
            out: [rows, outputs], of any type that holds the sums.
        """
        if reach not in self._plans:
            self._plans[reach] = self._plan(reach)
        for part in self._plans[reach]:
            sums = columns[:, part.terms] @ part.matrix
            if part.base:
                _unpack(sums, part.base, out, add=part.terms.start > 0)
            else:
                np.copyto(out, sums, casting="unsafe")

    def _plan(self, reach: int) -> list[_Part]:
        outputs, terms = self._weight.shape
        product = max(1, reach * self._largest)
        count = math.ceil(product * terms / _PAIR_REACH)
        size = math.ceil(terms / count) if count else 0
        if outputs < 2 or size < _PAIR_TERMS:
            matrix = np.ascontiguousarray(self._weight.T.astype(self.dtype(reach)))
            return [_Part(slice(0, terms), matrix)]
        base = _FLOAT32_EXACT // (size * product) - 1
        half = -(-outputs // 2)
        low, high = self._weight[:half].astype(np.int64), self._weight[half:].astype(np.int64)
        pairs = low
        pairs[: outputs - half] += base * high
        matrix = np.ascontiguousarray(pairs.T.astype(np.float32))
        return [
            _Part(slice(first, first + size), matrix[first : first + size], base)
            for first in range(0, terms, size)
        ]


def _unpack(sums: NDArray[np.floating[Any]], base: int, out: NDArray[Any], *, add: bool) -> None:
    """Both outputs of each pair, to ``out`` or added to it; ``sums`` is used up."""
    outputs, half = out.shape[1], sums.shape[1]
    high = sums * np.float32(1 / base)
    np.rint(high, out=high)
    if add:
        out[:, half:] += high[:, : outputs - half].astype(out.dtype)
    else:
        np.copyto(out[:, half:], high[:, : outputs - half], casting="unsafe")
    high *= np.float32(base)
    sums -= high
    if add:
        out[:, :half] += sums.astype(out.dtype)
    else:
        np.copyto(out[:, :half], sums, casting="unsafe")
