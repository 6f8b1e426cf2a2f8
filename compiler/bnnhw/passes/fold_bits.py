"""Element-wise functions of bits fold away: another sign, ReLU, Clip or rounding of a sign.

Whatever an element-wise operation makes of two values per channel is an affine function of the
bit, and a maximum of bits is one of bits. So a sign of bits is the identity, an inversion or a
constant per channel. An identity vanishes. The rest goes into the threshold of the first sign,
where nothing else reads that one; or, as an affine operation, into the layer behind. What neither
can take stays a sign, of bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.bit_values import BENT, Bits, followed
from bnnhw.ir.exact import exact
from bnnhw.ir.names import unused
from bnnhw.ir.ops import Affine, Binarize, BitMaxPool
from bnnhw.passes.forks import copied_for_readers
from bnnhw.passes.merge_affines import merge_affines
from bnnhw.passes.mixed import is_mixed
from bnnhw.passes.normalise_signs import normalise_signs
from bnnhw.passes.rewrite import Links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Bools, Exacts, Op


def fold_bits(graph: Graph) -> Graph:
    """The graph with no ReLU, Clip, PReLU, rounding or sign of bits that can go."""
    while True:
        made = _next(graph)
        if made is None:
            return graph
        graph = merge_affines(normalise_signs(made))


def _next(graph: Graph) -> Graph | None:
    """The graph with one operation on bits folded; None where none is left."""
    links = Links(graph)
    for node, before, after in followed(graph):
        if isinstance(node.op, Binarize):
            made = _Sign(graph, links, node, after).folded()
        elif isinstance(node.op, BENT):
            same = (before.low == after.low).all() and (before.high == after.high).all()
            op = None if same else _as_affine(before, after)
            made = _replaced(graph, node, node.inputs[0], [] if op is None else [(node, op)])
        elif isinstance(node.op, Affine) and before.is_root:
            made = copied_for_readers(graph, links, node)
        else:
            continue
        if made is not None:
            return made
    return None


def _as_affine(before: Bits, after: Bits) -> Affine:
    """The affine operation that makes the two values ``after`` of those ``before``."""
    gaps = before.high - before.low
    scale = (after.high - after.low) / np.where(gaps == 0, exact(np.ones(1)), gaps)
    return Affine(scale, after.low - scale * before.low)


@dataclass
class _Sign:
    """A sign of bits: ``bits`` says what the root's bits become by it."""

    graph: Graph
    links: Links
    node: Node
    bits: Bits

    def folded(self) -> Graph | None:
        """The graph with the sign folded; None where it stays as it is."""
        if {*self.bits.low} == {*self.bits.high} and len({*self.bits.low}) == 1:
            raise ModelError(
                f"is {float(self.bits.low[0]):g} whatever the sign before it gives",
                where=self.node.where,
                fix="look at what lies between the two signs: it makes both their values positive, "
                "or both negative, in all channels",
            )
        made = self._made()
        if self._is_there(made):
            return None
        return _replaced(self.graph, self.node, self.bits.root, made)

    def _made(self) -> list[tuple[Node, Op]]:
        """Nodes, with what they compute now, that lead from the root to the sign's result."""
        bits, steps = self.bits, [(step, step.op) for step in self.bits.steps]
        if bits.is_root:
            return steps
        exclusive = self._exclusive()
        scale, shift = bits.in_terms_of_root()
        if exclusive and _by_channel(scale, bits) and _by_channel(shift, bits):
            first = slice(None, None, bits.pixels)
            scale, shift = scale[first], shift[first]
            if scale[0] > 0 and len({*scale}) == len({*shift}) == 1:
                return [(self.node, Affine(scale, shift)), *steps]
            falls = np.asarray(scale < 0, bool)
            kept = self._kept(bits.low[first], bits.high[first])
            return [*kept, *((step, _turned(op, falls)) for step, op in steps)]
        # Behind padding a shift is another one at the borders, which streams cannot have.
        carried = not shift.any() or not is_mixed(self.graph)
        carried = carried and len({abs(s) for s in scale}) == 1
        if carried and not self.links.is_boundary(self.node.output):
            return [*steps, (self.node, Affine(scale, shift))]
        return [*steps, *self._kept(bits.low, bits.high)]

    def _exclusive(self) -> bool:
        """Whether the root is a sign that is read by way of this one only."""
        root = self.links.producer(self.bits.root)
        alone = not any(self.links.is_boundary(tensor) for tensor in self.bits.tensors)
        return alone and root is not None and isinstance(root.op, Binarize)

    def _kept(self, low: Exacts, high: Exacts) -> list[tuple[Node, Op]]:
        """An affine operation to {-1, +1}, turned or constant where need be, and its sign."""
        values = sorted({*self.bits.low, *self.bits.high})
        zero, one = (np.where(v == values[1], 1, -1) for v in (low, high))
        first, second = self.bits.values
        scale = exact(one - zero) / (second - first)
        affine = Affine(scale, exact(zero) - scale * first)
        return [
            (self.node, affine),
            (self.node, Binarize(True, float(values[0]), float(values[1]))),
        ]

    def _is_there(self, made: Sequence[tuple[Node, Op]]) -> bool:
        """Whether the graph leads from the root to the sign by just these operations."""
        tensor, ops = self.node.output, [op for _, op in made]
        while ops:
            node = self.links.producer(tensor)
            if node is None or not _same(node.op, ops.pop()):
                return False
            tensor = node.inputs[0]
        return tensor == self.bits.root


def _by_channel(values: Exacts, bits: Bits) -> bool:
    """Whether a flatten made channels that are alike of each channel's pixels."""
    by_pixel = values.reshape(-1, bits.pixels)
    return bool((by_pixel == by_pixel[:, :1]).all())


def _turned(op: Op, falls: Bools) -> Op:
    """A pool of bits that are inverted in the channels ``falls``."""
    return BitMaxPool(op.window, op.minimum ^ falls) if isinstance(op, BitMaxPool) else op


def _same(a: Op, b: Op) -> bool:
    if isinstance(a, Affine) and isinstance(b, Affine):
        return not a.row_class and _equal(a.scale, b.scale) and _equal(a.shift, b.shift)
    if isinstance(a, BitMaxPool) and isinstance(b, BitMaxPool):
        return a.window == b.window and _equal(a.minimum, b.minimum)
    return a == b


def _equal(a: Exacts | Bools, b: Exacts | Bools) -> bool:
    return np.array_equal(a, b)


def _replaced(graph: Graph, node: Node, start: str, made: Sequence[tuple[Node, Op]]) -> Graph:
    """The graph with ``made`` from ``start`` on in place of ``node``, and nothing that is unread.

    Nodes made of one that goes keep its name.
    """
    if not made:
        nodes = [
            replace(n, inputs=tuple(start if name == node.output else name for name in n.inputs))
            for n in graph.nodes
            if n is not node
        ]
        output = start if graph.output == node.output else graph.output
        return graph.with_nodes(_read(nodes, output), output=output)
    rest = _read([n for n in graph.nodes if n is not node], graph.output, start)
    names, chain, tensor = {n.name for n in rest}, [], start
    last = len(made) - 1
    for i, (base, op) in enumerate(made):
        wanted = f"{node.name}_bits" if base is node and i < last else base.name
        name = unused(wanted, names)
        names.add(name)
        output = node.output if i == last else unused(f"{name}:out", {*graph.tensors})
        chain.append(replace(base, name=name, op=op, inputs=(tensor,), output=output))
        tensor = output
    position = next((i for i, n in enumerate(rest) if node.output in n.inputs), len(rest))
    return graph.with_nodes([*rest[:position], *chain, *rest[position:]])


def _read(nodes: Sequence[Node], *wanted: str) -> list[Node]:
    """The nodes that lead to a tensor of ``wanted``."""
    needed, kept = {*wanted}, []
    for node in reversed(nodes):
        if node.output in needed:
            kept.append(node)
            needed.update(node.inputs)
    return kept[::-1]
