"""PE arrays: sums of products of a window and weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    counter_bits,
    rom_bram36,
    rom_luts,
    rom_registers,
    rom_slices,
)
from bnnhw.hardware.units.kind import (
    BLOCK,
    BOOTH,
    CHAIN,
    DSP,
    LUTS,
    PAIR,
    MemoryArgument,
    Twin,
    UnitKind,
    UnitTiming,
    named,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.hardware.units.kind import Params, Timing

_BORDERS = ("BORDER_TOP", "BORDER_BOTTOM", "BORDER_LEFT", "BORDER_RIGHT")

# ------------------------------------------------------------------------------------ cost


def _border_patterns(p: Params) -> int:
    rows = p["BORDER_TOP"] + 1 + p["BORDER_BOTTOM"]
    return rows * (p["BORDER_LEFT"] + 1 + p["BORDER_RIGHT"])


def _pe_array(p: Params) -> list[float]:
    words, inits = p["TILES"] * p["FOLDS"], _border_patterns(p) * p["TILES"]
    lanes = p["PE"] * p["SIMD"]
    return [
        lanes,
        p["PE"] * max(0.0, p["SIMD"] - 32),  # wider counts are added up on carry chains
        p["PE"] * p["ACC_BITS"],
        p["PE"],
        p["SIMD"],
        *_weights(lanes, words, p["WEIGHTS_STYLE"]),
        rom_luts(p["PE"] * p["ACC_BITS"], inits),
        counter_bits(words, inits) + 1.0,
    ]


def _weights(bits: int, words: int, style: int) -> list[float]:
    """LUTs and flip-flops of the weights, a word of ``bits`` at a time.

    LUTs select among the slices of a block ROM that is deeper than its blocks.
    """
    if style == BLOCK:
        return [float(bits * (rom_slices(bits, words) - 1)) if words > 1 else 0.0, 0.0]
    return [rom_luts(bits, words), rom_registers(bits, words)]


def _int_pe_array(p: Params) -> list[float]:
    words, inits = p["TILES"] * p["FOLDS"], _border_patterns(p) * p["TILES"]
    groups, bits = math.ceil(p["SIMD"] / 3), p["IN_BITS"] + 2
    tree, terms = 0, groups
    while terms > 1:
        terms = math.ceil(terms / 2)
        bits += 1
        tree += terms * bits
    return [
        groups * (p["IN_BITS"] + 2.0),  # +-x0 +-x1 +-x2, made once
        p["PE"] * groups * (p["IN_BITS"] + 3.0),  # kept by each PE
        p["PE"] * ((p["SIMD"] + 1) // 3) * (p["IN_BITS"] + 2.0),  # that of two or three chosen
        float(p["PE"] * tree),
        p["PE"] * p["ACC_BITS"],
        *_weights(p["PE"] * p["SIMD"], words, p["WEIGHTS_STYLE"]),
        rom_luts(p["PE"] * p["ACC_BITS"], inits),
        counter_bits(words, inits) + 1.0,
    ]


def _mac(p: Params) -> list[float]:
    """Products, adder trees and accumulators of the arrays of integer weights."""
    products, style = p["PE"] * p["SIMD"], p["MULTIPLY_STYLE"]
    booth = products * math.ceil(p["WEIGHT_BITS"] / 2) * (p["IN_BITS"] + 2.0)
    chained = style == CHAIN  # DSP blocks add up two lanes
    terms = math.ceil(p["SIMD"] / 2) if chained else p["SIMD"]
    tree = p["PE"] * (terms - 1.0) * (p["IN_BITS"] + p["WEIGHT_BITS"] + 1 + chained)
    return [
        booth if style == BOOTH else 0.0,
        products * p["WEIGHT_BITS"] + p["SIMD"] * p["IN_BITS"] if style == BOOTH else 0.0,
        tree,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]) if style == PAIR else 0.0,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]) if chained else 0.0,
        p["PE"] * p["ACC_BITS"],
        p["SIMD"] * p["IN_BITS"],
    ]


def _mac_pe_array(p: Params) -> list[float]:
    words, inits = p["TILES"] * p["FOLDS"], _border_patterns(p) * p["TILES"]
    return [
        *_mac(p),
        *_weights(p["PE"] * p["SIMD"] * p["WEIGHT_BITS"], words, p["WEIGHTS_STYLE"]),
        rom_luts(p["PE"] * p["ACC_BITS"], inits),
        counter_bits(words, inits) + 1.0,
    ]


def _stream_pe_array(p: Params) -> list[float]:
    acc = p["PE"] * p["ACC_BITS"]
    counters = counter_bits(p["FOLDS"], p["TILES"], p["PIXELS"]) + 1.0
    return [p["PE"] * p["SIMD"], acc, p["PE"], p["SIMD"], rom_luts(acc, p["TILES"]), counters]


def _stream_mac_pe_array(p: Params) -> list[float]:
    counters = counter_bits(p["FOLDS"], p["TILES"], p["PIXELS"]) + 1.0
    init = rom_luts(p["PE"] * p["ACC_BITS"], p["TILES"])
    return [*_mac(p), p["PE"] * p["SIMD"] * p["WEIGHT_BITS"], init, counters]


def _weights_bram(p: Params) -> float:
    words = p["TILES"] * p["FOLDS"]
    if p["WEIGHTS_STYLE"] != 2 or words == 1:
        return 0.0
    return rom_bram36(p["PE"] * p["SIMD"] * p.get("WEIGHT_BITS", 1), words)


def _mac_dsp(p: Params) -> int:
    products = p["PE"] * p["SIMD"]
    return {1: 0, 2: products, 3: products // 2, 4: products // 2}[p["MULTIPLY_STYLE"]]


# ---------------------------------------------------------------------------------- timing


def _folded(p: Params, latency: int) -> UnitTiming:
    """A PE array: one output beat every FOLDS input beats; a blocked output stops the pipeline."""
    beats = p["OUT_H"] * p["OUT_W"] * p["TILES"]
    index_in = np.arange(beats * p["FOLDS"])
    needs = (np.arange(beats) + 1) * p["FOLDS"] - 1
    frees = (index_in - latency + 1) // p["FOLDS"] - 1
    return UnitTiming(needs, frees, latency, 0)


def _array(latency: Callable[[Params], int]) -> Timing:
    def timing(p: Params, beats: int) -> UnitTiming:
        del beats
        return _folded(p, latency(p))

    return timing


def _stream_array(latency: Callable[[Params], int]) -> Timing:
    def timing(p: Params, beats: int) -> UnitTiming:
        del beats
        return _folded({**p, "OUT_H": p["PIXELS"], "OUT_W": 1}, latency(p))

    return timing


def _popcount_latency(p: Params) -> int:
    return 3 + max(0, (p["SIMD"] - 1).bit_length() - 2) // 2


def _int_latency(p: Params) -> int:
    return 4 + (-(-p["SIMD"] // 3) - 1).bit_length()


def mac_latency(p: Params) -> int:
    """Latency of bnn_mac_pe_array (hw/README.md): the adder tree, and Booth rows in LUTs."""
    levels = (p["SIMD"] - 1).bit_length()
    return levels + (3 + -(-p["WEIGHT_BITS"] // 4) if p["MULTIPLY_STYLE"] == 1 else 5)


# ------------------------------------------------------------------------ points of the fit


def _point(pe: int, simd: int, folds: int, tiles: int, **other: int) -> dict[str, int]:
    """Parameters of a PE array; without padding unless ``other`` says so."""
    return {
        "PE": pe,
        "SIMD": simd,
        "FOLDS": folds,
        "TILES": tiles,
        "ACC_BITS": 11,
        "OUT_H": 8,
        "OUT_W": 8,
        "BORDER_TOP": 0,
        "BORDER_BOTTOM": 0,
        "BORDER_LEFT": 0,
        "BORDER_RIGHT": 0,
        "WEIGHTS_STYLE": BLOCK,
        "INIT_STYLE": LUTS,
    } | other


def _pe_points() -> tuple[dict[str, int], ...]:
    sign, score = {"ACC_SHIFT": 0, "BINARY_OUT": 1}, {"ACC_SHIFT": 1, "BINARY_OUT": 0}
    borders = dict.fromkeys(_BORDERS, 1)
    block = (
        (1, 8), (1, 32), (4, 4), (4, 16), (8, 32), (8, 64), (16, 64), (4, 128), (8, 36), (4, 144),
        (2, 288), (1, 576),
    )  # fmt: skip
    lut = (
        (8, 64, 9, 4), (16, 32, 18, 2), (8, 36, 16, 8), (4, 72, 8, 32), (16, 27, 1, 4),
        (8, 64, 1, 1), (4, 64, 36, 16),
        (8, 192, 3, 1),
    )  # fmt: skip
    real = {"ACC_SHIFT": 0, "BINARY_OUT": 0, "ACC_BITS": 12}
    return (
        *(_point(*size, 9, 8, **sign) for size in block),
        *(_point(*size, WEIGHTS_STYLE=LUTS, **sign) for size in lut),
        _point(8, 64, 9, 8, **sign, **borders),
        _point(4, 32, 18, 32, **sign, **borders),
        _point(16, 64, 9, 2, ACC_BITS=13, **sign, **borders),
        _point(1, 16, 32, 10, **score),
        _point(10, 4, 128, 1, **score),
        _point(5, 32, 16, 2, **score),
        _point(2, 64, 36, 128, **real, **borders),
        _point(2, 144, 16, 128, **real, **borders),
        _point(4, 72, 16, 32, **real, **borders),
    )


def _int_points() -> tuple[dict[str, int], ...]:
    result = []
    for pe, simd, folds, tiles, bits, style in (
        (16, 3, 9, 4, 8, LUTS), (64, 3, 9, 1, 8, LUTS), (16, 27, 1, 4, 8, LUTS),
        (4, 27, 1, 16, 8, LUTS), (32, 9, 1, 1, 8, LUTS), (2, 27, 1, 32, 8, LUTS),
        (8, 9, 3, 8, 8, LUTS), (32, 9, 3, 2, 8, LUTS), (16, 1, 9, 2, 8, LUTS),
        (8, 9, 3, 8, 4, LUTS),
        (8, 3, 9, 8, 8, BLOCK), (16, 9, 1, 2, 8, LUTS),
    ):  # fmt: skip
        other = {"ACC_BITS": 6 + bits, "IN_BITS": bits, "IN_SIGNED": 0, "WEIGHTS_STYLE": style}
        other |= {"ACC_SHIFT": 0, "BINARY_OUT": 1}
        result.append(_point(pe, simd, folds, tiles, **other))
    return tuple(result)


def _mac_points() -> tuple[dict[str, int], ...]:
    result = []
    for pe, simd, folds, tiles, bits, weight, weights, multiply in (
        (1, 1, 9, 1, 8, 8, LUTS, DSP), (4, 3, 9, 4, 8, 8, LUTS, DSP),
        (4, 3, 49, 16, 8, 8, BLOCK, PAIR), (8, 7, 21, 8, 8, 8, BLOCK, PAIR),
        (2, 7, 21, 32, 8, 8, BLOCK, PAIR), (4, 4, 16, 16, 16, 8, BLOCK, DSP),
        (1, 8, 64, 10, 16, 8, BLOCK, DSP), (4, 16, 4, 32, 12, 8, LUTS, DSP),
        (4, 3, 9, 4, 8, 8, BLOCK, BOOTH), (8, 3, 9, 8, 8, 8, LUTS, BOOTH),
        (2, 8, 16, 64, 12, 8, BLOCK, BOOTH), (4, 4, 16, 16, 16, 6, LUTS, BOOTH),
        (2, 7, 21, 32, 8, 4, BLOCK, BOOTH), (16, 3, 49, 4, 8, 8, BLOCK, DSP),
        (2, 147, 1, 32, 8, 8, LUTS, CHAIN), (2, 8, 8, 64, 8, 8, BLOCK, CHAIN),
        (4, 16, 8, 16, 8, 8, BLOCK, CHAIN), (4, 9, 3, 16, 8, 8, LUTS, CHAIN),
    ):  # fmt: skip
        other = {"IN_BITS": bits, "IN_SIGNED": int(bits > 8), "WEIGHT_BITS": weight}
        other |= {"ACC_BITS": bits + weight + 6, "WEIGHTS_STYLE": weights}
        other |= {"MULTIPLY_STYLE": multiply}
        result.append(_point(pe, simd, folds, tiles, **other))
    return tuple(result)


def _stream_points() -> tuple[dict[str, int], ...]:
    return named(
        "PE SIMD FOLDS TILES PIXELS ACC_BITS BINARY_OUT PAD_HALF",
        *((4, 64, 72, 128, 49, 13, 0, 1), (8, 64, 72, 64, 49, 13, 0, 1)),
        *((16, 32, 36, 16, 16, 12, 0, 1), (2, 128, 36, 256, 49, 13, 0, 1)),
        *((4, 256, 18, 64, 16, 13, 0, 1), (8, 128, 4, 32, 1, 11, 1, 0)),
        *((1, 64, 36, 256, 16, 12, 0, 1), (16, 64, 36, 32, 196, 13, 0, 1)),
        ACC_SHIFT=0, INIT_STYLE=LUTS,
    )  # fmt: skip


def _stream_mac_points() -> tuple[dict[str, int], ...]:
    return named(
        "PE SIMD FOLDS TILES PIXELS IN_BITS WEIGHT_BITS ACC_BITS MULTIPLY_STYLE",
        *((1, 8, 64, 1000, 1, 16, 8, 30, DSP), (2, 8, 32, 100, 1, 8, 8, 24, PAIR)),
        *((4, 4, 64, 64, 49, 12, 8, 28, DSP), (1, 8, 64, 10, 1, 12, 8, 28, BOOTH)),
        *((2, 4, 64, 128, 49, 16, 8, 30, BOOTH), (8, 2, 16, 16, 16, 8, 8, 22, PAIR)),
        *((4, 8, 32, 32, 16, 8, 4, 20, BOOTH), (1, 16, 32, 1000, 1, 12, 8, 28, DSP)),
        *((4, 3, 48, 16, 16, 8, 8, 22, DSP), (4, 2, 16, 32, 49, 12, 8, 26, BOOTH)),
        *((2, 8, 32, 256, 49, 8, 8, 24, CHAIN), (4, 8, 16, 64, 16, 8, 8, 24, CHAIN)),
        *((2, 16, 16, 64, 16, 8, 8, 24, PAIR), (1, 2, 128, 256, 16, 16, 6, 28, DSP)),
        IN_SIGNED=1, INIT_STYLE=LUTS,
    )  # fmt: skip


# --------------------------------------------------------------------------------- records

_FOLDING = ("PE", "SIMD", "FOLDS", "TILES")
_SUM = ("ACC_BITS", "ACC_SHIFT", "BINARY_OUT", "OUT_H", "OUT_W")
_INIT = MemoryArgument("INIT_FILE", "PE", "INIT_STYLE")
_MEMORIES = (MemoryArgument("WEIGHTS_FILE", "PE", "WEIGHTS_STYLE"), _INIT)

PE_ARRAY = UnitKind(
    "bnn_pe_array",
    "PE array",
    _pe_array,
    _pe_points(),
    Twin((*_FOLDING, *_SUM, *_BORDERS), _MEMORIES),
    (_array(_popcount_latency),),
    bram36=_weights_bram,
    style="WEIGHTS_STYLE",
    sums=True,
    path_ns=3.4,
)
INT_PE_ARRAY = UnitKind(
    "bnn_int_pe_array",
    "int PE array",
    _int_pe_array,
    _int_points(),
    Twin((*_FOLDING, "IN_BITS", "IN_SIGNED", *_SUM, *_BORDERS), _MEMORIES),
    (_array(_int_latency),),
    bram36=_weights_bram,
    style="WEIGHTS_STYLE",
    sums=True,
    path_ns=3.0,
)
MAC_PE_ARRAY = UnitKind(
    "bnn_mac_pe_array",
    "MAC PE array",
    _mac_pe_array,
    _mac_points(),
    Twin(
        (
            *(*_FOLDING, "IN_BITS", "IN_SIGNED", "WEIGHT_BITS", "ACC_BITS", "OUT_H", "OUT_W"),
            *(*_BORDERS, "MULTIPLY_STYLE"),
        ),
        _MEMORIES,
    ),
    (_array(mac_latency),),
    bram36=_weights_bram,
    dsp=_mac_dsp,
    style="WEIGHTS_STYLE",
    sums=True,
    path_ns=3.7,
)
STREAM_PE_ARRAY = UnitKind(
    "bnn_stream_pe_array",
    "PE array",
    _stream_pe_array,
    _stream_points(),
    Twin(
        (*_FOLDING, "PIXELS", "ACC_BITS", "ACC_SHIFT", "BINARY_OUT", "PAD_HALF"),
        (_INIT,),
        inputs=("s_axis", "w_axis"),
    ),
    (_stream_array(_popcount_latency),),
    sums=True,
    reads_marks=True,
    counts=("TILES",),
    path_ns=3.5,
)
STREAM_MAC_PE_ARRAY = UnitKind(
    "bnn_stream_mac_pe_array",
    "MAC PE array",
    _stream_mac_pe_array,
    _stream_mac_points(),
    Twin(
        (
            *(*_FOLDING, "PIXELS", "IN_BITS", "IN_SIGNED", "WEIGHT_BITS", "ACC_BITS"),
            "MULTIPLY_STYLE",
        ),
        (_INIT,),
        inputs=("s_axis", "w_axis"),
    ),
    (_stream_array(mac_latency),),
    dsp=_mac_dsp,
    sums=True,
    reads_marks=True,
    counts=("TILES",),
    path_ns=3.6,
)
UNITS = (PE_ARRAY, INT_PE_ARRAY, MAC_PE_ARRAY, STREAM_PE_ARRAY, STREAM_MAC_PE_ARRAY)
