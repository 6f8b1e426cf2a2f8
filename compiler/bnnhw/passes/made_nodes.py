"""The nodes that a lowering has made so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bnnhw.ir.graph import Node
from bnnhw.ir.names import unused

if TYPE_CHECKING:
    from bnnhw.ir.ops import Op
    from bnnhw.passes.stream_values import Value

_UNSCALED = ":unscaled"
"""Ends the name of a tensor that holds integers on which the real tensor's scale still waits."""


@dataclass
class MadeNodes:
    """Nodes in execution order, each with a name of its own.

    Attributes:
        nodes: the nodes.
        names: all names taken.
    """

    nodes: list[Node] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def emit(self, node: Node, op: Op, *inputs: str) -> None:
        """Appends a node as it is but for its operation and what it reads."""
        self.nodes.append(replace(node, op=op, inputs=inputs, name=self.fresh(node.name)))

    def append(self, node: Node) -> Node:
        """Appends a node that has a fresh name."""
        self.nodes.append(node)
        return node

    def emit_before(self, node: Node, op: Op, x: Value) -> str:
        """Appends ``op`` before the element-wise operations that wait; the tensor it writes."""
        waits = bool(x.ops) and x.stream is None
        output = f"{node.output}{_UNSCALED}" if waits else node.output
        self.nodes.append(Node(self.fresh(node.name), op, (x.tensor,), output, node.source))
        return output

    def read(self, output: str) -> list[Node]:
        """The nodes that ``output`` follows from: streams that all read unrounded are left out."""
        needed, kept = {output}, []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        return kept[::-1]

    def fresh(self, name: str) -> str:
        """A name like this one that no node has."""
        made = unused(name, self.names)
        self.names.add(made)
        return made
