"""The unit that gives the windows of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.units.kind import BLOCK, LUTS, ULTRA
from bnnhw.hardware.units.windows import WINDOW, WINDOW_PARALLEL
from bnnhw.hardware.window_sizes import window_depth, window_lines

if TYPE_CHECKING:
    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.ops import Window

STYLES = {"lut": LUTS, "bram": BLOCK, "uram": ULTRA, "ddr": 0}
"""The parameter ``*_STYLE`` of the places where a memory may lie."""


def window_unit(
    image: tuple[int, int, int],
    window: Window,
    elem_bits: int,
    *,
    simd: int,
    repeats: int,
    buffer: str,
    groups: int = 1,
    channel_outer: bool = False,
) -> UnitParams:
    """Kind and parameters of the window unit: serial where SIMD divides the channels."""
    channels, height, width = image
    params = {
        "ELEM_BITS": elem_bits,
        **geometry(image, window),
        "SIMD": simd,
        "REPEATS": repeats,
        "PAD_VALUE": 0,
        "RAM_STYLE": STYLES[buffer],
    }
    if channels % simd:
        params["LINES"] = window_lines(window, height, width)
        return WINDOW_PARALLEL.name, params
    params["GROUPS"] = groups
    params["CHANNEL_OUTER"] = int(channel_outer)
    params["DEPTH"] = window_depth(window, height, width, channels // simd)
    return WINDOW.name, params


def geometry(image: tuple[int, int, int], window: Window) -> dict[str, int]:
    """The parameters that say what windows per image has."""
    channels, height, width = image
    top, left, bottom, right = window.pads
    return {
        "CHANNELS": channels,
        "HEIGHT": height,
        "WIDTH": width,
        "KERNEL_H": window.kernel[0],
        "KERNEL_W": window.kernel[1],
        "STRIDE_H": window.stride[0],
        "STRIDE_W": window.stride[1],
        "PAD_TOP": top,
        "PAD_BOTTOM": bottom,
        "PAD_LEFT": left,
        "PAD_RIGHT": right,
    }
