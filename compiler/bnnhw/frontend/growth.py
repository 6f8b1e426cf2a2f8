"""How large exact parameters grow where affine operations follow each other.

Passes merge such operations into one, in fractions: their digits add up, and so do their powers of
two. Ten thousand multiplications in a row would give numbers of a quarter of a million bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import REPORT, ModelError
from bnnhw.frontend.limits import MAX_EXACT_BITS, MAX_EXPONENT, MAX_POWER
from bnnhw.ir.dyadic import lengths
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Flatten,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Product,
    Quantise,
    Round,
    Select,
    Smooth,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from bnnhw.ir.ops import Op

_ENDS = (Add, Conv, Dense, Binarize, Lookup, Product, Quantise, Round, Select, Smooth)
"""Operations through which no parameters are merged, or only one more factor."""


class Growth:
    """Bits and powers of two of the parameters that passes may merge, by graph tensor."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def follow(self, op: Op, inputs: Sequence[str], output: str, where: str) -> None:
        """Takes note of an operation; raises ModelError where parameters grow too large."""
        if isinstance(op, _ENDS):
            return
        before = [self._known.get(name, (0, 0)) for name in inputs]
        bits, power = max(b for b, _ in before), max(p for _, p in before)
        scale, shift = map(_Sizes, _parameters(op))
        if scale.some:
            bits += max(scale.bits, shift.bits)
            power += scale.exponent
            if max(scale.largest, shift.largest) > MAX_POWER:
                raise ModelError(
                    f"has parameters beyond 2^{MAX_POWER}, where float32 ends",
                    where=where,
                    fix="the training diverged or the file is damaged; train or export again",
                )
            if power + shift.exponent > MAX_EXPONENT:
                raise ModelError(
                    f"its parameters, with those before it, reach 2^+-{power}; the limit is "
                    f"2^+-{MAX_EXPONENT}",
                    where=where,
                    fix="the training diverged or the file is damaged; train or export again",
                )
        if bits > MAX_EXACT_BITS:
            raise ModelError(
                f"its parameters, multiplied with those before it, have {bits} bits; the limit is "
                f"{MAX_EXACT_BITS}",
                where=where,
                fix="simplify the model first (onnxsim): multiply constants that follow each other",
            )
        self._known[output] = (bits, power)


def _parameters(op: Op) -> tuple[list[Fraction], list[Fraction]]:
    """Factors and summands of an operation of one number; what only limits has none."""
    if isinstance(op, Affine):
        return list(op.scale.flat), list(op.shift.flat)
    if isinstance(op, (AveragePool, ChannelSum, Concat, Flatten, MaxPool, Pad)):
        return [], []
    if not isinstance(op, Piecewise):
        raise ModelError(f"how {type(op).__name__} makes parameters grow is unknown", fix=REPORT)
    pieces = [p for function in op.functions for p in function if p.scale not in (0, 1)]
    return [p.scale for p in pieces], [p.shift for p in pieces]


def size(values: Iterable[Fraction]) -> int:
    """The most bits of a numerator and its denominator together."""
    return max(map(sum, lengths(values)), default=0)


class _Sizes:
    """How large some numbers are.

    Attributes:
        some: whether there are any.
        bits: the most bits of a numerator and its denominator together.
        largest: the power of two above the largest magnitude.
        exponent: the largest power of two, up or down, but for zeros.
    """

    def __init__(self, values: Sequence[Fraction]) -> None:
        self.some = bool(values)
        parts = lengths(values)
        powers = [top - bottom for top, bottom in parts]
        self.bits = max(map(sum, parts), default=0)
        self.largest = max(powers, default=0)
        live = [top - bottom for top, bottom in parts if top]
        self.exponent = max(max(live, default=0), -min(live, default=0))
