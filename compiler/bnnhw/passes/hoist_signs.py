"""Signs, with what stands before them, move before max pools, pads and flattens.

A sign is monotone, so sign(max(x)) = max(sign(x)); where an affine operation between them has a
negative scale, the maximum becomes a minimum. Pools then work on bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.ops import Affine, Binarize, BitMaxPool, Flatten, MaxPool, Pad, limits_of
from bnnhw.passes.rewrite import Change, Links, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Bools, Op, Shape

_LATE = (MaxPool, BitMaxPool, Pad, Flatten)


def hoist_signs(graph: Graph) -> Graph:
    """The graph with no pool or flatten between a layer and its sign."""
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    if not isinstance(node.op, _LATE) or not _sign_follows(links, node):
        return None
    after = links.after(node)
    assert after is not None
    if isinstance(after.op, _LATE):
        return None
    if isinstance(node.op, Pad):
        return Change([node, after], [after, node])
    shape = links.graph.tensors[node.inputs[0]].shape
    if isinstance(node.op, Flatten):
        op: Op | None = after.op
        if isinstance(after.op, Affine):
            behind = links.after(after)
            sign_next = behind is not None and isinstance(behind.op, Binarize)
            op = _unflattened(after.op, shape, sign_next=sign_next)
        return None if op is None else Change([node, after], [with_op(after, op), node])
    minimum = _minimum(node, shape[0])
    if isinstance(after.op, Affine):
        minimum = minimum ^ np.array([s < 0 for s in after.op.scale], bool)
    pool = with_op(node, BitMaxPool(node.op.window, minimum))
    return Change([node, after], [after, pool])


def _sign_follows(links: Links, node: Node) -> bool:
    behind = links.after(node)
    while behind is not None and not isinstance(behind.op, Binarize):
        if not isinstance(behind.op, (Affine, *_LATE)) and limits_of(behind.op) is None:
            return False
        behind = links.after(behind)
    return behind is not None


def _minimum(node: Node, channels: int) -> Bools:
    if isinstance(node.op, BitMaxPool):
        return node.op.minimum
    return np.zeros(channels, bool)


def _unflattened(op: Affine, shape: Shape, *, sign_next: bool) -> Affine | None:
    """An affine operation on the flattened image as one on the image; None where there is none.

    Where a sign comes next, dividing by a positive number changes nothing: a gain that differs
    from pixel to pixel then becomes a shift that does.
    """
    if len(shape) == 1:
        return op
    channels, height, width = shape
    scale = op.scale.reshape(channels, -1)
    shift = op.shift.reshape(channels, -1)
    if not (scale == scale[:, :1]).all():
        signs = np.array([[(s > 0) - (s < 0) for s in row] for row in scale], object)
        if not sign_next or not signs.all() or not (signs == signs[:, :1]).all():
            return None
        scale, shift = signs, shift / np.abs(scale)
    if (shift == shift[:, :1]).all():
        return Affine(scale[:, 0], shift[:, 0])
    by_pixel = shift.reshape(channels, height, width).transpose(1, 2, 0)
    return Affine(scale[:, 0], by_pixel, tuple(range(height)), tuple(range(width)))
