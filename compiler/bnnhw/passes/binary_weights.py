"""Weights that were meant to be binary, and how the rest is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Conv, Dense

if TYPE_CHECKING:
    from bnnhw.ir.graph import Node

_TERNARY_SHARE = 0.999
_ROUNDING = 1e-4


def near_miss(node: Node) -> ModelError | None:
    """The error for weights of a layer that are binary but for a mistake; None for others."""
    assert isinstance(node.op, (Conv, Dense))
    weight = node.op.weight
    flat = np.abs(weight).reshape(len(weight), -1)
    zeros = flat == 0
    least = np.where(zeros, np.inf, flat).min(axis=1)
    nonzero = least == np.where(zeros, -np.inf, flat).max(axis=1)
    if zeros.any() and nonzero.mean() > _TERNARY_SHARE:
        return ModelError(
            f"its weights are ternary: {zeros.mean():.2%} are 0 ({weight_values(node)})",
            where=node.where,
            fix="weights must be -1 or +1: binarise with Where(w >= 0, 1, -1) instead of Sign(w)",
        )
    by_input = np.abs(weight).swapaxes(0, 1).reshape(weight.shape[1], -1)
    if (by_input == by_input[:, :1]).all() and not node.op.is_binary:
        return ModelError(
            f"its weights are scaled per input channel ({weight_values(node)})",
            where=node.where,
            fix="scale per output channel, or drop the scale: the sign behind does not need it",
        )
    mean = flat.mean(axis=1, keepdims=True)
    if (np.abs(flat - mean) < _ROUNDING * mean).all() and not node.op.is_binary:
        return ModelError(
            "its weights are almost, but not exactly +-alpha per output channel "
            f"({weight_values(node)})",
            where=node.where,
            fix="export sign(w) * alpha, computed in that order, or BatchNormalization apart",
        )
    return None


def weight_values(node: Node) -> str:
    """How many values the weights of a layer have, and which."""
    assert isinstance(node.op, (Conv, Dense))
    values = np.unique(node.op.weight)
    shown = ", ".join(f"{v:.4g}" for v in values[:4]) + (", .." if len(values) > 4 else "")
    return f"{len(values)} different values from {values[0]:.4g} to {values[-1]:.4g} ({shown})"
