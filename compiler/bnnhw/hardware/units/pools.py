"""Pools of bits and of integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
    ram_luts,
    rom_luts,
    selection_luts,
)
from bnnhw.hardware.units.kind import (
    BLOCK,
    LUTS,
    ULTRA,
    MemoryArgument,
    Twin,
    UnitKind,
    UnitTiming,
    in_luts,
    named,
    repeated,
)
from bnnhw.hardware.units.memories import blocks_of, ultra_of
from bnnhw.hardware.units.windows import tap_positions
from bnnhw.hardware.window_sizes import output_size

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Index, Params


_SIZES = ("KERNEL_H", "KERNEL_W", "STRIDE_H", "STRIDE_W")
_PADS = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")

# --------------------------------------------------------------------------------------------- cost


def _max_pool(p: Params) -> list[float]:
    lanes, folds = p["LANES"], p["CHANNELS"] // p["LANES"]
    words = p["WIDTH"] // p["POOL_W"] * folds
    counters = counter_bits(p["POOL_H"], p["POOL_W"], p["HEIGHT"], p["WIDTH"], folds, words)
    memory, tiles = ram_luts(lanes, words), p.get("TILES", 1)
    rom = rom_luts(lanes, max(folds, tiles))
    return [lanes, memory, selection_luts(lanes, words), rom, counters + counter_bits(tiles), 1.0]


def _pool_reduce(p: Params) -> list[float]:
    counters = counter_bits(p["FOLDS"], p["TAPS"], p.get("HOLD", 1)) + 1.0
    return [p["LANES"], rom_luts(p["LANES"], p["FOLDS"]), counters]


def _int_pool(p: Params) -> list[float]:
    folds, columns = p["CHANNELS"] // p["LANES"], p["WIDTH"] // p["POOL_W"]
    width = p["LANES"] * p["OUT_BITS"]
    partial = folds * (columns if p["POOL_H"] > 1 else 1)
    counters = counter_bits(p["POOL_H"], p["POOL_W"], p["HEIGHT"], p["WIDTH"], folds, partial)
    return [
        width * p["OPERATION"],
        width * (1 - p["OPERATION"]),
        width * (partial == 1),
        ram_luts(width, partial),
        selection_luts(width, partial),
        counters,
        1.0,
    ]


def _overlap_memory(p: Params, axis: str) -> tuple[int, int]:
    """Bits of a word and words of one half of bnn_int_pool_overlap: ``axis`` is W or H.

    Up to two words are registers; a kernel of 1 needs none.
    """
    kernel, stride = p[f"KERNEL_{axis}"], p[f"STRIDE_{axis}"]
    windows = 2 if kernel > stride + 1 else int(kernel > 1)
    words = p["CHANNELS"] // p["LANES"] * (output_size(p)[1] if axis == "H" else 1)
    return windows * p["LANES"] * p["OUT_BITS"], words


def _int_pool_overlap(p: Params) -> list[float]:
    """Each half compares or adds once for each window that may be open, and picks one of two."""
    steps, twice, registers, memories, selections, counters = 0, 0, 0, 0.0, 0.0, 0.0
    result = p["LANES"] * p["OUT_BITS"]
    for axis in "WH":
        width, words = _overlap_memory(p, axis)
        steps += width
        twice += width > result
        counters += counter_bits(words, p["WIDTH" if axis == "W" else "HEIGHT"])
        counters += 3.0 * address_bits(words) if width and words > 2 else 0.0
        if words <= 2:
            registers += width * words
        elif axis == "W" or in_luts(p):
            memories += ram_luts(width, words)
            selections += selection_luts(width, words)
    return [
        steps * p["OPERATION"],
        steps * (1 - p["OPERATION"]),
        result,
        result * twice,
        registers,
        memories,
        selections,
        counters,
        1.0,
    ]


def _int_pool_reduce(p: Params) -> list[float]:
    width = p["LANES"] * p["OUT_BITS"]
    return [width * p["OPERATION"], width * (1 - p["OPERATION"]), counter_bits(p["TAPS"]), 1.0]


def _overlap_rows(p: Params) -> tuple[int, int, int]:
    width, words = _overlap_memory(p, "H")
    return int(words > 2), width, words


# ------------------------------------------------------------------------------------------- timing


def _frames(p: Params, beats: int) -> int:
    """Images that come per frame of the design: one, or one for each tile."""
    return beats // (p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["LANES"])


def _side_by_side(p: Params, beats: int) -> UnitTiming:
    folds = p["CHANNELS"] // p["LANES"]
    out_h, out_w = p["HEIGHT"] // p["POOL_H"], p["WIDTH"] // p["POOL_W"]
    rows = np.arange(out_h) * p["POOL_H"] + p["POOL_H"] - 1
    columns = np.arange(out_w) * p["POOL_W"] + p["POOL_W"] - 1
    pixel = rows[:, None] * p["WIDTH"] + columns[None, :]
    needs = (pixel[..., None] * folds + np.arange(folds)).reshape(-1)
    index_in = np.arange(p["HEIGHT"] * p["WIDTH"] * folds)
    frees = np.searchsorted(needs, index_in, side="left") - 1
    return repeated(UnitTiming(needs, frees, 1, 0), _frames(p, beats))


def _columns(p: Params, beats: int) -> UnitTiming:
    """First half of bnn_int_pool_overlap: each row of pixels along x."""
    _, columns = tap_positions(p)
    rows = _frames(p, beats) * p["HEIGHT"]
    return _axis(columns, p["WIDTH"], p["CHANNELS"] // p["LANES"], rows)


def _rows(p: Params, beats: int) -> UnitTiming:
    """Second half of bnn_int_pool_overlap: what rows gave, along y."""
    rows, columns = tap_positions(p)
    inner = len(columns) * p["CHANNELS"] // p["LANES"]
    return _axis(rows, p["HEIGHT"], inner, _frames(p, beats))


def _axis(taps: Index, size: int, inner: int, repeats: int) -> UnitTiming:
    """Windows [O, K] over positions of ``inner`` beats: each goes out as its last position comes.

    ``repeats`` times per frame, ``size`` positions are pooled.
    """
    ends = np.minimum(taps[:, -1], size - 1)
    position = np.arange(repeats)[:, None] * size + ends
    needs = (position[..., None] * inner + np.arange(inner)).reshape(-1)
    frees = np.searchsorted(needs, np.arange(repeats * size * inner), side="left") - 1
    return UnitTiming(needs, frees, 1, 0)


def _reduced(p: Params, beats: int) -> UnitTiming:
    beats = beats
    needs = (np.arange(beats // p["TAPS"]) + 1) * p["TAPS"] - 1
    frees = np.searchsorted(needs, np.arange(beats), side="left") - 1
    return UnitTiming(needs, frees, 1, 0)


# -------------------------------------------------------------------------------- points of the fit


def _overlap_points() -> tuple[dict[str, int], ...]:
    """Square images, kernels and strides; padding on all sides."""
    result: tuple[dict[str, int], ...] = ()
    for operation, bits, out, channels, lanes, size, kernel, stride, pad, style in (
        (0, 12, 12, 64, 1, 112, 3, 2, 1, BLOCK), (0, 12, 12, 64, 2, 112, 3, 2, 1, BLOCK),
        (0, 16, 16, 64, 4, 56, 3, 2, 1, BLOCK), (1, 12, 16, 128, 2, 28, 3, 2, 1, BLOCK),
        (0, 12, 12, 32, 8, 16, 3, 2, 1, LUTS), (1, 8, 12, 16, 4, 12, 3, 2, 1, LUTS),
        (0, 16, 16, 64, 2, 28, 4, 2, 1, BLOCK), (1, 16, 21, 32, 1, 20, 5, 3, 2, BLOCK),
        (0, 10, 10, 16, 16, 32, 3, 2, 0, LUTS), (0, 8, 8, 64, 1, 24, 2, 1, 0, LUTS),
        (0, 9, 9, 128, 16, 14, 3, 2, 1, BLOCK), (1, 12, 14, 256, 8, 8, 2, 2, 1, LUTS),
        (0, 13, 13, 48, 3, 31, 3, 2, 1, BLOCK), (0, 12, 12, 8, 4, 10, 5, 3, 2, LUTS),
        (0, 12, 12, 64, 1, 112, 3, 2, 1, LUTS), (0, 12, 12, 64, 4, 56, 3, 2, 1, LUTS),
    ):  # fmt: skip
        names = "OPERATION ELEM_BITS OUT_BITS CHANNELS LANES HEIGHT WIDTH RAM_STYLE"
        row = (operation, bits, out, channels, lanes, size, size, style)
        shape = {f"{name}_{axis}": value for axis in "HW"
                 for name, value in (("KERNEL", kernel), ("STRIDE", stride))}  # fmt: skip
        pads = dict.fromkeys(_PADS, pad)
        result += named(names, row, SIGNED=1, **shape, **pads)
    return result


# ------------------------------------------------------------------------------------------ records

_NUMBERS = ("OPERATION", "ELEM_BITS", "SIGNED", "OUT_BITS")
_TILED = ("CHANNELS", "LANES", "HEIGHT", "WIDTH", "POOL_H", "POOL_W")
_MINIMUM = (MemoryArgument("MIN_FILE"),)

MAX_POOL = UnitKind(
    "bnn_max_pool",
    "max pool",
    _max_pool,
    named(
        "CHANNELS LANES HEIGHT WIDTH",
        *((64, 64, 28, 28), (64, 16, 28, 28), (64, 8, 28, 28), (128, 16, 10, 10)),
        (32, 4, 8, 8),
        POOL_H=2,
        POOL_W=2,
    ),
    Twin((*_TILED, "TILES", "BEATS"), _MINIMUM),
    (_side_by_side,),
    path_ns=1.8,
)
POOL_REDUCE = UnitKind(
    "bnn_pool_reduce",
    "pool reduce",
    _pool_reduce,
    named("LANES FOLDS", (64, 1), (16, 4), (8, 16), TAPS=9),
    Twin(("LANES", "FOLDS", "TAPS", "HOLD", "BEATS"), _MINIMUM),
    (_reduced,),
    path_ns=1.7,
)
INT_POOL = UnitKind(
    "bnn_int_pool",
    "int pool",
    _int_pool,
    named(
        "OPERATION ELEM_BITS OUT_BITS CHANNELS LANES HEIGHT WIDTH POOL_H POOL_W",
        *((0, 8, 8, 64, 4, 16, 16, 2, 2), (0, 12, 12, 32, 2, 8, 8, 2, 2)),
        *((1, 12, 14, 64, 4, 56, 56, 2, 2), (1, 16, 22, 512, 1, 7, 7, 7, 7)),
        *((1, 16, 22, 512, 8, 7, 7, 7, 7), (1, 12, 18, 256, 4, 8, 8, 8, 8)),
        *((1, 16, 22, 4, 4, 128, 49, 1, 49), (1, 12, 16, 8, 8, 64, 16, 1, 16)),
        *((0, 16, 16, 128, 16, 14, 14, 2, 2), (1, 9, 13, 64, 1, 4, 4, 4, 4)),
        SIGNED=1,
    ),
    Twin((*_NUMBERS, *_TILED, "BEATS")),
    (_side_by_side,),
    rows=lambda p: p["HEIGHT"] // p["POOL_H"] if p["WIDTH"] > p["POOL_W"] else 0,
    path_ns=3.7,
)
INT_POOL_OVERLAP = UnitKind(
    "bnn_int_pool_overlap",
    "int pool overlap",
    _int_pool_overlap,
    _overlap_points(),
    Twin((*_NUMBERS, *_TILED[:4], *_SIZES, *_PADS, "RAM_STYLE", "BEATS")),
    (_columns, _rows),
    bram36=blocks_of(_overlap_rows),
    uram=ultra_of(_overlap_rows),
    style="RAM_STYLE",
    styles=(LUTS, BLOCK, ULTRA),
    rows=lambda p: output_size(p)[0],
    overlaps=True,
    path_ns=3.5,
)
INT_POOL_REDUCE = UnitKind(
    "bnn_int_pool_reduce",
    "int pool reduce",
    _int_pool_reduce,
    named(
        "OPERATION ELEM_BITS SIGNED OUT_BITS LANES FOLDS TAPS",
        *((0, 8, 1, 8, 4, 16, 9), (0, 16, 1, 16, 1, 64, 9), (0, 12, 0, 12, 8, 8, 9)),
        *((0, 16, 1, 16, 16, 4, 9), (1, 12, 1, 16, 4, 8, 9), (1, 8, 0, 14, 2, 4, 49)),
    ),
    Twin((*_NUMBERS, "LANES", "FOLDS", "TAPS", "BEATS")),
    (_reduced,),
    path_ns=1.9,
)
UNITS = (MAX_POOL, POOL_REDUCE, INT_POOL, INT_POOL_OVERLAP, INT_POOL_REDUCE)
