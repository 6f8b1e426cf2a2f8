"""Neighbouring affine operations become one; those that change nothing vanish."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bnnhw.ir.ops import Affine
from bnnhw.passes.rewrite import Change, Links, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def merge_affines(graph: Graph) -> Graph:
    """The graph without neighbouring affine operations, parameters exact."""
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    if not isinstance(node.op, Affine):
        return None
    if all(s == 1 for s in node.op.scale) and not node.op.shift.any():
        return Change([node], [])
    after = links.after(node)
    if after is None or not isinstance(after.op, Affine):
        return None
    return Change([node, after], [with_op(after, compose(node.op, after.op))])


def _alike(first: Affine, second: Affine) -> tuple[Affine, Affine]:
    """Both with the same border classes."""
    rows, row_class = _joined(first.row_class, second.row_class)
    columns, column_class = _joined(first.column_class, second.column_class)
    made = []
    for i, op in enumerate((first, second)):
        picked = op.shift[[r[i] for r in rows]][:, [c[i] for c in columns]]
        made.append(Affine(op.scale, picked, row_class, column_class))
    return made[0], made[1]


def _joined(
    first: tuple[int, ...], second: tuple[int, ...]
) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    """The pairs of classes that occur together, and which of them each position has."""
    both = list(zip(first, second, strict=True))
    pairs = [pair for i, pair in enumerate(both) if not i or pair != both[i - 1]]
    index = [0]
    for before, pair in pairwise(both):
        index.append(index[-1] + (pair != before))
    return pairs, tuple(index)


def compose(first: Affine, second: Affine) -> Affine:
    """second(first(x)); where both have border classes, with those that tell both apart."""
    if first.row_class and second.row_class:
        first, second = _alike(first, second)
    classes = first if first.row_class else second
    return Affine(
        first.scale * second.scale,
        first.shift * second.scale + second.shift,
        classes.row_class,
        classes.column_class,
    )
