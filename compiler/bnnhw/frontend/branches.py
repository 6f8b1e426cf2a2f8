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
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    Concat,
    Conv,
    Dense,
    Elementwise,
    MaxPool,
    Piecewise,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


@dataclass
class _Branches:
    """A graph, and what takes the place of nodes of it."""

    graph: Graph
    rounding: dict[str, Floats]
    made: list[Node] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    statistics: dict[str, Statistics] = field(default_factory=dict)

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
                last = replace(self.made[-1], output=concat.output)
                return self._replaced(concat, [*self.made[:-1], last])
        after = self._only_reader(concat)
        if after is None:
            return None
        copies = len({*concat.inputs}) == 1
        if isinstance(after.op, _POOLS) and copies:
            return self._swapped(concat, after, [after.op] * len(concat.inputs))
        if isinstance(after.op, (Elementwise, Binarize)) and self._sign_follows(after):
            shares = [self.graph.tensors[name].shape[0] for name in concat.inputs]
            parts = _split(after.op, shares)
            if parts is not None and not self._bits(concat):
                return self._swapped(concat, after, parts)
        if isinstance(after.op, Affine) and after.op.uniform and self._signs(concat):
            # A sign that is spelled as bits, 2b - 1, is one of each part.
            shares = [self.graph.tensors[name].shape[0] for name in concat.inputs]
            parts = _split(after.op, shares)
            if parts is not None:
                return self._swapped(concat, after, parts)
        return None

    def _joined(self, tensors: Sequence[str]) -> str | None:
        """Makes one tensor of those that a concatenation reads; None where branches differ."""
        first = tensors[0]
        if len({*tensors}) == 1:
            node = self._node(self._producers.get(first), "concat", Concat(), tuple(tensors))
            return self._add(node, {})
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
            return self._add(self._node(node, "", op, sources[0]), {}) if op else None
        if isinstance(node.op, Add):
            turned = [sources[0], *(s[::-1] for s in sources[1:])]
            for tried in (sources, turned):
                kept = len(self.made), set(self.gone)
                terms = [self._joined(names) for names in zip(*tried, strict=True)]
                if all(terms):
                    return self._add(self._node(node, "", Add(), tuple(map(str, terms))), {})
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
        if op is None:
            return None
        source = self._joined([names[0] for names in sources])
        if source is None:
            return None
        return self._add(self._node(node, "", op, (source,)), self._known(nodes))

    def _known(self, nodes: Sequence[Node]) -> Mapping[str, Statistics | Floats]:
        """What is known of the results and the parameters of nodes that are joined."""
        found: dict[str, Statistics | Floats] = {}
        told = [self.graph.statistics.get(n.output) for n in nodes]
        if all(told):
            mean, std = (np.concatenate([getattr(t, f) for t in told]) for f in ("mean", "std"))
            found["statistics"] = Statistics(mean, std)
        if all(n.name in self.rounding for n in nodes):
            found["rounding"] = np.concatenate([np.ravel(self.rounding[n.name]) for n in nodes])
        return found

    def _node(self, like: Node | None, kind: str, op: Op, inputs: tuple[str, ...]) -> Node:
        """A node named after one that it stands for, or that it follows."""
        base = f"{like.name if like else 'input'}{f'_{kind}' if kind else ''}"
        taken = {n.name for n in (*self.graph.nodes, *self.made)} - {like.name if like else ""}
        if kind:
            taken.add(base if base in taken else "")
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}{count}"
        tensors = {*self.graph.tensors, *(n.output for n in self.made)}
        output = f"{name}:joined"
        while output in tensors:
            output += "'"
        return Node(name, op, inputs, output, like.source if like else "")

    def _add(self, node: Node, known: Mapping[str, Statistics | Floats]) -> str:
        self.made.append(node)
        told, size = known.get("statistics"), known.get("rounding")
        if isinstance(told, Statistics):
            self.statistics[node.output] = told
        if isinstance(size, np.ndarray):
            self.rounding[node.name] = size
        return node.output

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

    def _signs(self, concat: Node) -> bool:
        """Whether all parts are results of signs, concatenated or not, that nothing else reads."""
        for name in concat.inputs:
            made = self._producers.get(name)
            if made is None or self._readers[name] != 1:
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
        for number, (name, op) in enumerate(zip(concat.inputs, parts, strict=True)):
            key = (name, 0 if copies else number)
            if key not in made:
                kind = f"part{number + 1}" if made else ""
                made[key] = self._add(self._node(after, kind, op, (name,)), {})
                if sizes:
                    self.rounding[self.made[-1].name] = sizes[number]
            inputs.append(made[key])
        joined = replace(concat, inputs=tuple(inputs), output=after.output)
        self.gone.add(after.name)
        return self._replaced(concat, [*self.made, joined])

    def _shares_of_rounding(self, concat: Node, after: Node) -> list[Floats]:
        """What is known of an affine operation's rounding, for each part of a concatenation."""
        size = self.rounding.get(after.name)
        if size is None:
            return []
        channels = [self.graph.tensors[name].shape[0] for name in concat.inputs]
        whole = np.broadcast_to(np.ravel(size), (sum(channels),))
        return np.split(whole, np.cumsum(channels)[:-1])

    def _replaced(self, concat: Node, made: Sequence[Node]) -> Graph:
        """The graph with new nodes at the place of a concatenation."""
        gone = self.gone | {concat.name}
        nodes: list[Node] = []
        for node in self.graph.nodes:
            if node.name == concat.name:
                nodes += made
            elif node.name not in gone:
                nodes.append(node)
        told = {**self.graph.statistics, **self.statistics}
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
