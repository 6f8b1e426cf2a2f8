"""Points of the units that compute: sums, products, thresholds, tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import test_bnn_affine as affine
import test_bnn_mac_pe_array as mac_pe_array
import test_bnn_pe_array as pe_array
import test_bnn_stream_affine as stream_affine
import test_bnn_stream_mac_pe_array as stream_mac_pe_array
import test_bnn_stream_pe_array as stream_pe_array
from unit_points import Points

if TYPE_CHECKING:
    from unit_points import Parameters


_PE = pe_array.BASE.parameters
_STREAM_PE = stream_pe_array.BASE
_STREAM_MAC = stream_mac_pe_array.BASE


def _int_pe(simd: int) -> Parameters:
    shape = pe_array.Shape(pe=2, simd=simd, folds=2, acc_shift=simd % 2)
    return {**shape.parameters, "IN_SIGNED": simd % 2}


COMPUTING = {
    "bnn_accumulators": Points(
        legal=[
            {"ACC_SHIFT": 2, "SIGNED": 1, "ADDEND_BITS": 12},
            {"BINARY_OUT": 1},
            {"BINARY_OUT": 1, "ACC_SHIFT": 1},
        ],
        illegal={
            "ACC_BITS must be 2 to 32, ACC_SHIFT less": [
                {"ACC_BITS": 33},
                {"ACC_BITS": 1},
                {"ACC_SHIFT": 12},
            ],
            "BINARY_OUT and SIGNED must be 0 or 1": [{"BINARY_OUT": 2}, {"SIGNED": 2}],
        },
    ),
    "bnn_add": Points(
        legal=[{"OUT_BITS": 9}, {"OUT_BITS": 16}, {"OUT_BITS": 1}, {"LANES": 1}],
        illegal={"IN_BITS, OUT_BITS and LANES must be positive": [{"LANES": 0}, {"OUT_BITS": 0}]},
    ),
    "bnn_adder_tree": Points(
        illegal={
            "TERMS, BITS and OUT_BITS must be positive": [{"BITS": 0}, {"CARRIES": 2}],
        },
    ),
    "bnn_affine": Points(
        legal=[shape.parameters for shape in affine.CASES],
        illegal={
            "FOLDS and HOLD must be positive": [{"HOLD": 0}],
            "IN_BITS, OUT_BITS and LANES must be positive": [{"OUT_BITS": 0}],
            "IN_SIGNED and OUT_SIGNED must be 0 or 1": [{"IN_SIGNED": 2}],
            "OFFSET_BITS must be positive, SEGMENTS 1 to 3": [{"SEGMENTS": 4}, {"OFFSET_BITS": 0}],
            "OFFSET_SHIFT must be at most 31 and OFFSET_LOW have so many bits": [
                {"OFFSET_SHIFT": 32, "OFFSET_BITS": 4},
                {"OFFSET_SHIFT": 3, "OFFSET_LOW": 8},
            ],
            "MULTIPLY_STYLE must be 0, 1 or 2": [{"MULTIPLY_STYLE": 3}],
            "a DSP48E1 takes factors of 25 and 18 bits and an offset of 47": [
                {"MULTIPLY_STYLE": 2, "IN_BITS": 20, "MULTIPLIER_BITS": 19},
                {"MULTIPLY_STYLE": 2, "IN_BITS": 25, "IN_SIGNED": 0},
                {"MULTIPLY_STYLE": 2, "OFFSET_BITS": 48},
                {"MULTIPLY_STYLE": 2, "OFFSET_BITS": 30, "OFFSET_SHIFT": 18},
            ],
            "bnn_rom: STYLE must be 0, 1 or 2": [{"STYLE": 3, "FOLDS": 2}],
        },
    ),
    "bnn_affine_core": Points(),
    "bnn_affine_lane": Points(),
    "bnn_booth": Points(
        illegal={
            "X_BITS and W_BITS must be positive, X_SIGNED 0 or 1": [{"X_SIGNED": 2}],
            "SUM_BITS must be what product and addend need": [{"SUM_BITS": 1}],
        },
    ),
    "bnn_booth_row": Points(
        illegal={
            "X_BITS must be positive, X_SIGNED 0 or 1": [{"X_SIGNED": 2}],
            "SUM_BITS must be at least X_BITS + 2 and ACC_BITS": [{"SUM_BITS": 1}],
        },
    ),
    "bnn_channel_sum": Points(
        legal=[
            {"LANES": 1},
            {"IN_SIGNED": 1, "LANES": 3, "OUT_BITS": 14},
            {"LANES": 16, "FOLDS": 1},
        ],
        illegal={
            "OUT_BITS must hold every sum": [{"OUT_BITS": 11}],
            "IN_BITS, LANES and FOLDS must be positive": [{"LANES": 0}, {"IN_SIGNED": 2}],
        },
    ),
    "bnn_dsp_pair": Points(
        illegal={
            "X_BITS and W_BITS must be positive, X_SIGNED 0 or 1": [{"X_SIGNED": 2}],
            "X_BITS + 2 * W_BITS + 1 must be at most 25": [{"X_BITS": 9}],
        },
    ),
    "bnn_dsp_pair_chain": Points(
        illegal={
            "X_BITS must be positive, W_BITS at least 2": [{"X_SIGNED": 2}, {"W_BITS": 1}],
            "X_BITS + 2 * W_BITS + 1 must be at most 25": [{"X_BITS": 9}],
        },
    ),
    "bnn_dsp_product": Points(
        illegal={
            "X_BITS and W_BITS must be positive, X_SIGNED 0 or 1": [{"X_SIGNED": 2}],
            "a DSP48E1 multiplies 25 by 18 bits": [{"X_BITS": 26}],
        },
    ),
    "bnn_int_pe_array": Points(
        legal=[_int_pe(simd) for simd in (1, 2, 3, 10)],
        illegal={
            "PE and SIMD must be positive": [{"SIMD": 0}],
            "ACC_BITS must be 2 to 32, ACC_SHIFT less": [{"ACC_BITS": 1}],
            "IN_BITS must be positive, IN_SIGNED 0 or 1": [{"IN_BITS": 0}, {"IN_SIGNED": 2}],
            "BINARY_OUT and SIGNED must be 0 or 1": [{"BINARY_OUT": 2}],
        },
    ),
    "bnn_mac_core": Points(
        illegal={
            "PE and SIMD must be positive": [{"SIMD": 0}],
            "ACC_BITS must be 2 to 32": [{"ACC_BITS": 33}],
            "IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1": [{"IN_SIGNED": 2}],
            "MULTIPLY_STYLE must be 1, 2, 3 or 4": [{"MULTIPLY_STYLE": 5}],
            "MULTIPLY_STYLE 3 and 4 need an even PE": [{"MULTIPLY_STYLE": 3, "PE": 3}],
            "MULTIPLY_STYLE 4 needs SIMD of at least 2": [{"MULTIPLY_STYLE": 4, "SIMD": 1}],
            "STAGES must be those of products and adder tree": [{"STAGES": 4}],
        },
    ),
    "bnn_mac_pe_array": Points(
        legal=[mac_pe_array.parameters(*case) for case in mac_pe_array.CASES],
        illegal={
            "PE and SIMD must be positive": [{"SIMD": 0}],
            "ACC_BITS must be 2 to 32": [{"ACC_BITS": 33}],
            "IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1": [
                {"IN_BITS": 0},
                {"IN_SIGNED": 2},
            ],
            "MULTIPLY_STYLE must be 1, 2, 3 or 4": [{"MULTIPLY_STYLE": 0}, {"MULTIPLY_STYLE": 5}],
            "MULTIPLY_STYLE 4 needs SIMD of at least 2": [{"MULTIPLY_STYLE": 4, "SIMD": 1}],
            "MULTIPLY_STYLE 3 and 4 need an even PE": [
                {"MULTIPLY_STYLE": 4, "PE": 3},
                {"MULTIPLY_STYLE": 3, "PE": 3},
            ],
            "X_BITS + 2 * W_BITS + 1 must be at most 25": [{"MULTIPLY_STYLE": 3, "IN_BITS": 9}],
            "a DSP48E1 multiplies 25 by 18 bits": [
                {"MULTIPLY_STYLE": 2, "IN_BITS": 26, "IN_SIGNED": 1},
                {"MULTIPLY_STYLE": 2, "IN_BITS": 18, "WEIGHT_BITS": 19},
            ],
            "borders overlap": [{"BORDER_TOP": 1, "BORDER_BOTTOM": 1}],
        },
    ),
    "bnn_pe_array": Points(
        legal=[
            shape.parameters
            for shape in (
                pe_array.BASE,
                pe_array.Shape(1, 1),
                pe_array.Shape(4, 64, 9, 8, acc_shift=2),
            )
        ],
        illegal={
            "borders overlap": [{**_PE, "BORDER_TOP": 3, "BORDER_BOTTOM": 3}],
            "PE and SIMD must be positive": [{**_PE, "SIMD": 0}],
            "ACC_BITS must be 2 to 32, ACC_SHIFT less": [{**_PE, "ACC_SHIFT": 16}],
            "BINARY_OUT and SIGNED must be 0 or 1": [{**_PE, "BINARY_OUT": 2}],
        },
    ),
    "bnn_pe_control": Points(
        illegal={
            "FOLDS, TILES and STAGES must be positive": [{"FOLDS": 0}],
            "OUT_H and OUT_W must be positive": [{"OUT_W": 0}],
            "borders overlap": [{"BORDER_LEFT": 1, "BORDER_RIGHT": 1}],
        },
    ),
    "bnn_pe_core": Points(
        illegal={
            "PE and SIMD must be positive": [{"SIMD": 0}],
            "ACC_BITS must be 2 to 32, ACC_SHIFT less": [{"ACC_SHIFT": 12}],
            "BINARY_OUT and SIGNED must be 0 or 1": [{"BINARY_OUT": 2}],
            "STAGES must be those of the popcount": [{"STAGES": 2}],
        },
    ),
    "bnn_popcount": Points(
        legal=[{"N": size} for size in (1, 2, 3, 4, 6, 7, 8, 15, 36, 63, 143)],
        illegal={"N must be positive": [{"N": 0}]},
    ),
    "bnn_popcount_leaf": Points(illegal={"N must be 1 to 3": [{"N": 0}, {"N": 4}]}),
    "bnn_scale": Points(
        legal=[
            {"ROUNDS": 1, "FACTOR_SIGNED": 1},
            {"FACTORS": 4, "DEPTH": 8, "ROUNDS": 9},
            {"MULTIPLY_STYLE": 1, "IN_SIGNED": 0},
            {"LANES": 1, "DEPTH": 49, "OUT_BITS": 24},
        ],
        illegal={
            "OUT_BITS and LANES must be positive": [{"OUT_BITS": 0}],
            "FACTOR_SIGNED must be 0 or 1": [{"FACTOR_SIGNED": 2}],
            "FACTORS must be 1 or LANES": [{"FACTORS": 2}],
            "DEPTH and ROUNDS must be positive": [{"ROUNDS": 0}],
            "MULTIPLY_STYLE must be 1 or 2": [{"MULTIPLY_STYLE": 0}],
        },
    ),
    "bnn_select": Points(
        legal=[
            {"A_FACTOR": 2, "OUT_BITS": 9},
            {"B_FACTOR": 3, "B_BITS": 5, "OUT_BITS": 8},
            {"FOLDS": 3, "HOLD": 49, "LANES": 4},
        ],
        illegal={
            "A_BITS, B_BITS and OUT_BITS must be positive": [{"OUT_BITS": 0}],
            "LANES, FOLDS and HOLD must be positive": [{"HOLD": 0}],
            "A_FACTOR and B_FACTOR must be positive": [{"A_FACTOR": 0}],
        },
    ),
    "bnn_signed_sum": Points(illegal={"LEVELS must be at least ceil(log2(TERMS))": [{"TERMS": 0}]}),
    "bnn_stream_mac_pe_array": Points(
        legal=[
            shape.parameters
            for shape in (
                _STREAM_MAC,
                replace(_STREAM_MAC, tiles=1, multiply_style=stream_mac_pe_array.LUT),
                replace(_STREAM_MAC, simd=1),
            )
        ],
        illegal={
            "FOLDS, TILES and PIXELS must be positive": [{**_STREAM_MAC.parameters, "PIXELS": 0}],
            "MULTIPLY_STYLE 3 and 4 need an even PE": [{**_STREAM_MAC.parameters, "PE": 3}],
            "MULTIPLY_STYLE must be 1, 2, 3 or 4": [
                {**_STREAM_MAC.parameters, "MULTIPLY_STYLE": 5},
            ],
            "ACC_BITS must be 2 to 32": [{**_STREAM_MAC.parameters, "ACC_BITS": 40}],
        },
    ),
    "bnn_stream_affine": Points(
        legal=[stream_affine.parameters(shape) for shape in stream_affine.CASES],
        illegal={
            "HOLD must be positive and WORD_BITS hold a field per lane": [
                {"HOLD": 0},
                {"WORD_BITS": 39},
            ],
        },
    ),
    "bnn_stream_threshold": Points(
        legal=[{"LANES": 8, "WORD_BITS": 128}, {"IN_SIGNED": 0, "HOLD": 1, "WORD_BITS": 10}],
        illegal={
            "HOLD must be positive and WORD_BITS hold a field per lane": [
                {"HOLD": 0},
                {"WORD_BITS": 9},
            ],
        },
    ),
    "bnn_stream_pe_array": Points(
        legal=[
            shape.parameters
            for shape in (
                _STREAM_PE,
                replace(_STREAM_PE, simd=3, pad_half=0, acc_shift=1),
                replace(_STREAM_PE, folds=1, tiles=1),
            )
        ],
        illegal={
            "TILES and PIXELS must be positive": [{**_STREAM_PE.parameters, "PIXELS": 0}],
            "ACC_BITS must be 2 to 32, ACC_SHIFT less": [
                {**_STREAM_PE.parameters, "ACC_SHIFT": 14},
            ],
            "PAD_HALF must be 0 or 1, SIMD even with PAD_HALF": [
                {**_STREAM_PE.parameters, "SIMD": 7},
                {**_STREAM_PE.parameters, "PAD_HALF": 2},
            ],
        },
    ),
    "bnn_table": Points(
        legal=[{"LANES": 2, "IN_BITS": 8}],
        illegal={
            "must be 1 to 8, OUT_BITS and LANES positive": [
                {"IN_BITS": 9},
                {"OUT_BITS": 0},
            ],
        },
    ),
    "bnn_threshold": Points(
        legal=[{"IN_SIGNED": 0, "FOLDS": 3, "HOLD": 49}, {"LANES": 4}],
        illegal={
            "FOLDS and HOLD must be positive": [{"HOLD": 0}],
            "IN_BITS and LANES must be positive, IN_SIGNED 0 or 1": [{"IN_SIGNED": 2}],
        },
    ),
    "bnn_threshold_core": Points(),
    "bnn_top_k": Points(
        legal=[{"K": 5}, {"CLASSES": 1, "SCORE_BITS": 20}],
        illegal={
            "SCORE_BITS must be 1 to 32, CLASSES positive": [{"SCORE_BITS": 33}],
            "K must be 1 to CLASSES": [{"K": 11}, {"K": 0}],
        },
    ),
}
