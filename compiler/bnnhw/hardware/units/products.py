"""Units that multiply a stream by another, and that add up what factors are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import counter_bits, ram_luts, selection_luts
from bnnhw.hardware.units.kind import (
    BOOTH,
    DSP,
    Twin,
    UnitKind,
    UnitTiming,
    named,
    passes_through,
)

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params


# --------------------------------------------------------------------------------------------- cost


def _channel_sum(p: Params) -> list[float]:
    lanes, bits = p["LANES"], p["IN_BITS"] + 1 - p["IN_SIGNED"]
    levels = range(1, (lanes - 1).bit_length() + 1)
    tree = sum(-(-lanes // (1 << level)) * (bits + level) for level in levels)
    return [tree, p["OUT_BITS"], counter_bits(p["FOLDS"]), 1.0]


def _factor_bits(p: Params) -> int:
    """Bits of the factor, signed."""
    return p["FACTOR_BITS"] + 1 - p["FACTOR_SIGNED"]


def scale_in_dsp(p: Params) -> bool:
    """Whether bnn_scale can multiply in DSP blocks, of 25 by 18 bits."""
    factors = sorted((_factor_bits(p), p["IN_BITS"] + 1 - p["IN_SIGNED"]))
    return factors[0] <= 18 and factors[1] <= 25


def _scale(p: Params) -> list[float]:
    lanes, word = p["LANES"], p["FACTORS"] * p["FACTOR_BITS"]
    rows = math.ceil(_factor_bits(p) / 2) * (p["IN_BITS"] + 2.0)
    depth = p["DEPTH"]
    return [
        lanes * p["IN_BITS"],
        word * (p["ROUNDS"] > 1),
        lanes * rows * (p["MULTIPLY_STYLE"] == BOOTH),
        ram_luts(word, depth) if depth > 1 else 0.0,
        selection_luts(word, depth) if depth > 1 else 0.0,
        counter_bits(p["ROUNDS"]) + counter_bits(depth) * 2.0,
        1.0,
    ]


# ------------------------------------------------------------------------------------------- timing


def _adds_up(p: Params, beats: int) -> UnitTiming:
    latency, folds = (p["LANES"] - 1).bit_length() + 1, p["FOLDS"]
    needs = np.arange(1, beats // folds + 1) * folds - 1
    frees = (np.arange(beats) + 1 - latency) // folds - 1
    return UnitTiming(needs, frees, latency, 0)


def scale_latency(p: Params) -> int:
    """Latency of bnn_scale (hw/README.md)."""
    return 4 if p["MULTIPLY_STYLE"] == DSP else 1 + -(-_factor_bits(p) // 4)


def _meets(p: Params, beats: int) -> UnitTiming:
    """A factor moves with the beat that it meets: in the first of the rounds that it serves."""
    depth, span = p["DEPTH"], p["DEPTH"] * p["ROUNDS"]
    block, at = np.divmod(np.arange(beats // depth * span), span)
    needs = block * depth + np.minimum(at, depth - 1)
    block, at = np.divmod(np.arange(beats), depth)
    return UnitTiming(needs, block * span + at - 1, 0, 1)


def _multiplies(p: Params, beats: int) -> UnitTiming:
    return passes_through(scale_latency(p))(p, beats)


# ------------------------------------------------------------------------------------------ records

CHANNEL_SUM = UnitKind(
    "bnn_channel_sum",
    "channel sum",
    _channel_sum,
    named(
        "IN_BITS IN_SIGNED OUT_BITS LANES FOLDS",
        *((8, 0, 12, 1, 16), (8, 0, 14, 4, 16), (8, 0, 14, 8, 8), (8, 1, 17, 2, 256)),
        *((8, 0, 13, 16, 2), (12, 1, 20, 4, 64), (8, 0, 14, 64, 1)),
    ),
    Twin(("IN_BITS", "IN_SIGNED", "OUT_BITS", "LANES", "FOLDS", "BEATS")),
    (_adds_up,),
    path_ns=1.9,
)
SCALE = UnitKind(
    "bnn_scale",
    "product",
    _scale,
    named(
        "IN_BITS FACTOR_BITS FACTOR_SIGNED OUT_BITS LANES FACTORS DEPTH ROUNDS MULTIPLY_STYLE",
        *((10, 8, 0, 18, 1, 1, 1, 64, DSP), (12, 8, 0, 20, 4, 1, 1, 16, DSP)),
        *((16, 8, 1, 24, 2, 1, 1, 256, DSP), (12, 8, 0, 20, 8, 1, 1, 8, DSP)),
        *((12, 8, 0, 20, 4, 1, 1, 16, BOOTH), (16, 8, 1, 24, 2, 1, 1, 32, BOOTH)),
        *((12, 8, 0, 20, 4, 4, 16, 196, DSP), (12, 8, 0, 20, 2, 2, 64, 64, DSP)),
        *((12, 8, 0, 20, 4, 1, 196, 16, DSP), (12, 8, 0, 20, 1, 1, 784, 64, DSP)),
        IN_SIGNED=1,
    ),
    Twin(
        (
            *("IN_BITS", "IN_SIGNED", "FACTOR_BITS", "FACTOR_SIGNED", "OUT_BITS", "LANES"),
            *("FACTORS", "DEPTH", "ROUNDS", "MULTIPLY_STYLE", "BEATS"),
        ),
        inputs=("s0_axis", "s1_axis"),
    ),
    (_multiplies, _meets),
    dsp=lambda p: p["LANES"] if p["MULTIPLY_STYLE"] == DSP else 0,
    multiplies=True,
    scales=True,
    path_ns=3.0,
)
UNITS = (CHANNEL_SUM, SCALE)
