"""Stages that put channels side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.stages.stage import PlainStage, element_bits
from bnnhw.hardware.stages.windows import window_unit
from bnnhw.hardware.units.streams import CONCAT
from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.types import Bit, Integer


@dataclass(frozen=True, eq=False)
class Concatenate(PlainStage):
    """The channels of two streams, one after the other.

    Attributes:
        second: channels of the second input; ``image`` is that of the first.
    """

    second: int

    @property
    def features(self) -> int:
        """Channels of both."""
        return self.channels + self.second

    @property
    def lane_channels(self) -> int:
        """A beat holds channels of one input only."""
        return math.gcd(self.channels, self.second)

    def gives(self) -> Integer | Bit:
        """What it reads."""
        return self.element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_concat``."""
        del tiles
        return CONCAT.name, {
            "ELEM_BITS": element_bits(self.element),
            "LANES": lanes,
            "FOLDS0": self.channels // lanes,
            "FOLDS1": self.second // lanes,
        }


@dataclass(frozen=True, eq=False)
class Copies(PlainStage):
    """All channels of each pixel several times, one after the other.

    Attributes:
        count: how often.
    """

    count: int

    @property
    def features(self) -> int:
        """Channels of all copies."""
        return self.channels * self.count

    def gives(self) -> Integer | Bit:
        """What it reads."""
        return self.element

    @property
    def label(self) -> str:
        """It is a window of one pixel that is played again."""
        return f"{self.count} copies"

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """A window unit whose windows are pixels: it plays each ``count`` times."""
        del tiles
        bits, pixel = element_bits(self.element), Window((1, 1))
        return window_unit(self.image, pixel, bits, simd=lanes, repeats=self.count, buffer="lut")
