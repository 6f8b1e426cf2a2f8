"""Neighbouring affine operations become one; those that change nothing vanish."""

from __future__ import annotations

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


def compose(first: Affine, second: Affine) -> Affine:
    """second(first(x)); at most one of them has border classes."""
    classes = first if first.row_class else second
    assert not (first.row_class and second.row_class)
    return Affine(
        first.scale * second.scale,
        first.shift * second.scale + second.shift,
        classes.row_class,
        classes.column_class,
    )
