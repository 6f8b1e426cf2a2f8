"""Weights become {-1, +1}; what they are multiplied by becomes a scale per output channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.exact import exact
from bnnhw.ir.ops import Affine, Conv, Dense
from bnnhw.passes.mixed import is_mixed, reads_bits
from bnnhw.passes.rewrite import Change, Links, fresh_name, rewrite, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats

_TERNARY_SHARE = 0.999


def split_weights(graph: Graph) -> Graph:
    """The graph with the weights of every layer that reads bits in {-1, +1}.

    Layers with real weights that read integers or a real-valued stream stay, in networks that have
    such streams.

    Raises:
        ModelError: a layer's weights are not +-alpha with one alpha per output channel.
    """
    return rewrite(graph, _rule)


def _rule(links: Links, node: Node) -> Change | None:
    if not isinstance(node.op, (Conv, Dense)):
        return None
    weight = node.op.weight
    flat = np.abs(weight).reshape(len(weight), -1)
    if not flat.size:
        raise ModelError("has no weights", where=node.where, fix="export it again")
    alpha = flat[:, 0]
    if (flat != alpha[:, None]).any():
        if is_mixed(links.graph) and not reads_bits(links, node):
            return None
        raise _not_binary(node, weight, flat)
    if (alpha == 1).all():
        return None
    signs = np.where(weight < 0, -1.0, 1.0)
    layer = with_op(node, replace(node.op, weight=signs))
    name = fresh_name(links.graph, f"{node.name}_alpha")
    scale = Affine(exact(alpha), exact(np.zeros(len(alpha))))
    return Change([node], [layer, replace(node, name=name, op=scale)])


def _not_binary(node: Node, weight: Floats, flat: Floats) -> ModelError:
    """The error that says how the weights miss +-alpha."""
    low, high = float(weight.min()), float(weight.max())
    values = np.unique(weight)
    shown = ", ".join(f"{v:.4g}" for v in values[:4]) + (", .." if len(values) > 4 else "")
    spread = f"{len(values)} different values from {low:.4g} to {high:.4g} ({shown})"
    magnitudes = np.where(flat == 0, np.nan, flat)
    nonzero = np.nanmin(magnitudes, axis=1) == np.nanmax(magnitudes, axis=1)
    if (flat == 0).any() and nonzero.mean() > _TERNARY_SHARE:
        zeros = float((flat == 0).mean())
        return ModelError(
            f"its weights are ternary: {zeros:.2%} are 0 ({spread})",
            where=node.where,
            fix="weights must be -1 or +1: binarise with Where(w >= 0, 1, -1) instead of Sign(w)",
        )
    by_input = np.abs(weight).swapaxes(0, 1).reshape(weight.shape[1], -1)
    if (by_input == by_input[:, :1]).all():
        return ModelError(
            f"its weights are scaled per input channel ({spread})",
            where=node.where,
            fix="scale per output channel, or drop the scale: the sign behind does not need it",
        )
    mean = flat.mean(axis=1, keepdims=True)
    if (np.abs(flat - mean) < 1e-4 * mean).all():
        return ModelError(
            f"its weights are almost, but not exactly +-alpha per output channel ({spread})",
            where=node.where,
            fix="export sign(w) * alpha, computed in that order, or BatchNormalization apart",
        )
    return ModelError(
        f"its weights are neither +-1 nor +-alpha per output channel: {spread}",
        where=node.where,
        fix="binarise the layer (every layer with weights must be binary), and export the "
        "binarised weights instead of the latent ones",
    )
