"""Timing of the hardware units: buffer depths, latencies, and the token-level model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.ops import Window


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
    touches, times the beats a pixel.

    Args:
        window: kernel, stride, padding.
        height: input height.
        width: input width.
        folds: beats a pixel.
    """
    return max(2, _pixels_kept(window, height, width) * folds)


@cache
def _pixels_kept(window: Window, height: int, width: int) -> int:
    first_rows, last_rows = _reached(window, 0, height, width)
    first_columns, last_columns = _reached(window, 1, height, width)
    reach = height * width + (last_rows[0] - first_rows[-1]) * width
    reach += last_columns[0] - first_columns[-1]
    if len(first_columns) > 1:
        along = max(b - a for a, b in zip(first_columns[:-1], last_columns[1:], strict=True))
        reach = max(reach, max(map(int.__sub__, last_rows, first_rows)) * width + along)
    if len(first_rows) > 1:
        down = max(b - a for a, b in zip(first_rows[:-1], last_rows[1:], strict=True))
        reach = max(reach, down * width + last_columns[0] - first_columns[-1])
    window_reach = (window.kernel[0] - 1) * width + window.kernel[1]
    return max(reach + 1, window_reach)


def _reached(window: Window, axis: int, height: int, width: int) -> tuple[list[int], list[int]]:
    """The first and the last pixel on an axis that each output on it reads, inside the image."""
    size = (height, width)[axis]
    starts = [
        out * window.stride[axis] - window.pads[axis]
        for out in range(window.output_size(height, width)[axis])
    ]
    ends = [start + window.kernel[axis] - 1 for start in starts]
    first, last = ([min(max(at, 0), size - 1) for at in ats] for ats in (starts, ends))
    return first, last


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
