"""The best classes of integer scores, as the hardware's top-k unit orders them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bnnhw.ir.ops import Ints


def best_scores(scores: Ints, k: int) -> Ints:
    """(class, score) pairs [N, k, 2] of scores [N, classes, ...], best first.

    Of equal scores the lower class comes first.
    """
    flat = scores.reshape(len(scores), -1)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :k]
    return np.stack([order, np.take_along_axis(flat, order, axis=1)], axis=2)
