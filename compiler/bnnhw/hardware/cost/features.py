"""What the cost model counts of each unit: features whose weighted sums are LUTs and flip-flops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bnnhw.hardware.cost import arrays as cost_arrays
from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
    fifo_words,
    multiplexer_luts,
    ram_luts,
    rom_luts,
    rom_registers,
    rom_slices,
    selection_luts,
)
from bnnhw.hardware.window_sizes import output_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BLOCK_RAM = 2
_BOOTH = 1


# ------------------------------------------------------------------- windows and frame buffers


def _padded(p: Mapping[str, int]) -> float:
    return float(any(p[f"PAD_{side}"] for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")))


def _window(p: Mapping[str, int]) -> list[float]:
    width, luts = p["SIMD"] * p["ELEM_BITS"], p["RAM_STYLE"] != _BLOCK_RAM
    folds, padded = p["CHANNELS"] // p["SIMD"], _padded(p)
    image = float(p["HEIGHT"] * p["WIDTH"] > 1)
    return [
        width if luts else 0.0,
        ram_luts(width, p["DEPTH"]) if luts else 0.0,
        selection_luts(width, p["DEPTH"]) if luts else 0.0,
        address_bits(p["DEPTH"]),
        counter_bits(folds, p["KERNEL_W"], p["KERNEL_H"], *output_size(p), p["REPEATS"]),
        image,
        padded,
        width * padded,
        1.0,
    ]


def _window_parallel(p: Mapping[str, int]) -> list[float]:
    pixel = p["CHANNELS"] * p["ELEM_BITS"]
    taps = p["KERNEL_H"] * p["KERNEL_W"] * pixel
    folds = taps // (p["SIMD"] * p["ELEM_BITS"])
    lines = p.get("LINES", p["KERNEL_H"])
    luts = lines * pixel if p["RAM_STYLE"] != _BLOCK_RAM else 0
    memory = lines * (ram_luts(pixel, p["WIDTH"]) + selection_luts(pixel, p["WIDTH"]))
    return [
        taps * (2 if folds * p["REPEATS"] > 1 else 1),  # shift window, and the one given out
        taps * (folds > 1),
        p["KERNEL_H"] * pixel * math.ceil(lines / 3),
        luts,
        memory if luts else 0.0,
        1.0,
    ]


def frame_words(p: Mapping[str, int]) -> int:
    """Words in each memory of bnn_frame_window."""
    return 2 * p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["SIMD"]


def _frame_window(p: Mapping[str, int]) -> list[float]:
    width, lanes = p["SIMD"] * p["ELEM_BITS"], p["IN_LANES"] * p["ELEM_BITS"]
    memories, words = width // lanes, frame_words(p)
    luts = p["RAM_STYLE"] != _BLOCK_RAM
    return [
        width if luts else 0.0,
        memories * ram_luts(lanes, words) if luts else 0.0,
        selection_luts(width, words) if luts else 0.0,
        memories,
        address_bits(words),
        _padded(p),
        1.0,
    ]


def _weight_buffer(p: Mapping[str, int]) -> list[float]:
    width, depth = p["WORD_BITS"], p["DEPTH"]
    counters = counter_bits(p["FOLDS"], p["PIXELS"]) + address_bits(depth)
    return [width, ram_luts(width, depth), selection_luts(width, depth), counters, 1.0]


def _tile_gather(p: Mapping[str, int]) -> list[float]:
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


# ------------------------------------------------------------------------------------- streams


def _fifo(p: Mapping[str, int]) -> list[float]:
    """One queue, or one in LUTs and the main one behind it."""
    tail, pack = p.get("TAIL", 0), p.get("PACK", 1)
    main = _queue(p["WIDTH"], p["DEPTH"] - tail, pack, block=p["RAM_STYLE"] == _BLOCK_RAM)
    if not tail:
        return main
    return [a + b for a, b in zip(main, _queue(p["WIDTH"], tail, 1, block=False), strict=True)]


def _queue(width: int, depth: int, pack: int, *, block: bool) -> list[float]:
    shift = pack == 1 and depth <= 32 and (not block or depth == 2)
    words, word = fifo_words(depth, pack), 0 if shift else width * pack
    wraps = words & words - 1  # at a power of two the addresses start over by themselves
    luts = 0 if block else word
    bits = address_bits(depth)
    counters = 2.0 * address_bits(words) + bits + 2.0 * counter_bits(pack)
    return [
        width if shift and depth > 2 else 0.0,
        width if depth == 2 else 0.0,
        luts if pack == 1 else 0.0,
        ram_luts(luts, words),
        selection_luts(luts, words),
        bits if shift else counters,
        0.0 if shift or not wraps else address_bits(words),
        multiplexer_luts(rom_slices(word, words)) * word if block else 0.0,
        width * pack if pack > 1 else 0.0,
        float(pack > 1),
        1.0,
    ]


def _converter(p: Mapping[str, int]) -> list[float]:
    a, b = p["IN_LANES"] * p["ELEM_BITS"], p["OUT_LANES"] * p["ELEM_BITS"]
    return _regroup(a, b)


def _regroup(a: int, b: int) -> list[float]:
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


def _axi_reader(p: Mapping[str, int]) -> list[float]:
    queue = _fifo({"WIDTH": p["DATA_BITS"], "DEPTH": p["DEPTH"], "RAM_STYLE": 1})
    shift, _, memory, luts, selected, counters, *_ = queue
    return [shift + luts, memory, selected, counters, p["ADDR_BITS"], address_bits(p["WORDS"]), 1.0]


def _read_arbiter(p: Mapping[str, int]) -> list[float]:
    """Multiplexers of two and three ports fit the same LUTs."""
    ports = p["PORTS"]
    return [float(ports > 1), float(ports > 3), max(0.0, ports - 4.0), 1.0]


# ------------------------------------------------------------------------ element by element


def affine_word(p: Mapping[str, int]) -> int:
    """Bits of a word of bnn_affine's parameters."""
    segment = p["MULTIPLIER_BITS"] + p["OFFSET_BITS"]
    knee = p["IN_BITS"] + 1 if p["SEGMENTS"] > 1 else 0
    return p["LANES"] * (p["SEGMENTS"] * segment + knee)


def affine_in_dsp(p: Mapping[str, int]) -> bool:
    """Whether bnn_affine multiplies in DSP blocks, of 25 by 18 bits, adding 48."""
    factors = sorted((p["MULTIPLIER_BITS"], p["IN_BITS"] + 1 - p["IN_SIGNED"]))
    fits = 0 < factors[0] <= 18 and factors[1] <= 25 and p["OFFSET_BITS"] < 48
    return p["MULTIPLIER_BITS"] > 0 and p["MULTIPLY_STYLE"] != _BOOTH and fits


def _saturation(p: Mapping[str, int], *, alone: bool) -> float:
    """LUTs of a lane's saturation, from the bits that must be alike for the sum to fit.

    A result bit looks at these and at its own. Up to 6 inputs are one LUT, and where nothing in the
    unit is slower (``alone``), 7 and 8 are LUTs behind multiplexers; else the bits are compared
    first, and two results share a LUT.
    """
    factor = p["MULTIPLIER_BITS"]
    product = p["IN_BITS"] + (factor or 1 - p["IN_SIGNED"])
    kept = max(product, p["OFFSET_BITS"]) + 1 - p["SHIFT"]
    alike = kept - p["OUT_BITS"] + p["OUT_SIGNED"]
    if alike <= 1:
        return 0.0
    if alike <= 5:
        return p["OUT_BITS"]
    if alone and alike <= 7:
        return p["OUT_BITS"] * (1.8 if alike == 6 else 3.6)
    return p["OUT_BITS"] / 2 + alike / 5


def _affine(p: Mapping[str, int]) -> list[float]:
    lanes, word, factor = p["LANES"], affine_word(p), p["MULTIPLIER_BITS"]
    segment = factor + p["OFFSET_BITS"]
    two = p["SEGMENTS"] > 1
    booth = 0.0 if factor == 0 or affine_in_dsp(p) else math.ceil(factor / 2) * (p["IN_BITS"] + 2.0)
    luts = p["STYLE"] != _BLOCK_RAM
    return [
        lanes * p["IN_BITS"],
        lanes * segment if two or factor else 0.0,
        lanes * (segment + p["IN_BITS"]) if two else 0.0,
        lanes * booth,
        lanes * (max(p["IN_BITS"], p["OFFSET_BITS"]) + 1.0) if factor == 0 else 0.0,
        lanes * p["OUT_BITS"],
        lanes * _saturation(p, alone=not two and not booth),
        rom_luts(word, p["FOLDS"]) if luts else 0.0,
        rom_registers(word, p["FOLDS"]) if luts else 0.0,
        counter_bits(p["FOLDS"], p.get("HOLD", 1)) + 1.0,
    ]


def _add(p: Mapping[str, int]) -> list[float]:
    bits = float(p["LANES"] * p["OUT_BITS"])
    saturates = p["OUT_BITS"] <= p["IN_BITS"]
    return [bits * saturates, bits * (not saturates), p["LANES"], 1.0]


def _int_pool(p: Mapping[str, int]) -> list[float]:
    folds, columns = p["CHANNELS"] // p["LANES"], p["WIDTH"] // p["POOL_W"]
    width = p["LANES"] * p["OUT_BITS"]
    partial = folds * (columns if p["POOL_H"] > 1 else 1)
    counters = counter_bits(p["POOL_H"], p["POOL_W"], p["HEIGHT"], p["WIDTH"], folds, partial)
    return [
        width * p["OPERATION"],
        width * (1 - p["OPERATION"]),
        width * (partial == 1),
        ram_luts(width, partial),
        selection_luts(width, partial),
        counters,
        1.0,
    ]


def overlap_memory(p: Mapping[str, int], axis: str) -> tuple[int, int]:
    """Bits of a word and words of one half of bnn_int_pool_overlap: ``axis`` is W or H.

    Up to two words are registers; a kernel of 1 needs none.
    """
    kernel, stride = p[f"KERNEL_{axis}"], p[f"STRIDE_{axis}"]
    windows = 2 if kernel > stride + 1 else int(kernel > 1)
    words = p["CHANNELS"] // p["LANES"] * (output_size(p)[1] if axis == "H" else 1)
    return windows * p["LANES"] * p["OUT_BITS"], words


def _int_pool_overlap(p: Mapping[str, int]) -> list[float]:
    """Each half compares or adds once for each window that may be open, and picks one of two."""
    steps, twice, registers, memories, selections, counters = 0, 0, 0, 0.0, 0.0, 0.0
    result = p["LANES"] * p["OUT_BITS"]
    for axis in "WH":
        width, words = overlap_memory(p, axis)
        steps += width
        twice += width > result
        counters += counter_bits(words, p["WIDTH" if axis == "W" else "HEIGHT"])
        counters += 3.0 * address_bits(words) if width and words > 2 else 0.0
        if words <= 2:
            registers += width * words
        elif axis == "W" or p["RAM_STYLE"] != _BLOCK_RAM:
            memories += ram_luts(width, words)
            selections += selection_luts(width, words)
    return [
        steps * p["OPERATION"],
        steps * (1 - p["OPERATION"]),
        result,
        result * twice,
        registers,
        memories,
        selections,
        counters,
        1.0,
    ]


def _int_pool_reduce(p: Mapping[str, int]) -> list[float]:
    width = p["LANES"] * p["OUT_BITS"]
    return [width * p["OPERATION"], width * (1 - p["OPERATION"]), counter_bits(p["TAPS"]), 1.0]


def _max_pool(p: Mapping[str, int]) -> list[float]:
    lanes, folds = p["LANES"], p["CHANNELS"] // p["LANES"]
    words = p["WIDTH"] // p["POOL_W"] * folds
    counters = counter_bits(p["POOL_H"], p["POOL_W"], p["HEIGHT"], p["WIDTH"], folds, words)
    memory = ram_luts(lanes, words)
    return [lanes, memory, selection_luts(lanes, words), rom_luts(lanes, folds), counters, 1.0]


def _pool_reduce(p: Mapping[str, int]) -> list[float]:
    counters = counter_bits(p["FOLDS"], p["TAPS"]) + 1.0
    return [p["LANES"], rom_luts(p["LANES"], p["FOLDS"]), counters]


def _threshold(p: Mapping[str, int]) -> list[float]:
    lanes, folds = p["LANES"], p["FOLDS"]
    width = lanes * (p["IN_BITS"] + 2)
    return [
        lanes * p["IN_BITS"] * (folds > 1),
        lanes * p["IN_BITS"] * (folds == 1),
        lanes,
        rom_luts(width, folds),
        rom_registers(width, folds),
        counter_bits(folds, p.get("HOLD", 1)) + 1.0,
    ]


def _table(p: Mapping[str, int]) -> list[float]:
    width = p["LANES"] * p["OUT_BITS"]
    return [rom_luts(width, 1 << p["IN_BITS"]), width, 1.0]


def _input(p: Mapping[str, int]) -> list[float]:
    a, b = 8 * p["BYTES"], p["LANES"] * p["ELEM_BITS"]
    beats = counter_bits(p["FRAME_ELEMS"] * p["ELEM_BITS"] // a)
    narrow, kept, parts, wide, _, places, buffer, _ = _regroup(a, b)
    gearbox = float(places > 0)
    return [a, beats, narrow, narrow + kept + parts + wide + buffer, places, gearbox, 1.0]


def _output(p: Mapping[str, int]) -> list[float]:
    return [p["LANES"] * p["ELEM_BITS"], counter_bits(p["FRAME_BEATS"]), 1.0]


def _top_k(p: Mapping[str, int]) -> list[float]:
    entry = p["SCORE_BITS"] + address_bits(p["CLASSES"])
    return [p["K"] * p["SCORE_BITS"], (p["K"] - 1) * entry, entry]


FEATURES: dict[str, Callable[[Mapping[str, int]], list[float]]] = {
    "bnn_pe_array": cost_arrays.pe_array,
    "bnn_int_pe_array": cost_arrays.int_pe_array,
    "bnn_mac_pe_array": cost_arrays.mac_pe_array,
    "bnn_stream_pe_array": cost_arrays.stream_pe_array,
    "bnn_stream_mac_pe_array": cost_arrays.stream_mac_pe_array,
    "bnn_frame_window": _frame_window,
    "bnn_weight_buffer": _weight_buffer,
    "bnn_axi_reader": _axi_reader,
    "bnn_read_arbiter": _read_arbiter,
    "bnn_tile_gather": _tile_gather,
    "bnn_affine": _affine,
    "bnn_fork": lambda p: [p["WIDTH"], 1.0],
    "bnn_add": _add,
    "bnn_int_pool": _int_pool,
    "bnn_int_pool_overlap": _int_pool_overlap,
    "bnn_int_pool_reduce": _int_pool_reduce,
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
    "bnn_registers": lambda _: [1.0],
    "bnn_reset_control": lambda _: [1.0],
}
