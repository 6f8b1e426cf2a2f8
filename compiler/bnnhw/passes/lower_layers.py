"""Layers with weights in {-1, +1} become binary layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.ops import BinaryConv, BinaryDense, Conv, Dense
from bnnhw.passes.rewrite import with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def lower_layers(graph: Graph) -> Graph:
    """The graph with BinaryConv and BinaryDense in place of Conv and Dense."""
    nodes = [_lowered(node) for node in graph.nodes]
    if all(a is b for a, b in zip(nodes, graph.nodes, strict=True)):
        return graph
    return graph.with_nodes(nodes)


def _binary(op: Conv) -> BinaryConv:
    return BinaryConv(op.weight.astype(np.int8, copy=False), op.window, op.groups, int(op.fill))


def _lowered(node: Node) -> Node:
    if isinstance(node.op, Conv):
        return with_op(node, _binary(node.op))
    if isinstance(node.op, Dense):
        return with_op(node, BinaryDense(node.op.weight.astype(np.int8, copy=False)))
    return node
