"""ONNX tensors that hold some channels of a graph tensor, or that and zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.errors import ModelError
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.frontend.views import View


@dataclass(frozen=True)
class Part:
    """A range of channels, or a convolution of them.

    Attributes:
        view: of the whole tensor, with the dimensions in the order of the part's.
        axis: the dimension of the channels.
        start, stop: the channels.
        refusal: the error where something reads it of which nothing is known.
        conv: the convolution that was made of it, its input in the order of ``view``.
        order: for each dimension, that of the convolution's result.
    """

    view: View
    axis: int
    start: int
    stop: int
    refusal: ModelError
    conv: OnnxNode | None = None
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Padded:
    """A tensor with channels of zeros before and behind its own.

    Attributes:
        view: of the tensor without these.
        axis: the dimension of the channels.
        before, behind: how many there are.
        refusal: the error where something reads it of which nothing is known.
    """

    view: View
    axis: int
    before: int
    behind: int
    refusal: ModelError
