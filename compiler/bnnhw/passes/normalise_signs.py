"""Signs yield {-1, +1} or {0, 1}; other values become a scale and a shift behind them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.ir.exact import full
from bnnhw.ir.ops import Affine, Binarize
from bnnhw.passes.rewrite import Change, Links, fresh_name, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def normalise_signs(graph: Graph) -> Graph:
    """The graph with every sign's values {-1, +1} or {0, 1}.

    Unipolar where the lower value is 0 (after what follows it), else bipolar. Bit 1 is the larger
    value.
    """
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    op = node.op
    if not isinstance(op, Binarize):
        return None
    low, high = Fraction(op.low), Fraction(op.high)
    after = links.after(node)
    path = [node]
    # All that follows at once: 2 * (x > 0) - 1 is bipolar only behind both operations.
    while after is not None and isinstance(after.op, Affine) and _uniform(after.op):
        scale, shift = after.op.scale[0], after.op.shift.flat[0]
        low, high = low * scale + shift, high * scale + shift
        path.append(after)
        after = links.after(after)
    if low == high:
        raise ModelError(
            f"gives {float(low):g} on both sides of its threshold",
            where=node.where,
            fix="give the sign two different values",
        )
    turned = high < low
    if turned:  # of -x: bit 1 is the larger value then, as Where(x < 0, -1, 1) spells it
        low, high = high, low
    if low == 0:
        made, scale, shift = (0.0, 1.0), high, Fraction(0)
    else:
        made, scale, shift = (-1.0, 1.0), (high - low) / 2, (high + low) / 2
    if len(path) == 1 and (op.low, op.high) == made:
        return None
    sign = with_op(node, replace(op, low=made[0], high=made[1], strict=op.strict ^ turned))
    plain = scale == 1 and shift == 0
    if len(path) == 2 and (op.low, op.high) == made and not plain:
        return None
    channels = links.graph.tensors[node.output].shape[0]
    before = []
    if turned:
        name = fresh_name(links.graph, f"{node.name}_turned")
        before = [replace(node, name=name, op=Affine(full(channels, -1), full(channels, 0)))]
    if plain:
        return Change(path, [*before, sign])
    if len(path) > 1:
        affine = path[-1]
    else:
        affine = replace(node, name=fresh_name(links.graph, f"{node.name}_scale"))
    scaled = Affine(full(channels, scale), full(channels, shift))
    return Change(path, [*before, sign, with_op(affine, scaled)])


def _uniform(op: Affine) -> bool:
    """Whether all channels and pixels are scaled and shifted alike."""
    return op.uniform
