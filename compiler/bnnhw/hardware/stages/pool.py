"""Pools of bits and of integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.design import Memory
from bnnhw.hardware.stages.stage import PlainStage, element_bits
from bnnhw.hardware.stages.windows import geometry, window_unit
from bnnhw.hardware.units.kind import BLOCK
from bnnhw.hardware.units.memories import first_style
from bnnhw.hardware.units.pools import (
    INT_POOL,
    INT_POOL_OVERLAP,
    INT_POOL_REDUCE,
    MAX_POOL,
    POOL_REDUCE,
)
from bnnhw.hardware.window_sizes import window_depth
from bnnhw.ir.types import Bit, Integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.ops import Bools, Window

_MAXIMUM, _SUM = 0, 1


@dataclass(frozen=True, eq=False)
class Pool(PlainStage):
    """A pool: of bits (maximum, or minimum in some channels), or of integers (maximum or sum).

    Attributes:
        window: kernel, stride and padding.
        minimum: channels of bits whose minimum is taken; empty for integers.
        is_sum: whether integers are added up.
        out_element: type of the output elements.
    """

    window: Window
    minimum: Bools
    is_sum: bool
    out_element: Integer | Bit

    @property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self.window.output_size(*self.image[1:])

    @property
    def tiles_image(self) -> bool:
        """Whether windows stand side by side: stride equals kernel, and no padding."""
        return self.window.kernel == self.window.stride and not any(self.window.pads)

    @property
    def needs_window(self) -> bool:
        """Whether windows are laid out tap by tap; else results grow as pixels come."""
        if self.tiles_image:
            return False
        (top, left, bottom, right), window = self.window.pads, self.window
        pads = ((top, bottom), (left, right))
        axes = zip(self.image[1:], window.kernel, window.stride, pads, strict=True)
        return isinstance(self.element, Bit) or not all(_grows(*axis) for axis in axes)

    @property
    def beats(self) -> int:
        """Beats per frame when a beat is a whole pixel, or a whole tap of a window."""
        pixels = self.image[1] * self.image[2]
        if not self.needs_window:
            return pixels
        return max(pixels, self.out_size[0] * self.out_size[1] * self._taps)

    @property
    def sparing(self) -> bool:
        """Lanes of integers cost an adder each."""
        return isinstance(self.element, Integer)

    @property
    def reads_tiles(self) -> bool:
        """Each tile is to its unit an image of few channels."""
        return True

    @property
    def gives_tiles(self) -> bool:
        """One pixel is no tiles."""
        return self.out_size != (1, 1)

    @property
    def _taps(self) -> int:
        return self.window.kernel[0] * self.window.kernel[1]

    def gives(self) -> Integer | Bit:
        """Type of the elements that it gives."""
        return self.out_element

    def buffer(self) -> str:
        """Where its windows keep their lines: block RAM where they would fill half a block."""
        channels, height, width = self.image
        bits = window_depth(self.window, height, width, channels) * element_bits(self.element)
        return "bram" if first_style(bits) == BLOCK else "lut"

    def front(self, lanes: int, *, tiles: bool = False) -> UnitParams | None:
        """The window unit in front, where windows are laid out tap by tap."""
        if not self.needs_window:
            return None
        return window_unit(
            self._image(lanes, tiles),
            self.window,
            element_bits(self.element),
            simd=lanes,
            repeats=1,
            buffer=self.buffer(),
            channel_outer=True,
        )

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """The pool of windows side by side, of overlapping ones, or behind a window unit."""
        bits, folds = isinstance(self.element, Bit), self.channels // lanes
        if self.needs_window:
            shape = {"LANES": lanes, "FOLDS": folds, "TAPS": self._taps}
            if bits:
                pixels = self.out_size[0] * self.out_size[1]
                return POOL_REDUCE.name, shape | {"HOLD": pixels if tiles else 1}
            return INT_POOL_REDUCE.name, self._numbers() | shape
        channels, height, width = self._image(lanes, tiles)
        if not self.tiles_image:
            return self._overlapping((channels, height, width), lanes)
        shape = {
            "CHANNELS": channels,
            "LANES": lanes,
            "HEIGHT": height,
            "WIDTH": width,
            "POOL_H": self.window.kernel[0],
            "POOL_W": self.window.kernel[1],
        }
        if bits:
            return MAX_POOL.name, shape | {"TILES": folds if tiles else 1}
        if tiles and self.window.kernel == self.image[1:]:
            # The frame is then an image of one row of pixels per tile.
            pixels = height * width
            shape |= {"HEIGHT": folds, "WIDTH": pixels, "POOL_H": 1, "POOL_W": pixels}
        return INT_POOL.name, self._numbers() | shape

    def _image(self, lanes: int, tiles: bool) -> tuple[int, int, int]:
        """The image that its units see: with ``tiles`` one of ``lanes`` channels, once per tile."""
        return (lanes if tiles else self.channels, *self.image[1:])

    def _overlapping(self, image: tuple[int, int, int], lanes: int) -> UnitParams:
        open_windows = 2 if self.window.kernel[0] > self.window.stride[0] + 1 else 1
        kept = self.out_size[1] * image[0] * element_bits(self.out_element) * open_windows
        return INT_POOL_OVERLAP.name, {
            **self._numbers(),
            **geometry(image, self.window),
            "LANES": lanes,
            "RAM_STYLE": first_style(kept),
        }

    def _numbers(self) -> dict[str, int]:
        """The parameters of a pool of integers; none of a pool of bits."""
        if isinstance(self.element, Bit):
            return {}
        return {
            "OPERATION": _SUM if self.is_sum else _MAXIMUM,
            "ELEM_BITS": element_bits(self.element),
            "SIGNED": int(self.element.low < 0),
            "OUT_BITS": element_bits(self.out_element),
        }

    def memory(self, params: Mapping[str, int]) -> Memory:
        """A bit per channel: whether its minimum is taken; a word per fold or tile."""
        bits = self.minimum.astype(np.uint8).reshape(-1, params["LANES"])
        return Memory(f"{self.name}_minimum", bits)


def _grows(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> bool:
    """Whether bnn_int_pool_overlap can pool along an axis (hw/README.md).

    At most two windows are open at a position, and the last position ends one alone.
    """
    before, after = pads
    outputs = (size + before + after - kernel) // stride + 1
    alone = outputs == 1 or (outputs - 2) * stride - before + kernel < size
    return kernel <= 2 * stride and max(pads) < kernel and alone
