"""Weights that are +-alpha per output channel but for the rounding of float32 sums.

Exporters evaluate scale * sign(w) - clip(w) + clip(w) in float32. Each of the two sums rounds by
up to 2^-24 of its result, so a weight is off by up to 2^-24 * (2 + |w| / alpha) of alpha. Trained
weights have |w| of at most some hundred alpha; a factor over that is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bnnhw.ir.ops import Floats

TOLERANCE = 2.0**-16
"""Largest deviation that counts as rounding, relative to alpha."""


def without_rounding(weight: Floats) -> tuple[Floats, float]:
    """Weights [Cout, ...] as exactly +-alpha, and their largest relative deviation from that.

    Weights that are so already, or are not so within ``TOLERANCE`` in every channel, come back
    as they are, with a deviation of 0.
    """
    flat = np.abs(weight).reshape(len(weight), -1)
    if not flat.size or (flat == flat[:, :1]).all():
        return weight, 0.0
    alpha = flat.mean(axis=1, keepdims=True).astype(np.float32).astype(np.float64)
    apart = np.abs(flat - alpha).max(axis=1, keepdims=True)
    if (apart > TOLERANCE * alpha).any():
        return weight, 0.0
    deviation = float(np.max(apart[alpha > 0] / alpha[alpha > 0], initial=0.0))
    shape = (len(weight),) + (1,) * (weight.ndim - 1)
    return np.where(weight < 0, -1.0, 1.0) * alpha.reshape(shape), deviation
