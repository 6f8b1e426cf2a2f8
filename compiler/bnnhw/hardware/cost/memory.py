"""LUTs, flip-flops and block RAM of memories and counters, as Yosys maps them to 7-series parts."""

from __future__ import annotations

import math
from functools import cache

_BRAM36_PORTS = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
# An UltraRAM has one aspect (AMD UG573).
_URAM_WORDS, _URAM_BITS = 4096, 72
# What Yosys's mapper counts for a BRAM36, and for a bit that is selected from another slice.
_BLOCK_PRICE = 257.0
_SELECTION_PRICE = 0.5
# A ROM of up to so many words takes half a LUT per bit, since two share one.
_SHARED_WORDS = 8


def address_bits(n: int) -> int:
    """Bits that number ``n`` things, at least one."""
    return max(1, (max(n, 1) - 1).bit_length())


def counter_bits(*counts: int) -> float:
    """Bits of the counters that count so far; counting to 1 needs none."""
    return float(sum((n - 1).bit_length() for n in counts))


def rom_bram36(width: int, depth: int) -> float:
    """BRAM36 that Yosys maps a ROM of ``depth`` words of ``width`` bits to.

    Every aspect of a simple dual-port block is tried, as whole blocks and as 18-kbit halves of
    half the depth; the mapper tiles words with one aspect.
    """
    return _tiling(width, depth)[0]


def rom_slices(width: int, depth: int) -> int:
    """Blocks that such a ROM has above one another; LUTs select among them."""
    return _tiling(width, depth)[1]


def uram_blocks(width: int, depth: int) -> int:
    """UltraRAMs that a memory of ``depth`` words of ``width`` bits takes."""
    return math.ceil(width / _URAM_BITS) * uram_slices(depth)


def uram_slices(depth: int) -> int:
    """UltraRAMs above one another."""
    return math.ceil(depth / _URAM_WORDS)


def uram_selection_luts(width: int, depth: int) -> float:
    """LUTs that select among UltraRAMs above one another; in Vivado their cascade may do so."""
    slices = uram_slices(depth)
    return 0.0 if slices == 1 else width * max(1.0, multiplexer_luts(slices))


@cache
def _tiling(width: int, depth: int) -> tuple[float, int]:
    """BRAM36 and slices of the aspect that the mapper takes: the cheapest at its own prices."""
    found = []
    for rows, columns in _BRAM36_PORTS:
        # An 18-kbit half is as wide and half as deep from 36 bits on downwards.
        half_columns = columns // 2 if rows == 512 else columns
        half_rows = rows if rows == 512 else rows // 2
        for share, high, wide in ((1.0, rows, columns), (0.5, half_rows, half_columns)):
            slices = math.ceil(depth / high)
            blocks = share * math.ceil(width / wide) * slices
            price = _BLOCK_PRICE * blocks + _SELECTION_PRICE * width * (slices - 1)
            found.append((price, blocks, slices))
    return min(found)[1:]


def rom_luts(width: int, depth: int) -> float:
    """LUTs of a ROM in logic: one bit of 64 words fits one LUT; a handful of words shares one."""
    if depth <= 1:
        return 0.0
    if depth <= _SHARED_WORDS:
        return 0.5 * min(width, 1 << depth)
    if depth <= 16:
        return float(width)
    return width * math.ceil(depth / 64) * (1.0 if depth <= 256 else 1.3)


def rom_registers(width: int, depth: int) -> float:
    """Flip-flops at the output of a ROM in logic: bits that are alike in all words share one."""
    return float(min(width, 1 << depth)) if depth > 1 else 0.0


def ram_luts(width: int, depth: int) -> float:
    """LUTs of a simple dual-port LUTRAM, without the selection among its parts."""
    return _ram(width, depth)[0]


def selection_luts(width: int, depth: int) -> float:
    """LUTs that select among the parts of a LUTRAM: up to 4 are one LUT per bit."""
    parts = _ram(width, depth)[1]
    if parts == 1:
        return 0.0
    return width * (1.0 if parts <= 4 else 0.56 * parts)


def multiplexer_luts(ways: int) -> float:
    """LUTs that choose one bit of so many: up to 4 are one LUT, 2 share one with two others."""
    return 0.0 if ways == 1 else 0.5 if ways == 2 else 1.0 if ways <= 4 else 0.5 * ways


def fifo_words(depth: int, pack: int) -> int:
    """Words in the memory of a FIFO without a tail, ``pack`` beats each.

    Of the beats, the read register holds one, and where words are packed the output another. A
    group is begun in a word that no beat is left in.
    """
    return max(1, depth - 1) if pack == 1 else -(-(depth - 3) // pack) + 1


def fifo_beats(words: int, pack: int) -> int:
    """The most beats of a FIFO without a tail whose memory has so many words."""
    return words + 1 if pack == 1 else (words - 1) * pack + 3


@cache
def _ram(width: int, depth: int) -> tuple[float, int]:
    """LUTs and parts of a LUTRAM: 4 LUTs hold 64 words of 3 bits or 32 words of 6.

    Yosys takes the geometry whose LUTs and selected bits, four of which count as one, are fewer.
    """
    if depth <= 1 or width == 0:
        return 0.0, 1
    ways = []
    for words, columns in ((64, 3), (32, 6)):
        parts = math.ceil(depth / words)
        luts = 4.0 * math.ceil(width / columns) * parts
        ways.append((luts + width * (parts - 1) / 4, luts, parts))
    _, luts, parts = min(ways)
    return luts, parts
