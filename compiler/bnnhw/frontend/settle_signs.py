"""What follows a sign and only renames its two values; and models that say what Sign(0) is.

ONNX's Sign gives 0 at 0, and the bit it becomes is the user's choice, unless what follows decides:
sign(sign(x) + 0.1), as Larq spells its sign, is +1 there; relu(sign(x)) is what it is for x < 0.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.ir.ops import Affine, Binarize, Clip, Relu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Op


def settle_signs(nodes: Sequence[Node]) -> list[Node]:
    """The chain with ``zero_is_zero`` cleared where what follows a Sign decides its zero.

    ReLU, Clip and signs behind a sign become other values of that sign.
    """
    result = list(nodes)
    for i, node in enumerate(result):
        if isinstance(node.op, Binarize) and node.op.zero_is_zero:
            strict = _decided([n.op for n in result[i + 1 :]])
            if strict is not None:
                result[i] = replace(node, op=replace(node.op, strict=strict, zero_is_zero=False))
    i = 0
    while i < len(result):
        count, op = _collapsed(result, i)
        if count > 1:
            last = result[i + count - 1]
            result[i : i + count] = [replace(result[i], op=op, output=last.output)]
        i += 1
    return result


def _collapsed(nodes: Sequence[Node], start: int) -> tuple[int, Op]:
    """How many nodes from ``start`` are one sign, and which."""
    sign = nodes[start].op
    if not isinstance(sign, Binarize) or sign.zero_is_zero:
        return 1, sign
    low, high = sign.low, sign.high
    best, made = 1, sign
    for count, node in enumerate(nodes[start + 1 :], 2):
        op = node.op
        if isinstance(op, Binarize) and op.zero_is_zero and 0 in (low, high):
            break
        if not isinstance(op, (Affine, Relu, Clip, Binarize)) or not _alike(op):
            break
        low, high = _apply(op, low), _apply(op, high)
        if low == high:
            break
        if not isinstance(op, Affine):
            best, made = count, replace(sign, low=low, high=high)
    return best, made


def _alike(op: Op) -> bool:
    if not isinstance(op, Affine):
        return True
    return len({*op.scale.flat}) == len({*op.shift.flat}) == 1


def _apply(op: Op, x: float) -> float:
    """An element-wise operation of one number."""
    if isinstance(op, Affine):
        return float(op.scale.flat[0] * Fraction(x) + op.shift.flat[0])
    if isinstance(op, Relu):
        return max(x, 0.0)
    if isinstance(op, Clip):
        return min(max(x, op.low), op.high)
    assert isinstance(op, Binarize)
    return op.high if (x > 0 if op.strict else x >= 0) else op.low


def _decided(after: Sequence[Op]) -> bool | None:
    """Whether 0 goes with -1 (True) or with +1 (False); None where nothing decides."""
    below, zero, above = -1.0, 0.0, 1.0
    for op in after:
        if not isinstance(op, (Affine, Relu, Clip, Binarize)) or not _alike(op):
            return None
        if isinstance(op, Binarize) and op.zero_is_zero and 0 in (below, zero, above):
            return None
        below, zero, above = (_apply(op, v) for v in (below, zero, above))
        if below == above:
            return None
        if zero in (below, above):
            return zero == below
    return None
