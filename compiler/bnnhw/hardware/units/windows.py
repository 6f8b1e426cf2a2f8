"""Units that give the windows of an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
    ram_luts,
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
    repeated,
)
from bnnhw.hardware.units.memories import blocks_of, ultra_of
from bnnhw.hardware.window_sizes import output_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.hardware.units.kind import Index, Params


_PADDED = {"PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1, "PAD_RIGHT": 1}

# --------------------------------------------------------------------------------------------- cost


def _padded(p: Params) -> float:
    return float(any(p[f"PAD_{side}"] for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")))


def _window(p: Params) -> list[float]:
    width, luts = p["SIMD"] * p["ELEM_BITS"], in_luts(p)
    folds, padded = p["CHANNELS"] // p["SIMD"], _padded(p)
    image, groups = float(p["HEIGHT"] * p["WIDTH"] > 1), p.get("GROUPS", 1)
    return [
        width if luts else 0.0,
        ram_luts(width, p["DEPTH"]) if luts else 0.0,
        selection_luts(width, p["DEPTH"]) if luts else _ultra_luts(p, width, p["DEPTH"]),
        address_bits(p["DEPTH"]),
        counter_bits(folds, p["KERNEL_W"], p["KERNEL_H"], *output_size(p), p["REPEATS"], groups),
        image,
        padded,
        width * padded,
        1.0,
    ]


def _window_parallel(p: Params) -> list[float]:
    pixel = p["CHANNELS"] * p["ELEM_BITS"]
    taps = p["KERNEL_H"] * p["KERNEL_W"] * pixel
    folds = taps // (p["SIMD"] * p["ELEM_BITS"])
    lines = p.get("LINES", p["KERNEL_H"])
    luts = lines * pixel if in_luts(p) else 0
    memory = lines * (ram_luts(pixel, p["WIDTH"]) + selection_luts(pixel, p["WIDTH"]))
    return [
        taps * (2 if folds * p["REPEATS"] > 1 else 1),  # shift window, and the one given out
        taps * (folds > 1),
        p["KERNEL_H"] * pixel * math.ceil(lines / 3),
        luts,
        memory if luts else 0.0,
        1.0,
    ]


def _frame_words(p: Params) -> int:
    """Words in each memory of bnn_frame_window."""
    return 2 * p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["SIMD"]


def _frame_window(p: Params) -> list[float]:
    width, lanes = p["SIMD"] * p["ELEM_BITS"], p["IN_LANES"] * p["ELEM_BITS"]
    memories, words = width // lanes, _frame_words(p)
    luts = in_luts(p)
    return [
        width if luts else 0.0,
        memories * ram_luts(lanes, words) if luts else 0.0,
        selection_luts(width, words) if luts else _ultra_luts(p, width, words),
        memories,
        address_bits(words),
        _padded(p),
        1.0,
    ]


def _ultra_luts(p: Params, width: int, words: int) -> float:
    """LUTs behind an UltraRAM: it has no reset to the padding's value, so that a LUT per bit does.

    Half of these LUTs share one with another, in the mean of both counts.
    """
    if p["RAM_STYLE"] != ULTRA:
        return 0.0
    return 0.75 * width * _padded(p) + uram_selection_luts(width, words)


def _window_memory(p: Params) -> tuple[int, int, int]:
    return 1, p["SIMD"] * p["ELEM_BITS"], p["DEPTH"]


def _lines_memory(p: Params) -> tuple[int, int, int]:
    return p.get("LINES", p["KERNEL_H"]), p["CHANNELS"] * p["ELEM_BITS"], p["WIDTH"]


def _frame_memory(p: Params) -> tuple[int, int, int]:
    return p["SIMD"] // p["IN_LANES"], p["IN_LANES"] * p["ELEM_BITS"], _frame_words(p)


# ------------------------------------------------------------------------------------------- timing


def _circular(p: Params, beats: int) -> UnitTiming:
    """The circular buffer of bnn_window: a tap needs its beat; a window's end frees what is old.

    Exact where windows only ever move forward in raster order; a padding of more than half the
    kernel moves them back at the end of a row, and there input may come a little later.
    """
    folds = p["CHANNELS"] // p["SIMD"]
    rows, columns = tap_positions(p)
    inside = (rows[:, :, None, None] >= 0) & (rows[:, :, None, None] < p["HEIGHT"])
    inside = inside & (columns[None, None] >= 0) & (columns[None, None] < p["WIDTH"])
    pixel = rows[:, :, None, None] * p["WIDTH"] + columns[None, None]
    beat = pixel[..., None] * folds + np.arange(folds)  # [OH, KH, OW, KW, folds]
    beat = np.where(inside[..., None], beat, -1).transpose(0, 2, 1, 3, 4)
    if p["CHANNEL_OUTER"]:
        beat = beat.transpose(0, 1, 4, 2, 3)
    pixels = beat.shape[0] * beat.shape[1]
    groups = p["GROUPS"]
    split = beat.reshape(pixels, -1, groups, folds // groups) if groups > 1 else beat
    windows = np.moveaxis(split, 2, 1) if groups > 1 else split
    windows = windows.reshape(pixels, groups, 1, -1)
    taps = windows.shape[3]
    needs = np.broadcast_to(windows, (pixels, groups, p["REPEATS"], taps))
    # The first beat still kept after each output beat: it moves on as a window ends, and beat by
    # beat where a window is one pixel.
    total = p["HEIGHT"] * p["WIDTH"] * folds
    starts = rows[:, 0][:, None] * p["WIDTH"] + columns[:, 0][None, :]
    if rows[-1, 0] >= p["HEIGHT"]:  # what its beats would be are the next frame's
        starts[-1] = starts[-1, 0]
    first = starts.reshape(-1) * folds
    keep = np.broadcast_to(first[:, None, None, None], needs.shape).copy()
    if p["KERNEL_H"] == p["KERNEL_W"] == 1 and inside.all():
        keep += taps * np.arange(groups)[:, None, None]
        keep[:, :, -1] += np.arange(1, taps + 1)
    keep[:, -1, -1, -1] = np.append(first[1:], total + first[0])
    # Input beat i has room once what is kept lies above i - DEPTH. The frame before stands ahead
    # of this one, so that frames may overlap. Room that was given may be taken at once.
    flat = keep.reshape(-1)
    history = np.maximum.accumulate(np.concatenate([flat - total, flat]))
    frees = np.searchsorted(history, np.arange(total) - p["DEPTH"], side="right") - len(flat)
    return repeated(UnitTiming(needs.reshape(-1), frees, 2, 1), beats // total)


def _columns(p: Params, beats: int) -> UnitTiming:
    """First half of bnn_window_parallel: LINES lines, read column by column."""
    del beats
    rows, columns, emits = _column_passes(p)
    width = p["WIDTH"]
    used = min(int(columns[-1, -1]) + 1, width)
    x = np.arange(len(emits))
    bottom = np.minimum(rows[:, -1], p["HEIGHT"] - 1)
    needs = np.where(x < used, bottom[:, None] * width + x, -1)
    keep = rows[:, 0][:, None] * width + np.minimum(x + 1, used)
    total = p["HEIGHT"] * width
    keep[:, -1] = np.append(rows[1:, 0], p["HEIGHT"] + rows[0, 0]) * width
    flat = keep.reshape(-1)
    history = np.concatenate([flat - total, flat])
    depth = p["LINES"] * width
    frees = np.searchsorted(history, np.arange(total) - depth, side="right") - len(flat)
    return UnitTiming(needs.reshape(-1), frees, 1, 1)


def _shift(p: Params, beats: int) -> UnitTiming:
    """Second half of bnn_window_parallel: the shift window and the register that is folded out."""
    del beats
    rows, _, emits = _column_passes(p)
    beats = p["REPEATS"] * p["KERNEL_H"] * p["KERNEL_W"] * p["CHANNELS"] // p["SIMD"]
    emitting = np.tile(emits, len(rows))
    complete = np.flatnonzero(emitting)
    needs = np.repeat(complete, beats)
    # A column is read while the one before enters the shift window, which must not hold a window
    # that is still to be taken: those complete before the column two back.
    before = np.concatenate([[0], (np.cumsum(emitting) - emitting)[:-1]])
    if beats == 1:
        return UnitTiming(needs, before - 1, 2, 0)
    return UnitTiming(needs, (before - 1) * beats - 1, 3, 0)


def _whole_frame(p: Params, beats: int) -> UnitTiming:
    """Two frames of room: reading begins when a frame is in, and frees its place at its end."""
    out_h, out_w = (len(positions) for positions in tap_positions(p))
    kernel = p["KERNEL_H"] * p["KERNEL_W"]
    beats_in = p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["IN_LANES"]
    folds = p["CHANNELS"] // p["GROUPS"] // p["SIMD"]
    beats_out = p["PASSES"] * out_h * out_w * kernel * folds
    needs, frees = np.full(beats_out, beats_in - 1), np.full(beats_in, -beats_out - 1)
    return repeated(UnitTiming(needs, frees, 2, 1), beats // beats_in)


def _column_passes(p: Params) -> tuple[Index, Index, NDArray[np.bool_]]:
    """Tap rows [OH, KH], tap columns [OW, KW], and which columns of a pass complete a window."""
    rows, columns = tap_positions(p)
    last = int(columns[-1, -1])
    length = max(last + 1, min(last + 1, p["WIDTH"]) + p["PAD_LEFT"])
    emits = np.zeros(length, bool)
    # Column x of a pass completes the window whose last tap it is, padding on the left aside.
    ends = p["KERNEL_W"] - 1 - p["PAD_LEFT"] + np.arange(len(columns)) * p["STRIDE_W"]
    emits[ends] = True
    return rows, columns, emits


def tap_positions(p: Params) -> tuple[Index, Index]:
    """Input rows [OH, KH] and columns [OW, KW] of every tap, padding included."""
    out_h, out_w = output_size(p)
    rows = np.arange(out_h)[:, None] * p["STRIDE_H"] - p["PAD_TOP"] + np.arange(p["KERNEL_H"])
    columns = np.arange(out_w)[:, None] * p["STRIDE_W"] - p["PAD_LEFT"] + np.arange(p["KERNEL_W"])
    return rows, columns


# -------------------------------------------------------------------------------- points of the fit


def _point(channels: int, size: int, kernel: int, simd: int, **other: int) -> dict[str, int]:
    """Parameters of a window generator on a square image, stride 1, no padding."""
    return {
        "ELEM_BITS": 1,
        "CHANNELS": channels,
        "HEIGHT": size,
        "WIDTH": size,
        "KERNEL_H": kernel,
        "KERNEL_W": kernel,
        "STRIDE_H": 1,
        "STRIDE_W": 1,
        "PAD_TOP": 0,
        "PAD_BOTTOM": 0,
        "PAD_LEFT": 0,
        "PAD_RIGHT": 0,
        "SIMD": simd,
        "REPEATS": 2,
        "RAM_STYLE": LUTS,
    } | other


def _window_points() -> tuple[dict[str, int], ...]:
    result = []
    for channels, size, kernel, simd, depth, style in (
        (64, 30, 3, 64, 126, LUTS), (64, 30, 3, 32, 252, LUTS), (128, 12, 3, 64, 108, LUTS),
        (256, 3, 3, 32, 120, LUTS),
        (3, 32, 3, 3, 132, LUTS),
        (512, 1, 1, 8, 128, LUTS), (512, 1, 1, 64, 16, LUTS),
        (64, 30, 3, 64, 126, BLOCK),
    ):  # fmt: skip
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "RAM_STYLE": style}
        result.append(_point(channels, size, kernel, simd, **other))
    for channels, size, simd, depth, bits, style in (
        (64, 14, 64, 62, 1, LUTS), (1, 8, 1, 30, 8, LUTS),
        (3, 32, 3, 132, 8, LUTS), (64, 56, 4, 1900, 16, BLOCK), (128, 28, 64, 118, 1, BLOCK),
    ):  # fmt: skip
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "ELEM_BITS": bits, "RAM_STYLE": style}
        result.append(_point(channels, size, 3, simd, **other, **_PADDED))
    return tuple(result)


def _parallel_points() -> tuple[dict[str, int], ...]:
    result = []
    for channels, size, simd, bits, style in (
        (3, 32, 27, 8, LUTS), (1, 8, 9, 8, LUTS), (64, 30, 576, 1, LUTS),
        (64, 14, 288, 1, BLOCK),
        (16, 12, 36, 1, LUTS),
    ):  # fmt: skip
        other = {"ELEM_BITS": bits, "RAM_STYLE": style}
        result.append(_point(channels, size, 3, simd, **other))
    for channels, simd, bits in ((64, 288, 1),):
        other = _point(channels, 14, 3, simd, ELEM_BITS=bits, **_PADDED)
        result.append(other)
    return tuple(result)


def _frame_points() -> tuple[dict[str, int], ...]:
    names = "CHANNELS HEIGHT SIMD IN_LANES RAM_STYLE KERNEL_H PASSES TILE_MAJOR"
    shapes = (
        (512, 7, 64, 64, BLOCK, 3, 32, 0), (512, 7, 128, 64, BLOCK, 3, 32, 1),
        (256, 14, 64, 32, BLOCK, 3, 16, 1), (256, 14, 32, 32, LUTS, 3, 16, 0),
        (512, 7, 512, 64, LUTS, 3, 64, 1), (512, 7, 128, 128, LUTS, 3, 32, 0),
        (256, 4, 64, 64, LUTS, 3, 32, 0), (512, 4, 256, 64, BLOCK, 3, 64, 1),
        (64, 4, 16, 4, LUTS, 3, 8, 1),
    )  # fmt: skip
    images = tuple(
        p | {"WIDTH": p["HEIGHT"], "KERNEL_W": p["KERNEL_H"], "ELEM_BITS": 1} | _PADDED
        for p in named(names, *shapes)
    )
    flat = {"HEIGHT": 1, "WIDTH": 1, "KERNEL_H": 1, "KERNEL_W": 1} | dict.fromkeys(_PADDED, 0)
    vectors = named(
        "CHANNELS SIMD IN_LANES RAM_STYLE PASSES ELEM_BITS",
        *((512, 4, 4, LUTS, 100, 16), (512, 2, 2, BLOCK, 1000, 16), (256, 8, 8, LUTS, 10, 12)),
        **flat,
    )  # fmt: skip
    return images + vectors


# ------------------------------------------------------------------------------------------ records

_WINDOWS = ("KERNEL_H", "KERNEL_W", "STRIDE_H", "STRIDE_W", *_PADDED)
_IMAGE = ("ELEM_BITS", "CHANNELS", "HEIGHT", "WIDTH", *_WINDOWS)

WINDOW = UnitKind(
    "bnn_window",
    "window",
    _window,
    _window_points(),
    Twin(
        (
            *(*_IMAGE, "SIMD", "REPEATS", "GROUPS"),
            *("CHANNEL_OUTER", "PAD_VALUE", "DEPTH", "RAM_STYLE", "OUT_BITS", "BEATS"),
        )
    ),
    (_circular,),
    bram36=blocks_of(_window_memory),
    uram=ultra_of(_window_memory),
    style="RAM_STYLE",
    styles=(LUTS, BLOCK, ULTRA),
    marks_padding=True,
    plays=True,
    holds="rows",
    path_ns=3.0,
)
WINDOW_PARALLEL = UnitKind(
    "bnn_window_parallel",
    "window",
    _window_parallel,
    _parallel_points(),
    Twin((*_IMAGE, "SIMD", "REPEATS", "PAD_VALUE", "RAM_STYLE"), timing=("LINES",)),
    (_columns, _shift),
    bram36=blocks_of(_lines_memory),
    uram=ultra_of(_lines_memory),
    style="RAM_STYLE",
    styles=(LUTS, BLOCK, ULTRA),
    ahead=lambda p: (p["KERNEL_H"] - 1) * p["WIDTH"] + p["KERNEL_W"],
    holds="rows, registers",
    path_ns=2.6,
)
FRAME_WINDOW = UnitKind(
    "bnn_frame_window",
    "frame window",
    _frame_window,
    _frame_points(),
    Twin(
        (
            *(*_IMAGE, "SIMD", "PASSES", "GROUPS", "IN_LANES", "TILE_MAJOR"),
            *("PAD_VALUE", "RAM_STYLE", "OUT_BITS", "BEATS"),
        )
    ),
    (_whole_frame,),
    bram36=blocks_of(_frame_memory),
    uram=ultra_of(_frame_memory),
    style="RAM_STYLE",
    styles=(LUTS, BLOCK, ULTRA),
    marks_padding=True,
    holds="whole image",
    path_ns=3.1,
)
UNITS = (WINDOW, WINDOW_PARALLEL, FRAME_WINDOW)
