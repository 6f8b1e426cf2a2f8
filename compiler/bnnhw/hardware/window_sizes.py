"""Timing of the hardware units: buffer depths, latencies, and the token-level model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bnnhw.ir.ops import Window

    Index = NDArray[np.int64]


def output_size(params: Mapping[str, int]) -> tuple[int, int]:
    """Height and width of what a unit with windows gives, from its parameters."""
    p = params
    height = p["HEIGHT"] + p["PAD_TOP"] + p["PAD_BOTTOM"] - p["KERNEL_H"]
    width = p["WIDTH"] + p["PAD_LEFT"] + p["PAD_RIGHT"] - p["KERNEL_W"]
    return height // p["STRIDE_H"] + 1, width // p["STRIDE_W"] + 1


def window_depth(window: Window, height: int, width: int, folds: int) -> int:
    """Beats that bnn_window buffers so that it never waits for input that could have come.

    While the window at one output pixel is read, the input must be able to run ahead to the last
    pixel of the next window: the next in the row, the first of the next row, or the first of the
    next frame. The depth is the longest such reach in raster order, and at least what one window
    touches, times the beats per pixel.

    Args:
        window: kernel, stride, padding.
        height: input height.
        width: input width.
        folds: beats per pixel.
    """
    return max(2, _pixels_kept(window, height, width) * folds)


@cache
def _pixels_kept(window: Window, height: int, width: int) -> int:
    out_h, out_w = window.output_size(height, width)
    top, left, _, _ = window.pads

    rows = _ends(out_h, window.stride[0], top, window.kernel[0], height)
    columns = _ends(out_w, window.stride[1], left, window.kernel[1], width)
    (first_row, last_row), (first_column, last_column) = rows, columns
    first_end = int(first_row[-1] * width + first_column[-1])
    reach = height * width + int(last_row[0] * width + last_column[0]) - first_end
    if out_w > 1:
        ahead = (last_row - first_row).max() * width + (last_column[1:] - first_column[:-1]).max()
        reach = max(reach, int(ahead))
    if out_h > 1:
        ahead = (last_row[1:] - first_row[:-1]).max() * width + last_column[0] - first_column[-1]
        reach = max(reach, int(ahead))
    window_reach = (window.kernel[0] - 1) * width + window.kernel[1]
    # What is kept lies that far before the next frame when this one's last pixels come.
    padding = top * width + left + 1
    return max(reach + 1, window_reach, padding)


def _ends(count: int, stride: int, pad: int, kernel: int, size: int) -> tuple[Index, Index]:
    """The first and the last row (or column) inside the image of each window."""
    first = np.arange(count) * stride - pad
    return np.clip(first, 0, size - 1), np.clip(first + kernel - 1, 0, size - 1)


def window_lines(window: Window, height: int, width: int) -> int:
    """Lines that bnn_window_parallel holds so that the next rows come in while it works.

    Between passes, and between frames, the window jumps down by some rows; two of them can come in
    while a pass is read (hw/README.md, ``bnn_window_parallel``).
    """
    out_h, _ = window.output_size(height, width)
    jump = height - (out_h - 1) * window.stride[0]
    if out_h > 1:
        jump = max(jump, window.stride[0])
    return window.kernel[0] + max(0, jump - 2)
