"""Weights become {-1, +1}; what they are multiplied by becomes a scale per output channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Conv, Dense
from bnnhw.passes.binary_weights import near_miss, weight_values
from bnnhw.passes.mixed import is_mixed, may_be_real
from bnnhw.passes.rewrite import Change, Links, fresh_name, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node


def split_weights(graph: Graph) -> Graph:
    """The graph with the weights of every layer that reads bits in {-1, +1}.

    Layers with real weights stay where they read integers or a real-valued stream, or come last.

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
        raise near_miss(node) or _real(node)
    alpha = np.abs(weight.reshape(len(weight), -1)[:, 0])
    if (alpha == 1).all():
        return None
    signs = np.where(weight < 0, -1.0, 1.0)
    layer = with_op(node, replace(node.op, weight=signs))
    name = fresh_name(links.graph, f"{node.name}_alpha")
    scale = Affine(exact(alpha), exact(np.zeros(len(alpha))))
    return Change([node], [layer, replace(node, name=name, op=scale)])


def _real(node: Node) -> ModelError:
    return ModelError(
        f"its weights are neither +-1 nor +-alpha per output channel: {weight_values(node)}",
        where=node.where,
        fix="binarise the layer, and export the binarised weights instead of the latent ones (real "
        "weights belong into the first or last layer, or to a real-valued stream)",
    )
