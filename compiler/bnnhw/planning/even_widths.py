"""Blocks that differ in the widths of their streams alone, with the same widths.

In a loop one set of units stands for the blocks of all passes. Streams are as wide as their ranges
ask for, which differ from block to block: here each gets the width of the widest that shares its
wires. A wider stream saturates later, and is otherwise the same. Where a model needs the limits of
a type that it reaches, or where what makes a stream has no width of its own, all stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.stages.elements import Join
from bnnhw.ir.ops import FixedAdd, FixedAffine
from bnnhw.ir.types import Integer
from bnnhw.planning.loops import entry_of, find_loops
from bnnhw.planning.network import Network

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


class _Classes:
    """Tensors that share wires."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def find(self, name: str) -> str:
        """The tensor that stands for all that share wires with ``name``."""
        while (leader := self._leader.get(name, name)) != name:
            name = leader
        return name

    def join(self, *names: str) -> None:
        """Makes tensors share wires."""
        for name in names[1:]:
            self._leader[self.find(name)] = self.find(names[0])


def even_widths(graph: Graph) -> Graph:
    """The graph whose blocks of one run have streams of the same widths."""
    stages = Network(graph).blocks
    loops = find_loops(stages, widths=False)
    classes, looped = _Classes(), set()
    for loop in loops:
        blocks = loop.blocks(stages)
        for stages_of_pass in zip(*blocks, strict=True):
            outputs = [stage.output for stage in stages_of_pass]
            classes.join(*outputs)
            looped |= {*outputs}
        classes.join(entry_of(blocks[0]), blocks[0][-1].output)
    for stage in stages:
        if isinstance(stage, Join):
            classes.join(*stage.inputs, stage.output)
    named = {classes.find(name) for name in looped}
    bits: dict[str, int] = {}
    for name, tensor in graph.tensors.items():
        leader = classes.find(name)
        if leader in named and isinstance(tensor.dtype, Integer):
            bits[leader] = max(bits.get(leader, 0), tensor.dtype.bits)
    makers = {node.output: node for node in graph.nodes}
    for name, tensor in graph.tensors.items():
        leader = classes.find(name)
        narrow = isinstance(tensor.dtype, Integer) and tensor.dtype.bits < bits.get(leader, 0)
        if narrow and not _may_widen(graph, makers.get(name)):
            del bits[leader]
    nodes = [_widened(node, bits.get(classes.find(node.output))) for node in graph.nodes]
    same = all(new is old for new, old in zip(nodes, graph.nodes, strict=True))
    return graph if same else graph.with_nodes(nodes)


def _widened(node: Node, bits: int | None) -> Node:
    op = node.op
    if bits is None or not isinstance(op, (FixedAdd, FixedAffine)) or op.dtype.bits == bits:
        return node
    return replace(node, op=replace(op, dtype=replace(op.dtype, bits=bits)))


def _may_widen(graph: Graph, node: Node | None) -> bool:
    """Whether the result of a node may have a wider type, and means the same."""
    if node is None or not isinstance(node.op, (FixedAdd, FixedAffine)):
        return False
    if not node.op.limits:
        return True
    types = [graph.tensors[name].dtype for name in node.inputs]
    reached = np.array([[t.low, t.high] for t in types if isinstance(t, Integer)], np.int64)
    if isinstance(node.op, FixedAdd):
        ends = reached.sum(axis=0)
    else:
        op = node.op
        sums = op.multiplier[..., None] * reached[0] + op.offset[..., None]
        ends = (sums + ((1 << op.shift) >> 1)) >> op.shift
    return bool(ends.min() >= node.op.dtype.low and ends.max() <= node.op.dtype.high)
