"""What the cost model counts of each unit: features whose sums give LUTs and flip-flops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _bits(n: int) -> int:
    return max(1, (max(n, 1) - 1).bit_length())


def rom_luts(width: int, depth: int) -> float:
    """LUTs of a ROM in logic: one bit of 64 words fits one LUT; a handful of words shares one."""
    if depth <= 1:
        return 0.0
    if depth <= 16:
        return width * (0.5 if depth <= 8 else 1.0)
    return width * math.ceil(depth / 64) * (1.0 if depth <= 256 else 1.06)


def ram_luts(width: int, depth: int) -> float:
    """LUTs of a simple dual-port LUTRAM: 64 words of 3 bits take 4 LUTs, 32 words of 6 bits too."""
    if depth <= 32:
        return 4 * math.ceil(width / 6)
    return 4 * math.ceil(width / 3) * math.ceil(depth / 64)


def _pe_array(p: Mapping[str, int]) -> list[float]:
    words = p["TILES"] * p["FOLDS"]
    patterns = (p["BORDER_TOP"] + 1 + p["BORDER_BOTTOM"]) * (
        p["BORDER_LEFT"] + 1 + p["BORDER_RIGHT"]
    )
    lanes = p["PE"] * p["SIMD"]
    # Beyond 1,024 words Yosys slices a block ROM and selects in LUTs, about one a bit and slice.
    slices = float(lanes * (words // 1024))
    weights = rom_luts(lanes, words) if p["WEIGHTS_STYLE"] != 2 else slices
    register = p["PE"] * p["SIMD"] if p["WEIGHTS_STYLE"] != 2 and words > 1 else 0.0
    return [
        p["PE"] * p["SIMD"],
        p["PE"] * p["ACC_BITS"],
        p["PE"],
        p["SIMD"],
        _bits(words) + _bits(patterns * p["TILES"]) + 1.0,
        weights,
        rom_luts(p["PE"] * p["ACC_BITS"], patterns * p["TILES"]),
        register,
        1.0,
    ]


def _int_pe_array(p: Mapping[str, int]) -> list[float]:
    return [p["PE"] * p["SIMD"] * p["IN_BITS"], p["SIMD"] * p["IN_BITS"], *_pe_array(p)]


def _mac_pe_array(p: Mapping[str, int]) -> list[float]:
    products = p["PE"] * p["SIMD"]
    words = p["TILES"] * p["FOLDS"]
    patterns = (p["BORDER_TOP"] + 1 + p["BORDER_BOTTOM"]) * (
        p["BORDER_LEFT"] + 1 + p["BORDER_RIGHT"]
    )
    in_luts = products * p["IN_BITS"] * p["WEIGHT_BITS"] if p["MULTIPLY_STYLE"] == 1 else 0
    bits = products * p["WEIGHT_BITS"]
    return [
        in_luts,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]),
        products * (p["MULTIPLY_STYLE"] == 3),
        p["PE"] * p["ACC_BITS"],
        p["SIMD"] * p["IN_BITS"],
        rom_luts(bits, words) if p["WEIGHTS_STYLE"] != 2 else 0.0,
        rom_luts(p["PE"] * p["ACC_BITS"], patterns * p["TILES"]),
        bits if p["WEIGHTS_STYLE"] != 2 and words > 1 else 0.0,
        1.0,
    ]


def _stream_pe_array(p: Mapping[str, int]) -> list[float]:
    lanes = p["PE"] * p["SIMD"]
    init = rom_luts(p["PE"] * p["ACC_BITS"], p["TILES"])
    return [lanes, p["PE"] * p["ACC_BITS"], p["PE"], p["SIMD"], init, 1.0]


def _stream_mac_pe_array(p: Mapping[str, int]) -> list[float]:
    products = p["PE"] * p["SIMD"]
    in_luts = products * p["IN_BITS"] * p["WEIGHT_BITS"] if p["MULTIPLY_STYLE"] == 1 else 0
    return [
        in_luts,
        products * (p["IN_BITS"] + p["WEIGHT_BITS"]),
        products * (p["MULTIPLY_STYLE"] == 3),
        p["PE"] * p["ACC_BITS"],
        rom_luts(p["PE"] * p["ACC_BITS"], p["TILES"]),
        1.0,
    ]


def _frame_window(p: Mapping[str, int]) -> list[float]:
    width, lanes = p["SIMD"] * p["ELEM_BITS"], p["IN_LANES"] * p["ELEM_BITS"]
    memories = width // lanes
    memory = 0.0
    if p["RAM_STYLE"] != 2:
        memory = memories * ram_luts(lanes, frame_words(p))
    return [width, memory, memories, 1.0]


def frame_words(p: Mapping[str, int]) -> int:
    """Words in each memory of bnn_frame_window."""
    return 2 * p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["SIMD"]


def _weight_buffer(p: Mapping[str, int]) -> list[float]:
    return [p["WORD_BITS"], ram_luts(p["WORD_BITS"], p["DEPTH"]), 1.0]


def _axi_reader(p: Mapping[str, int]) -> list[float]:
    return [p["DATA_BITS"], ram_luts(p["DATA_BITS"], p["DEPTH"]), p["ADDR_BITS"], 1.0]


def _tile_gather(p: Mapping[str, int]) -> list[float]:
    kept = (p["OUT_LANES"] - p["IN_LANES"]) * p["ELEM_BITS"]
    return [p["OUT_LANES"] * p["ELEM_BITS"], ram_luts(kept, p["PIXELS"]), 1.0]


def affine_word(p: Mapping[str, int]) -> int:
    """Bits of a word of bnn_affine's parameters."""
    segment = p["MULTIPLIER_BITS"] + p["OFFSET_BITS"]
    knee = p["IN_BITS"] + 1 if p["SEGMENTS"] > 1 else 0
    return p["LANES"] * (p["SEGMENTS"] * segment + knee)


def _affine(p: Mapping[str, int]) -> list[float]:
    lanes, out = p["LANES"], p["OUT_BITS"]
    total_bits = max(p["IN_BITS"] + p["MULTIPLIER_BITS"], p["OFFSET_BITS"])
    word = affine_word(p)
    return [
        lanes * total_bits,
        lanes * out,
        lanes * p["IN_BITS"] * (p["SEGMENTS"] - 1),
        rom_luts(word, p["FOLDS"]) if p["STYLE"] != 2 else 0.0,
        word if p["FOLDS"] > 1 else 0.0,
        1.0,
    ]


def _int_pool(p: Mapping[str, int]) -> list[float]:
    lanes, folds = p["LANES"], p["CHANNELS"] // p["LANES"]
    width = lanes * p["OUT_BITS"]
    partial = p["WIDTH"] // p["POOL_W"] * folds if p["POOL_H"] > 1 else 0
    return [width, ram_luts(width, partial) if partial else 0.0, 1.0]


def _window(p: Mapping[str, int]) -> list[float]:
    width = p["SIMD"] * p["ELEM_BITS"]
    memory = 0.0 if p["RAM_STYLE"] == 2 else ram_luts(width, p["DEPTH"])
    padded = float(any(p[f"PAD_{side}"] for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")))
    deep = width * (math.ceil(p["DEPTH"] / 64) - 1.0) if memory else 0.0
    image = float(p["HEIGHT"] * p["WIDTH"] > 1)
    return [width, memory, deep, _bits(p["DEPTH"]), image, padded, width * padded, 1.0]


def _window_parallel(p: Mapping[str, int]) -> list[float]:
    taps = p["KERNEL_H"] * p["KERNEL_W"] * p["CHANNELS"] * p["ELEM_BITS"]
    pixel = p["CHANNELS"] * p["ELEM_BITS"]
    width = p["SIMD"] * p["ELEM_BITS"]
    folds = taps // width
    lines = p.get("LINES", p["KERNEL_H"])
    memory = 0.0 if p["RAM_STYLE"] == 2 else lines * ram_luts(pixel, p["WIDTH"])
    padded = float(any(p[f"PAD_{side}"] for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")))
    return [taps, width * math.ceil((folds - 1) / 3), memory, pixel, padded * taps, 1.0]


def _fifo(p: Mapping[str, int]) -> list[float]:
    depth, width = p["DEPTH"], p["WIDTH"]
    storage = 0.0
    if p["RAM_STYLE"] != 2:
        storage = float(width) if depth <= 32 else ram_luts(width, depth)
    return [width, storage, _bits(depth), 1.0]


def _converter(p: Mapping[str, int]) -> list[float]:
    a, b = p["IN_LANES"] * p["ELEM_BITS"], p["OUT_LANES"] * p["ELEM_BITS"]
    integer = max(a, b) % min(a, b) == 0
    general = 0.0 if integer else float((a + b) * _bits(a + b))
    return [max(a, b) * integer, min(a, b) * integer, general, 1.0]


def _max_pool(p: Mapping[str, int]) -> list[float]:
    lanes, folds = p["LANES"], p["CHANNELS"] // p["LANES"]
    columns = p["WIDTH"] // p["POOL_W"]
    return [lanes, ram_luts(lanes, columns * folds), rom_luts(lanes, folds), 1.0]


def _pool_reduce(p: Mapping[str, int]) -> list[float]:
    return [p["LANES"], rom_luts(p["LANES"], p["FOLDS"]), 1.0]


def _threshold(p: Mapping[str, int]) -> list[float]:
    width = p["LANES"] * (p["IN_BITS"] + 2)
    return [p["LANES"] * p["IN_BITS"], rom_luts(width, p["FOLDS"]), 1.0]


def _table(p: Mapping[str, int]) -> list[float]:
    return [rom_luts(p["LANES"] * p["OUT_BITS"], 1 << p["IN_BITS"]), 1.0]


def _input(p: Mapping[str, int]) -> list[float]:
    a, b = 8 * p["BYTES"], p["LANES"] * p["ELEM_BITS"]
    integer = max(a, b) % min(a, b) == 0
    return [a + b, 0.0 if integer else float((a + b) * _bits(a + b)), 1.0]


def _output(p: Mapping[str, int]) -> list[float]:
    return [p["LANES"] * p["FIELD_BITS"], 1.0]


def _top_k(p: Mapping[str, int]) -> list[float]:
    return [p["K"] * p["SCORE_BITS"], p["K"] * _bits(p["CLASSES"]), 1.0]


FEATURES: dict[str, Callable[[Mapping[str, int]], list[float]]] = {
    "bnn_pe_array": _pe_array,
    "bnn_int_pe_array": _int_pe_array,
    "bnn_mac_pe_array": _mac_pe_array,
    "bnn_stream_pe_array": _stream_pe_array,
    "bnn_stream_mac_pe_array": _stream_mac_pe_array,
    "bnn_frame_window": _frame_window,
    "bnn_weight_buffer": _weight_buffer,
    "bnn_axi_reader": _axi_reader,
    "bnn_read_arbiter": lambda p: [p["PORTS"], 1.0],
    "bnn_tile_gather": _tile_gather,
    "bnn_affine": _affine,
    "bnn_fork": lambda p: [p["WIDTH"], 1.0],
    "bnn_add": lambda p: [p["LANES"] * p["OUT_BITS"], 1.0],
    "bnn_int_pool": _int_pool,
    "bnn_int_pool_reduce": lambda p: [p["LANES"] * p["OUT_BITS"], 1.0],
    "bnn_window": _window,
    "bnn_window_parallel": _window_parallel,
    "bnn_fifo": _fifo,
    "bnn_width_converter": _converter,
    "bnn_max_pool": _max_pool,
    "bnn_pool_reduce": _pool_reduce,
    "bnn_threshold": _threshold,
    "bnn_table": _table,
    "bnn_input": _input,
    "bnn_output": _output,
    "bnn_top_k": _top_k,
    "bnn_registers": lambda p: [1.0],
}
