"""Element-wise operations composed to one piecewise linear function per channel, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Affine, Clip, PRelu, Relu
from bnnhw.passes.sign_predicates import clip_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Op

ELEMENTWISE = (Affine, Clip, PRelu, Relu)
_Line = tuple[Fraction, Fraction]
_KEEP: _Line = (Fraction(1), Fraction(0))


@dataclass(frozen=True)
class Piece:
    """scale * x + shift, from ``start`` on (None: from minus infinity)."""

    start: Fraction | None
    scale: Fraction
    shift: Fraction


Pieces = tuple[Piece, ...]


def compose(ops: Sequence[Op], channel: int) -> Pieces:
    """What ``ops``, one after the other, make of a channel.

    Raises:
        ModelError: a shift differs from pixel to pixel.
    """
    pieces: Pieces = (Piece(None, *_KEEP),)
    for op in ops:
        if isinstance(op, Affine):
            if op.row_class or op.shift.ndim > 1:
                raise ModelError(
                    "shifts a real-valued stream differently from pixel to pixel",
                    fix="binarise to {-1, +1} or {0, 1} before a padded convolution",
                )
            a, b = op.scale[channel], op.shift[channel]
            pieces = tuple(Piece(p.start, p.scale * a, p.shift * a + b) for p in pieces)
        elif isinstance(op, PRelu):
            pieces = _bend(pieces, Fraction(0), (op.slope[channel], Fraction(0)), _KEEP)
        elif isinstance(op, (Relu, Clip)):
            low, high = (Fraction(0), None) if isinstance(op, Relu) else clip_bounds(op)
            if low is not None:
                pieces = _bend(pieces, low, (Fraction(0), low), _KEEP)
            if high is not None:
                pieces = _bend(pieces, high, _KEEP, (Fraction(0), high))
        else:
            raise ModelError(
                f"{type(op).__name__} is not piecewise linear",
                fix="use ReLU, PReLU, LeakyReLU, Clip or HardTanh",
            )
    return _merged(pieces)


def without_saturated_ends(pieces: Pieces, low: Fraction, high: Fraction) -> Pieces:
    """Fewer pieces with the same values once these are limited to ``low`` .. ``high``.

    A constant first or last piece at or beyond a limit vanishes where its neighbour, continued,
    runs beyond that limit too: ReLU to an unsigned type is its saturation.
    """
    while len(pieces) > 1 and _saturates(pieces[0], -pieces[1].scale, low, high):
        pieces = (replace(pieces[1], start=None), *pieces[2:])
    while len(pieces) > 1 and _saturates(pieces[-1], pieces[-2].scale, low, high):
        pieces = pieces[:-1]
    return pieces


def _saturates(piece: Piece, outwards: Fraction, low: Fraction, high: Fraction) -> bool:
    """Whether a constant ``piece`` is a limit towards which its neighbour grows by ``outwards``."""
    if piece.scale != 0:
        return False
    return (outwards > 0 and piece.shift >= high) or (outwards < 0 and piece.shift <= low)


def _bend(pieces: Pieces, value: Fraction, below: _Line, above: _Line) -> Pieces:
    """The function behind a continuous one that is ``below`` under ``value`` and ``above`` over."""
    made: list[Piece] = []
    for i, piece in enumerate(pieces):
        end = pieces[i + 1].start if i + 1 < len(pieces) else None
        if piece.scale == 0:
            made.append(_through(piece, piece.start, above if piece.shift >= value else below))
            continue
        cross = (value - piece.shift) / piece.scale
        first, second = (below, above) if piece.scale > 0 else (above, below)
        if piece.start is not None and cross <= piece.start:
            made.append(_through(piece, piece.start, second))
        elif end is not None and cross >= end:
            made.append(_through(piece, piece.start, first))
        else:
            made += [_through(piece, piece.start, first), _through(piece, cross, second)]
    return _merged(tuple(made))


def _through(piece: Piece, start: Fraction | None, line: _Line) -> Piece:
    a, b = line
    return Piece(start, piece.scale * a, piece.shift * a + b)


def _merged(pieces: Pieces) -> Pieces:
    made = [pieces[0]]
    for piece in pieces[1:]:
        if (piece.scale, piece.shift) != (made[-1].scale, made[-1].shift):
            made.append(piece)
    return tuple(made)
