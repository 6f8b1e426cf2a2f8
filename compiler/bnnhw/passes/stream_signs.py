"""What signs in a network of real-valued streams need: rounding that keeps them, and bits that turn
more than once.

Behind a PReLU of negative slope a sign has no single threshold: its bit is 1 below one integer and
from another one on, say. Any such function of one integer is the sign of lines of slope +-1, one
for each turn, which one FixedAffine computes exactly.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.graph import Node
from bnnhw.ir.op_base import only_signs
from bnnhw.ir.ops import (
    MOST_SEGMENTS,
    Binarize,
    Concat,
    Conv,
    Dense,
    Elementwise,
    FixedAffine,
    Flatten,
    MaxPool,
    Pad,
    Threshold,
)
from bnnhw.ir.types import Integer
from bnnhw.passes.elementwise import monotone
from bnnhw.passes.piecewise import compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.pieces import Piece
    from bnnhw.passes.made_nodes import MadeNodes
    from bnnhw.passes.rewrite import Links
    from bnnhw.passes.stream_values import Value

SIDE = Integer(2, True)
"""Type of numbers of which only the sign counts."""
Interval = tuple[int, int]


def sign_behind(links: Links, tensor: str) -> Binarize | None:
    """A sign that reads ``tensor``, element-wise operations and pools between them or not.

    None where a layer of binary weights reads it as well, which takes its integers as they are.
    """
    found = None
    for node in links.consumers(tensor):
        if isinstance(node.op, (Conv, Dense)) and only_signs(node.op.weight):
            return None
        if isinstance(node.op, Binarize):
            found = found or node.op
        elif isinstance(node.op, (Concat, Elementwise, MaxPool, Pad, Flatten)):
            found = found or sign_behind(links, node.output)
    return found


def is_exact(value: Value, dtype: Integer) -> bool:
    """Whether all that ``value`` can be are numbers of ``dtype``, but for their range."""
    step = Fraction(2) ** -dtype.frac
    return all(
        ((piece.scale / step).denominator, (piece.shift / step).denominator) == (1, 1)
        for channel in range(value.shape[0])
        for piece in compose(value.ops, channel)
    )


def common_halves(values: Sequence[Value], dtype: Integer, sign: Binarize | None) -> int:
    """The ``halves`` of a stream that several are concatenated to; -1 where they have different.

    Args:
        values: the parts; those that are no streams of the type yet are rounded to it.
        dtype: the type.
        sign: what reads the stream's signs; None for nothing.
    """
    found = {v.stream.halves for v in values if v.stream and v.stream.plain == dtype}
    rest = [v for v in values if not v.stream or v.stream.plain != dtype]
    if not found:
        return int(sign is not None and not all(is_exact(v, dtype) for v in rest))
    return found.pop() if len(found) == 1 else -1


def turns_back(x: Value) -> bool:
    """Whether an operation falls and rises, so that no threshold tells the sign of ``x``."""
    return not all(monotone(op) for op in x.ops)


def emit_turning(made: MadeNodes, node: Node, x: Value) -> None:
    """Emits a sign behind operations that fall and rise."""
    assert isinstance(node.op, Binarize)
    turns = bits_that_turn(node.op, x)
    threshold, tensor = threshold_of(turns, x.reach, node.op), x.tensor
    if threshold is None:
        name = made.fresh(f"{node.name}_side")
        tensor = f"{name}:out"
        made.nodes.append(Node(name, side_of(turns, x.reach), (x.tensor,), tensor, node.source))
        zeros = np.zeros((1, 1, x.shape[0]), np.int64)
        threshold = Threshold(zeros, bipolar=node.op.low < 0)
    made.emit(node, threshold, tensor)


def bits_that_turn(sign: Binarize, x: Value) -> list[list[Interval]]:
    """By channel, the intervals of integers up to ``x.reach`` that have bit 1."""
    return [_intervals(compose(x.chain, c), sign, x.reach) for c in range(x.shape[0])]


def threshold_of(
    intervals: Sequence[list[Interval]], reach: int, sign: Binarize
) -> Threshold | None:
    """The Threshold with these intervals of bit 1; None where a channel needs two."""
    found = [_one_sided(parts, reach) for parts in intervals]
    if any(side is None for side in found):
        return None
    thresholds, invert = zip(*(side for side in found if side), strict=True)
    turned = np.array(invert, bool)
    return Threshold(
        np.array(thresholds, np.int64).reshape(1, 1, -1),
        invert=turned if turned.any() else np.zeros(0, bool),
        bipolar=sign.low < 0,
    )


def side_of(intervals: Sequence[list[Interval]], reach: int) -> FixedAffine:
    """An operation whose result is 0 or more exactly for the integers in the intervals.

    Raises:
        ModelError: a channel turns more than three times.
    """
    found = [_lines(parts, reach) for parts in intervals]
    most = max(len(lines) for lines, _ in found)
    lines = np.array([(*own, *own[-1:] * (most - len(own))) for own, _ in found], np.int64)
    knees = np.array([(*own, *own[-1:] * (most - 1 - len(own))) for _, own in found], np.int64).T
    m, b = lines.transpose(2, 1, 0)
    return FixedAffine(m, b, 0, SIDE, knees[0] if most == 2 else knees, exact=True)


def _intervals(pieces: Sequence[Piece], sign: Binarize, reach: int) -> list[Interval]:
    made: list[Interval] = []
    ends = [p.start for p in pieces[1:]]
    for piece, start, end in zip(pieces, [None, *ends], [*ends, None], strict=True):
        low = -reach if start is None else max(-reach, math.ceil(start))
        high = reach if end is None else min(reach, math.floor(end))
        if piece.scale == 0:
            holds = piece.shift > 0 or (piece.shift == 0 and not sign.strict)
            low, high = (low, high) if holds else (1, 0)
        else:
            root = -piece.shift / piece.scale
            if piece.scale > 0:
                first = math.floor(root) + 1 if sign.strict else math.ceil(root)
                low = max(low, first)
            else:
                last = math.ceil(root) - 1 if sign.strict else math.floor(root)
                high = min(high, last)
        if low > high:
            continue
        if made and low <= made[-1][1] + 1:
            made[-1] = made[-1][0], max(high, made[-1][1])
        else:
            made.append((low, high))
    return made


def _one_sided(parts: list[Interval], reach: int) -> tuple[int, bool] | None:
    """(T, inverted): the intervals are the integers x >= T, or, inverted, x < T."""
    if not parts:
        return reach + 1, False
    if len(parts) == 1 and parts[0][1] == reach:
        return parts[0][0], False
    if len(parts) == 1 and parts[0][0] == -reach:
        return parts[0][1] + 1, True
    return None


def _lines(parts: list[Interval], reach: int) -> tuple[list[Interval], list[int]]:
    """(slope, shift) of each line, two at least, and from where all but the first hold."""
    one = _one_sided(parts, reach)
    if one is not None:
        line = (-1, one[0] - 1) if one[1] else (1, -one[0])
        return [line, line], [0]
    lines, starts = [], []
    for low, high in parts:
        if low != -reach:
            lines.append((1, -low))
            starts.append(low)
        if high != reach:
            lines.append((-1, high))
            starts.append(low)
    if len(lines) > MOST_SEGMENTS:
        raise ModelError(
            f"takes the sign of a function that crosses its threshold {len(lines)} times",
            fix="keep the slopes of PReLUs before a sign at 0 or above",
        )
    return lines, starts[1:]
