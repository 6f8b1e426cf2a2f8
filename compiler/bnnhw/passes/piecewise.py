"""Element-wise operations composed to one piecewise linear function per channel, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Elementwise
from bnnhw.ir.pieces import IDENTITY, Piece, Pieces, merged, then

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from bnnhw.ir.ops import Op


def compose(ops: Sequence[Op], channel: int) -> Pieces:
    """What ``ops``, one after the other, make of a channel.

    Raises:
        ModelError: a shift differs from pixel to pixel, or an operation is no such function.
    """
    pieces: Pieces | None = None
    for op in ops:
        if not isinstance(op, Elementwise):
            raise ModelError(
                f"{type(op).__name__} is not piecewise linear",
                fix="use ReLU, PReLU, LeakyReLU, Clip or HardTanh",
            )
        own = op.pieces(channel)
        pieces = merged(own) if pieces is None else then(pieces, own)
    return IDENTITY if pieces is None else pieces


def without_saturated_ends(pieces: Pieces, low: Fraction | float, high: Fraction | float) -> Pieces:
    """Fewer pieces with the same values once these are limited to ``low`` .. ``high``.

    A constant first or last piece at or beyond a limit vanishes where its neighbour, continued,
    runs beyond that limit too: ReLU to an unsigned type is its saturation.
    """
    while len(pieces) > 1 and _saturates(pieces[0], -pieces[1].scale, low, high):
        pieces = (pieces[1]._replace(start=None), *pieces[2:])
    while len(pieces) > 1 and _saturates(pieces[-1], pieces[-2].scale, low, high):
        pieces = pieces[:-1]
    return pieces


def _saturates(
    piece: Piece, outwards: Fraction, low: Fraction | float, high: Fraction | float
) -> bool:
    """Whether a constant ``piece`` is a limit towards which its neighbour grows by ``outwards``."""
    if piece.scale != 0:
        return False
    return (outwards > 0 and piece.shift >= high) or (outwards < 0 and piece.shift <= low)
