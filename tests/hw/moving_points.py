"""Points of the units that move beats: windows, pools, FIFOs, memories, control."""

from __future__ import annotations

import test_bnn_int_pool_overlap as int_pool_overlap
from unit_points import Points

_NO_PADDING = {"PAD_TOP": 0, "PAD_BOTTOM": 0, "PAD_LEFT": 0, "PAD_RIGHT": 0}
_ONE_TAP = {"KERNEL_H": 1, "KERNEL_W": 1, **_NO_PADDING}

MOVING = {
    "bnn_axi_reader": Points(
        legal=[
            {"BURST": 1, "WORDS": 1, "OUTSTANDING": 1, "DEPTH": 2},
            {"BURST": 256, "DEPTH": 512, "DATA_BITS": 128},
            {"DATA_BITS": 32, "ADDR_BITS": 40},
        ],
        illegal={
            "DATA_BITS must be a power of two from 32 to 1024": [
                {"DATA_BITS": 48},
                {"DATA_BITS": 16},
            ],
            "ADDR_BITS must be 13 to 64": [{"ADDR_BITS": 12}],
            "BURST must be 1 to 256 words, at most 4 KiB": [{"BURST": 512, "DEPTH": 600}],
            "WORDS and OUTSTANDING must be positive, DEPTH at least BURST": [
                {"DEPTH": 8},
                {"WORDS": 0},
                {"OUTSTANDING": 0},
            ],
        },
    ),
    "bnn_concat": Points(
        legal=[{"FOLDS0": 4}, {"FOLDS1": 7}, {"LANES": 1, "ELEM_BITS": 1}],
        illegal={"FOLDS0 and FOLDS1 must be positive": [{"FOLDS0": 0}, {"LANES": 0}]},
    ),
    "bnn_fifo": Points(
        legal=[
            {"DEPTH": 2},
            {"DEPTH": 33},
            {"DEPTH": 100, "RAM_STYLE": 2},
            {"WIDTH": 1},
            {"DEPTH": 100, "RAM_STYLE": 2, "PACK": 3, "TAIL": 20},
            {"DEPTH": 100, "RAM_STYLE": 3},
        ],
        illegal={
            "TAIL must be 0, or at least 2 and leave 2 of DEPTH": [
                {"TAIL": 1},
                {"TAIL": 8, "DEPTH": 9},
            ],
        },
    ),
    "bnn_fifo_packed": Points(
        legal=[{"PACK": 4}, {"PACK": 7, "DEPTH": 4, "WIDTH": 1}],
        illegal={"DEPTH 4, PACK 2 and RAM_STYLE 0 to 3": [{"DEPTH": 3}, {"RAM_STYLE": 4}]},
    ),
    "bnn_fifo_queue": Points(
        illegal={"DEPTH at least 2 and RAM_STYLE 0 to 3": [{"DEPTH": 1}, {"RAM_STYLE": 4}]},
    ),
    "bnn_fork": Points(
        legal=[{"WIDTH": 1}],
        illegal={"WIDTH must be at least 1": [{"WIDTH": 0}]},
    ),
    "bnn_frame_window": Points(
        legal=[
            {"IN_LANES": 1, "TILE_MAJOR": 1},
            {"SIMD": 16, "IN_LANES": 4, "STRIDE_H": 2, "STRIDE_W": 2, "PAD_BOTTOM": 0},
            {"HEIGHT": 1, "WIDTH": 1, "PASSES": 1, **_ONE_TAP},
            {"GROUPS": 2, "SIMD": 8, "IN_LANES": 4, "STRIDE_W": 2},
        ],
        illegal={
            "SIMD must divide the CHANNELS of each of GROUPS": [
                {"SIMD": 48},
                {"GROUPS": 0},
                {"GROUPS": 4, "SIMD": 32},
            ],
            "GROUPS must divide PASSES": [{"GROUPS": 2, "SIMD": 16, "IN_LANES": 16, "PASSES": 3}],
            "IN_LANES must divide SIMD": [{"IN_LANES": 48}],
            "the kernel must fit the padded image": [{"KERNEL_H": 10}],
            "each padding must be at most the kernel": [{"PAD_TOP": 4}],
            "strides and PASSES must be at least 1, TILE_MAJOR 0 or 1": [
                {"PASSES": 0},
                {"TILE_MAJOR": 2},
            ],
        },
    ),
    "bnn_input": Points(
        legal=[{"ELEM_BITS": 3, "LANES": 1, "FRAME_ELEMS": 64}],
        illegal={
            "LANES must divide FRAME_ELEMS, and a frame must be whole beats": [
                {"LANES": 5},
                {"FRAME_ELEMS": 9},
            ],
        },
    ),
    "bnn_instruments": Points(
        legal=[{"WORDS": 2}, {"WORDS": 256}, {"WORDS": 65_535}],
        illegal={"WORDS must be 2 to 65535": [{"WORDS": 1}, {"WORDS": 65_536}]},
    ),
    "bnn_int_pool": Points(
        legal=[
            {"POOL_H": 1, "POOL_W": 1},
            {"OPERATION": 1, "OUT_BITS": 10, "LANES": 2},
            {"POOL_H": 4, "POOL_W": 4, "SIGNED": 0},
            {"POOL_H": 1, "LANES": 2},
        ],
        illegal={
            "OPERATION and SIGNED must be 0 or 1": [{"OPERATION": 2}, {"SIGNED": 2}],
            "LANES must divide CHANNELS": [{"LANES": 3}],
            "the kernel must be at least 1x1 and fit the image": [{"POOL_H": 5}, {"POOL_W": 0}],
            "OUT_BITS must be ELEM_BITS, or at least that for a sum": [
                {"OUT_BITS": 9},
                {"OPERATION": 1, "OUT_BITS": 7},
            ],
        },
    ),
    "bnn_int_pool_axis": Points(
        illegal={
            "the kernel must be at least 1 and at most twice the stride": [{"KERNEL": 0}],
            "each padding must be less than the kernel": [{"PAD_BEFORE": 3}],
            "a window must fit the padded image": [{"SIZE": 0, "PAD_BEFORE": 0}],
            "the last position end two windows": [{"PAD_AFTER": 2}],
        },
    ),
    "bnn_int_pool_overlap": Points(
        legal=[pool.parameters() for pool in int_pool_overlap.CASES],
        illegal={
            "OPERATION and SIGNED must be 0 or 1": [{"OPERATION": 2}, {"SIGNED": 2}],
            "LANES must divide CHANNELS": [{"LANES": 3}],
            "OUT_BITS must be ELEM_BITS, or at least that for a sum": [
                {"OUT_BITS": 9},
                {"OPERATION": 1, "OUT_BITS": 7},
            ],
            "the kernel must be at least 1 and at most twice the stride": [
                {"KERNEL_H": 5},  # three windows would be open
                {"KERNEL_W": 0},
            ],
            "bnn_loop: COUNT must be at least 1": [{"STRIDE_W": 0}],
            "each padding must be less than the kernel": [{"PAD_TOP": 3}, {"PAD_RIGHT": 3}],
            # The last row would complete two output rows.
            "the last position end two windows": [{"PAD_BOTTOM": 2}],
            "a window must fit the padded image": [{"HEIGHT": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0}],
        },
    ),
    "bnn_int_pool_reduce": Points(
        legal=[
            {"TAPS": 1, "FOLDS": 3},
            {"LANES": 1, "SIGNED": 0},
            {"OPERATION": 1, "OUT_BITS": 12},
        ],
        illegal={
            "OPERATION and SIGNED must be 0 or 1": [{"OPERATION": 2}],
            "LANES, FOLDS and TAPS must be positive": [{"TAPS": 0}, {"FOLDS": 0}],
            "OUT_BITS must be ELEM_BITS, or at least that for a sum": [{"OUT_BITS": 9}],
        },
    ),
    "bnn_int_pool_step": Points(),
    "bnn_loop": Points(
        legal=[{"COUNT": 1}, {"COUNT": 2}, {"COUNT": 9}],
        illegal={"COUNT must be at least 1": [{"COUNT": 0}]},
    ),
    "bnn_max_pool": Points(
        legal=[{"POOL_H": 1, "POOL_W": 1}, {"LANES": 2}, {"TILES": 3}],
        illegal={
            "LANES must divide CHANNELS": [{"LANES": 3}],
            "the kernel must be at least 1x1 and fit the image": [{"POOL_H": 5}, {"POOL_W": 0}],
            "TILES must be positive": [{"TILES": 0}, {"TILES": 2, "LANES": 4}],
        },
    ),
    "bnn_output": Points(
        legal=[{"ELEM_BITS": 64, "FIELD_BITS": 64}, {"ELEM_BITS": 1, "LANES": 8}],
        illegal={
            "FIELD_BITS must be whole bytes and at least ELEM_BITS": [
                {"ELEM_BITS": 17},
                {"FIELD_BITS": 12},
            ],
        },
    ),
    "bnn_pad": Points(
        legal=[
            {"REFLECT": 0, "DEPTH": 9},
            {"LANES": 1, "DEPTH": 201, "ELEM_BITS": 12, "RAM_STYLE": 2},
            {"PAD_TOP": 7, "PAD_BOTTOM": 0, "PAD_LEFT": 0, "PAD_RIGHT": 7, "DEPTH": 65},
            {"REFLECT": 0, "HEIGHT": 1, "PAD_TOP": 3, "PAD_LEFT": 9, "RAM_STYLE": 1},
            {"HEIGHT": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0, "DEPTH": 9},
            {"WIDTH": 1, "PAD_LEFT": 0, "PAD_RIGHT": 0, "DEPTH": 2},
            {**_NO_PADDING, "HEIGHT": 1, "WIDTH": 1, "DEPTH": 2},
        ],
        illegal={
            "HEIGHT and WIDTH must be at least 1, REFLECT 0 or 1": [{"WIDTH": 0}, {"REFLECT": 2}],
            "LANES must divide CHANNELS": [{"LANES": 3}, {"LANES": 0}],
            "a reflection must be less than the image": [{"PAD_TOP": 8}, {"PAD_RIGHT": 8}],
            "DEPTH must be at least 2 and a row, reflected rows more": [
                {"DEPTH": 15},
                {"DEPTH": 1, "WIDTH": 1, "REFLECT": 0},
                {"PAD_BOTTOM": 3},
            ],
            "WIDTH and DEPTH must be at least 1 and STYLE 0 to 3": [{"RAM_STYLE": 4}],
        },
    ),
    "bnn_pad_axis": Points(
        legal=[
            {"BEFORE": 0, "BEHIND": 0},
            {"SIZE": 1, "BEFORE": 0, "BEHIND": 0},
            {"SIZE": 1, "BEFORE": 2},
            {"HOLD": 7, "BEFORE": 0},
        ],
        illegal={"SIZE must be at least 1, HOLD less": [{"HOLD": 8}, {"SIZE": 0}]},
    ),
    "bnn_pool_reduce": Points(
        legal=[{"TAPS": 1, "FOLDS": 3}, {"LANES": 1}, {"FOLDS": 2, "HOLD": 6}],
        illegal={"LANES, FOLDS, TAPS and HOLD must be positive": [{"TAPS": 0}, {"HOLD": 0}]},
    ),
    "bnn_ram": Points(
        legal=[{"STYLE": 1}, {"STYLE": 2, "DEPTH": 1}, {"STYLE": 3}],
        illegal={"WIDTH and DEPTH must be at least 1 and STYLE 0 to 3": [{"STYLE": 4}]},
    ),
    "bnn_read_arbiter": Points(
        legal=[{"PORTS": 1}, {"PORTS": 5}],
        illegal={
            "PORTS must be positive, DATA_BITS a power of two from 8": [
                {"PORTS": 0},
                {"DATA_BITS": 48},
            ],
        },
    ),
    "bnn_register_slice": Points(illegal={"WIDTH must be at least 1": [{"WIDTH": 0}]}),
    "bnn_registers": Points(
        legal=[{"ERROR_BITS": 1}, {"ERROR_BITS": 8, "INSTRUMENTS": 400}],
        illegal={
            "ERROR_BITS must be 1 to 8": [{"ERROR_BITS": 9}],
            "INSTRUMENTS must be at most 65535": [{"INSTRUMENTS": 65536}],
        },
    ),
    "bnn_reset_control": Points(
        illegal={"PATIENCE_BITS must be 2 to 31": [{"PATIENCE_BITS": 1}, {"PATIENCE_BITS": 32}]},
    ),
    "bnn_rom": Points(
        illegal={
            "WIDTH and DEPTH must be positive": [{"DEPTH": 0}],
            "STYLE must be 0, 1 or 2": [{"STYLE": 3}],
        },
    ),
    "bnn_rom_control": Points(
        legal=[{"FOLDS": 9, "TILES": 2, "WEIGHTS_DELAY": 1}, {"WEIGHTS_DELAY": 1}],
        illegal={"WEIGHTS_DELAY must be 0 or 1": [{"WEIGHTS_DELAY": 2}]},
    ),
    "bnn_split": Points(
        legal=[{"FOLDS0": 4}, {"FOLDS1": 7}, {"LANES": 1, "ELEM_BITS": 1}],
        illegal={"FOLDS0 and FOLDS1 must be positive": [{"FOLDS0": 0}, {"LANES": 0}]},
    ),
    "bnn_stream_check": Points(),
    "bnn_stream_control": Points(
        illegal={"FOLDS, TILES and PIXELS must be positive": [{"PIXELS": 0}]},
    ),
    "bnn_stream_counters": Points(
        legal=[{"DEPTH": 1}, {"DEPTH": 2}, {"DEPTH": 50_000}],
        illegal={"DEPTH must be less than 2^30": [{"DEPTH": 1 << 30}]},
    ),
    "bnn_stride_walk": Points(
        legal=[{"SLOTS": 2}, {"SLOTS": 3}, {"SLOTS": 1025}],
        illegal={"SLOTS must be at least 2": [{"SLOTS": 1}]},
    ),
    "bnn_tile_gather": Points(
        legal=[{"PIXELS": 1}, {"OUT_LANES": 8}],
        illegal={
            "ELEM_BITS and PIXELS must be positive": [{"PIXELS": 0}],
            "OUT_LANES must be a multiple of IN_LANES, and more": [
                {"OUT_LANES": 6},
                {"OUT_LANES": 4},
            ],
        },
    ),
    "bnn_transpose": Points(
        legal=[
            {"ROWS": 1, "RAM_STYLE": 1},
            {"COLUMNS": 1, "RAM_STYLE": 2},
            {"ROWS": 1, "COLUMNS": 1},
            {"ROWS": 2, "COLUMNS": 2, "LANES": 1},
            {"ROWS": 8, "COLUMNS": 196, "ELEM_BITS": 12},
        ],
        illegal={
            "ROWS and COLUMNS must be positive": [{"ROWS": 0}, {"COLUMNS": 0}, {"LANES": 0}],
            "WIDTH and DEPTH must be at least 1 and STYLE 0 to 3": [{"RAM_STYLE": 4}],
        },
    ),
    "bnn_weight_buffer": Points(
        legal=[{"FOLDS": 1, "DEPTH": 2}],
        illegal={"bnn_window: DEPTH must be at least 2": [{"DEPTH": 8}]},
    ),
    "bnn_width_converter": Points(
        legal=[
            {"IN_LANES": 12, "OUT_LANES": 4},
            {"IN_LANES": 2, "OUT_LANES": 8},
            {"IN_LANES": 24, "OUT_LANES": 36, "ELEM_BITS": 3},
        ],
        illegal={"all parameters must be at least 1": [{"ELEM_BITS": 0}]},
    ),
    "bnn_window": Points(
        legal=[
            {**_NO_PADDING, "DEPTH": 100},
            {"SIMD": 8, "CHANNEL_OUTER": 1, "DEPTH": 1000, "ELEM_BITS": 8, "PAD_VALUE": 3},
            {"SIMD": 8, "GROUPS": 4, "REPEATS": 2, "DEPTH": 1000},
            {**_ONE_TAP, "HEIGHT": 1, "WIDTH": 1, "CHANNELS": 512, "DEPTH": 8},
        ],
        illegal={
            "SIMD must divide CHANNELS": [{"SIMD": 48}],
            "the kernel must fit the padded image": [{"KERNEL_H": 11, "DEPTH": 100}],
            "each padding must be at most the kernel": [{"PAD_TOP": 4, "DEPTH": 100}],
            "strides and REPEATS must be at least 1": [{"REPEATS": 0}, {"CHANNEL_OUTER": 2}],
            "GROUPS must divide CHANNELS/SIMD": [{"GROUPS": 2}, {"GROUPS": 0}],
            "DEPTH must be at least 2 and ((KERNEL_H-1)*WIDTH+KERNEL_W)": [{"DEPTH": 18}],
            "DEPTH must be at least (PAD_TOP*WIDTH+PAD_LEFT+1)": [{"PAD_TOP": 3, "DEPTH": 25}],
        },
    ),
    "bnn_window_parallel": Points(
        legal=[
            {**_NO_PADDING, "SIMD": 27},
            {
                **{"KERNEL_H": 7, "KERNEL_W": 7, "STRIDE_H": 2, "STRIDE_W": 2},
                **{"SIMD": 49, "REPEATS": 4},
            },
            {**_ONE_TAP, "SIMD": 3, "CHANNELS": 3},
        ],
        illegal={
            "SIMD must divide KERNEL_H*KERNEL_W*CHANNELS": [{"SIMD": 4}],
            "the kernel must fit the padded image": [{"KERNEL_H": 11}],
            "each padding must be less than the kernel": [{"PAD_LEFT": 3}],
            "LINES must be at least KERNEL_H": [{"LINES": 2}],
            "strides and REPEATS must be at least 1": [{"REPEATS": 0}],
        },
    ),
}
