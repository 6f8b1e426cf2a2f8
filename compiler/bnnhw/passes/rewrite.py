"""Rewriting of graphs along edges with a single consumer.

A rule looks at a node, at what lies before it and behind it. A tensor with several consumers, and
the graph's output, is a boundary: it keeps its name and its values whatever is rewritten.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bnnhw.ir.names import unused
from bnnhw.ir.ops import Affine, Binarize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op


@dataclass(frozen=True, eq=False)
class Change:
    """What a rule replaces.

    Attributes:
        path: nodes to replace, each the only consumer of the one before it.
        made: nodes to put in their place; each reads what the one before it writes.
    """

    path: Sequence[Node]
    made: Sequence[Node]


class Links:
    """Producers and consumers of a graph's tensors, looked up in constant time."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._producers = {node.output: node for node in graph.nodes}
        self._consumers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                self._consumers.setdefault(name, []).append(node)

    def producer(self, tensor: str) -> Node | None:
        """The node that writes ``tensor``; None for the graph's input."""
        return self._producers.get(tensor)

    def source(self, node: Node) -> Node | None:
        """The node that writes the (first) input of ``node``, whoever else reads it."""
        return self._producers.get(node.inputs[0])

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read ``tensor``."""
        return self._consumers.get(tensor, [])

    def is_boundary(self, tensor: str) -> bool:
        """Whether more than one node needs ``tensor``, or it is the graph's output."""
        return tensor == self.graph.output or len(self.consumers(tensor)) != 1

    def after(self, node: Node) -> Node | None:
        """The only consumer of a node's output; None at a boundary."""
        return None if self.is_boundary(node.output) else self._consumers[node.output][0]

    def before(self, node: Node) -> Node | None:
        """The node that writes the input of ``node`` for it alone; None at a boundary."""
        if len(node.inputs) != 1 or self.is_boundary(node.inputs[0]):
            return None
        return self.source(node)


def sign_of(links: Links, tensor: str) -> tuple[Node, list[Node]] | None:
    """The sign whose bits a real tensor holds, and the affine operations that scale them."""
    node = links.producer(tensor)
    scaled: list[Node] = []
    while node is not None and isinstance(node.op, Affine):
        scaled.insert(0, node)
        node = links.producer(node.inputs[0])
    if node is None or not isinstance(node.op, Binarize):
        return None
    return node, scaled


def turns(sign: Node, scaled: Sequence[Node]) -> bool:
    """Whether a sign, with the affine operations behind it, falls where its argument rises."""
    assert isinstance(sign.op, Binarize)
    scales = [node.op.scale.flat[0] for node in scaled if isinstance(node.op, Affine)]
    falls = sum(scale < 0 for scale in scales) + (sign.op.high < sign.op.low)
    return bool(falls % 2)


def rewrite(graph: Graph, rule: Callable[[Links, Node], Change | None]) -> Graph:
    """Applies ``rule`` to every node until nothing changes.

    Args:
        graph: the graph.
        rule: for a node: what is replaced by what, or None where the rule does not apply.

    Returns:
        The same object where no rule applied.
    """
    position, links = 0, Links(graph)
    while position < len(graph.nodes):
        change = rule(links, graph.nodes[position])
        if change is None:
            position += 1
            continue
        graph = splice(graph, change.path, change.made)
        links = Links(graph)
        # What stands before may now match; in a graph of branches it is not next in the list.
        position = max(0, position - 2) if len(change.path[0].inputs) == 1 else 0
    return graph


def splice(graph: Graph, path: Sequence[Node], made: Sequence[Node]) -> Graph:
    """Replaces a path of nodes; the last tensor keeps its name.

    The first node made reads what the first of ``path`` did. Where nothing is made, the tensor
    before takes the place of the last: under the last one's name if nothing else needs it.
    """
    dropped = {id(node) for node in path}
    assert all(b.inputs == (a.output,) for a, b in itertools.pairwise(path))
    last, start = path[-1].output, path[0].inputs
    if not made:
        return _joined(graph, path)
    taken = {graph.input, last, *(n.output for n in graph.nodes if id(n) not in dropped)}
    linked: list[Node] = []
    for i, node in enumerate(made):
        output = last if i == len(made) - 1 else node.output
        if i < len(made) - 1 and output in taken:
            output = unused(f"{node.name}:out", taken)
        taken.add(output)
        linked.append(replace(node, inputs=start, output=output))
        start = (output,)
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is path[-1]:
            nodes += linked
        elif id(node) not in dropped:
            nodes.append(node)
    return graph.with_nodes(nodes)


def _joined(graph: Graph, path: Sequence[Node]) -> Graph:
    """The graph without ``path``, whose ends become one tensor."""
    dropped = {id(node) for node in path}
    last, start = path[-1].output, path[0].inputs[0]
    links = Links(graph)
    rest = [node for node in graph.nodes if id(node) not in dropped]
    if links.is_boundary(start) or start == graph.input:
        renamed, kept = last, start
    else:
        renamed, kept = start, last
    nodes = [
        replace(
            node,
            inputs=tuple(kept if name == renamed else name for name in node.inputs),
            output=kept if node.output == renamed else node.output,
        )
        if renamed in (node.output, *node.inputs)
        else node
        for node in rest
    ]
    output = kept if graph.output == renamed else graph.output
    return graph.with_nodes(nodes, output=output)


def with_op(node: Node, op: Op, name: str | None = None) -> Node:
    """``node`` computing something else, perhaps under another name."""
    return replace(node, op=op, name=name or node.name)


def fresh_name(graph: Graph, name: str) -> str:
    """``name``, numbered where a node has it already."""
    return unused(name, {node.name for node in graph.nodes})
