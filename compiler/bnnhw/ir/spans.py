"""The integer types that hold what layers add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.types import Integer, Real

if TYPE_CHECKING:
    from bnnhw.ir.op_base import Ints
    from bnnhw.ir.types import DType


def weighted_span(x: DType, weight: Ints, offset: Ints) -> Integer:
    """The narrowest type of offset + sum of w*x, whatever x and whichever taps are padding."""
    if isinstance(x, Real):
        raise ModelError(
            "an integer layer needs an integer input",
            fix="the file is damaged; export the model again",
        )
    flat = weight.reshape(len(weight), -1)
    up = np.maximum(flat, 0).sum(axis=1)
    down = flat.sum(axis=1) - up
    least, most = min(x.low, 0), max(x.high, 0)
    low, high = up * least + down * most, up * most + down * least
    shifts = offset.reshape(-1, len(weight))
    return Integer.spanning(int((low + shifts).min()), int((high + shifts).max()))


def accumulator(x: DType, taps: int) -> Integer:
    """The narrowest type of a sum of ``taps`` numbers +-x."""
    if isinstance(x, Real):
        raise ModelError(
            "a binary layer needs an integer input",
            fix="the file is damaged; export the model again",
        )
    reach = x.reach * taps
    return Integer.spanning(-reach, reach)
