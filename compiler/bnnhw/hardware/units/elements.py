"""Units that treat every element alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import (
    counter_bits,
    rom_bram36,
    rom_luts,
    rom_registers,
)
from bnnhw.hardware.units.kind import (
    BLOCK,
    BOOTH,
    DSP,
    LUTS,
    MemoryArgument,
    Twin,
    UnitKind,
    UnitTiming,
    named,
    passes_through,
)

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params


# --------------------------------------------------------------------------------------------- cost


def affine_word(p: Params) -> int:
    """Bits of a word of bnn_affine's parameters."""
    segment = p["MULTIPLIER_BITS"] + p["OFFSET_BITS"]
    return p["LANES"] * (p["SEGMENTS"] * segment + (p["SEGMENTS"] - 1) * (p["IN_BITS"] + 1))


def _addend_bits(p: Params) -> int:
    """Bits of an offset, those that all have in common included."""
    return p["OFFSET_BITS"] + p.get("OFFSET_SHIFT", 0)


def affine_in_dsp(p: Params) -> bool:
    """Whether bnn_affine multiplies in DSP blocks, of 25 by 18 bits, adding 48."""
    factors = sorted((p["MULTIPLIER_BITS"], p["IN_BITS"] + 1 - p["IN_SIGNED"]))
    fits = 0 < factors[0] <= 18 and factors[1] <= 25 and _addend_bits(p) < 48
    return p["MULTIPLIER_BITS"] > 0 and p["MULTIPLY_STYLE"] != BOOTH and fits


def _saturation(p: Params, *, alone: bool) -> float:
    """LUTs of a lane's saturation, from the bits that must be alike for the sum to fit.

    A result bit looks at these and at its own. Up to 6 inputs are one LUT, and where nothing in the
    unit is slower (``alone``), 7 and 8 are LUTs behind multiplexers; else the bits are compared
    first, and two results share a LUT.
    """
    factor = p["MULTIPLIER_BITS"]
    product = p["IN_BITS"] + (factor or 1 - p["IN_SIGNED"])
    kept = max(product, _addend_bits(p)) + 1 - p["SHIFT"]
    alike = kept - p["OUT_BITS"] + p["OUT_SIGNED"]
    if alike <= 1:
        return 0.0
    if alike <= 5:
        return p["OUT_BITS"]
    if alone and alike <= 7:
        return p["OUT_BITS"] * (1.8 if alike == 6 else 3.6)
    return p["OUT_BITS"] / 2 + alike / 5


def _affine_lanes(p: Params) -> list[float]:
    lanes, factor = p["LANES"], p["MULTIPLIER_BITS"]
    segment = factor + p["OFFSET_BITS"]
    two = p["SEGMENTS"] > 1
    booth = 0.0 if factor == 0 or affine_in_dsp(p) else math.ceil(factor / 2) * (p["IN_BITS"] + 2.0)
    return [
        lanes * p["IN_BITS"],
        lanes * segment if two or factor else 0.0,
        (p["SEGMENTS"] - 1.0) * lanes * (segment + p["IN_BITS"]),
        lanes * booth,
        lanes * (max(p["IN_BITS"], _addend_bits(p)) + 1.0) if factor == 0 else 0.0,
        lanes * p["OUT_BITS"],
        lanes * _saturation(p, alone=not two and not booth),
    ]


def _affine(p: Params) -> list[float]:
    word, luts = affine_word(p), p["STYLE"] != BLOCK
    return [
        *_affine_lanes(p),
        rom_luts(word, p["FOLDS"]) if luts else 0.0,
        rom_registers(word, p["FOLDS"]) if luts else 0.0,
        counter_bits(p["FOLDS"], p.get("HOLD", 1)) + 1.0,
    ]


def _stream_affine(p: Params) -> list[float]:
    return [*_affine_lanes(p), affine_word(p), counter_bits(p["HOLD"]) + 1.0]


def _add(p: Params) -> list[float]:
    bits = float(p["LANES"] * p["OUT_BITS"])
    saturates = p["OUT_BITS"] <= p["IN_BITS"]
    return [bits * saturates, bits * (not saturates), p["LANES"], 1.0]


def threshold_word(p: Params) -> int:
    """Bits of a word of bnn_threshold's thresholds."""
    return p["LANES"] * (p["IN_BITS"] + 2)


def _threshold(p: Params) -> list[float]:
    lanes, folds, width = p["LANES"], p["FOLDS"], threshold_word(p)
    return [
        lanes * p["IN_BITS"] * (folds > 1),
        lanes * p["IN_BITS"] * (folds == 1),
        lanes,
        rom_luts(width, folds),
        rom_registers(width, folds),
        counter_bits(folds, p.get("HOLD", 1)) + 1.0,
    ]


def _stream_threshold(p: Params) -> list[float]:
    lanes, bits = p["LANES"], p["IN_BITS"]
    return [lanes * bits, lanes, threshold_word(p), counter_bits(p["HOLD"]) + 1.0]


def _select(p: Params) -> list[float]:
    lanes, folds = p["LANES"], p["FOLDS"]
    width = lanes * (p["A_BITS"] + 2)
    factors = [p["A_FACTOR"], p["B_FACTOR"]]
    enlarged = sum(bool(factor & (factor - 1)) for factor in factors)
    return [
        lanes * p["A_BITS"] * (folds > 1),
        lanes * p["A_BITS"] * (folds == 1),
        lanes * p["B_BITS"],
        lanes * p["OUT_BITS"],
        lanes * p["OUT_BITS"] * enlarged,
        rom_luts(width, folds),
        rom_registers(width, folds),
        counter_bits(folds, p.get("HOLD", 1)) + 1.0,
    ]


def _table(p: Params) -> list[float]:
    width = p["LANES"] * p["OUT_BITS"]
    return [rom_luts(width, 1 << p["IN_BITS"]), width, 1.0]


def _affine_bram(p: Params) -> float:
    if p["STYLE"] != 2 or p["FOLDS"] == 1:
        return 0.0
    return rom_bram36(affine_word(p), p["FOLDS"])


def _affine_dsp(p: Params) -> int:
    return p["LANES"] if affine_in_dsp(p) else 0


# ------------------------------------------------------------------------------------------- timing


def affine_latency(p: Params) -> int:
    """Latency of bnn_affine (hw/README.md)."""
    bits = p["MULTIPLIER_BITS"]
    if bits and p["MULTIPLY_STYLE"] != 1:
        return 5
    return 3 if bits == 0 and p["SEGMENTS"] == 1 else 3 + max(1, -(-bits // 4))


def _affine_timing(p: Params, beats: int) -> UnitTiming:
    return passes_through(affine_latency(p))(p, beats)


# -------------------------------------------------------------------------------- points of the fit


def _in_bus_words(p: dict[str, int], word: int) -> dict[str, int]:
    """A point with words of whole bus words."""
    return p | {"WORD_BITS": -(-word // 64) * 64}


def _stream_affine_points() -> tuple[dict[str, int], ...]:
    points = named(
        "IN_BITS OUT_BITS LANES HOLD SHIFT MULTIPLIER_BITS OFFSET_BITS SEGMENTS MULTIPLY_STYLE",
        *((13, 10, 4, 196, 10, 12, 28, 1, DSP), (12, 10, 8, 49, 10, 11, 24, 2, DSP)),
        *((10, 10, 2, 196, 8, 10, 20, 2, DSP), (13, 9, 1, 784, 9, 12, 26, 1, DSP)),
        *((12, 10, 2, 49, 10, 11, 20, 3, DSP), (16, 16, 4, 196, 4, 0, 18, 1, DSP)),
        *((11, 9, 16, 196, 8, 10, 20, 1, DSP), (14, 12, 4, 49, 12, 14, 30, 1, DSP)),
        *((16, 14, 2, 49, 10, 0, 18, 2, DSP), (10, 9, 8, 196, 8, 12, 22, 2, DSP)),
        *((12, 12, 4, 196, 8, 11, 23, 1, BOOTH), (10, 10, 2, 49, 8, 10, 20, 2, BOOTH)),
        IN_SIGNED=1,
        OUT_SIGNED=1,
    )
    return tuple(_in_bus_words(p, affine_word(p)) for p in points)


# ------------------------------------------------------------------------------------------ records

AFFINE = UnitKind(
    "bnn_affine",
    "affine",
    _affine,
    named(
        "IN_BITS OUT_BITS LANES FOLDS SHIFT MULTIPLIER_BITS OFFSET_BITS SEGMENTS STYLE "
        "MULTIPLY_STYLE",
        *((16, 16, 1, 64, 10, 12, 28, 1, LUTS, DSP), (16, 16, 4, 16, 10, 12, 28, 1, LUTS, DSP)),
        *((16, 16, 8, 8, 12, 16, 32, 1, LUTS, DSP), (13, 12, 2, 32, 9, 12, 26, 2, LUTS, DSP)),
        *((22, 16, 1, 512, 14, 17, 36, 1, BLOCK, DSP), (16, 16, 4, 128, 12, 16, 32, 1, 2, 2)),
        *((16, 12, 8, 64, 12, 14, 30, 2, BLOCK, DSP), (16, 16, 2, 256, 12, 15, 31, 2, 2, 2)),
        *((12, 16, 4, 16, 4, 0, 18, 1, LUTS, DSP), (16, 16, 8, 8, 0, 0, 17, 1, LUTS, DSP)),
        *((12, 12, 4, 16, 8, 11, 23, 1, LUTS, BOOTH), (16, 16, 2, 32, 10, 12, 28, 2, 1, 1)),
        *((12, 12, 1, 1, 8, 12, 26, 1, LUTS, DSP), (11, 9, 16, 4, 8, 10, 20, 1, LUTS, DSP)),
        *(
            (16, 16, 4, 16, 0, 0, 17, 2, LUTS, DSP),
            (16, 12, 2, 1024, 10, 12, 28, 1, BLOCK, DSP),
        ),
        IN_SIGNED=1,
        OUT_SIGNED=1,
    )
    + named(
        "IN_BITS OUT_BITS LANES FOLDS SHIFT MULTIPLIER_BITS OFFSET_BITS OFFSET_SHIFT SEGMENTS",
        *((12, 9, 1, 256, 14, 12, 12, 9, 1), (10, 9, 4, 128, 10, 12, 13, 5, 2)),
        *((10, 9, 1, 64, 10, 12, 13, 5, 3), (10, 8, 2, 32, 9, 11, 12, 4, 3)),
        IN_SIGNED=1,
        OUT_SIGNED=1,
        STYLE=LUTS,
        MULTIPLY_STYLE=DSP,
    ),
    Twin(
        (
            *("IN_BITS", "IN_SIGNED", "OUT_BITS", "OUT_SIGNED", "LANES", "FOLDS", "HOLD"),
            *("SHIFT", "MULTIPLIER_BITS", "OFFSET_BITS", "OFFSET_SHIFT", "OFFSET_LOW"),
            *("SEGMENTS", "MULTIPLY_STYLE", "BEATS"),
        ),
        (MemoryArgument("PARAMETERS_FILE", "LANES", "STYLE"),),
    ),
    (_affine_timing,),
    bram36=_affine_bram,
    dsp=_affine_dsp,
    multiplies=True,
    style="STYLE",
    counts=("FOLDS",),
    path_ns=2.6,
)
STREAM_AFFINE = UnitKind(
    "bnn_stream_affine",
    "affine",
    _stream_affine,
    _stream_affine_points(),
    Twin(
        (
            *("IN_BITS", "IN_SIGNED", "OUT_BITS", "OUT_SIGNED", "LANES", "HOLD", "WORD_BITS"),
            *("SHIFT", "MULTIPLIER_BITS", "OFFSET_BITS", "OFFSET_SHIFT", "OFFSET_LOW"),
            *("SEGMENTS", "MULTIPLY_STYLE", "BEATS"),
        ),
        inputs=("s_axis", "p_axis"),
    ),
    (_affine_timing,),
    dsp=_affine_dsp,
    multiplies=True,
    path_ns=2.6,
)
ADD = UnitKind(
    "bnn_add",
    "add",
    _add,
    named(
        "IN_BITS OUT_BITS LANES",
        *((8, 8, 1), (12, 12, 4), (16, 16, 2), (16, 16, 8), (12, 13, 4), (10, 8, 3), (16, 16, 1)),
    ),
    Twin(("IN_BITS", "OUT_BITS", "LANES", "BEATS"), inputs=("s0_axis", "s1_axis")),
    (passes_through(1),),
    joins=True,
    path_ns=1.6,
)
THRESHOLD = UnitKind(
    "bnn_threshold",
    "threshold",
    _threshold,
    named(
        "IN_BITS IN_SIGNED LANES FOLDS",
        *((8, 0, 1, 8), (11, 1, 64, 1), (8, 0, 8, 4), (16, 1, 4, 16)),
        *((16, 1, 8, 8), (16, 1, 4, 128), (16, 1, 1, 64), (16, 1, 2, 512)),
    ),
    Twin(
        ("IN_BITS", "IN_SIGNED", "LANES", "FOLDS", "HOLD", "BEATS"),
        (MemoryArgument("THRESHOLDS_FILE", "LANES"),),
    ),
    (passes_through(2),),
    counts=("FOLDS",),
    path_ns=1.6,
)
STREAM_THRESHOLD = UnitKind(
    "bnn_stream_threshold",
    "threshold",
    _stream_threshold,
    tuple(
        _in_bus_words(p, threshold_word(p))
        for p in named(
            "IN_BITS LANES HOLD",
            *((10, 4, 196), (12, 8, 49), (9, 1, 784), (12, 2, 49), (16, 16, 196), (8, 8, 196)),
            IN_SIGNED=1,
        )
    ),
    Twin(
        ("IN_BITS", "IN_SIGNED", "LANES", "HOLD", "WORD_BITS", "BEATS"),
        inputs=("s_axis", "p_axis"),
    ),
    (passes_through(2),),
    path_ns=1.6,
)
TABLE = UnitKind(
    "bnn_table",
    "table",
    _table,
    named("OUT_BITS LANES IN_BITS", (8, 1, 8), (8, 3, 8), (1, 8, 8), (4, 4, 8)),
    Twin(("IN_BITS", "OUT_BITS", "LANES", "BEATS"), (MemoryArgument("TABLE_FILE"),)),
    (passes_through(1),),
    path_ns=1.0,
)
SELECT = UnitKind(
    "bnn_select",
    "select",
    _select,
    named(
        "A_BITS B_BITS OUT_BITS A_FACTOR B_FACTOR LANES FOLDS",
        *((8, 10, 10, 2, 1, 1, 16), (9, 11, 11, 2, 1, 4, 4), (12, 12, 12, 1, 1, 4, 8)),
        *((10, 12, 12, 2, 1, 8, 8), (11, 12, 13, 3, 2, 2, 32), (9, 11, 11, 2, 1, 16, 1)),
        *((16, 16, 16, 1, 1, 2, 64), (10, 12, 12, 2, 1, 1, 512)),
    ),
    Twin(
        (
            *("A_BITS", "B_BITS", "OUT_BITS", "A_FACTOR", "B_FACTOR", "LANES", "FOLDS", "HOLD"),
            "BEATS",
        ),
        (MemoryArgument("THRESHOLDS_FILE", "LANES"),),
        inputs=("s0_axis", "s1_axis"),
    ),
    (passes_through(2),),
    joins=True,
    counts=("FOLDS",),
    path_ns=2.2,
)
UNITS = (AFFINE, STREAM_AFFINE, ADD, THRESHOLD, STREAM_THRESHOLD, SELECT, TABLE)
