"""Piecewise linear functions of one number that may jump, exactly: masks, and products with them.

Comparisons are such functions (0, then 1), and so are products of a comparison and a line. Models
spell activations with them: x * (x > 0), or Where(x > 0, r * x, l * x). What comes out at the end
is continuous, and then it is ``Pieces``.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from bnnhw.ir.pieces import Piece, Pieces, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bnnhw.errors import ModelError
    from bnnhw.frontend.views import View

Line = tuple[Fraction, Fraction]
"""Scale and shift."""

_ROUNDING = Fraction(1, 1 << 20)
"""Of the numbers at a point: a smaller jump there is the rounding of float32 parameters."""
_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Curve:
    """A function of one number, linear between points.

    Attributes:
        points: from left to right.
        at: the values there.
        lines: left of the first point, between points, right of the last.
    """

    points: tuple[Fraction, ...]
    at: tuple[Fraction, ...]
    lines: tuple[Line, ...]

    def line(self, x: Fraction) -> Line:
        """The line at ``x``, which is no point."""
        return self.lines[bisect_left(self.points, x)]

    def value(self, x: Fraction) -> Fraction:
        """The function at ``x``."""
        index = bisect_left(self.points, x)
        if self.points[index : index + 1] == (x,):
            return self.at[index]
        scale, shift = self.lines[index]
        return scale * x + shift

    @property
    def is_nonnegative(self) -> bool:
        """Whether no value is below 0."""
        ends = self.lines[0][0] <= 0 <= self.lines[-1][0]
        if not self.points:
            return ends and self.lines[0][1] >= 0
        sides = [_at(line, p) for p, pair in self._corners() for line in pair]
        return ends and min((*sides, *self.at)) >= 0

    @property
    def is_mask(self) -> bool:
        """Whether all values are 0 or 1."""
        levels = {_ZERO, _ONE}
        return all(a == 0 and b in levels for a, b in self.lines) and levels.issuperset(self.at)

    @property
    def is_stairs(self) -> bool:
        """Whether it is level between two jumps or more."""
        return len(self.points) > 1 and all(scale == 0 for scale, _ in self.lines)

    def jump(self) -> tuple[Fraction, Fraction, Fraction] | None:
        """A point where it jumps, and the values left and right of it; None of a continuous one."""
        for (point, (left, right)), value in zip(self._corners(), self.at, strict=True):
            ends = _at(left, point), _at(right, point)
            terms = [abs(t) for scale, shift in (left, right) for t in (scale * point, shift)]
            gap = max(*ends, value) - min(*ends, value)
            if gap > _ROUNDING * max(terms):
                return point, *(ends if ends[0] != ends[1] else (ends[0], value))
        return None

    def pieces(self) -> Pieces:
        """A continuous one as pieces that meet exactly, jumps by rounding mended."""
        made = [Piece(None, *self.lines[0])]
        for point, (scale, shift) in zip(self.points, self.lines[1:], strict=True):
            before = made[-1]
            if scale == before.scale:
                continue
            start = (before.shift - shift) / (scale - before.scale)
            far = abs(start - point) > 16 * _ROUNDING * max(_ONE, abs(point))
            if far or (before.start is not None and start <= before.start):
                start = point
                shift = before.scale * point + before.shift - scale * point
            made.append(Piece(start, scale, shift))
        return merged(tuple(made))

    def _corners(self) -> Iterable[tuple[Fraction, tuple[Line, Line]]]:
        return zip(self.points, pairwise(self.lines), strict=True)


Curves = tuple[Curve, ...]
"""One for each channel, or a single one for all."""


@dataclass(frozen=True)
class Pending:
    """An ONNX tensor that is a function of a graph tensor, but no operation of the graph.

    Attributes:
        view: of the graph tensor, with the dimensions of this one.
        curves: the function.
        refusal: the error where something reads it that needs an operation of the graph; it names
            the node that made it jump.
    """

    view: View
    curves: Curves
    refusal: ModelError


def line(scale: Fraction | int, shift: Fraction | int) -> Curve:
    """Scale * x + shift."""
    return Curve((), (), ((Fraction(scale), Fraction(shift)),))


def step(low: Fraction, high: Fraction, at: Fraction) -> Curve:
    """``low`` below 0, ``high`` above, ``at`` there."""
    return Curve((_ZERO,), (at,), ((_ZERO, low), (_ZERO, high)))


def curve_of(pieces: Pieces) -> Curve:
    """A continuous function."""
    rest = [(p.start, p.scale * p.start + p.shift) for p in pieces[1:] if p.start is not None]
    lines = tuple((p.scale, p.shift) for p in pieces)
    return Curve(tuple(s for s, _ in rest), tuple(v for _, v in rest), lines)


def through(outer: Curve, inner: Curve) -> Curve:
    """``outer`` of what ``inner`` gives."""
    points = {*inner.points}
    for scale, shift in inner.lines:
        if scale:
            points.update((point - shift) / scale for point in outer.points)

    def of_line(x: Fraction) -> Line:
        scale, shift = inner.line(x)
        if not scale:
            return _ZERO, outer.value(shift)
        gain, offset = outer.line(scale * x + shift)
        return gain * scale, gain * shift + offset

    return _built(points, lambda x: outer.value(inner.value(x)), of_line)


def total(first: Curve, second: Curve) -> Curve:
    """The sum."""
    return _joined(first, second, lambda a, b: a + b, lambda a, b: (a[0] + b[0], a[1] + b[1]))


def product(first: Curve, second: Curve) -> Curve | None:
    """The product; None where it is no piecewise linear function."""
    both = {*first.points, *second.points}
    for x in _samples(sorted(both)):
        if first.line(x)[0] and second.line(x)[0]:
            return None

    def times(a: Line, b: Line) -> Line:
        return a[0] * b[1] + a[1] * b[0], a[1] * b[1]

    return _joined(first, second, lambda a, b: a * b, times)


def maximum(first: Curve, second: Curve) -> Curve:
    """The larger of both."""
    points = {*first.points, *second.points}
    for x in _samples(sorted(points)):
        (a, b), (c, d) = first.line(x), second.line(x)
        if a != c:
            points.add((d - b) / (a - c))

    def larger(x: Fraction) -> Line:
        return max(first.line(x), second.line(x), key=lambda one: _at(one, x))

    return _built(points, lambda x: max(first.value(x), second.value(x)), larger)


def negative(curve: Curve) -> Curve:
    """Minus ``curve``."""
    return through(line(-1, 0), curve)


def _joined(
    first: Curve,
    second: Curve,
    values: Callable[[Fraction, Fraction], Fraction],
    lines: Callable[[Line, Line], Line],
) -> Curve:
    points = {*first.points, *second.points}
    return _built(
        points,
        lambda x: values(first.value(x), second.value(x)),
        lambda x: lines(first.line(x), second.line(x)),
    )


def _built(
    points: Iterable[Fraction],
    value: Callable[[Fraction], Fraction],
    of_line: Callable[[Fraction], Line],
) -> Curve:
    """The function of these values and lines, without points where nothing happens."""
    places = sorted(points)
    lines = [of_line(x) for x in _samples(places)]
    kept, at, left = [], [], [lines[0]]
    for point, after in zip(places, lines[1:], strict=True):
        here = value(point)
        if after != left[-1] or here != _at(after, point):
            kept.append(point)
            at.append(here)
            left.append(after)
    return Curve(tuple(kept), tuple(at), tuple(left))


def _samples(points: list[Fraction]) -> list[Fraction]:
    """A number left of all points, one between each two, and one right of all."""
    if not points:
        return [_ZERO]
    return [points[0] - 1, *((a + b) / 2 for a, b in pairwise(points)), points[-1] + 1]


def _at(one: Line, x: Fraction) -> Fraction:
    return one[0] * x + one[1]
