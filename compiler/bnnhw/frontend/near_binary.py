"""Weights that are +-alpha per output channel but for rounding, or for signs of 0.

Exporters evaluate scale * sign(w) - clip(w) + clip(w) in float32. Each of the two sums rounds by
up to 2^-24 of its result, so a weight is off by up to 2^-24 * (2 + |w| / alpha) of alpha. Trained
weights have |w| of at most some hundred alpha; a factor over that is allowed.

A latent weight that is 0 has the sign 0, where hardware has a bit. In millions of weights that
happens by chance, and the bit is the user's choice as it is for activations; a layer with more
zeros is ternary, and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.op_base import same_magnitudes

if TYPE_CHECKING:
    from bnnhw.ir.ops import Floats

TOLERANCE = 2.0**-16
"""Largest deviation that counts as rounding, relative to alpha."""
CHANCE = 1e-3
"""Largest share of zeros that counts as chance."""


@dataclass(frozen=True, eq=False)
class Binarised:
    """Weights that are exactly +-alpha per output channel.

    Attributes:
        weight: [Cout, ...].
        deviation: largest difference from the original ones, relative to alpha, but for zeros.
        zeros: number of zeros that became +-alpha.
    """

    weight: Floats
    deviation: float
    zeros: int


def binarised(weight: Floats, zero: float) -> Binarised | None:
    """Weights [Cout, ...] as exactly +-alpha; None where they are so already, or are not nearly so.

    Args:
        weight: the original ones.
        zero: the sign of 0, -1 or +1.
    """
    if not weight.size or same_magnitudes(weight):
        return None
    flat = np.abs(weight).reshape(len(weight), -1)
    first = flat[0][flat[0] > 0]
    if first.size and np.abs(first - first.mean()).max() > 2 * TOLERANCE * first.mean():
        return None  # by far: the others need no look
    present = flat > 0
    used = present.any(axis=1, keepdims=True)
    zeros = int((used & ~present).sum())
    if zeros > CHANCE * flat.size:
        return None
    mean = flat.sum(axis=1, keepdims=True) / np.maximum(present.sum(axis=1, keepdims=True), 1)
    # A channel that holds one magnitude keeps it to the last bit.
    top = flat.max(axis=1, keepdims=True)
    same = ((flat == top) | ~present).all(axis=1, keepdims=True)
    alpha = np.where(same, top, mean.astype(np.float32).astype(np.float64))
    apart = np.where(present, np.abs(flat - alpha), 0.0)
    if (apart > TOLERANCE * alpha).any():
        return None
    deviation = float((apart / np.where(alpha > 0, alpha, 1)).max())
    signs = np.where(flat == 0, zero, np.sign(weight).reshape(flat.shape))
    return Binarised((signs * alpha).reshape(weight.shape), deviation, zeros)
