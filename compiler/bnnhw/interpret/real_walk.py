"""Execution of real-valued graphs tensor by tensor, keeping no more than is still needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.real import execute_real_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Ints


def walk_real(
    graph: Graph, x: Ints, change: Callable[[str, Floats], Floats] | None = None
) -> Iterator[tuple[str, Floats]]:
    """Name and values of the input and of every node's output, in execution order.

    Args:
        graph: with real-valued operations.
        x: integer inputs [N, *shape].
        change: what is done to a node's output, by name, before others read it.
    """
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    values = {graph.input: np.asarray(x, np.float64)}
    yield graph.input, values[graph.input]
    for i, node in enumerate(graph.nodes):
        y = execute_real_node(node, [values[name] for name in node.inputs], graph.tensors)
        if change is not None:
            y = change(node.output, y)
        yield node.output, y
        values[node.output] = y
        for name in {*node.inputs}:
            if last_use[name] == i:
                del values[name]
        if node.output not in last_use:
            del values[node.output]
