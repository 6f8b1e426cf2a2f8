"""Padding with pixels of the image itself: by reflection, or with those of its edge."""

# ruff: noqa: D102  (infer() is described once, in Op)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.op_base import Op, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFLECT, EDGE = "reflect", "edge"


@dataclass(frozen=True)
class Pad(Op):
    """An image grown on each side by pixels of its own.

    What treats every element alike passes it: all values of the result are values of the input.

    Attributes:
        mode: "reflect" mirrors the image at its outermost pixels, which are not repeated; "edge"
            repeats these.
        pads: top, left, bottom, right.
    """

    mode: str
    pads: tuple[int, int, int, int]
    level: ClassVar[str] = "any"

    def infer(self, *inputs: Tensor) -> Tensor:
        shape = inputs[0].shape
        known = self.mode in (REFLECT, EDGE) and min(self.pads) >= 0
        if len(shape) != 3 or not known:
            raise ModelError(
                f"pads a tensor of shape {shape} by {self.pads}, mode {self.mode}",
                fix="the file is damaged; export the model again",
            )
        top, left, bottom, right = self.pads
        for what, size, most in (
            ("rows", shape[1], max(top, bottom)),
            ("columns", shape[2], max(left, right)),
        ):
            if self.mode == REFLECT and most >= size:
                raise ModelError(
                    f"reflects {most} {what} of an image that has {size}: the outermost is not "
                    "repeated",
                    fix="pad by less than the image's size, or with the edge's pixels (mode edge)",
                )
        height, width = shape[1] + top + bottom, shape[2] + left + right
        return Tensor((shape[0], height, width), inputs[0].dtype)

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Images [N, C, H, W], padded."""
        top, left, bottom, right = self.pads
        sides = ((0, 0), (0, 0), (top, bottom), (left, right))
        return np.pad(x, sides, mode="reflect" if self.mode == REFLECT else "edge")
