"""The unit that pads images with their own pixels."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
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
    repeated,
)
from bnnhw.hardware.units.memories import blocks_of, ultra_of

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Index, Params

_SIDES = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")


def ready_depth(p: Params) -> int:
    """Beats that bnn_pad must hold so that it never waits where its input is always there.

    While the last row of an image goes out, the rows that its bottom reflects are there still, and
    the next image has come as far as its first pixel out.
    """
    folds = p["CHANNELS"] // p["LANES"]
    top, bottom, left, _ = (p["REFLECT"] * p[side] for side in _SIDES)
    return max(2, (bottom + 1 + top) * p["WIDTH"] * folds + left * folds + 1)


def pad_depth(p: Params) -> int:
    """Beats that it holds so that it neither waits nor keeps others waiting at an even pace.

    Input may come evenly through the time that the padded image takes, and goes on to come while
    padding goes out.
    """
    folds = p["CHANNELS"] // p["LANES"]
    sides = tuple(p[side] for side in _SIDES)
    pixels = _kept_at_even_pace(p["HEIGHT"], p["WIDTH"], sides, bool(p["REFLECT"]))
    return max(ready_depth(p), pixels * folds)


@cache
def _kept_at_even_pace(height: int, width: int, sides: tuple[int, ...], reflect: bool) -> int:
    pixel, freed = _walk(height, width, sides, reflect)
    time = np.arange(len(pixel))
    came = time * (height * width / len(pixel))
    early = (pixel + 1 - came).max()  # by so much the input must be ahead
    before = np.concatenate([[0], freed[:-1]])
    return math.ceil((came + early - before).max()) + 2


def _walk(height: int, width: int, sides: tuple[int, ...], reflect: bool) -> tuple[Index, Index]:
    """The pixel of the image that each one out is, and how many are free once it is out."""
    top, bottom, left, right = sides
    rows = _positions(height, top, bottom, reflect=reflect)
    columns = _positions(width, left, right, reflect=reflect)
    pixel = rows[:, None] * width + columns
    # What is free once a row is out: the rows before the oldest that is read again.
    again = np.append(np.minimum.accumulate(rows[::-1])[::-1][1:], height)
    freed = np.empty_like(pixel)
    freed[:] = np.concatenate([[0], again[:-1]])[:, None] * width
    freed[:, -1] = again * width
    return pixel.reshape(-1), freed.reshape(-1)


def _positions(size: int, before: int, behind: int, *, reflect: bool) -> Index:
    """The row (or column) of the image that each row out is."""
    return np.pad(np.arange(size), (before, behind), mode="reflect" if reflect else "edge")


# --------------------------------------------------------------------------------------------- cost


def _memory(p: Params) -> tuple[int, int, int]:
    return 1, p["LANES"] * p["ELEM_BITS"], p["DEPTH"]


def _pad(p: Params) -> list[float]:
    (_, width, words), luts = _memory(p), in_luts(p)
    folds, (top, bottom, left, right) = p["CHANNELS"] // p["LANES"], (p[s] for s in _SIDES)
    selected = multiplexer_luts(rom_slices(width, words)) * width
    if p["RAM_STYLE"] == ULTRA:
        selected = uram_selection_luts(width, words)
    rows, columns = p["HEIGHT"] + top + bottom, p["WIDTH"] + left + right
    return [
        width if luts else 0.0,
        ram_luts(width, words) if luts else 0.0,
        selection_luts(width, words) if luts else selected,
        address_bits(words),
        address_bits(words + p["HEIGHT"] * p["WIDTH"] * folds),
        counter_bits(folds, rows, columns),
        1.0,
    ]


def _points() -> tuple[dict[str, int], ...]:
    rows = []
    for bits, channels, lanes, size, pads, reflect, style in (
        (8, 3, 3, (32, 32), (1, 1, 1, 1), 1, LUTS), (8, 3, 1, (32, 32), (3, 3, 3, 3), 1, BLOCK),
        (1, 64, 64, (30, 30), (1, 1, 1, 1), 1, LUTS), (1, 64, 16, (14, 14), (1, 1, 1, 1), 0, LUTS),
        (1, 128, 32, (28, 28), (0, 1, 0, 1), 0, LUTS),
        (12, 64, 4, (56, 56), (1, 1, 1, 1), 1, BLOCK), (8, 1, 1, (8, 8), (2, 2, 2, 2), 1, LUTS),
        (8, 4, 4, (128, 1), (2, 2, 0, 0), 1, LUTS),
        (8, 3, 3, (224, 224), (3, 3, 3, 3), 1, BLOCK), (16, 16, 2, (9, 7), (4, 1, 0, 3), 1, LUTS),
        (12, 8, 8, (16, 24), (1, 1, 1, 1), 0, LUTS), (1, 256, 8, (7, 7), (1, 1, 1, 1), 1, BLOCK),
        (1, 32, 32, (1, 200), (0, 0, 2, 2), 0, BLOCK),
    ):  # fmt: skip
        point = {"ELEM_BITS": bits, "CHANNELS": channels, "HEIGHT": size[0], "WIDTH": size[1]}
        point |= dict(zip(_SIDES, pads, strict=True))
        point |= {"REFLECT": reflect, "LANES": lanes, "RAM_STYLE": style}
        rows.append(point | {"DEPTH": ready_depth(point)})
    return tuple(rows)


# ------------------------------------------------------------------------------------------- timing


def _pads(p: Params, beats: int) -> UnitTiming:
    """A pixel waits for its beats. Rows are free at the end of the row out that last reads them."""
    folds = p["CHANNELS"] // p["LANES"]
    sides = tuple(p[side] for side in _SIDES)
    pixel, free = _walk(p["HEIGHT"], p["WIDTH"], sides, bool(p["REFLECT"]))
    total = p["HEIGHT"] * p["WIDTH"] * folds
    needs = pixel[:, None] * folds + np.arange(folds)
    freed = np.empty_like(needs)
    freed[:, :-1] = np.concatenate([[0], free[:-1]])[:, None] * folds
    freed[:, -1] = free * folds
    flat = freed.reshape(-1)
    history = np.concatenate([flat - 2 * total, flat - total, flat])
    room = np.searchsorted(history, np.arange(total) - p["DEPTH"], side="right")
    # A beat is read, and frees what it does, as the one before it goes out.
    once = UnitTiming(needs.reshape(-1), room - 2 * len(flat) - 1, 2, 1)
    return repeated(once, beats // total)


# ------------------------------------------------------------------------------------------ records

PAD = UnitKind(
    "bnn_pad",
    "pad",
    _pad,
    _points(),
    Twin(
        (
            *("ELEM_BITS", "CHANNELS", "HEIGHT", "WIDTH", *_SIDES),
            *("REFLECT", "LANES", "DEPTH", "RAM_STYLE", "BEATS"),
        )
    ),
    (_pads,),
    bram36=blocks_of(_memory),
    uram=ultra_of(_memory),
    style="RAM_STYLE",
    styles=(LUTS, BLOCK, ULTRA),
    holds="rows",
    path_ns=3.5,
)
UNITS = (PAD,)
