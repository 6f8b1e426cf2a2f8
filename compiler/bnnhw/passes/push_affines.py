"""Scales and shifts of bits and of the input move behind layers, pools and flattens.

conv(a*x + b) = a*conv(x) + (sum of w*b over the taps inside the image): with zero padding the sum
differs at the borders, so the shift then has row and column classes.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.border_classes import padded_shift, weighted_sums
from bnnhw.ir.exact import full
from bnnhw.ir.names import unused
from bnnhw.ir.op_base import only_signs
from bnnhw.ir.ops import (
    Affine,
    Binarize,
    BitMaxPool,
    Concat,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Pad,
    by_input,
    limits_of,
)
from bnnhw.ir.types import Real
from bnnhw.passes.elementwise import tiled
from bnnhw.passes.fill_padding import fill_padding
from bnnhw.passes.forks import affines_past_forks
from bnnhw.passes.merge_affines import compose
from bnnhw.passes.mixed import is_mixed, reads_bits
from bnnhw.passes.rewrite import Change, Links, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def push_affines(graph: Graph) -> Graph:
    """The graph with layers that read bits or integers only, and pools that are bit pools.

    In networks with real-valued streams only what bits are scaled and shifted by moves; layers and
    pools of real values are left to ``lower_streams``.

    Raises:
        ModelError: in a plain network, a pool is neither before a sign nor on bits.
    """
    graph = rewrite(_behind_copies(graph), _rule)
    if is_mixed(graph):
        return fill_padding(graph)
    while (moved := affines_past_forks(graph)) is not None:
        graph = rewrite(moved, _rule)
    for node in graph.nodes:
        if isinstance(node.op, MaxPool):
            raise ModelError(
                "is a max pool of integers: neither a sign nor bits are next to it",
                where=node.where,
                fix="put it directly before or after a sign",
            )
    return graph


def _behind_copies(graph: Graph) -> Graph:
    """The graph where copies of the input are copies of its integers, scaled afterwards."""
    links = Links(graph)
    for node in graph.nodes:
        source = links.source(node)
        alone = source is not None and links.after(source) is node
        if (
            not isinstance(node.op, Concat)
            or len({*node.inputs}) > 1
            or source is None
            or not alone
        ):
            continue
        integers = not isinstance(graph.tensors[source.inputs[0]].dtype, Real)
        if not isinstance(source.op, Affine) or not integers:
            continue
        count = len(node.inputs)
        copies = unused(f"{node.output}:copies", {*graph.tensors})
        moved = [
            replace(node, inputs=source.inputs * count, output=copies),
            replace(source, op=tiled(source.op, count), inputs=(copies,), output=node.output),
        ]
        rest = [n for n in graph.nodes if n is not source]
        at = next(i for i, n in enumerate(rest) if n is node)
        return _behind_copies(graph.with_nodes([*rest[:at], *moved, *rest[at + 1 :]]))
    return graph


def _rule(links: Links, node: Node) -> Change | None:
    graph = links.graph
    if isinstance(node.op, MaxPool) and reads_bits(links, node):
        none = np.zeros(graph.tensors[node.output].shape[0], bool)
        return Change([node], [with_op(node, BitMaxPool(node.op.window, none))])
    after = links.after(node)
    if not isinstance(node.op, Affine) or after is None:
        return None
    path = [node, after]
    if isinstance(after.op, Affine):
        return Change(path, [with_op(after, compose(node.op, after.op))])
    if node.op.row_class:
        return None
    if isinstance(after.op, (MaxPool, BitMaxPool)) and reads_bits(links, node):
        minimum = np.array([s < 0 for s in node.op.scale], bool)
        if isinstance(after.op, BitMaxPool):
            minimum = minimum ^ after.op.minimum
        return Change(path, [with_op(after, BitMaxPool(after.op.window, minimum)), node])
    if isinstance(after.op, Pad) and (not is_mixed(graph) or reads_bits(links, node)):
        return Change(path, [after, node])
    if isinstance(after.op, Flatten) and not _sign_follows(links, after):
        shape = graph.tensors[node.output].shape
        repeat = int(np.prod(shape[1:]))
        flat = Affine(np.repeat(node.op.scale, repeat), np.repeat(node.op.shift, repeat))
        return Change(path, [after, with_op(node, flat)])
    if isinstance(after.op, (Conv, Dense)) and _passes_layer(links, node, after):
        return Change(path, _through_layer(graph, node, after))
    return None


def _passes_layer(links: Links, node: Node, layer: Node) -> bool:
    """Whether an affine operation may move behind a layer: always so in a plain network."""
    assert isinstance(layer.op, (Conv, Dense))
    assert isinstance(node.op, Affine)
    if not only_signs(layer.op.weight):
        return False
    if not is_mixed(links.graph) or reads_bits(links, node):
        return True
    one_scale = len({abs(s) for s in node.op.scale}) == 1
    padded = isinstance(layer.op, Conv) and any(layer.op.window.pads)
    if padded and node.op.shift.any():
        return False  # its sums would be shifted by other amounts at the borders
    from_integers = links.source(node) is None and not isinstance(
        links.graph.tensors[node.inputs[0]].dtype, Real
    )
    return from_integers and one_scale


def _through_layer(graph: Graph, node: Node, layer: Node) -> list[Node]:
    assert isinstance(node.op, Affine)
    assert isinstance(layer.op, (Conv, Dense))
    sizes = {abs(s) for s in node.op.scale}
    if len(sizes) > 1:
        raise ModelError(
            f"its input is scaled by {len(sizes)} different factors per channel, from "
            f"{float(min(sizes)):.4g} to {float(max(sizes)):.4g}, by {node.where}: binary weights "
            "cannot carry them",
            where=layer.where,
            fix="use one scale for all input channels (one std for all colours, one alpha, two "
            "values of a Where)",
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
    signs = np.array([-1 if s < 0 else 1 for s in node.op.scale], np.int8)
    made = replace(layer.op, weight=weight * by_input(signs, weight))
    return [with_op(layer, made), with_op(node, affine, f"{layer.name}_{node.name}")]


def _sign_follows(links: Links, node: Node) -> bool:
    behind = links.after(node)
    while behind is not None and not isinstance(behind.op, Binarize):
        if not isinstance(behind.op, Affine) and limits_of(behind.op) is None:
            return False
        behind = links.after(behind)
    return behind is not None
