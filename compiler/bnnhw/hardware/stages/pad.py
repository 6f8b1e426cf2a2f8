"""Images padded with their own pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.stages.stage import PlainStage, element_bits
from bnnhw.hardware.units.memories import first_style
from bnnhw.hardware.units.pads import PAD, pad_depth

if TYPE_CHECKING:
    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.types import Bit, Integer


@dataclass(frozen=True, eq=False)
class Grow(PlainStage):
    """An image grown on each side by a reflection of itself, or by the pixels of its edge.

    Attributes:
        reflects: whether it is a reflection.
        pads: top, left, bottom, right.
    """

    reflects: bool
    pads: tuple[int, int, int, int]

    @property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the padded image."""
        top, left, bottom, right = self.pads
        return self.image[1] + top + bottom, self.image[2] + left + right

    @property
    def beats(self) -> int:
        """Beats per frame where a beat is a whole pixel: those of the padded image."""
        return self.out_size[0] * self.out_size[1]

    @property
    def label(self) -> str:
        """What it does, and on which sides."""
        sides = [str(n) for n in self.pads]
        amounts = sides[0] if len({*sides}) == 1 else ", ".join(sides)
        return f"{'reflects' if self.reflects else 'repeats the edge'}, {amounts}"

    @property
    def reads_tiles(self) -> bool:
        """Each tile is to its unit an image of few channels."""
        return True

    def gives(self) -> Integer | Bit:
        """What it reads."""
        return self.element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_pad``; its rows lie in block RAM where they would fill half a block."""
        top, left, bottom, right = self.pads
        params = {
            "ELEM_BITS": element_bits(self.element),
            "CHANNELS": lanes if tiles else self.channels,
            "HEIGHT": self.image[1],
            "WIDTH": self.image[2],
            "PAD_TOP": top,
            "PAD_BOTTOM": bottom,
            "PAD_LEFT": left,
            "PAD_RIGHT": right,
            "REFLECT": int(self.reflects),
            "LANES": lanes,
        }
        depth = pad_depth(params)
        kept = depth * lanes * params["ELEM_BITS"]
        return PAD.name, params | {
            "DEPTH": depth,
            "RAM_STYLE": first_style(kept),
        }
