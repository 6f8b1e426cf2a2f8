"""Units that keep, regroup or copy beats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
    fifo_words,
    multiplexer_luts,
    ram_luts,
    rom_slices,
    selection_luts,
    uram_selection_luts,
)
from bnnhw.hardware.units.kind import (
    BLOCK,
    LUTS,
    ULTRA,
    Twin,
    UnitKind,
    UnitTiming,
    in_luts,
    named,
    passes_through,
    repeated,
)
from bnnhw.hardware.units.memories import blocks_of, ultra_of

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params, Timing


# --------------------------------------------------------------------------------------------- cost


def fifo_features(p: Params) -> list[float]:
    """One queue, or one in LUTs and the main one behind it."""
    tail, pack = p.get("TAIL", 0), p.get("PACK", 1)
    main = _queue(p["WIDTH"], p["DEPTH"] - tail, pack, p["RAM_STYLE"])
    if not tail:
        return main
    return [a + b for a, b in zip(main, _queue(p["WIDTH"], tail, 1, LUTS), strict=True)]


def _queue(width: int, depth: int, pack: int, style: int) -> list[float]:
    block = style in (BLOCK, ULTRA)
    shift = pack == 1 and depth <= 32 and (not block or depth == 2)
    words, word = fifo_words(depth, pack), 0 if shift else width * pack
    wraps = words & words - 1  # at a power of two the addresses start over by themselves
    luts = 0 if block else word
    bits = address_bits(depth)
    counters = 2.0 * address_bits(words) + bits + 2.0 * counter_bits(pack)
    selected = 0.0
    if style == ULTRA:
        selected = uram_selection_luts(word, words)
    elif style == BLOCK:
        selected = multiplexer_luts(rom_slices(word, words)) * word
    return [
        width if shift and depth > 2 else 0.0,
        width if depth == 2 else 0.0,
        luts if pack == 1 else 0.0,
        ram_luts(luts, words),
        selection_luts(luts, words),
        bits if shift else counters,
        0.0 if shift or not wraps else address_bits(words),
        selected,
        width * pack if pack > 1 else 0.0,
        float(pack > 1),
        1.0,
    ]


def _converter(p: Params) -> list[float]:
    a, b = p["IN_LANES"] * p["ELEM_BITS"], p["OUT_LANES"] * p["ELEM_BITS"]
    return regroup_features(a, b)


def regroup_features(a: int, b: int) -> list[float]:
    """A width converter from ``a`` to ``b`` bits: equal, narrower, wider, or a gearbox."""
    if a == b:
        return [0.0] * 8
    if a % b == 0:
        return [a - b, b, a // b, 0.0, 0.0, 0.0, 0.0, 1.0]
    if b % a == 0:
        return [0.0, 0.0, 0.0, b, address_bits(b // a), 0.0, 0.0, 1.0]
    unit = math.gcd(a, b)
    # An input beat enters a buffer at as many places as an output beat has units.
    return [0.0, 0.0, 0.0, 0.0, 0.0, a * b / unit, a + b - unit, 1.0]


def _tile_gather(p: Params) -> list[float]:
    kept = (p["OUT_LANES"] - p["IN_LANES"]) * p["ELEM_BITS"]
    counters = counter_bits(p["PIXELS"], p["PIXELS"], p["OUT_LANES"] // p["IN_LANES"])
    pixels = p["PIXELS"]
    return [
        p["OUT_LANES"] * p["ELEM_BITS"],
        ram_luts(kept, pixels),
        selection_luts(kept, pixels),
        counters,
        1.0,
    ]


def _slots(p: Params) -> tuple[int, int]:
    """Rows and columns of bnn_transpose; one of either is a queue of at least two beats."""
    frame = p["ROWS"] * p["COLUMNS"]
    return (1, max(2, frame)) if 1 in (p["ROWS"], p["COLUMNS"]) else (p["ROWS"], p["COLUMNS"])


def _transpose(p: Params) -> list[float]:
    """Memory, and two pointers that walk in strides or, in a queue, one by one."""
    (rows, columns), width = _slots(p), p["ELEM_BITS"] * p["LANES"]
    slots, luts, ultra = rows * columns, in_luts(p), p["RAM_STYLE"] == ULTRA
    selected = multiplexer_luts(rom_slices(width, slots)) * width
    if ultra:
        selected = uram_selection_luts(width, slots)
    return [
        width if luts else 0.0,
        ram_luts(width, slots) if luts else 0.0,
        selection_luts(width, slots) if luts else 0.0,
        0.0 if luts else selected,
        float(address_bits(slots)) if rows > 1 else 0.0,
        counter_bits(slots + 1, columns + 1, columns, rows, rows),
        1.0,
    ]


def _transpose_memory(p: Params) -> tuple[int, int, int]:
    rows, columns = _slots(p)
    return 1, p["ELEM_BITS"] * p["LANES"], rows * columns


def _fifo_memory(p: Params) -> tuple[int, int, int]:
    """None of a shift register."""
    depth, pack = p["DEPTH"] - p.get("TAIL", 0), p.get("PACK", 1)
    return (0, 0, 0) if depth == 2 else (1, p["WIDTH"] * pack, fifo_words(depth, pack))


# ------------------------------------------------------------------------------------------- timing


def regroups(elements: int, lanes_in: int, lanes_out: int) -> UnitTiming:
    """A width converter or gearbox: holds the elements of one beat of its wider side."""
    index_out = np.arange(elements // lanes_out)
    index_in = np.arange(elements // lanes_in)
    needs = ((index_out + 1) * lanes_out - 1) // lanes_in
    if lanes_in == lanes_out:
        return UnitTiming(needs, index_in - 1, 1, 0)
    # A beat is taken when all that was complete without it has left or is leaving.
    frees = (index_in * lanes_in) // lanes_out - 1
    return UnitTiming(needs, frees, 1, 0)


def _converts(p: Params, beats: int) -> UnitTiming:
    return regroups(beats * p["IN_LANES"], p["IN_LANES"], p["OUT_LANES"])


def _gathers(p: Params, beats: int) -> UnitTiming:
    """All but the last of the tiles that become one wait in a memory of one tile's pixels."""
    pixels, ratio = p["PIXELS"], p["OUT_LANES"] // p["IN_LANES"]
    beats_in = beats
    wide, pixel = np.divmod(np.arange(beats_in // ratio), pixels)
    needs = ((wide + 1) * ratio - 1) * pixels + pixel
    tile, pixel = np.divmod(np.arange(beats_in), pixels)
    last = tile % ratio == ratio - 1
    frees = np.where(last, tile // ratio * pixels + pixel - 1, (tile // ratio - 1) * pixels + pixel)
    return UnitTiming(needs, frees, 1, 0)


def _concatenates(side: int) -> Timing:
    """The beats of one input in the output, where those of the other come between."""

    def timing(p: Params, beats: int) -> UnitTiming:
        own, folds = p[f"FOLDS{side}"], p["FOLDS0"] + p["FOLDS1"]
        pixel, fold = np.divmod(np.arange(beats), own)
        place = pixel * folds + fold + side * p["FOLDS0"]
        # Beats of the other input wait for this one's before them.
        needs = np.searchsorted(place, np.arange(beats // own * folds), side="right") - 1
        return UnitTiming(needs, place - 1, 1, 0)

    return timing


def _splits(side: int) -> Timing:
    """The beats of one output in the input, where those of the other come between."""

    def timing(p: Params, beats: int) -> UnitTiming:
        own, folds = p[f"FOLDS{side}"], p["FOLDS0"] + p["FOLDS1"]
        pixel, fold = np.divmod(np.arange(beats // folds * own), own)
        place = pixel * folds + fold + side * p["FOLDS0"]
        # Any beat waits for this output's before it.
        frees = np.searchsorted(place, np.arange(beats), side="left") - 1
        return UnitTiming(place, frees, 1, 0)

    return timing


def _transposes(p: Params, beats: int) -> UnitTiming:
    """A column goes out once its last row is in; each beat read makes room for one."""
    (rows, columns), frame = _slots(p), p["ROWS"] * p["COLUMNS"]
    if rows == 1:
        index = np.arange(beats)
        return UnitTiming(index, index - columns - 1, 2, 1)
    index = np.arange(frame)
    once = UnitTiming((rows - 1) * columns + index // rows, index - frame - 1, 2, 1)
    return repeated(once, beats // frame)


# -------------------------------------------------------------------------------- points of the fit


def _fifo_points() -> tuple[dict[str, int], ...]:
    fifo = ((8, 2), (64, 16), (16, 20), (64, 63), (128, 31), (64, 126))
    deep = (
        (32, 200), (12, 300), (48, 150), (11, 500), (24, 306), (40, 600), (12, 830), (12, 1500),
    )  # fmt: skip
    block = (
        (9, 500), (12, 512), (16, 900), (18, 1025), (24, 1500), (9, 2500), (72, 513), (64, 64),
        (12, 4224),
    )  # fmt: skip
    packed = (
        (12, 4224, 3, 0), (12, 3904, 3, 0), (12, 6656, 3, 0), (24, 12593, 3, 305), (18, 900, 2, 0),
        (9, 600, 4, 0), (16, 2000, 2, 0), (18, 3000, 4, 0), (6, 1000, 6, 0), (12, 2000, 6, 0),
        (8, 1200, 4, 0), (36, 1000, 2, 0), (40, 900, 2, 0), (4, 5000, 8, 0), (12, 600, 3, 84),
        (16, 1040, 2, 14), (12, 1048, 1, 24), (12, 4608, 3, 0), (24, 3000, 6, 0), (10, 2500, 7, 0),
        (5, 1800, 7, 0), (48, 3100, 3, 0), (12, 2500, 5, 0), (12, 4224, 1, 127),
        (12, 3904, 3, 832), (12, 6656, 3, 512), (24, 400, 3, 64), (12, 50000, 3, 0),
        (16, 30000, 4, 0), (24, 25000, 3, 0), (12, 12593, 3, 0),
    )  # fmt: skip
    return (
        *named("WIDTH DEPTH", *fifo, *deep, RAM_STYLE=LUTS),
        *named("WIDTH DEPTH", *block, RAM_STYLE=BLOCK),
        *named("WIDTH DEPTH PACK TAIL", *packed, RAM_STYLE=BLOCK),
    )


def _transpose_points() -> tuple[dict[str, int], ...]:
    return named(
        "ELEM_BITS LANES ROWS COLUMNS RAM_STYLE",
        *((1, 64, 49, 8, LUTS), (1, 8, 4, 16, LUTS), (1, 16, 16, 8, LUTS), (12, 4, 8, 49, LUTS)),
        *((16, 2, 25, 3, LUTS), (1, 32, 196, 4, LUTS), (8, 1, 64, 1, LUTS), (1, 64, 2, 2, LUTS)),
        *((1, 64, 196, 8, BLOCK), (12, 8, 49, 64, BLOCK), (16, 4, 32, 196, BLOCK)),
        *((1, 36, 64, 16, BLOCK), (12, 2, 1, 500, BLOCK), (12, 1, 784, 16, BLOCK)),
    )


# Of units that take or give the channels of a pixel in two parts.
_DEALT = (
    *((1, 8, 1, 1), (8, 1, 4, 4), (12, 4, 16, 4), (16, 8, 2, 6), (1, 64, 2, 2), (10, 2, 64, 32)),
)

# ------------------------------------------------------------------------------------------ records

FIFO = UnitKind(
    "bnn_fifo",
    "fifo",
    fifo_features,
    _fifo_points(),
    bram36=blocks_of(_fifo_memory),
    uram=ultra_of(_fifo_memory),
    path_ns=3.2,
)
WIDTH_CONVERTER = UnitKind(
    "bnn_width_converter",
    "converter",
    _converter,
    named(
        "ELEM_BITS IN_LANES OUT_LANES",
        *((1, 8, 64), (1, 16, 32), (1, 4, 128), (8, 1, 3), (11, 2, 4)),
        *((1, 64, 8), (1, 128, 32), (11, 10, 1)),
        *((1, 64, 48), (1, 24, 64), (1, 32, 10)),
    ),
    Twin(("ELEM_BITS", "IN_LANES", "OUT_LANES", "BEATS")),
    (_converts,),
    path_ns=1.7,
)
TILE_GATHER = UnitKind(
    "bnn_tile_gather",
    "tile gather",
    _tile_gather,
    named(
        "ELEM_BITS PIXELS IN_LANES OUT_LANES",
        *((1, 49, 4, 64), (1, 16, 8, 64), (1, 196, 4, 32), (16, 49, 1, 4), (1, 49, 16, 64)),
        *((1, 49, 1, 64), (12, 16, 2, 8)),
    ),
    Twin(("ELEM_BITS", "PIXELS", "IN_LANES", "OUT_LANES", "BEATS")),
    (_gathers,),
    path_ns=1.5,
)
CONCAT = UnitKind(
    "bnn_concat",
    "concat",
    lambda p: [p["ELEM_BITS"] * p["LANES"], address_bits(p["FOLDS0"] + p["FOLDS1"]), 1.0],
    named("ELEM_BITS LANES FOLDS0 FOLDS1", *_DEALT),
    Twin(("ELEM_BITS", "LANES", "FOLDS0", "FOLDS1", "BEATS"), inputs=("s0_axis", "s1_axis")),
    (_concatenates(0), _concatenates(1)),
    merges=True,
    path_ns=1.2,
)
FORK = UnitKind(
    "bnn_fork",
    "fork",
    lambda p: [p["WIDTH"], 1.0],
    named("WIDTH", (1,), (8,), (16,), (64,), (128,), (256,)),
    Twin(("WIDTH", "BEATS"), outputs=("m0_axis", "m1_axis")),
    (passes_through(1),),
    forks=True,
    path_ns=0.9,
)
SPLIT = UnitKind(
    "bnn_split",
    "split",
    lambda p: [p["ELEM_BITS"] * p["LANES"], address_bits(p["FOLDS0"] + p["FOLDS1"]), 1.0],
    named("ELEM_BITS LANES FOLDS0 FOLDS1", *_DEALT),
    Twin(("ELEM_BITS", "LANES", "FOLDS0", "FOLDS1", "BEATS"), outputs=("m0_axis", "m1_axis")),
    (_splits(0), _splits(1)),
    splits=True,
    path_ns=1.4,
)
TRANSPOSE = UnitKind(
    "bnn_transpose",
    "transpose",
    _transpose,
    _transpose_points(),
    Twin(("ELEM_BITS", "LANES", "ROWS", "COLUMNS", "RAM_STYLE", "BEATS")),
    (_transposes,),
    bram36=blocks_of(_transpose_memory),
    uram=ultra_of(_transpose_memory),
    styles=(LUTS, BLOCK, ULTRA),
    style="RAM_STYLE",
    holds="whole image",
    path_ns=3.3,
)
UNITS = (FIFO, WIDTH_CONVERTER, TILE_GATHER, CONCAT, FORK, SPLIT, TRANSPOSE)
