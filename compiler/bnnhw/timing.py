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
    out_h, out_w = window.output_size(height, width)
    top, left, _, _ = window.pads

    def first(y: int, x: int) -> int:
        row = min(max(y * window.stride[0] - top, 0), height - 1)
        column = min(max(x * window.stride[1] - left, 0), width - 1)
        return row * width + column

    def last(y: int, x: int) -> int:
        row = min(max(y * window.stride[0] - top + window.kernel[0] - 1, 0), height - 1)
        column = min(max(x * window.stride[1] - left + window.kernel[1] - 1, 0), width - 1)
        return row * width + column

    reach = height * width + last(0, 0) - first(out_h - 1, out_w - 1)
    for y in range(out_h):
        if out_w > 1:
            reach = max(reach, *(last(y, x + 1) - first(y, x) for x in range(out_w - 1)))
        if y + 1 < out_h:
            reach = max(reach, last(y + 1, 0) - first(y, out_w - 1))
    window_reach = (window.kernel[0] - 1) * width + window.kernel[1]
    return max(reach + 1, window_reach)


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
