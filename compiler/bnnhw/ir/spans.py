"""The integer types that hold what layers add up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.types import Integer, Real

if TYPE_CHECKING:
    from bnnhw.ir.op_base import Ints
    from bnnhw.ir.types import DType


def signed_sums(weight: Ints) -> tuple[Ints, Ints]:
    """Sums [Cout] of the weights above 0, and of those below."""
    flat = weight.reshape(len(weight), -1)
    up = np.maximum(flat, 0).sum(axis=1)
    return up, flat.sum(axis=1) - up


class OfIntegers:
    """A layer with integer weights [Cout, ...], which are summed once."""

    weight: Ints

    @cached_property
    def signed_sums(self) -> tuple[Ints, Ints]:
        """See the function of this name."""
        return signed_sums(self.weight)


def weighted_span(x: DType, sums: tuple[Ints, Ints], offset: Ints) -> Integer:
    """The narrowest type of offset + sum of w*x, whatever x and whichever taps are padding.

    Args:
        x: type of what is multiplied.
        sums: of the weights, by sign: see ``signed_sums``.
        offset: [..., Cout].
    """
    if isinstance(x, Real):
        raise ModelError(
            "an integer layer needs an integer input",
            fix="the file is damaged; export the model again",
        )
    up, down = sums
    least, most = min(x.low, 0), max(x.high, 0)
    low, high = up * least + down * most, up * most + down * least
    shifts = offset.reshape(-1, len(up))
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
