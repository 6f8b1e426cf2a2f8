"""The set of integers for which a sign gives bit 1, found by going backwards from the sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.ir.exact import snap
from bnnhw.ir.ops import Affine, Binarize, Clip, PRelu, Relu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Op


class Side(Enum):
    """Which numbers a predicate holds for."""

    ABOVE = 1
    BELOW = -1
    ALL = 2
    NONE = 0


@dataclass(frozen=True)
class Predicate:
    """x > point, x >= point, x < point, x <= point, always or never.

    Attributes:
        side: ABOVE or BELOW the point, ALL or NONE.
        point: the boundary.
        closed: whether the boundary belongs to it.
    """

    side: Side
    point: Fraction = Fraction(0)
    closed: bool = False

    @staticmethod
    def constant(holds: bool) -> Predicate:
        """Always or never."""
        return Predicate(Side.ALL if holds else Side.NONE)

    def holds(self, x: Fraction) -> bool:
        """Whether it holds for ``x``."""
        if self.side in (Side.ALL, Side.NONE):
            return self.side is Side.ALL
        if x == self.point:
            return self.closed
        return (x > self.point) == (self.side is Side.ABOVE)

    def before_affine(self, scale: Fraction, shift: Fraction) -> Predicate:
        """The predicate on x that this one makes of scale * x + shift."""
        if self.side in (Side.ALL, Side.NONE):
            return self
        if scale == 0:
            return Predicate.constant(self.holds(shift))
        side = self.side if scale > 0 else Side(-self.side.value)
        return Predicate(side, snap((self.point - shift) / scale), self.closed)

    def before_clip(self, low: Fraction | None, high: Fraction | None) -> Predicate:
        """The predicate on x that this one makes of min(max(x, low), high)."""
        if self.side in (Side.ALL, Side.NONE):
            return self
        at_low = None if low is None else self.holds(low)
        at_high = None if high is None else self.holds(high)
        if low is not None and at_low == (self.side is Side.ABOVE):
            return Predicate.constant(self.side is Side.ABOVE)
        if high is not None and at_high == (self.side is Side.BELOW):
            return Predicate.constant(self.side is Side.BELOW)
        return self

    def before_prelu(self, slope: Fraction) -> Predicate:
        """The predicate on x that this one makes of x where x >= 0, else slope * x.

        Raises:
            ModelError: the slope is negative, so that no single threshold tells.
        """
        if self.side in (Side.ALL, Side.NONE):
            return self
        if slope < 0:
            raise ModelError(
                f"a PReLU of slope {float(slope):.4g} stands before a sign",
                fix="keep slopes at 0 or above: beyond, the sign turns twice",
            )
        if slope == 0:
            return self.before_clip(Fraction(0), None)
        point = self.point if self.point >= 0 else snap(self.point / slope)
        return Predicate(self.side, point, self.closed)

    def before_sign(self, sign: Binarize) -> Predicate:
        """The predicate on x that this one makes of the two values of a sign of x."""
        low, high = (self.holds(Fraction(v)) for v in (sign.low, sign.high))
        if low == high:
            return Predicate.constant(low)
        side = Side.ABOVE if high else Side.BELOW
        return Predicate(side, Fraction(0), sign.strict != high)

    def first_integer(self) -> tuple[int, bool]:
        """(T, inverted): it holds for the integers x >= T, or, inverted, for those x < T.

        Only for ABOVE and BELOW.
        """
        floor, ceiling = math.floor(self.point), math.ceil(self.point)
        if self.side is Side.ABOVE:
            return (ceiling if self.closed else floor + 1), False
        return (floor + 1 if self.closed else ceiling), True


def predicate_of(sign: Binarize, chain: Sequence[Op], at: tuple[int, int, int]) -> Predicate:
    """The integers for which ``sign`` gives bit 1 behind the element-wise operations ``chain``.

    Args:
        sign: the sign.
        chain: operations before it, the first one first.
        at: row class, column class and channel.

    Raises:
        ModelError: no single threshold tells.
    """
    predicate = Predicate(Side.ABOVE, Fraction(0), not sign.strict)
    r, c, channel = at
    for op in reversed(chain):
        if isinstance(op, Affine):
            shift = op.shift[r, c, channel] if op.row_class else op.shift[channel]
            predicate = predicate.before_affine(op.scale[channel], shift)
        elif isinstance(op, Clip):
            predicate = predicate.before_clip(*clip_bounds(op))
        elif isinstance(op, PRelu):
            predicate = predicate.before_prelu(op.slope[channel])
        elif isinstance(op, Binarize):
            predicate = predicate.before_sign(op)
        else:
            assert isinstance(op, Relu)
            predicate = predicate.before_clip(Fraction(0), None)
    return predicate


def clip_bounds(op: Clip) -> tuple[Fraction | None, Fraction | None]:
    """The bounds as fractions; None where there is none."""
    low, high = (None if math.isinf(b) else Fraction(b) for b in (op.low, op.high))
    return low, high
