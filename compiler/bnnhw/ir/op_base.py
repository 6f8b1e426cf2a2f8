"""What all operations share: tensors, sliding windows, and the shapes they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bnnhw.ir.types import DType

Shape = tuple[int, ...]
Floats = NDArray[np.float64]
Weights = NDArray[Any]
"""Of a real layer: float64, or a smaller type that holds the same numbers."""
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Exacts = NDArray[np.object_]
"""Arrays of ``fractions.Fraction``: parameters whose rounding would move a threshold."""
_CACHED = 1 << 15


@dataclass(frozen=True)
class Tensor:
    """Shape (without the batch) and element type of a tensor."""

    shape: Shape
    dtype: DType

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Window:
    """Kernel, stride and zero padding of a sliding window, all in (height, width) order.

    Attributes:
        kernel: height, width.
        stride: vertical, horizontal.
        pads: top, left, bottom, right (the order of ONNX's ``pads``).
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output; raises ModelError where no window fits."""
        top, left, bottom, right = self.pads
        out_h = (height + top + bottom - self.kernel[0]) // self.stride[0] + 1
        out_w = (width + left + right - self.kernel[1]) // self.stride[1] + 1
        if height + top + bottom < self.kernel[0] or width + left + right < self.kernel[1]:
            raise ModelError(
                f"a {self.kernel} window does not fit a {height}x{width} image",
                fix="use a smaller kernel",
            )
        return out_h, out_w

    def sees(self, height: int, width: int) -> bool:
        """Whether any of the windows holds a pixel of the image."""
        out = self.output_size(height, width)
        return all(
            any(-kernel < at * stride - before < size for at in range(count))
            for size, count, kernel, stride, before in zip(
                (height, width), out, self.kernel, self.stride, self.pads[:2], strict=True
            )
        )


@dataclass(frozen=True)
class Op:
    """Base of all operations."""

    level: ClassVar[str] = "integer"

    @property
    def called(self) -> str:
        """What it is called in names and listings."""
        return type(self).__name__

    def infer(self, *inputs: Tensor) -> Tensor:
        """The output's shape and type."""
        raise NotImplementedError


def same_channels(x: Tensor, channels: int, what: str) -> None:
    """Raises ModelError where ``x`` has another number of channels."""
    if x.shape[0] != channels:
        raise ModelError(
            f"{what} of {channels} channels on a tensor of shape {x.shape}",
            fix="the file is damaged; export the model again",
        )


def conv_shape(x: Tensor, weight: Shape, window: Window, groups: int) -> Shape:
    """Shape of a convolution's output; weights are [Cout, Cin / groups, KH, KW]."""
    if len(x.shape) != 3:
        raise ModelError(
            f"a 2-D convolution needs an image, not a tensor of shape {x.shape}",
            fix="the file is damaged; export the model again",
        )
    if weight[1] * groups != x.shape[0] or weight[0] % groups or weight[2:] != window.kernel:
        raise ModelError(
            f"convolution weights {weight} of {groups} groups do not suit an input of shape "
            f"{x.shape}",
            fix="the file is damaged; export the model again",
        )
    return (weight[0], *window.output_size(*x.shape[1:]))


def pool_shape(x: Tensor, window: Window) -> Shape:
    """Shape of a pool's output."""
    if len(x.shape) != 3:
        raise ModelError(
            f"a 2-D pool needs an image, not a tensor of shape {x.shape}",
            fix="the file is damaged; export the model again",
        )
    return (x.shape[0], *window.output_size(*x.shape[1:]))


def dense_shape(x: Tensor, weight: Shape) -> Shape:
    """Shape of a fully connected layer's output."""
    if len(x.shape) != 1 or weight[1] != x.shape[0]:
        raise ModelError(
            f"weights {weight} do not suit an input of shape {x.shape}",
            fix="the file is damaged; export the model again",
        )
    return (weight[0],)


def joined_shape(*inputs: Tensor) -> Shape:
    """The one shape of two tensors that are added."""
    shapes = {t.shape for t in inputs}
    if len(inputs) != 2 or len(shapes) != 1:
        raise ModelError(
            f"an addition needs two tensors of one shape, not {sorted(shapes)}",
            fix="the file is damaged; export the model again",
        )
    return inputs[0].shape


def by_input(values: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """Values [Cin] of a layer's input channels, to broadcast against its weights.

    Args:
        values: [Cin], one per input channel.
        weight: [Cout, Cin / groups, ...].
    """
    groups, trailing = len(values) // weight.shape[1], (1,) * (weight.ndim - 2)
    rows = values.reshape(groups, weight.shape[1])
    if groups > 1:
        rows = rows.repeat(len(weight) // groups, axis=0)
    return rows.reshape(*rows.shape, *trailing)


def same_magnitudes(weight: Weights) -> bool:
    """Whether weights [Cout, ...] are +-alpha with one alpha per output channel."""
    return all((rows == rows[:, :1]).all() for rows in _magnitudes(weight))


def only_signs(weight: NDArray[Any]) -> bool:
    """Whether weights are -1 and +1."""
    return all((rows == 1).all() for rows in _magnitudes(weight))


def _magnitudes(weight: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Magnitudes of weights [Cout, ...], as many rows at a time as a processor's cache holds."""
    flat = weight.reshape(len(weight), -1)
    count = max(1, _CACHED // max(1, flat.shape[1]))
    return (np.abs(flat[at : at + count]) for at in range(0, len(flat), count))
