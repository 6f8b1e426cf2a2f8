"""Padding with -1 or +1: binary convolutions take over what their zero padding leaves out.

A model that pads bits with a bit is a zero-padded convolution and a shift that differs at the
borders. Thresholds have such shifts, streams have none; there the convolution counts the padded
taps as that bit itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.border_classes import class_sums
from bnnhw.ir.op_base import only_signs
from bnnhw.ir.ops import Affine, Binarize, BitMaxPool, Concat, Conv, MaxPool, Pad, Threshold
from bnnhw.ir.types import Bit
from bnnhw.passes.rewrite import Change, Links, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Exacts


def fill_padding(graph: Graph) -> Graph:
    """A graph of real-valued streams, with convolutions that are padded by bits."""
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    op, after = node.op, links.after(node)
    if not isinstance(op, Conv) or op.fill or not any(op.window.pads):
        return None
    if after is None or not isinstance(after.op, Affine) or not after.op.row_class:
        return None
    if not only_signs(op.weight) or not _reads_bipolar(links, node):
        return None
    for fill in (1, -1):
        shift = _without(after.op, op, links.graph.tensors[node.inputs[0]].shape, fill)
        if shift is not None:
            made = with_op(node, replace(op, fill=fill))
            return Change([node, after], [made, with_op(after, Affine(after.op.scale, shift))])
    return None


def _without(affine: Affine, conv: Conv, image: tuple[int, ...], fill: int) -> Exacts | None:
    """The shift that is left once padded taps are ``fill``; None where it still has classes."""
    by_tap = conv.weight.astype(np.int64).sum(axis=1).astype(object) * fill
    inside, rows, columns = class_sums(by_tap, conv.window, (image[1], image[2]))
    outside = by_tap.reshape(len(by_tap), -1).sum(axis=1) - inside
    left = None
    for r in dict.fromkeys(zip(affine.row_class, rows, strict=True)):
        for c in dict.fromkeys(zip(affine.column_class, columns, strict=True)):
            shift = affine.shift[r[0], c[0]] - affine.scale * outside[r[1], c[1]]
            if left is not None and (shift != left).any():
                return None
            left = shift
    return left


def _reads_bipolar(links: Links, node: Node) -> bool:
    """Whether a layer, pool or concatenation reads bits of -1 and +1."""
    return all(_is_bipolar(links, name) for name in node.inputs)


def _is_bipolar(links: Links, tensor: str) -> bool:
    source = links.producer(tensor)
    if source is None:
        return links.graph.tensors[tensor].dtype == Bit(bipolar=True)
    if isinstance(source.op, (MaxPool, BitMaxPool, Concat, Pad)):
        return _reads_bipolar(links, source)
    if isinstance(source.op, Threshold):
        return source.op.bipolar
    return isinstance(source.op, Binarize) and (source.op.low, source.op.high) == (-1, 1)
