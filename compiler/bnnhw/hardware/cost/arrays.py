"""What the cost model counts of the PE arrays; see `bnnhw.hardware.cost.features`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import counter_bits, rom_luts, rom_registers, rom_slices

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK_RAM = 2
_BOOTH, _PAIR, _CHAIN = 1, 3, 4


def _border_patterns(p: Mapping[str, int]) -> int:
    rows = p["BORDER_TOP"] + 1 + p["BORDER_BOTTOM"]
    return rows * (p["BORDER_LEFT"] + 1 + p["BORDER_RIGHT"])


def pe_array(p: Mapping[str, int]) -> list[float]:
    """Features of bnn_pe_array."""
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
    if style == _BLOCK_RAM:
        return [float(bits * (rom_slices(bits, words) - 1)) if words > 1 else 0.0, 0.0]
    return [rom_luts(bits, words), rom_registers(bits, words)]


def int_pe_array(p: Mapping[str, int]) -> list[float]:
    """Features of bnn_int_pe_array."""
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


def _mac(p: Mapping[str, int]) -> list[float]:
    """Products, adder trees and accumulators of the arrays of integer weights."""
    products, style = p["PE"] * p["SIMD"], p["MULTIPLY_STYLE"]
    booth = products * math.ceil(p["WEIGHT_BITS"] / 2) * (p["IN_BITS"] + 2.0)
    chained = style == _CHAIN  # DSP blocks add up two lanes
    terms = math.ceil(p["SIMD"] / 2) if chained else p["SIMD"]
    tree = p["PE"] * (terms - 1.0) * (p["IN_BITS"] + p["WEIGHT_BITS"] + 1 + chained)
    return [
        booth if style == _BOOTH else 0.0,
        products * p["WEIGHT_BITS"] + p["SIMD"] * p["IN_BITS"] if style == _BOOTH else 0.0,
        tree,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]) if style == _PAIR else 0.0,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]) if chained else 0.0,
        p["PE"] * p["ACC_BITS"],
        p["SIMD"] * p["IN_BITS"],
    ]


def mac_pe_array(p: Mapping[str, int]) -> list[float]:
    """Features of bnn_mac_pe_array."""
    words, inits = p["TILES"] * p["FOLDS"], _border_patterns(p) * p["TILES"]
    return [
        *_mac(p),
        *_weights(p["PE"] * p["SIMD"] * p["WEIGHT_BITS"], words, p["WEIGHTS_STYLE"]),
        rom_luts(p["PE"] * p["ACC_BITS"], inits),
        counter_bits(words, inits) + 1.0,
    ]


def stream_pe_array(p: Mapping[str, int]) -> list[float]:
    """Features of bnn_stream_pe_array."""
    acc = p["PE"] * p["ACC_BITS"]
    counters = counter_bits(p["FOLDS"], p["TILES"], p["PIXELS"]) + 1.0
    return [p["PE"] * p["SIMD"], acc, p["PE"], p["SIMD"], rom_luts(acc, p["TILES"]), counters]


def stream_mac_pe_array(p: Mapping[str, int]) -> list[float]:
    """Features of bnn_stream_mac_pe_array."""
    counters = counter_bits(p["FOLDS"], p["TILES"], p["PIXELS"]) + 1.0
    init = rom_luts(p["PE"] * p["ACC_BITS"], p["TILES"])
    return [*_mac(p), p["PE"] * p["SIMD"] * p["WEIGHT_BITS"], init, counters]
