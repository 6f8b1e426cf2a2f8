"""Names of graph nodes: of the model's modules, or of the layer before and the operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.frontend.module_names import module_name
from bnnhw.ir.names import identifier
from bnnhw.ir.ops import Conv, Dense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Op

_LAYERS = frozenset({"Conv", "Gemm", "MatMul"})
"""Nodes that become layers: those that have names of their own."""


class NodeNames:
    """Gives each graph node a name of its own, in the order in which they are made."""

    def __init__(self, nodes: Sequence[OnnxNode]) -> None:
        self._layer = "input"
        self._kinds: dict[str, int] = {}
        self._taken: set[str] = set()
        counts: dict[str, int] = {}
        for node in nodes:
            if node.op in _LAYERS:  # what computes weights belongs to the same module
                name = identifier(module_name(node))
                counts[name] = counts.get(name, 0) + 1
        self._modules = frozenset(counts)
        self._ambiguous = {name for name, count in counts.items() if count > 1 or not name}

    def take(self, name: str) -> None:
        """Makes sure that no other node gets ``name``."""
        self._taken.add(name)

    def of(self, op: Op, node: OnnxNode) -> str:
        """The name of an operation that an ONNX node becomes."""
        kind = op.called.lower()
        if isinstance(op, (Conv, Dense)):
            name = identifier(module_name(node))
            if name in self._ambiguous or name in self._taken:
                name = self._count(kind)
            self._layer = name
        else:
            name = f"{self._layer}_{kind}"
            if name in self._taken:
                name = self._count(name, first=2)
        while name in self._taken:
            name = self._count(kind)
        self._taken.add(name)
        return name

    def _count(self, prefix: str, first: int = 1) -> str:
        """A name that no module has: conv1 is a module's own before it is a count."""
        name = ""
        while not name or name in self._modules:
            self._kinds[prefix] = self._kinds.get(prefix, first - 1) + 1
            name = f"{prefix}{self._kinds[prefix]}"
        return name
