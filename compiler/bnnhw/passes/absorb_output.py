"""What follows the last layer describes how integer scores become the model's outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import floats
from bnnhw.ir.ops import Affine, Binarize, BinaryConv, BinaryDense, BitMaxPool, Conv, Dense, Flatten
from bnnhw.passes.mixed import is_mixed
from bnnhw.passes.rewrite import splice

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph

_LAYERS = (Conv, Dense, BinaryConv, BinaryDense)


def absorb_output(graph: Graph) -> Graph:
    """The graph that ends with its last layer, scale and bias per class in its output map.

    Networks with real-valued streams stay as they are.

    Raises:
        ModelError: something other than a scale, a bias and a flatten follows the last layer.
    """
    if is_mixed(graph):
        return graph  # its scores become fixed-point numbers of one scale
    layers = [i for i, n in enumerate(graph.nodes) if isinstance(n.op, _LAYERS)]
    if not layers:
        raise ModelError(
            "has no layer with weights",
            where=f"graph '{graph.name}'",
            fix="give a network of binary convolutions or fully connected layers",
        )
    last = layers[-1]
    tail = graph.nodes[last + 1 :]
    if not tail:
        return graph
    classes, *image = graph.tensors[graph.nodes[last].output].shape
    scale, bias = np.ones(1), np.zeros(1)
    for node in tail:
        if isinstance(node.op, Flatten):
            continue
        if isinstance(node.op, (Binarize, BitMaxPool)):
            raise ModelError(
                "ends the network with bits; its last layer must give scores",
                where=node.where,
                fix="leave out the sign after the last layer (bits are the scores' signs)",
            )
        if not isinstance(node.op, Affine):
            raise ModelError(
                f"follows the last layer, whose scores must come out as they are "
                f"({node.op.called})",
                where=node.where,
                fix="end the model with its last layer, a scale and a bias",
            )
        if node.op.row_class or len(node.op.scale) != classes:
            raise ModelError(
                f"scales or shifts the scores of shape {(classes, *image)} pixel by pixel",
                where=node.where,
                fix="use one scale and one bias per class",
            )
        scale, bias = floats(node.op.scale), floats(node.op.shift)
    graph = splice(graph, graph.nodes[last:], [graph.nodes[last]])
    return replace(graph, output_map=replace(graph.output_map, scale=scale, bias=bias))
