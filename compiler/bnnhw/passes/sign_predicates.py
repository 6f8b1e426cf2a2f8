"""The set of integers for which a sign gives bit 1, found by going backwards from the sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import REPORT, ModelError
from bnnhw.ir.exact import snap
from bnnhw.ir.ops import Affine, Binarize, Piecewise
from bnnhw.ir.pieces import Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Op
    from bnnhw.ir.pieces import Pieces


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

    def before_pieces(self, pieces: Pieces) -> Predicate:
        """The predicate on x that this one makes of a function of x that only rises or only falls.

        Raises:
            ModelError: it does both, so that no single threshold tells.
        """
        if self.side in (Side.ALL, Side.NONE):
            return self
        rises = [piece.scale.numerator for piece in pieces]  # their signs tell, without fractions
        if min(rises) < 0 < max(rises):
            scales = [piece.scale for piece in pieces]
            raise ModelError(
                f"an activation of slopes {float(min(scales)):.4g} and {float(max(scales)):.4g} "
                "stands before a sign",
                fix="keep the slopes of a PReLU at 0 or above: beyond, the sign turns twice",
            )
        if min(rises) < 0:
            turned = tuple(Piece(p.start, -p.scale, -p.shift) for p in pieces)
            return Predicate(Side(-self.side.value), -self.point, self.closed).before_pieces(turned)
        # The first numbers above the point: it is one of them where what lies above is closed.
        at_point = self.closed == (self.side is Side.ABOVE)
        for piece, after in zip(pieces, (*pieces[1:], None), strict=True):
            if not _reaches(piece, after, self.point, at_point=at_point):
                continue
            if piece.scale == 0:
                return Predicate.constant(self.side is Side.ABOVE)
            plain = piece.scale == 1 and piece.shift == 0
            point = self.point if plain else snap((self.point - piece.shift) / piece.scale)
            return Predicate(self.side, point, self.closed)
        return Predicate.constant(self.side is Side.BELOW)

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
        elif isinstance(op, Piecewise):
            predicate = predicate.before_pieces(op.pieces(channel))
        elif isinstance(op, Binarize):
            predicate = predicate.before_sign(op)
        else:
            raise ModelError(f"{type(op).__name__} is no function of one number", fix=REPORT)
    return predicate


def _reaches(piece: Piece, after: Piece | None, point: Fraction, *, at_point: bool) -> bool:
    """Whether a piece that rises, or is level, gets above a point, or ``at_point`` just to it."""
    if after is None or after.start is None:
        end = None if piece.scale else piece.shift
    else:
        end = piece.scale * after.start + piece.shift
    return end is None or end > point or (at_point and end == point)
