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
    from collections.abc import Mapping, Sequence

    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Op


def settle_signs(nodes: Sequence[Node], output: str) -> list[Node]:
    """The nodes with ``zero_is_zero`` cleared where what follows a Sign decides its zero.

    ReLU, Clip and signs behind a sign become other values of that sign. Only what has one reader
    is followed: at a fork a sign stays as it is.

    Args:
        nodes: in execution order.
        output: the graph's output tensor.
    """
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    result: list[Node] = []
    gone: set[str] = set()
    for node in nodes:
        if node.name in gone:
            continue
        if not isinstance(node.op, Binarize):
            result.append(node)
            continue
        after = _single_readers(node, readers, output)
        op = node.op
        if op.zero_is_zero:
            strict = _decided([n.op for n in after])
            if strict is not None:
                op = replace(op, strict=strict, zero_is_zero=False)
        count, op = _collapsed(op, [n.op for n in after])
        gone.update(n.name for n in after[:count])
        last = after[count - 1] if count else node
        result.append(replace(node, op=op, output=last.output))
    return result


def _single_readers(node: Node, readers: Mapping[str, Sequence[Node]], output: str) -> list[Node]:
    """What follows a node, as long as each tensor has one reader."""
    found: list[Node] = []
    tensor = node.output
    while tensor != output and len(readers.get(tensor, ())) == 1:
        found.append(readers[tensor][0])
        tensor = found[-1].output
    return found


def _collapsed(sign: Binarize, after: Sequence[Op]) -> tuple[int, Binarize]:
    """How many operations after a sign belong to it, and what it is with them."""
    if sign.zero_is_zero:
        return 0, sign
    low, high = sign.low, sign.high
    best, made = 0, sign
    for count, op in enumerate(after, 1):
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
    return not isinstance(op, Affine) or op.uniform


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
