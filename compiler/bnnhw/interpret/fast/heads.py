"""Layers and pools as calls of kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.fast.packed import (
    binary_start,
    binary_weights,
    class_index,
    integer_weights,
    whole_blocks,
)
from bnnhw.interpret.fast.values import image_shape
from bnnhw.ir.op_base import Window
from bnnhw.ir.ops import BinaryConv, BinaryDense, IntegerConv, IntegerDense, IntegerMaxPool
from bnnhw.ir.types import Bit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bnnhw.interpret.fast.kernels import Geometry
    from bnnhw.ir.op_base import Tensor
    from bnnhw.ir.ops import SumPool

    Layer = BinaryConv | BinaryDense | IntegerConv | IntegerDense
    Start = tuple[Any, Any, Any]

_RESULT, _BIT, _NUMBER, _TAP = 1.0, 1 / 700, 1 / 28, 1 / 20
"""About how many nanoseconds a result takes, and each of its products or comparisons."""


@dataclass(frozen=True, eq=False)
class Head:
    """How a kernel is called for a node; see ``KernelStage`` for the fields."""

    kernel: Callable[..., None]
    fixed: tuple[Any, ...]
    geometry: Geometry
    from_bits: bool
    padding: Window | None
    size: tuple[int, int, int]
    cost: float


def layer_head(kernels: ModuleType, op: Layer, tensor: Tensor) -> Head:
    """A layer; a fully connected one is a convolution whose window is the whole image.

    Args:
        kernels: the module of kernels.
        op: the layer.
        tensor: its input, an image even where the layer takes it flattened.
    """
    channels, *size = image_shape(tensor)
    conv = isinstance(op, (BinaryConv, IntegerConv))
    window = op.window if isinstance(op, (BinaryConv, IntegerConv)) else Window((size[0], size[1]))
    weight = op.weight if conv else op.weight.reshape(-1, channels, *size)
    out = window.output_size(size[0], size[1])
    results, terms = int(np.prod(out)) * len(weight), int(np.prod(weight.shape[1:]))
    binary = isinstance(op, (BinaryConv, BinaryDense))
    padding = window if any(window.pads) else None
    start: Start
    if binary and isinstance(tensor.dtype, Bit):
        bipolar = tensor.dtype.bipolar
        fill = op.fill if isinstance(op, BinaryConv) else 0
        start = binary_start(weight, window, (size[0], size[1]), bipolar=bipolar, fill=fill)
        return Head(
            kernels.layer,
            (binary_weights(weight, kernels.WORD_BLOCK), 2 if bipolar else 1),
            _geometry(kernels, window, start, kernels.WORD_BLOCK),
            True,
            padding,
            (len(weight), *out),
            results * (_RESULT + terms * _BIT),
        )
    start = (np.zeros((1, 1, len(weight)), np.int32), *_one_class(out))
    if isinstance(op, IntegerConv):
        classes = (class_index(op.row_class, out[0]), class_index(op.column_class, out[1]))
        start = (op.offset.astype(np.int32), *classes)
    elif isinstance(op, IntegerDense):
        start = (op.offset.astype(np.int32).reshape(1, 1, -1), *start[1:])
    return Head(
        kernels.layer,
        (integer_weights(weight, kernels.NUMBER_BLOCK), 1),
        _geometry(kernels, window, start, kernels.NUMBER_BLOCK),
        False,
        padding,
        (len(weight), *out),
        results * (_RESULT + terms * _NUMBER),
    )


def pool_head(kernels: ModuleType, op: IntegerMaxPool | SumPool, tensor: Tensor) -> Head:
    """A pool of integers."""
    channels, height, width = image_shape(tensor)
    out = op.window.output_size(height, width)
    largest = isinstance(op, IntegerMaxPool)
    first = np.iinfo(np.int32).min if largest else 0
    start = (np.full((1, 1, channels), first, np.int32), *_one_class(out))
    taps = int(np.prod(op.window.kernel))
    return Head(
        kernels.pool,
        (op.window.kernel, largest),
        _geometry(kernels, op.window, start, 1),
        False,
        None,
        (channels, *out),
        channels * out[0] * out[1] * (_RESULT + taps * _TAP),
    )


def identity_head(kernels: ModuleType, tensor: Tensor) -> Head:
    """The tensor as it is: a pool of one tap."""
    return pool_head(kernels, IntegerMaxPool(Window((1, 1))), tensor)


def _geometry(kernels: ModuleType, window: Window, start: Start, block: int) -> Geometry:
    top, left, _, _ = window.pads
    values, *classes = start
    whole = whole_blocks(values, block)
    return kernels.Geometry(*window.stride, top, left, whole, *classes, values.shape[2])


def _one_class(size: tuple[int, int]) -> tuple[Any, Any]:
    return class_index((), size[0]), class_index((), size[1])
