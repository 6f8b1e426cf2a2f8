"""Rewriting of the chain of nodes that a network without branches is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op

Rule = "Callable[[Graph, int], tuple[int, list[Node]] | None]"


def check_chain(graph: Graph) -> None:
    """Every node reads what the node before it writes; raises ModelError otherwise."""
    tensor = graph.input
    for node in graph.nodes:
        if node.inputs != (tensor,):
            raise ModelError(
                "branches off; residual networks are not supported yet", where=node.where
            )
        tensor = node.output
    if graph.output != tensor:
        raise ModelError("the output is not the last tensor", where=f"graph '{graph.name}'")


def rewrite(graph: Graph, rule: Callable[[Graph, int], tuple[int, list[Node]] | None]) -> Graph:
    """Applies ``rule`` along the chain until nothing changes.

    Args:
        graph: a chain.
        rule: for a position in ``graph.nodes``: how many nodes from there are replaced, and by
            which (each reads what the one before it writes; names of tensors are set here), or
            None where the rule does not apply.
    """
    position = 0
    while position < len(graph.nodes):
        found = rule(graph, position)
        if found is None:
            position += 1
            continue
        count, made = found
        graph = splice(graph, position, count, made)
        position = max(0, position - 2)
    return graph


def splice(graph: Graph, position: int, count: int, made: list[Node]) -> Graph:
    """Replaces ``count`` nodes from ``position``; the last tensor keeps its name."""
    old = graph.nodes[position : position + count]
    last = old[-1].output
    tensor = old[0].inputs[0]
    before, after = list(graph.nodes[:position]), list(graph.nodes[position + count :])
    taken = {graph.input, last, *(node.output for node in (*before, *after))}
    linked = []
    for i, node in enumerate(made):
        output = last if i == len(made) - 1 else node.output
        if i < len(made) - 1 and output in taken:
            output = _fresh_tensor(f"{node.name}:out", taken)
        taken.add(output)
        linked.append(replace(node, inputs=(tensor,), output=output))
        tensor = output
    if not made:
        if before:
            before[-1] = replace(before[-1], output=last)
        elif after:
            after[0] = replace(after[0], inputs=(graph.input,))
        else:
            return graph.with_nodes((), output=graph.input)
    return graph.with_nodes([*before, *linked, *after])


def _fresh_tensor(name: str, taken: set[str]) -> str:
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}{count}"
    return candidate


def with_op(node: Node, op: Op, name: str | None = None) -> Node:
    """``node`` computing something else, perhaps under another name."""
    return replace(node, op=op, name=name or node.name)


def fresh_name(graph: Graph, name: str) -> str:
    """``name``, numbered where a node has it already."""
    taken = {node.name for node in graph.nodes}
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}{count}"
    return candidate
