"""Signs yield {-1, +1} or {0, 1}; other values become a scale and a shift behind them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.frontend.exact import full
from bnnhw.ir.ops import Affine, Binarize
from bnnhw.passes.chain import fresh_name, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def normalise_signs(graph: Graph) -> Graph:
    """The graph with every sign's values {-1, +1} or {0, 1}.

    Unipolar where the lower value is 0 (after what follows it), else bipolar.
    """
    return rewrite(graph, _rule)


def _rule(graph: Graph, position: int) -> tuple[int, list[Node]] | None:
    node = graph.nodes[position]
    op = node.op
    if not isinstance(op, Binarize):
        return None
    low, high = Fraction(op.low), Fraction(op.high)
    count = 1
    if position + 1 < len(graph.nodes):
        after = graph.nodes[position + 1].op
        if isinstance(after, Affine) and len({*after.scale}) == len({*after.shift.flat}) == 1:
            scale, shift = after.scale[0], after.shift.flat[0]
            low, high = low * scale + shift, high * scale + shift
            count = 2
    if low == high:
        raise ModelError(
            f"gives {float(low):g} on both sides of its threshold",
            where=node.where,
            fix="give the sign two different values",
        )
    if low == 0:
        made, scale, shift = (0.0, 1.0), high, Fraction(0)
    else:
        made, scale, shift = (-1.0, 1.0), (high - low) / 2, (high + low) / 2
    if count == 1 and (op.low, op.high) == made:
        return None
    sign = with_op(node, replace(op, low=made[0], high=made[1]))
    plain = scale == 1 and shift == 0
    if count == 2 and (op.low, op.high) == made and not plain:
        return None
    if plain:
        return count, [sign]
    channels = graph.tensors[node.output].shape[0]
    if count == 2:
        affine = graph.nodes[position + 1]
    else:
        affine = replace(node, name=fresh_name(graph, f"{node.name}_scale"))
    return count, [sign, with_op(affine, Affine(full(channels, scale), full(channels, shift)))]
