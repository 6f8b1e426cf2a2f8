"""Stages that multiply two streams, and that add up channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.stages.stage import PlainStage, element_bits
from bnnhw.hardware.units.kind import BOOTH, DSP
from bnnhw.hardware.units.products import CHANNEL_SUM, SCALE, scale_in_dsp

if TYPE_CHECKING:
    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.types import Bit, Integer


@dataclass(frozen=True, eq=False)
class AddUp(PlainStage):
    """The sum of all channels of each pixel.

    Attributes:
        out_element: type of the sums.
    """

    out_element: Integer

    @property
    def features(self) -> int:
        """One channel."""
        return 1

    @property
    def sparing(self) -> bool:
        """Each lane has an adder."""
        return True

    def out_lanes(self, lanes: int) -> int:
        """One sum at a time."""
        del lanes
        return 1

    def gives(self) -> Integer | Bit:
        """Sums."""
        return self.out_element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_channel_sum``."""
        del tiles
        return CHANNEL_SUM.name, {
            "IN_BITS": element_bits(self.element),
            "IN_SIGNED": int(self.element.low < 0),
            "OUT_BITS": self.out_element.bits,
            "LANES": lanes,
            "FOLDS": self.channels // lanes,
        }


@dataclass(frozen=True, eq=False)
class Multiply(PlainStage):
    """A stream times another: a factor per pixel, or per channel.

    Attributes:
        factor: type of the factors.
        by_pixel: whether each pixel has one factor.
        out_element: type of the products.
    """

    factor: Integer
    by_pixel: bool
    out_element: Integer

    @property
    def sparing(self) -> bool:
        """Each lane has a multiplier."""
        return True

    def gives(self) -> Integer | Bit:
        """Products."""
        return self.out_element

    def in_lanes(self, lanes: int) -> tuple[int, ...]:
        """Of factors per pixel one serves all lanes."""
        return (lanes, 1 if self.by_pixel else lanes)

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_scale``."""
        del tiles
        pixels, folds = self.image[1] * self.image[2], self.channels // lanes
        params = {
            "IN_BITS": element_bits(self.element),
            "IN_SIGNED": int(self.element.low < 0),
            "FACTOR_BITS": self.factor.bits,
            "FACTOR_SIGNED": int(self.factor.signed),
            "OUT_BITS": self.out_element.bits,
            "LANES": lanes,
            "FACTORS": self.in_lanes(lanes)[1],
            "DEPTH": 1 if self.by_pixel else folds,
            "ROUNDS": folds if self.by_pixel else pixels,
            "MULTIPLY_STYLE": DSP,
        }
        if not scale_in_dsp(params):
            params["MULTIPLY_STYLE"] = BOOTH
        return SCALE.name, params
