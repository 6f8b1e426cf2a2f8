"""How a FIFO keeps its beats: in LUTs or blocks, several to a word, the last ones in LUTs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import fifo_beats, fifo_words
from bnnhw.hardware.cost.model import Resources, unit_resources
from bnnhw.hardware.units.kind import BLOCK, LUTS, ULTRA
from bnnhw.hardware.units.streams import FIFO

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST_SHIFT_REGISTER = 32
# Beats per word that are tried: beyond 8 the choice among them costs more than the blocks it saves.
_PACKS = range(1, 9)
# Rows of a block of some width, and of its halves: a tail in LUTs may spare a row of blocks.
_ROWS = (512, 1024, 2048, 4096, 8192, 16384)
# What the search pays for a BRAM36 in LUTs, and for a flip-flop: parts have about 400 LUT and 800
# FF a BRAM36, but where FIFOs are deep, blocks run out first.
_BLOCK_PRICE = 700.0
_FF_PRICE = 0.1


@dataclass(frozen=True)
class FifoShape:
    """Where and how a ``bnn_fifo`` keeps its beats.

    Attributes:
        ram_style: 1 for LUTs, 2 for block RAM, 3 for UltraRAM.
        pack: beats in a word of the memory.
        tail: of the beats, how many are kept in LUTs before the memory.
    """

    ram_style: int = LUTS
    pack: int = 1
    tail: int = 0

    def parameters(self, width: int, depth: int) -> dict[str, int]:
        """The parameters of ``bnn_fifo`` for ``depth`` beats of ``width`` bits."""
        return {
            "WIDTH": width,
            "DEPTH": depth,
            "RAM_STYLE": self.ram_style,
            "PACK": self.pack,
            "TAIL": self.tail,
        }

    def latency(self, depth: int) -> int:
        """Cycles from a beat taken to the beat given, through an empty FIFO."""
        if self.tail:
            main = FifoShape(self.ram_style, self.pack)
            return IN_LUTS.latency(self.tail) + main.latency(depth - self.tail)
        if self.pack > 1:
            return 3
        blocks = self.ram_style in (BLOCK, ULTRA) and depth > 2
        shift = depth <= _DEEPEST_SHIFT_REGISTER and not blocks
        return 1 if shift else 2

    @property
    def free_delay(self) -> int:
        """Cycles from a beat given by a full FIFO to the beat that takes its place."""
        return 2 if self.tail else 1


#: Plain LUTs, a beat per word.
IN_LUTS = FifoShape()


@cache
def fifo_shape(width: int, depth: int) -> FifoShape:
    """The cheapest way to keep ``depth`` beats of ``width`` bits, a BRAM36 counted as 700 LUTs."""

    def price(shape: FifoShape) -> float:
        need = unit_resources(FIFO.name, shape.parameters(width, depth))
        return need.lut_packed + _BLOCK_PRICE * need.bram36 + _FF_PRICE * need.ff

    return min(_shapes(depth), key=price)


@cache
def fifo_shapes(
    width: int, depth: int, *, ultra: bool = False
) -> list[tuple[FifoShape, Resources]]:
    """The ways to keep ``depth`` beats of ``width`` bits that no other beats, with their cost.

    Args:
        width: bits of a beat.
        depth: beats.
        ultra: whether the part has UltraRAM.
    """
    shapes = [list(_shapes(depth))]
    if ultra and depth > _DEEPEST_SHIFT_REGISTER:
        shapes.append([FifoShape(ULTRA, pack) for pack in _PACKS])
    return [each for kind in shapes for each in _front(kind, width, depth)]


def _front(
    shapes: list[FifoShape], width: int, depth: int
) -> Iterator[tuple[FifoShape, Resources]]:
    """Those that take fewer LUTs the more blocks they take, from the fewest blocks on."""
    found = [(shape, unit_resources(FIFO.name, shape.parameters(width, depth))) for shape in shapes]
    least = math.inf
    for shape, need in sorted(found, key=lambda each: (*_blocks(each[1]), each[1].lut_packed)):
        if need.lut_packed < least:
            least = need.lut_packed
            yield shape, need


def _blocks(need: Resources) -> tuple[float, float]:
    return need.bram36, need.uram


def _shapes(depth: int) -> Iterator[FifoShape]:
    """The ways that are tried, plain ones first."""
    yield IN_LUTS
    if depth <= _DEEPEST_SHIFT_REGISTER:
        return
    for pack in _PACKS:
        yield FifoShape(BLOCK, pack)
        for rows in _ROWS:
            full = (fifo_words(depth, pack) - 1) // rows * rows
            tail = max(2, depth - fifo_beats(full, pack))
            if full:
                yield FifoShape(BLOCK, pack, tail)
