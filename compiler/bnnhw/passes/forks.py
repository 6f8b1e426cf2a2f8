"""Where paths of a plain network part and meet: scales and shifts pass forks and concatenations.

An affine operation moves on behind layers along edges with a single reader. So at a fork each
reader gets a copy of it, and those before a concatenation become one behind it.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import full
from bnnhw.ir.names import unused
from bnnhw.ir.ops import Affine, Binarize, BitMaxPool, Concat, Flatten, MaxPool, Pad
from bnnhw.passes.rewrite import Links, fresh_name, sign_of
from bnnhw.passes.stream_values import copied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Graph, Node

_STEPS = (BitMaxPool, MaxPool, Pad, Flatten)


def copied_for_readers(graph: Graph, links: Links, node: Node) -> Graph | None:
    """The graph in which each reader of a node's result has a copy of the node; None for one."""
    readers = links.consumers(node.output)
    if len(readers) < 2 or node.output == graph.output:
        return None
    names, taken, nodes = {n.name for n in graph.nodes}, {*graph.tensors}, []
    for other in graph.nodes:
        if node.output in other.inputs and other is not readers[0]:
            name = unused(node.name, names)
            numbered = (copied(node.output, number) for number in itertools.count(2))
            output = next(tensor for tensor in numbered if tensor not in taken)
            names.add(name)
            taken.add(output)
            copy = replace(node, name=name, output=output)
            inputs = tuple(copy.output if i == node.output else i for i in other.inputs)
            nodes += [copy, replace(other, inputs=inputs)]
        else:
            nodes.append(other)
    return graph.with_nodes(nodes)


def affines_past_forks(graph: Graph) -> Graph | None:
    """A plain graph with one affine operation past a fork or a concatenation; None without any."""
    links = Links(graph)
    for node in graph.nodes:
        made = None
        if isinstance(node.op, Affine):
            made = copied_for_readers(graph, links, node)
        elif isinstance(node.op, Concat):
            made = _one_kind(graph, links, node) or _behind(graph, links, node)
        if made is not None:
            return made
    return None


def _behind(graph: Graph, links: Links, concat: Node) -> Graph | None:
    """Affine operations on parts as one on the whole."""
    sources = [links.producer(name) for name in concat.inputs]
    if not any(source is not None and isinstance(source.op, Affine) for source in sources):
        return None
    inputs, scales, shifts = [], [], []
    for name, source in zip(concat.inputs, sources, strict=True):
        if source is not None and isinstance(source.op, Affine):
            scale, shift = source.op.scale, source.op.shift
            inputs.append(source.inputs[0])
        else:
            channels = graph.tensors[name].shape[0]
            scale, shift = full(channels, 1), full(channels, 0)
            inputs.append(name)
        scales.append(scale)
        shifts.append(shift)
    whole = unused(f"{concat.output}:unscaled", {*graph.tensors})
    made = [
        replace(concat, inputs=tuple(inputs), output=whole),
        replace(
            concat,
            name=fresh_name(graph, f"{concat.name}_scale"),
            op=Affine(np.concatenate(scales), np.concatenate(shifts)),
            inputs=(whole,),
        ),
    ]
    return _without_unread(
        graph, [n for node in graph.nodes for n in _in_place(node, concat, made)]
    )


def _one_kind(graph: Graph, links: Links, concat: Node) -> Graph | None:
    """A sign of 0 and 1 as one of -1 and +1, where a concatenation has both."""
    roots: list[Node] = []
    for name in concat.inputs:
        found = _signs(links, name)
        roots += found
    kinds = {root.op.low < 0 for root in roots if isinstance(root.op, Binarize)}
    if len(kinds) < 2:
        return None
    root = next(r for r in roots if isinstance(r.op, Binarize) and not r.op.low < 0)
    assert isinstance(root.op, Binarize)
    channels = graph.tensors[root.output].shape[0]
    bits = unused(f"{root.output}:bits", {*graph.tensors})
    half = Affine(full(channels, 1) / 2, full(channels, 1) / 2)
    name = fresh_name(graph, f"{root.name}_unipolar")
    made = [
        replace(root, op=replace(root.op, low=-1.0, high=1.0), output=bits),
        replace(root, name=name, op=half, inputs=(bits,)),
    ]
    return graph.with_nodes([n for node in graph.nodes for n in _in_place(node, root, made)])


def _signs(links: Links, tensor: str) -> list[Node]:
    """The signs whose bits a tensor holds, as they are or scaled."""
    found = sign_of(links, tensor)
    if found is not None:
        return [found[0]]
    source = links.producer(tensor)
    if source is None or not isinstance(source.op, (*_STEPS, Affine, Concat)):
        return []
    return [sign for name in source.inputs for sign in _signs(links, name)]


def _in_place(node: Node, replaced: Node, made: Sequence[Node]) -> Sequence[Node]:
    return made if node is replaced else [node]


def _without_unread(graph: Graph, nodes: Sequence[Node]) -> Graph:
    wanted, kept = {graph.output}, []
    for node in reversed(nodes):
        if node.output in wanted:
            kept.append(node)
            wanted.update(node.inputs)
    return graph.with_nodes(kept[::-1])
