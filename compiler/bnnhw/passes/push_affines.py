"""Scales and shifts of bits and of the input move behind layers, pools and flattens.

conv(a*x + b) = a*conv(x) + (sum of w*b over the taps inside the image): with zero padding the sum
differs at the borders, so the shift then has row and column classes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.exact import full
from bnnhw.ir.ops import (
    Affine,
    Binarize,
    BitMaxPool,
    Clip,
    Conv,
    Dense,
    Flatten,
    IntegerTable,
    MaxPool,
    Relu,
)
from bnnhw.ir.types import Bit
from bnnhw.passes.border_classes import padded_shift, weighted_sums
from bnnhw.passes.chain import rewrite, with_op
from bnnhw.passes.merge_affines import compose

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def push_affines(graph: Graph) -> Graph:
    """The graph with layers that read bits or integers only, and pools that are bit pools.

    Raises:
        ModelError: a layer reads real values, or a pool is neither before a sign nor on bits.
    """
    graph = rewrite(graph, _rule)
    for i, node in enumerate(graph.nodes):
        if isinstance(node.op, MaxPool):
            raise ModelError(
                "is a max pool of integers: neither a sign nor bits are next to it",
                where=node.where,
                fix="put it directly before or after a sign",
            )
        if isinstance(node.op, (Conv, Dense)):
            _check_input(graph, i)
    return graph


def _rule(graph: Graph, position: int) -> tuple[int, list[Node]] | None:
    node = graph.nodes[position]
    if isinstance(node.op, MaxPool) and _binary(graph, position):
        none = np.zeros(graph.tensors[node.output].shape[0], bool)
        return 1, [with_op(node, BitMaxPool(node.op.window, none))]
    if not isinstance(node.op, Affine) or position + 1 == len(graph.nodes):
        return None
    after = graph.nodes[position + 1]
    if isinstance(after.op, Affine):
        return 2, [with_op(after, compose(node.op, after.op))]
    if node.op.row_class:
        return None
    if isinstance(after.op, (MaxPool, BitMaxPool)) and _binary(graph, position):
        minimum = np.array([s < 0 for s in node.op.scale], bool)
        if isinstance(after.op, BitMaxPool):
            minimum = minimum ^ after.op.minimum
        return 2, [with_op(after, BitMaxPool(after.op.window, minimum)), node]
    if isinstance(after.op, Flatten) and not _sign_follows(graph, position + 2):
        shape = graph.tensors[node.output].shape
        repeat = int(np.prod(shape[1:]))
        flat = Affine(np.repeat(node.op.scale, repeat), np.repeat(node.op.shift, repeat))
        return 2, [after, with_op(node, flat)]
    if isinstance(after.op, (Conv, Dense)):
        return 2, _through_layer(graph, node, after)
    return None


def _through_layer(graph: Graph, node: Node, layer: Node) -> list[Node]:
    assert isinstance(node.op, Affine)
    assert isinstance(layer.op, (Conv, Dense))
    sizes = {abs(s) for s in node.op.scale}
    if len(sizes) > 1:
        raise ModelError(
            f"its input is scaled by {len(sizes)} different factors per channel, from "
            f"{float(min(sizes)):.4g} to {float(max(sizes)):.4g}: binary weights cannot carry them",
            where=layer.where,
            fix="use one scale for all input channels (one std for all colours, one alpha)",
        )
    size = Fraction(sizes.pop())
    weight = layer.op.weight
    if isinstance(layer.op, Conv):
        image = graph.tensors[layer.inputs[0]].shape
        shift, rows, columns = padded_shift(
            weight, layer.op.window, (image[1], image[2]), node.op.shift
        )
        classes = len(shift) * shift.shape[1] > 1
        affine = Affine(
            full(len(weight), size),
            shift if classes else shift[0, 0],
            rows if classes else (),
            columns if classes else (),
        )
    else:
        affine = Affine(full(len(weight), size), weighted_sums(weight, node.op.shift))
    signs = np.array([-1.0 if s < 0 else 1.0 for s in node.op.scale])
    turned = weight * signs.reshape(1, -1, *(1,) * (weight.ndim - 2))
    made = Conv(turned, layer.op.window) if isinstance(layer.op, Conv) else Dense(turned)
    return [with_op(layer, made), with_op(node, affine, f"{layer.name}_{node.name}")]


def _binary(graph: Graph, position: int) -> bool:
    """Whether what ``position`` reads are bits."""
    for node in reversed(graph.nodes[:position]):
        if isinstance(node.op, (Binarize, IntegerTable)):
            return isinstance(node.op, Binarize) or isinstance(node.op.dtype, Bit)
        if not isinstance(node.op, (BitMaxPool, Flatten, MaxPool, Affine)):
            return False
    return isinstance(graph.tensors[graph.input].dtype, Bit)


def _sign_follows(graph: Graph, position: int) -> bool:
    for node in graph.nodes[position:]:
        if isinstance(node.op, Binarize):
            return True
        if not isinstance(node.op, (Affine, Relu, Clip)):
            return False
    return False


def _check_input(graph: Graph, position: int) -> None:
    layer = graph.nodes[position]
    for node in reversed(graph.nodes[:position]):
        if isinstance(node.op, (Binarize,)):
            return
        if isinstance(node.op, (BitMaxPool, Flatten)):
            continue
        if node.op.level == "integer":
            return
        raise ModelError(
            f"reads real values: {type(node.op).__name__} of {node.where} stands between it and "
            "the layer before, and no sign",
            where=layer.where,
            fix="put a sign before every layer with weights",
        )
