"""The reference: exact integer execution of an integer graph. The only golden model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Ints,
    Op,
    SumPool,
    Tensor,
    Threshold,
    Window,
    class_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.ir.graph import Graph, Node

_FLOAT32_EXACT = 1 << 24
_CACHED_ELEMENTS = 1 << 18


def interpret(graph: Graph, x: Ints) -> Ints:
    """Integer scores [N, ...] of integer inputs [N, C, H, W] or [N, C].

    Works on as many samples at a time as keep its tensors in the cache.
    """
    largest = max(int(np.prod(tensor.shape)) for tensor in graph.tensors.values())
    step = max(1, _CACHED_ELEMENTS // largest)
    parts = [
        interpret_all(graph, x[first : first + step], lambda name: False)[graph.output]
        for first in range(0, max(1, len(x)), step)
    ]
    return np.concatenate(parts)


def interpret_all(
    graph: Graph, x: Ints, keep: Callable[[str], bool] = lambda name: True
) -> dict[str, Ints]:
    """Every tensor's values for integer inputs ``x``; those ``keep`` refuses are dropped early.

    Bits are given as their values: {-1, +1} where bipolar, {0, 1} where unipolar.
    """
    expected = graph.tensors[graph.input].shape
    if tuple(x.shape[1:]) != expected:
        raise ModelError(f"the input has shape {x.shape[1:]}, the graph takes {expected}")
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    values = {graph.input: np.asarray(x, np.int64)}
    for i, node in enumerate(graph.nodes):
        values[node.output] = execute(
            node.op,
            [values[name] for name in node.inputs],
            [graph.tensors[name] for name in node.inputs],
        )
        for name in set(node.inputs):
            if last_use[name] == i and name != graph.output and not keep(name):
                del values[name]
    return values


def execute(op: Op, inputs: list[Ints], tensors: list[Tensor]) -> Ints:
    """The values of one operation's output [N, ...]; ``tensors`` describe the inputs."""
    x, tensor = inputs[0], tensors[0]
    if isinstance(op, FixedAdd):
        return np.clip(x + inputs[1], op.dtype.low, op.dtype.high)
    if isinstance(op, BinaryConv):
        return _convolve(x, op, _reach(tensor))
    if isinstance(op, BinaryDense):
        return _matmul(x, op.weight.T, _reach(tensor))
    if isinstance(op, Threshold):
        bits = x >= op.table(tensor.shape)[None]
        if op.invert.size:
            bits ^= op.invert.reshape(1, -1, *(1,) * (x.ndim - 2))
        return np.where(bits, 1, -1 if op.bipolar else 0).astype(np.int64)
    if isinstance(op, BitMaxPool):
        sign = np.where(op.minimum, -1, 1).reshape(1, -1, 1, 1)
        return _max_pool(x * sign, op.window) * sign
    if isinstance(op, IntegerTable):
        return op.values[x - _low(tensor)]
    if isinstance(op, Flatten):
        return x.reshape(len(x), -1)
    if isinstance(op, (IntegerConv, IntegerDense)):
        return _integer_layer(op, x, tensor)
    if isinstance(op, FixedAffine):
        return _fixed_affine(op, x)
    if isinstance(op, IntegerMaxPool):
        return _max_pool(x, op.window)
    if isinstance(op, SumPool):
        return _pooled(x, op.window, 0, np.add)
    raise ModelError(f"the interpreter has no case for {type(op).__name__}")


def layer_nodes(graph: Graph) -> list[Node]:
    """The nodes that hold weights, in order."""
    kinds = (BinaryConv, BinaryDense, IntegerConv, IntegerDense)
    return [n for n in graph.nodes if isinstance(n.op, kinds)]


def _integer_layer(op: IntegerConv | IntegerDense, x: Ints, tensor: Tensor) -> Ints:
    """Sums of products plus offset; the largest product takes the place of the reach."""
    reach = _reach(tensor) * int(np.abs(op.weight).max(initial=0))
    if isinstance(op, IntegerDense):
        return _matmul(x, op.weight.T, reach) + op.offset
    acc = _convolve(x, op, reach)
    return acc + class_values(op.offset, op.row_class, op.column_class)[None]


def _fixed_affine(op: FixedAffine, x: Ints) -> Ints:
    trailing = (-1, *(1,) * (x.ndim - 2))
    multiplier, offset = (
        [segment.reshape(trailing) for segment in values] for values in (op.multiplier, op.offset)
    )
    y = x * multiplier[0] + offset[0]
    if op.knee.size:
        y = np.where(x >= op.knee.reshape(trailing), x * multiplier[1] + offset[1], y)
    half = (1 << op.shift) >> 1
    return np.clip((y + half) >> op.shift, op.dtype.low, op.dtype.high)


def _low(tensor: Tensor) -> int:
    return tensor.dtype.low  # type: ignore[union-attr]


def _reach(tensor: Tensor) -> int:
    return max(abs(_low(tensor)), abs(tensor.dtype.high))  # type: ignore[union-attr]


def _exact_float(reach: int, taps: int) -> type[np.floating[Any]]:
    """A float type that holds every sum of ``taps`` products up to ``reach``: BLAS is exact."""
    return np.float32 if reach * taps < _FLOAT32_EXACT else np.float64


def _matmul(a: Ints, b: NDArray[np.integer[Any]], reach: int) -> Ints:
    """Exact integer a @ b where no product exceeds ``reach``."""
    dtype = _exact_float(reach, a.shape[-1])
    return (a.astype(dtype) @ b.astype(dtype)).astype(np.int64)


def _convolve(x: Ints, op: BinaryConv | IntegerConv, reach: int) -> Ints:
    """Exact convolution where no product exceeds ``reach``: rows of windows times a matrix.

    Windows are gathered for as many output rows at a time as the cache holds. With channels
    innermost, a kernel's row is one run of memory.
    """
    count, channels, height, width = x.shape
    window = op.window
    (out_h, out_w), (kernel_h, kernel_w) = window.output_size(height, width), window.kernel
    features, run = op.weight.shape[0], kernel_w * channels
    dtype = _exact_float(reach, kernel_h * run)
    matrix = op.rows.astype(dtype, copy=False)
    padded = _padded(x, window, 0, dtype)
    image, row, pixel, element = padded.strides
    runs = np.lib.stride_tricks.as_strided(
        padded,
        (count, padded.shape[1], out_w, run),
        (image, row, pixel * window.stride[1], element),
        writeable=False,
    )
    result = np.empty((count, features, out_h, out_w), np.int64)
    step = max(1, _CACHED_ELEMENTS // (out_w * kernel_h * run))
    columns = np.empty((step, out_w, kernel_h, run), dtype)
    for first in range(0, out_h, step):
        rows = min(step, out_h - first)
        for n in range(count):
            for ky in range(kernel_h):
                start = first * window.stride[0] + ky
                stop = start + (rows - 1) * window.stride[0] + 1
                columns[:rows, :, ky] = runs[n, start : stop : window.stride[0]]
            acc = matrix @ columns[:rows].reshape(rows * out_w, -1).T
            result[n, :, first : first + rows] = acc.reshape(features, rows, out_w)
    return result


def _padded(x: Ints, window: Window, fill: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Images [N, C, H, W] with their padding, channels innermost."""
    top, left, bottom, right = window.pads
    count, channels, height, width = x.shape
    shape = (count, height + top + bottom, width + left + right, channels)
    padded = np.full(shape, fill, dtype) if any(window.pads) else np.empty(shape, dtype)
    padded[:, top : top + height, left : left + width] = x.transpose(0, 2, 3, 1)
    return padded


def _max_pool(x: Ints, window: Window) -> Ints:
    return _pooled(x, window, np.iinfo(np.int64).min // 2, np.maximum)


def _pooled(x: Ints, window: Window, fill: int, join: np.ufunc) -> Ints:
    """``join`` over the windows of images, tap by tap."""
    views = _windows(x, window, fill)
    taps = [views[..., ky, kx] for ky, kx in np.ndindex(*window.kernel)]
    result = taps[0].astype(np.int64)
    for tap in taps[1:]:
        join(result, tap, out=result)
    return result


def _windows(x: NDArray[Any], window: Window, fill: int) -> NDArray[Any]:
    """Sliding windows [N, C, OH, OW, KH, KW] of images [N, C, H, W], padded with ``fill``."""
    top, left, bottom, right = window.pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, axis=(2, 3))
    out_h, out_w = window.output_size(*x.shape[2:])
    return np.asarray(views[:, :, :: window.stride[0], :: window.stride[1]][:, :, :out_h, :out_w])
