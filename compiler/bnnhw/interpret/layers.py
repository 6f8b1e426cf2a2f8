"""Layers and pools of the interpreter: exact, on integers of any width, channels innermost.

Images have the shape [N, C, H, W], but lie in memory as [N, H, W, C]: a kernel's row is then one
run of memory, and so is a pixel of a layer's results.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike

    from bnnhw.ir.exact_matrix import ExactMatrix
    from bnnhw.ir.op_base import Window

Image = NDArray[Any]

_CACHED_ELEMENTS = 1 << 19


def channels_last(x: Image) -> Image:
    """Images [N, C, H, W] as an array [N, H, W, C] without gaps; a copy only where need be."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def channels_first(x: Image) -> Image:
    """A view [N, C, H, W] of an array [N, H, W, C]."""
    return x.transpose(0, 3, 1, 2)


def multiply(x: Image, matrix: ExactMatrix, reach: int, dtype: DTypeLike) -> Image:
    """Vectors [N, outputs] of ``dtype`` of vectors [N, terms] up to ``reach``."""
    result = np.empty((len(x), matrix.shape[0]), dtype)
    matrix.times(x.astype(matrix.dtype(reach)), reach, result)
    return result


def convolve(
    x: Image, matrices: Sequence[ExactMatrix], window: Window, reach: int, dtype: DTypeLike
) -> Image:
    """Convolution with zero padding of images of integers up to ``reach``.

    Args:
        x: [N, C, H, W].
        matrices: the weights of each group, [Cout / groups, KH * KW * C / groups], channels
            innermost.
        window: kernel, stride, padding.
        reach: see above.
        dtype: of the result; holds all sums.
    """
    out_h, out_w = window.output_size(*x.shape[2:])
    outputs = matrices[0].shape[0]
    result = np.empty((len(x), out_h, out_w, outputs * len(matrices)), dtype)
    channels = x.shape[1] // len(matrices)
    for group, matrix in enumerate(matrices):
        own = x[:, group * channels : (group + 1) * channels]
        image = padded(own, window, 0, matrix.dtype(reach))
        into = result[..., group * outputs : (group + 1) * outputs]
        if len(matrices) == 1:
            _convolve(image, matrix, window, reach, into)
        else:  # products go to memory without gaps
            part = np.empty(into.shape, dtype)
            _convolve(image, matrix, window, reach, part)
            into[...] = part
    return channels_first(result)


def _convolve(image: Image, matrix: ExactMatrix, window: Window, reach: int, result: Image) -> None:
    """Convolves padded images [N, H, W, C] into ``result`` [N, OH, OW, outputs].

    The windows of as many output rows at a time as the cache holds are gathered as rows of a
    matrix; small images several at a time.
    """
    _, out_h, out_w, outputs = result.shape
    terms = matrix.shape[1]
    views = _kernel_rows(image, window, (out_h, out_w))
    rows = min(out_h, max(1, _CACHED_ELEMENTS // (out_w * terms)))
    images = max(1, _CACHED_ELEMENTS // (out_h * out_w * terms)) if rows == out_h else 1

    for first, row in product(range(0, len(result), images), range(0, out_h, rows)):
        part = views[first : first + images, row : row + rows]
        columns = np.ascontiguousarray(part).reshape(-1, terms)
        into = result[first : first + images, row : row + rows]
        matrix.times(columns, reach, into.reshape(-1, outputs))


def max_pool(x: Image, window: Window) -> Image:
    """Maximum over windows of images; padded positions count for nothing."""
    return pooled(x, window, np.iinfo(x.dtype).min, np.maximum, x.dtype)


def sum_pool(x: Image, window: Window, dtype: DTypeLike) -> Image:
    """Sums over windows of images, in a type that holds them."""
    return pooled(x, window, 0, np.add, dtype)


def pooled(x: Image, window: Window, fill: int, join: np.ufunc, dtype: DTypeLike) -> Image:
    """``join`` over windows of images; ``fill`` pads them. Goes tap by tap, along rows first."""
    image = padded(x, window, fill, dtype)
    out_h, out_w = window.output_size(*x.shape[2:])
    (step_y, step_x), (kernel_h, kernel_w) = window.stride, window.kernel
    rows = image[:, : (out_h - 1) * step_y + kernel_h]
    across = _joined(rows, 2, (kernel_w, step_x, out_w), join)
    return channels_first(_joined(across, 1, (kernel_h, step_y, out_h), join))


def _joined(x: Image, axis: int, taps: tuple[int, int, int], join: np.ufunc) -> Image:
    """``join`` of ``kernel`` neighbours on ``axis``, at ``count`` places ``stride`` apart."""
    kernel, stride, count = taps
    span = (count - 1) * stride + 1
    turned = x.swapaxes(0, axis)
    result = turned[:span:stride].copy()
    for tap in range(1, kernel):
        join(result, turned[tap : tap + span : stride], out=result)
    return result.swapaxes(0, axis)


def padded(x: Image, window: Window, fill: int, dtype: DTypeLike) -> Image:
    """Images [N, C, H, W] with their padding as [N, H, W, C]."""
    top, left, bottom, right = window.pads
    count, channels, height, width = x.shape
    turned = x.transpose(0, 2, 3, 1)
    if not any(window.pads):
        return np.ascontiguousarray(turned, dtype)
    shape = (count, height + top + bottom, width + left + right, channels)
    padded = np.empty(shape, dtype)
    padded[:, :top] = fill
    padded[:, top + height :] = fill
    padded[:, :, :left] = fill
    padded[:, :, left + width :] = fill
    padded[:, top : top + height, left : left + width] = turned
    return padded


def _kernel_rows(padded: Image, window: Window, size: tuple[int, int]) -> Image:
    """Views [N, OH, OW, KH, KW * C] of images with their padding."""
    image, row, pixel, element = padded.strides
    count, channels = padded.shape[0], padded.shape[3]
    return np.lib.stride_tricks.as_strided(
        padded,
        (count, *size, window.kernel[0], window.kernel[1] * channels),
        (image, row * window.stride[0], pixel * window.stride[1], row, element),
        writeable=False,
    )
