"""Where memories of units lie, and the blocks that they take there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import rom_bram36, uram_blocks
from bnnhw.hardware.units.kind import BLOCK, LUTS, ULTRA

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.hardware.units.kind import Params

    Memory = Callable[[Params], tuple[int, int, int]]
    """Of a unit's parameters: the number of memories, bits of a word, and words."""

_HALF_BLOCK = 9 * 1024
"""Bits above which a memory is better in block RAM: half of a half of one."""


def first_style(bits: int) -> int:
    """The style of a memory of so many bits, before memories are packed: block RAM or LUTs."""
    return BLOCK if bits > _HALF_BLOCK else LUTS


def blocks_of(memory: Memory) -> Callable[[Params], float]:
    """BRAM36 of so many memories of one width and depth."""

    def bram36(p: Params) -> float:
        count, width, words = memory(p)
        return count * rom_bram36(width, words) if p["RAM_STYLE"] == BLOCK else 0.0

    return bram36


def ultra_of(memory: Memory) -> Callable[[Params], int]:
    """UltraRAMs of so many memories of one width and depth."""

    def uram(p: Params) -> int:
        count, width, words = memory(p)
        return count * uram_blocks(width, words) if p["RAM_STYLE"] == ULTRA else 0

    return uram
