"""Concatenations in their simplest form: what is done to all parts alike is done once.

ReActNet doubles its channels by two blocks on one input, ``Concat(a(s) + p, b(s) + p)``. Layers
that read one tensor become one with the weights of both, and the shortcuts a copy of channels. A
pool of copies becomes copies of a pool, and what a sign reads of a concatenation is read before it,
where nothing has been rounded yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.graph import Node, Statistics
from bnnhw.ir.names import unused
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    Concat,
    Conv,
    Dense,
    Elementwise,
    Lookup,
    MaxPool,
    Piecewise,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Op

_POOLS = (AveragePool, MaxPool)


def settle_branches(graph: Graph, rounding: dict[str, Floats]) -> Graph:
    """The graph with fewer and narrower branches into its concatenations.

    Args:
        graph: from the front end.
        rounding: by name of Affine nodes (``Imported.rounding``); gets those of nodes made.
    """
    changed = True
    while changed:
        changed = False
        for node in graph.nodes:
            if isinstance(node.op, Concat):
                made = _Branches(graph, rounding).settled(node)
                if made is not None:
                    graph, changed = made, True
                    break
    return graph


@dataclass(frozen=True)
class _Made:
    """A node, what is known of its result, and its share of ``Imported.rounding``."""

    node: Node
    statistics: Statistics | None = None
    rounding: Floats | None = None


@dataclass
class _Branches:
    """A graph, and what takes the place of nodes of it."""

    graph: Graph
    rounding: dict[str, Floats]
    made: list[_Made] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._producers = {node.output: node for node in self.graph.nodes}
        self._readers: dict[str, int] = {self.graph.output: 1}
        for node in self.graph.nodes:
            for name in node.inputs:
                self._readers[name] = self._readers.get(name, 0) + 1

    def settled(self, concat: Node) -> Graph | None:
        """The graph with one concatenation settled; None where it is as it should be."""
        if len({*concat.inputs}) > 1:
            output = self._joined(concat.inputs)
            if output is not None:
                # What was joined writes the concatenation's own tensor.
                last = self.made.pop()
                self.made.append(replace(last, node=replace(last.node, output=concat.output)))
                return self._replaced(concat)
        after = self._only_reader(concat)
        if after is None:
            return None
        copies = len({*concat.inputs}) == 1
        if isinstance(after.op, _POOLS) and copies:
            return self._swapped(concat, after, [after.op] * len(concat.inputs))
        read_by_sign = self._sign_follows(after) and not self._bits(concat)
        # A sign that is spelled as bits, 2b - 1, is one of each part.
        values = isinstance(after.op, Affine) and after.op.uniform and self._signs(concat)
        if read_by_sign or values:
            shares = [self.graph.tensors[name].shape[0] for name in concat.inputs]
            parts = _split(after.op, shares)
            # One threshold reads all copies.
            pixels = copies and not values and self._exact(concat.inputs[0])
            if parts is not None and copies and values:
                parts = parts[:1] * len(parts)
            if parts is not None and not pixels:
                return self._swapped(concat, after, parts)
        return None

    def _joined(self, tensors: Sequence[str]) -> str | None:
        """Makes one tensor of those that a concatenation reads; None where branches differ."""
        first = tensors[0]
        if len({*tensors}) == 1:
            node = self._producers.get(first)
            name = self._fresh(f"{node.name if node else 'input'}_concat")
            return self._make(name, Concat(), tuple(tensors), node.source if node else "")
        nodes = [self._producers[name] for name in tensors if name in self._producers]
        alone = len(nodes) == len(tensors) and all(self._readers[name] == 1 for name in tensors)
        if not alone or len({*tensors}) != len(tensors) or len({type(n.op) for n in nodes}) > 1:
            return None
        made = self._of_alike(nodes)
        if made is not None:
            self.gone.update(node.name for node in nodes)
        return made

    def _of_alike(self, nodes: Sequence[Node]) -> str | None:
        node, ops = nodes[0], [n.op for n in nodes]
        sources = [n.inputs for n in nodes]
        op: Op | None = None
        if isinstance(node.op, (Conv, Dense)):
            op = _one_layer(ops) if len({*sources}) == 1 else None
            return self._make(node.name, op, sources[0], node.source) if op else None
        if isinstance(node.op, Add):
            turned = [sources[0], *(s[::-1] for s in sources[1:])]
            for tried in (sources, turned):
                kept = len(self.made), set(self.gone)
                terms = [self._joined(names) for names in zip(*tried, strict=True)]
                if all(terms):
                    return self._make(node.name, Add(), tuple(map(str, terms)), node.source)
                del self.made[kept[0] :]
                self.gone = kept[1]
            return None
        if isinstance(node.op, Affine):
            op = _one_affine([o for o in ops if isinstance(o, Affine)])
        elif isinstance(node.op, Piecewise):
            shares = [self.graph.tensors[n.output].shape[0] for n in nodes]
            op = _one_function([o for o in ops if isinstance(o, Piecewise)], shares)
        elif isinstance(node.op, (Binarize, *_POOLS)) and len({*ops}) == 1:
            op = node.op
        # Functions of one stream stay apart: a sign behind them is taken of each.
        if op is None or (len({*sources}) == 1 and not self._exact(sources[0][0])):
            return None
        source = self._joined([names[0] for names in sources])
        if source is None:
            return None
        return self._make(node.name, op, (source,), node.source, self._known(nodes))

    def _known(self, nodes: Sequence[Node]) -> tuple[Statistics | None, Floats | None]:
        """What is known of the results of nodes that are joined, and of their rounding."""
        statistics, rounding = None, None
        told = [self.graph.statistics.get(n.output) for n in nodes]
        if all(told):
            mean, std = (np.concatenate([getattr(t, f) for t in told]) for f in ("mean", "std"))
            statistics = Statistics(mean, std)
        if all(n.name in self.rounding for n in nodes):
            rounding = np.concatenate([np.ravel(self.rounding[n.name]) for n in nodes])
        return statistics, rounding

    def _make(
        self,
        name: str,
        op: Op,
        inputs: tuple[str, ...],
        source: str,
        known: tuple[Statistics | None, Floats | None] = (None, None),
    ) -> str:
        """Appends a node; the tensor that it writes."""
        tensors = {*self.graph.tensors, *(made.node.output for made in self.made)}
        output = f"{name}:joined"
        while output in tensors:
            output += "'"
        self.made.append(_Made(Node(name, op, inputs, output, source), *known))
        return output

    def _fresh(self, name: str) -> str:
        """``name``, numbered where a node has it."""
        taken = {n.name for n in self.graph.nodes} | {made.node.name for made in self.made}
        return unused(name, taken)

    def _only_reader(self, node: Node) -> Node | None:
        """What alone reads a node's result."""
        if self._readers.get(node.output) != 1 or node.output == self.graph.output:
            return None
        return next(n for n in self.graph.nodes if node.output in n.inputs)

    def _sign_follows(self, node: Node) -> bool:
        """Whether element-wise operations that end in a sign alone follow."""
        step: Node | None = node
        while step is not None and isinstance(step.op, Elementwise):
            step = self._only_reader(step)
        return step is not None and isinstance(step.op, Binarize)

    def _bits(self, concat: Node) -> bool:
        """Whether all parts are bits, but for scales."""

        def bit(name: str) -> bool:
            node = self._producers.get(name)
            while node is not None and isinstance(node.op, Affine):
                node = self._producers.get(node.inputs[0])
            return node is not None and isinstance(node.op, Binarize)

        return all(map(bit, concat.inputs))

    def _exact(self, tensor: str) -> bool:
        """Whether a tensor is the input but for element-wise operations, so rounded nowhere."""
        node = self._producers.get(tensor)
        while node is not None and isinstance(node.op, (Elementwise, Lookup)):
            node = self._producers.get(node.inputs[0])
        return node is None

    def _signs(self, concat: Node) -> bool:
        """Whether all parts are results of signs, concatenated or not, that nothing else reads."""
        for name in concat.inputs:
            made = self._producers.get(name)
            if made is None or self._readers[name] != concat.inputs.count(name):
                return False
            inner = isinstance(made.op, Concat) and self._signs(made)
            if not inner and not isinstance(made.op, Binarize):
                return False
        return True

    def _swapped(self, concat: Node, after: Node, parts: Sequence[Op]) -> Graph:
        """The graph where ``after`` is done to each part before they are concatenated."""
        made: dict[tuple[str, int], str] = {}
        inputs, sizes = [], self._shares_of_rounding(concat, after)
        copies = len({id(part) for part in parts}) == 1
        for number, (tensor, op) in enumerate(zip(concat.inputs, parts, strict=True)):
            key = (tensor, 0 if copies else number)
            if key not in made:
                name = self._fresh(f"{after.name}_part{number + 1}") if made else after.name
                made[key] = self._make(name, op, (tensor,), after.source, (None, sizes[number]))
            inputs.append(made[key])
        self.gone.add(after.name)
        joined = replace(concat, inputs=tuple(inputs), output=after.output)
        self.made.append(_Made(joined))
        return self._replaced(concat)

    def _shares_of_rounding(self, concat: Node, after: Node) -> list[Floats] | list[None]:
        """What is known of an affine operation's rounding, for each part of a concatenation."""
        size = self.rounding.get(after.name)
        if size is None:
            return [None] * len(concat.inputs)
        channels = [self.graph.tensors[name].shape[0] for name in concat.inputs]
        whole = np.broadcast_to(np.ravel(size), (sum(channels),))
        return np.split(whole, np.cumsum(channels)[:-1])

    def _replaced(self, concat: Node) -> Graph:
        """The graph with the nodes made at the place of a concatenation."""
        gone, told = self.gone | {concat.name}, dict(self.graph.statistics)
        for made in self.made:
            if made.statistics is not None:
                told[made.node.output] = made.statistics
            if made.rounding is not None:
                self.rounding[made.node.name] = made.rounding
        nodes: list[Node] = []
        for node in self.graph.nodes:
            if node.name == concat.name:
                nodes += [made.node for made in self.made]
            elif node.name not in gone:
                nodes.append(node)
        return self.graph.with_nodes(nodes, statistics=told)


def _one_layer(ops: Sequence[Op]) -> Op | None:
    """Binary layers that read one tensor as one with the weights of all; None where they differ."""
    layers = [op for op in ops if isinstance(op, (Conv, Dense))]
    if not all(op.is_binary for op in layers):
        return None
    if isinstance(layers[0], Conv):
        shapes = {(op.window, op.groups) for op in layers if isinstance(op, Conv)}
        if len(shapes) > 1 or layers[0].groups > 1:
            return None
    return replace(layers[0], weight=np.concatenate([op.weight for op in layers]))


def _one_affine(ops: Sequence[Affine]) -> Affine | None:
    if any(op.row_class or op.shift.ndim > 1 for op in ops):
        return None
    scale, shift = (np.concatenate([getattr(op, f) for op in ops]) for f in ("scale", "shift"))
    return Affine(scale, shift)


def _one_function(ops: Sequence[Piecewise], shares: Sequence[int]) -> Piecewise:
    if len({op.functions for op in ops}) == 1 and len(ops[0].functions) == 1:
        return ops[0]
    functions = tuple(
        op.pieces(channel)
        for op, share in zip(ops, shares, strict=True)
        for channel in range(share)
    )
    return Piecewise(functions, ops[0].label)


def _split(op: Op, shares: Sequence[int]) -> list[Op] | None:
    """An element-wise operation or a sign on the parts of a concatenation."""
    if isinstance(op, Binarize):
        return [op] * len(shares)
    ends = np.cumsum([0, *shares])
    spans = [slice(a, b) for a, b in pairwise(ends)]
    if isinstance(op, Affine):
        if op.row_class or op.shift.ndim > 1:
            return None
        return [Affine(op.scale[s], op.shift[s]) for s in spans]
    if isinstance(op, Piecewise):
        if len(op.functions) == 1:
            return [op] * len(shares)
        return [replace(op, functions=op.functions[s]) for s in spans]
    return None
