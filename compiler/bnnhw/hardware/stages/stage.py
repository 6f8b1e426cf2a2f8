"""What all stages have, and what those without weights answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnnhw.ir.types import Bit, Integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.design import Memory
    from bnnhw.ir.ops import Ints

UnitParams = tuple[str, dict[str, int]]
"""The name of a unit's kind, and its parameters."""


@dataclass(frozen=True, eq=False)
class StageBase:
    """What all stages have.

    Attributes:
        name: the graph node.
        where: the node as errors name it.
        inputs: the tensors it reads.
        output: the tensor it writes.
        image: (C, H, W) of its first input; a vector is one pixel.
        element: type of its input elements.
        later: in a loop, the names of the stages that it stands for in the passes behind the first,
            each with the tensor that it writes.
    """

    name: str
    where: str
    inputs: tuple[str, ...]
    output: str
    image: tuple[int, int, int]
    element: Integer | Bit
    later: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    @property
    def passes(self) -> int:
        """How often a frame passes it."""
        return 1 + len(self.later)

    @property
    def channels(self) -> int:
        """Input channels."""
        return self.image[0]

    @property
    def features(self) -> int:
        """Output channels."""
        return self.image[0]

    @property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self.image[1:]


class PlainStage(StageBase):
    """A stage without weights. Every kind answers the same questions."""

    @property
    def lane_channels(self) -> int:
        """What lanes must divide: the channels of which a beat may hold some."""
        return self.channels

    @property
    def beats(self) -> int:
        """Beats per frame, in or out, where a beat is as wide as it may be."""
        most = max(self.channels, self.features)
        return self.image[1] * self.image[2] * (most // self.lane_channels)

    @property
    def label(self) -> str:
        """What its unit computes, where the unit's kind leaves that open."""
        return ""

    @property
    def sparing(self) -> bool:
        """Whether each lane costs an adder or a multiplier, so that few are taken."""
        return False

    @property
    def reads_tiles(self) -> bool:
        """Whether it can read a stream that flows tile by tile."""
        return False

    @property
    def gives_tiles(self) -> bool:
        """Whether what it makes of such a stream flows tile by tile too."""
        return self.reads_tiles

    def in_lanes(self, lanes: int) -> tuple[int, ...]:
        """Elements per beat of each input at ``lanes``."""
        return (lanes,) * len(self.inputs)

    def out_lanes(self, lanes: int) -> int:
        """Elements per beat of its output at ``lanes``."""
        return lanes

    def gives(self) -> Integer | Bit:
        """Type of the elements that it gives."""
        raise NotImplementedError

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """Its unit at ``lanes`` elements per beat, on a stream of ``tiles`` or of pixels."""
        raise NotImplementedError

    def front(self, lanes: int, *, tiles: bool = False) -> UnitParams | None:
        """The window unit in front of its unit, as ``unit``; None where there is none."""
        del lanes, tiles
        return None

    def memory(self, params: Mapping[str, int]) -> Memory:
        """The image of its unit's memory, for units that have one."""
        raise NotImplementedError


def element_bits(element: Integer | Bit) -> int:
    """Bits of an element in a stream."""
    return 1 if isinstance(element, Bit) else element.bits


def signed_bits(values: Ints) -> int:
    """The least width in two's complement that holds all values."""
    return Integer.spanning(min(-1, int(values.min())), int(values.max())).bits
