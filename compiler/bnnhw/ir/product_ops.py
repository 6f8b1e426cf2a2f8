"""Operations of networks that multiply one stream by another: factors, and the sums they come from.

XNOR-Net multiplies a binary convolution by K, a number per pixel: the mean of |input| over channels
and window. Real-to-Binary networks multiply by a number per channel.
"""

# ruff: noqa: D102  (infer() is described once, in Op)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bnnhw.errors import ModelError
from bnnhw.ir.op_base import Op, Shape, Tensor
from bnnhw.ir.types import Integer, Real

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.types import DType


@dataclass(frozen=True)
class ChannelSum(Op):
    """The sum of all channels of each pixel: one channel. The binary point stays."""

    level: ClassVar[str] = "any"

    def infer(self, *inputs: Tensor) -> Tensor:
        x = inputs[0].dtype
        channels, shape = inputs[0].shape[0], (1, *inputs[0].shape[1:])
        if not isinstance(x, Integer):
            return Tensor(shape, Real())
        halves = x.halves * channels
        span = Integer.spanning(x.low * channels, x.high * channels)
        return Tensor(shape, Integer(span.bits, span.signed, x.frac, halves))


@dataclass(frozen=True)
class Product(Op):
    """The first tensor times the second: a factor for each pixel, or for each channel.

    Of integers the product is exact; its binary point is no part of its type.
    """

    level: ClassVar[str] = "any"

    def infer(self, *inputs: Tensor) -> Tensor:
        x, factor = inputs
        if not (by_pixel(x.shape, factor.shape) or by_channel(x.shape, factor.shape)):
            raise ModelError(
                f"multiplies {x} by {factor}",
                fix="the file is damaged; export the model again",
            )
        if isinstance(x.dtype, Real) or isinstance(factor.dtype, Real):
            return Tensor(x.shape, Real())
        return Tensor(x.shape, product_span(x.dtype, factor.dtype))


def by_pixel(shape: Shape, factor: Shape) -> bool:
    """Whether a tensor of the shape ``factor`` holds one number for each pixel of ``shape``."""
    return factor[0] == 1 and _pixels(factor) == _pixels(shape)


def by_channel(shape: Shape, factor: Shape) -> bool:
    """Whether a tensor of the shape ``factor`` holds one number for each channel of ``shape``."""
    return factor[0] == shape[0] and _pixels(factor) == (1, 1)


def laid_over(factor: NDArray[Any], rank: int) -> NDArray[Any]:
    """Factors [N, ...] to broadcast over samples of ``rank`` axes."""
    if factor.ndim == rank:
        return factor
    return factor.reshape(*factor.shape[:2], *(1,) * (rank - 2))


def product_span(x: DType, factor: DType) -> Integer:
    """The narrowest type of all products of two types."""
    assert not isinstance(x, Real)
    assert not isinstance(factor, Real)
    ends = [a * b for a in (x.low, x.high) for b in (factor.low, factor.high)]
    return Integer.spanning(min(ends), max(ends))


def _pixels(shape: Shape) -> tuple[int, int]:
    return (shape[1], shape[2]) if len(shape) == 3 else (1, 1)
