"""Tensors while kernels execute a graph: numbers or bits, channels innermost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.fast.packed import pack, unpack
from bnnhw.interpret.layers import channels_first
from bnnhw.ir.types import Bit, Real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bnnhw.ir.op_base import Shape, Tensor

_LARGEST = (1 << 31) - 2
"""The kernels' numbers; one less than 32 bits hold, so that a threshold may lie above all."""


def fits(tensor: Tensor) -> bool:
    """Whether the kernels' numbers hold every value of a tensor."""
    if isinstance(tensor.dtype, Real):
        return False
    return tensor.dtype.low >= -_LARGEST and tensor.dtype.high <= _LARGEST


def image_shape(tensor: Tensor) -> tuple[int, int, int]:
    """(C, H, W); vectors are images of one pixel."""
    channels, height, width = (*tensor.shape, 1, 1)[:3]
    return channels, height, width


class Values:
    """The values of a graph's tensors, in the form in which they were written or are read.

    Numbers are [N, H, W, C], of 32 bits where those hold the tensor's type, else 64. Bits are words
    [N, H, W, words]. A vector is an image of one pixel.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._numbers: dict[str, NDArray[Any]] = {}
        self._bits: dict[str, NDArray[np.uint64]] = {}

    def numbers(self, name: str) -> NDArray[Any]:
        """Values as numbers."""
        if name not in self._numbers:
            element = self._tensors[name].dtype
            ones = unpack(self._bits[name], self._tensors[name].shape[0]).astype(np.int32)
            bipolar = isinstance(element, Bit) and element.bipolar
            self._numbers[name] = 2 * ones - 1 if bipolar else ones
        return self._numbers[name]

    def bits(self, name: str) -> NDArray[np.uint64]:
        """Values of bits, as words."""
        if name not in self._bits:
            self._bits[name] = pack(self._numbers[name] > 0)
        return self._bits[name]

    def plain(self, name: str) -> NDArray[Any]:
        """Values [N, C, H, W] or [N, C], as the interpreter's other half has them."""
        numbers = self.numbers(name)
        shape = self._tensors[name].shape
        return channels_first(numbers) if len(shape) == 3 else numbers.reshape(len(numbers), *shape)

    def set_numbers(self, name: str, values: NDArray[Any]) -> None:
        """Takes numbers [N, H, W, C]."""
        self._numbers[name] = values

    def set_bits(self, name: str, words: NDArray[np.uint64]) -> None:
        """Takes bits as words [N, H, W, words]."""
        self._bits[name] = words

    def set_plain(self, name: str, values: NDArray[Any]) -> None:
        """Takes values [N, C, H, W] or [N, C]; copies them."""
        tensor = self._tensors[name]
        shape: Shape = (len(values), *image_shape(tensor))
        dtype = np.int32 if fits(tensor) else np.int64
        turned = values.reshape(shape).transpose(0, 2, 3, 1)
        self._numbers[name] = turned.astype(dtype, order="C")

    def drop(self, name: str) -> None:
        """Forgets a tensor."""
        self._numbers.pop(name, None)
        self._bits.pop(name, None)
