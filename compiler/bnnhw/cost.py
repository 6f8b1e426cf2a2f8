"""Resources of units and designs, estimated by a model fitted to synthesis.

Each unit has a few features, computed from its parameters; LUTs and flip-flops are sums of
features times coefficients. ``tools/fit_cost.py`` measures units with Yosys and fits the
coefficients; data, coefficients and errors are in ``cost_model.json``. Block RAM is a rule, not a
fit. A LUT is one of Yosys's estimated logic cells, plus those used as memory or shift register.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bnnhw.board import Board
    from bnnhw.datapath import Datapath
    from bnnhw.design import Design

_MODEL = Path(__file__).parent / "cost_model.json"
_BRAM36_PORTS = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))


@dataclass(frozen=True)
class Resources:
    """Amounts of each resource; BRAM counts in 36-kbit blocks, halves allowed."""

    lut: float = 0.0
    ff: float = 0.0
    bram36: float = 0.0
    dsp: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram36 + other.bram36,
            self.dsp + other.dsp,
        )

    def __sub__(self, other: Resources) -> Resources:
        return Resources(
            self.lut - other.lut,
            self.ff - other.ff,
            self.bram36 - other.bram36,
            self.dsp - other.dsp,
        )

    def exceeds(self, limit: Resources) -> bool:
        """Whether any amount is over the limit's."""
        return any(
            getattr(self, name) > getattr(limit, name) for name in ("lut", "ff", "bram36", "dsp")
        )


#: The share of each resource that a design may take: a full part cannot be routed.
USABLE = {"lut": 0.85, "ff": 0.90, "bram36": 1.0, "dsp": 1.0}


def budget(board: Board) -> Resources:
    """What a design may use of a board's part."""
    return Resources(
        lut=board.lut * USABLE["lut"],
        ff=board.ff * USABLE["ff"],
        bram36=board.bram36 * USABLE["bram36"],
        dsp=board.dsp * USABLE["dsp"],
    )


def unit_resources(kind: str, params: Mapping[str, int]) -> Resources:
    """Estimated resources of one unit."""
    features = FEATURES[kind](params)
    model = _model()[kind]
    lut, ff = (
        sum(coefficient * feature for coefficient, feature in zip(row, features, strict=True))
        for row in (model["lut"], model["ff"])
    )
    bram36 = BRAMS[kind](params) if kind in BRAMS else 0.0
    dsp = DSPS[kind](params) if kind in DSPS else 0
    return Resources(max(0.0, lut), max(0.0, ff), bram36, dsp)


def design_resources(design: Datapath | Design) -> dict[str, Resources]:
    """Estimated resources by unit name, FIFOs and the register block included."""
    parts = {unit.name: unit_resources(unit.kind, unit.params) for unit in design.units}
    for stream in design.streams.values():
        if stream.depth:
            params = {
                "WIDTH": stream.width + stream.user,
                "DEPTH": stream.depth,
                "RAM_STYLE": stream.ram_style,
            }
            parts[f"{stream.name}_fifo"] = unit_resources("bnn_fifo", params)
    parts["registers"] = unit_resources("bnn_registers", {})
    return parts


def total(parts: Mapping[str, Resources]) -> Resources:
    """The sum of all parts."""
    return sum(parts.values(), Resources())


# ------------------------------------------------------------------------------ block RAM


@cache
def rom_bram36(width: int, depth: int) -> float:
    """BRAM36 that Yosys maps a ROM of ``depth`` words of ``width`` bits to.

    Every aspect of a simple dual-port block is tried, as whole blocks and as 18-kbit halves of
    half the depth; the mapper tiles words with one aspect.
    """
    best = math.inf
    for rows, columns in _BRAM36_PORTS:
        whole = math.ceil(width / columns) * math.ceil(depth / rows)
        # An 18-kbit half is as wide and half as deep from 36 bits on downwards.
        half_columns = columns // 2 if rows == 512 else columns
        half_rows = rows if rows == 512 else rows // 2
        halves = math.ceil(width / half_columns) * math.ceil(depth / half_rows) / 2
        best = min(best, whole, halves)
    return best


def _weights_bram(p: Mapping[str, int]) -> float:
    words = p["TILES"] * p["FOLDS"]
    if p["WEIGHTS_STYLE"] != 2 or words == 1:
        return 0.0
    return rom_bram36(p["PE"] * p["SIMD"] * p.get("WEIGHT_BITS", 1), words)


def affine_word(p: Mapping[str, int]) -> int:
    """Bits of a word of bnn_affine's parameters."""
    segment = p["MULTIPLIER_BITS"] + p["OFFSET_BITS"]
    knee = p["IN_BITS"] + 1 if p["SEGMENTS"] > 1 else 0
    return p["LANES"] * (p["SEGMENTS"] * segment + knee)


def _affine_bram(p: Mapping[str, int]) -> float:
    return rom_bram36(affine_word(p), p["FOLDS"]) if p["STYLE"] == 2 else 0.0


def _window_bram(p: Mapping[str, int]) -> float:
    if p["RAM_STYLE"] != 2:
        return 0.0
    return rom_bram36(p["SIMD"] * p["ELEM_BITS"], p["DEPTH"])


def _lines_bram(p: Mapping[str, int]) -> float:
    if p["RAM_STYLE"] != 2:
        return 0.0
    lines = p.get("LINES", p["KERNEL_H"])
    return lines * rom_bram36(p["CHANNELS"] * p["ELEM_BITS"], p["WIDTH"])


BRAMS: dict[str, Callable[[Mapping[str, int]], float]] = {
    "bnn_pe_array": _weights_bram,
    "bnn_int_pe_array": _weights_bram,
    "bnn_mac_pe_array": _weights_bram,
    "bnn_affine": _affine_bram,
    "bnn_window": _window_bram,
    "bnn_window_parallel": _lines_bram,
    "bnn_fifo": lambda p: rom_bram36(p["WIDTH"], p["DEPTH"]) if p["RAM_STYLE"] == 2 else 0.0,
}

# ------------------------------------------------------------------------------------ DSP


def _mac_dsp(p: Mapping[str, int]) -> int:
    products = p["PE"] * p["SIMD"]
    return {1: 0, 2: products, 3: products // 2}[p["MULTIPLY_STYLE"]]


def _affine_dsp(p: Mapping[str, int]) -> int:
    return p["LANES"] if p["MULTIPLIER_BITS"] and p["MULTIPLY_STYLE"] != 1 else 0


DSPS: dict[str, Callable[[Mapping[str, int]], int]] = {
    "bnn_mac_pe_array": _mac_dsp,
    "bnn_affine": _affine_dsp,
}

# ------------------------------------------------------------------------------- features


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


@cache
def _model() -> dict[str, Any]:
    return json.loads(_MODEL.read_text())["units"]
