"""Continuous piecewise linear functions of one number, exactly."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import NamedTuple


class Piece(NamedTuple):
    """scale * x + shift, from ``start`` on (None: from minus infinity)."""

    start: Fraction | None
    scale: Fraction
    shift: Fraction


Pieces = tuple[Piece, ...]
"""A function, from left to right. Neighbours meet where the second starts."""
IDENTITY: Pieces = (Piece(None, Fraction(1), Fraction(0)),)


def line(scale: Fraction, shift: Fraction) -> Pieces:
    """Scale * x + shift everywhere."""
    return (Piece(None, scale, shift),)


def value(pieces: Pieces, x: Fraction) -> Fraction:
    """The function at ``x``."""
    starts = [piece.start for piece in pieces[1:]]
    piece = pieces[bisect_right(starts, x)]  # type: ignore[type-var]
    return piece.scale * x + piece.shift


def then(first: Pieces, second: Pieces) -> Pieces:
    """``second`` of what ``first`` gives."""
    made: list[Piece] = []
    if len(second) == 1:  # a line, for which nothing needs a search
        (last,) = second
        return merged(
            tuple(
                Piece(p.start, p.scale * last.scale, p.shift * last.scale + last.shift)
                for p in first
            )
        )
    if len(first) == 1 and first[0].scale:
        return merged(_along(first[0], second))
    for i, piece in enumerate(first):
        end = first[i + 1].start if i + 1 < len(first) else None
        made += _inside(piece, end, second)
    return merged(tuple(made))


def _along(line: Piece, second: Pieces) -> Pieces:
    """``second`` of a line that is not level."""
    _, scale, shift = line
    knees = [(part.start - shift) / scale for part in second[1:]]  # type: ignore[operator]
    parts = second
    if scale < 0:
        knees, parts = knees[::-1], parts[::-1]
    return tuple(
        Piece(start, scale * part.scale, shift * part.scale + part.shift)
        for start, part in zip((None, *knees), parts, strict=True)
    )


def _inside(piece: Piece, end: Fraction | None, second: Pieces) -> list[Piece]:
    """``second`` of one piece that reaches to ``end``."""
    if piece.scale == 0:
        return [Piece(piece.start, Fraction(0), value(second, piece.shift))]
    starts = [part.start for part in second if part.start is not None]
    crossings = [(start - piece.shift) / piece.scale for start in starts]
    parts = list(second)
    if piece.scale < 0:
        crossings, parts = crossings[::-1], parts[::-1]
    made = []
    for part, begin, stop in zip(parts, [None, *crossings], [*crossings, None], strict=True):
        if (stop is not None and piece.start is not None and stop <= piece.start) or (
            begin is not None and end is not None and begin >= end
        ):
            continue  # it lies left or right of the piece
        if begin is None or (piece.start is not None and begin < piece.start):
            begin = piece.start
        shift = piece.shift * part.scale + part.shift
        made.append(Piece(begin, piece.scale * part.scale, shift))
    return made


def merged(pieces: Pieces) -> Pieces:
    """The same function without a piece that continues the one before it."""
    if len(pieces) == 1:
        return pieces
    made = [pieces[0]]
    for piece in pieces[1:]:
        if (piece.scale, piece.shift) != (made[-1].scale, made[-1].shift):
            made.append(piece)
    return tuple(made)
