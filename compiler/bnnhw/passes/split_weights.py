"""Weights become {-1, +1}; what they are multiplied by becomes a scale per output channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import exact, full
from bnnhw.ir.ops import Affine, Conv, Dense
from bnnhw.passes.binary_weights import near_miss, weight_values
from bnnhw.passes.mixed import among_binary, is_mixed, may_be_real
from bnnhw.passes.rewrite import Change, Links, fresh_name, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def split_weights(graph: Graph) -> Graph:
    """The graph with the weights of every layer that reads bits in {-1, +1}.

    Layers with real weights stay where they read integers or a real-valued stream, come last, or
    are among others that read bits by binary weights.

    Raises:
        ModelError: a layer's weights are not +-alpha with one alpha per output channel.
    """
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    if not isinstance(node.op, (Conv, Dense)):
        return None
    weight = node.op.weight
    if not weight.size:
        raise ModelError("has no weights", where=node.where, fix="export it again")
    if not node.op.is_binary:
        if is_mixed(links.graph) and may_be_real(links, node):
            return None
        error = near_miss(node)
        if error is None and among_binary(links):
            return None
        raise error or _real(node)
    alpha = np.abs(weight.reshape(len(weight), -1)[:, 0])
    if (alpha == 1).all():
        return None
    signs = 1 - 2 * (weight < 0).view(np.int8)
    layer = with_op(node, replace(node.op, weight=signs))
    name = fresh_name(links.graph, f"{node.name}_alpha")
    scale = Affine(exact(alpha), full(len(alpha), 0))
    return Change([node], [layer, replace(node, name=name, op=scale)])


def _real(node: Node) -> ModelError:
    return ModelError(
        f"its weights are neither +-1 nor +-alpha per output channel: {weight_values(node)}",
        where=node.where,
        fix="binarise the layer, and export the binarised weights instead of the latent ones (real "
        "weights belong into the first or last layer, to a real-valued stream, or among layers "
        "that read bits by binary weights)",
    )
