"""What follows a sign and only renames its two values; and models that say what Sign(0) is.

ONNX's Sign gives 0 at 0, and the bit it becomes is the user's choice, unless what follows decides:
sign(sign(x) + 0.1), as Larq spells its sign, is +1 there; sign(x) + 1 - |sign(x)|, as QKeras does,
is so too; relu(sign(x)) is what it is for x < 0.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.ir.bit_values import followed
from bnnhw.ir.ops import Add, Affine, Binarize, Elementwise, Piecewise, limits_of
from bnnhw.ir.pieces import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op

_MOST_JOINED = 16
"""Nodes after a Sign among which those lie that meet in a sum; QKeras has four."""


def settle_signs(nodes: Sequence[Node], output: str) -> list[Node]:
    """The nodes with ``zero_is_zero`` cleared where what follows a Sign decides its zero.

    ReLU, Clip and signs behind a sign become other values of that sign. Only what has one reader
    is followed: at a fork a sign stays as it is, unless all that becomes of it meets in a sum.

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
    for i, node in enumerate(nodes):
        if node.name in gone:
            continue
        if not isinstance(node.op, Binarize):
            result.append(node)
            continue
        op, part = _joined(node, nodes[i + 1 : i + 1 + _MOST_JOINED], readers, output)
        gone.update(n.name for n in part)
        end = part[-1] if part else node
        after = _single_readers(end, readers, output)
        if op.zero_is_zero:
            strict = _decided([n.op for n in after])
            if strict is not None:
                op = replace(op, strict=strict, zero_is_zero=False)
        count, op = _collapsed(op, [n.op for n in after])
        gone.update(n.name for n in after[:count])
        last = after[count - 1] if count else end
        result.append(replace(node, op=op, output=last.output))
    return result


def settle_signs_of_bits(graph: Graph) -> Graph:
    """The graph with ``zero_is_zero`` cleared where a Sign reads a function of bits.

    Bits tell where its zeros are: nowhere, or they are one of two values, as in Sign of {0, 1}.
    Only where channels differ in that so that the results are -1, 0 and +1 does the user choose.
    """
    unsure: dict[str, str] = {}
    settled = any(isinstance(node.op, Binarize) and node.op.zero_is_zero for node in graph.nodes)
    while settled:
        settled = False
        for node, before, _ in followed(graph):
            op = node.op
            if not isinstance(op, Binarize) or not op.zero_is_zero or node.name in unsure:
                continue
            made = _sign_of(op, {*before.low, *before.high})
            if made is None:
                channels = int(((before.low == 0) | (before.high == 0)).sum())
                unsure[node.name] = _unsure(node, op, channels)
                continue
            graph = graph.with_nodes(
                replace(n, op=made) if n.name == node.name else n for n in graph.nodes
            )
            settled = True
            break
    return replace(graph, notes=(*graph.notes, *unsure.values())) if unsure else graph


def _sign_of(op: Binarize, values: set[Fraction]) -> Binarize | None:
    """The Sign of some numbers; None where it is -1, 0 and +1 of them."""
    results = {(v > 0) - (v < 0) for v in values}
    if 0 not in results:
        return replace(op, zero_is_zero=False)
    if len(results) > 2:
        return None
    if -1 in results:
        return Binarize(strict=False, low=-1.0, high=0.0)
    return Binarize(strict=True, low=0.0, high=1.0)


def _unsure(node: Node, op: Binarize, channels: int) -> str:
    bit, name = (0, "minus") if op.strict else (1, "plus")
    return (
        f"'{node.name}': this Sign of bits meets exactly 0 in {channels} channels; that is taken "
        f"as bit {bit} (--sign-zero {name})"
    )


def _single_readers(node: Node, readers: Mapping[str, Sequence[Node]], output: str) -> list[Node]:
    """What follows a node, as long as each tensor has one reader."""
    found: list[Node] = []
    tensor = node.output
    while tensor != output and len(readers.get(tensor, ())) == 1:
        found.append(readers[tensor][0])
        tensor = found[-1].output
    return found


def _joined(
    sign: Node, nodes: Sequence[Node], readers: Mapping[str, Sequence[Node]], output: str
) -> tuple[Binarize, list[Node]]:
    """A Sign together with what becomes of it at a fork, where all of that meets again in a sum.

    Args:
        sign: the Sign.
        nodes: what comes after it.
        readers: of each tensor.
        output: the graph's output tensor.

    Returns:
        A sign of two values that stands for all of them, and those that it replaces beside
        ``sign``; ``sign`` alone where they do not meet, or 0 does not become one of two values.
    """
    assert isinstance(sign.op, Binarize)
    if not sign.op.zero_is_zero or len(readers.get(sign.output, ())) < 2:
        return sign.op, []
    values = {sign.output: [-1.0, 0.0, 1.0]}
    part: list[Node] = []
    for node in nodes:
        if not all(name in values for name in node.inputs):
            continue
        given = [values[name] for name in node.inputs]
        one = isinstance(node.op, Piecewise) and len(node.op.functions) == 1
        if isinstance(node.op, Add):
            made = [a + b for a, b in zip(*given, strict=True)]
        elif one or (isinstance(node.op, Affine) and node.op.uniform):
            made = [_apply(node.op, x) for x in given[0]]
        else:
            continue
        part.append(node)
        values[node.output] = made
        inside = {n.name for n in part}
        ends = [t for t in values if t == output or not {n.name for n in readers[t]} <= inside]
        if ends == [node.output]:
            below, zero, above = made
            if below == above or zero not in (below, above):
                break
            return Binarize(strict=zero == below, low=below, high=above), part
    return sign.op, []


def _collapsed(sign: Binarize, after: Sequence[Op]) -> tuple[int, Binarize]:
    """How many operations after a sign belong to it, and what it is with them."""
    if sign.zero_is_zero:
        return 0, sign
    low, high = sign.low, sign.high
    best, made = 0, sign
    for count, op in enumerate(after, 1):
        if isinstance(op, Binarize) and op.zero_is_zero and 0 in (low, high):
            break
        if not _alike(op):
            break
        low, high = _apply(op, low), _apply(op, high)
        if low == high:
            break
        if not isinstance(op, Affine):
            best, made = count, replace(sign, low=low, high=high)
    return best, made


def _alike(op: Op) -> bool:
    """Whether an operation is a sign, limits, or one line for all channels."""
    if isinstance(op, Affine):
        return op.uniform
    return isinstance(op, Binarize) or limits_of(op) is not None


def _apply(op: Op, x: float) -> float:
    """An element-wise operation of one number."""
    if isinstance(op, Elementwise):
        return float(value(op.pieces(0), Fraction(x)))
    assert isinstance(op, Binarize)
    return op.high if (x > 0 if op.strict else x >= 0) else op.low


def _decided(after: Sequence[Op]) -> bool | None:
    """Whether 0 goes with -1 (True) or with +1 (False); None where nothing decides."""
    below, zero, above = -1.0, 0.0, 1.0
    for op in after:
        if not _alike(op):
            return None
        if isinstance(op, Binarize) and op.zero_is_zero and 0 in (below, zero, above):
            return None
        below, zero, above = (_apply(op, v) for v in (below, zero, above))
        if below == above:
            return None
        if zero in (below, above):
            return zero == below
    return None
