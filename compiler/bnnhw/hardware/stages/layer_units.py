"""The units of a layer of weights at a folding, and the cycles that they take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bnnhw.hardware.stages.layer_facts import BUS_BITS
from bnnhw.hardware.stages.stage import element_bits
from bnnhw.hardware.stages.windows import STYLES, window_unit
from bnnhw.hardware.units.arrays import (
    INT_PE_ARRAY,
    MAC_PE_ARRAY,
    PE_ARRAY,
    STREAM_MAC_PE_ARRAY,
    STREAM_PE_ARRAY,
)
from bnnhw.hardware.units.kind import BOOTH, CHAIN, DSP, LUTS, PAIR
from bnnhw.hardware.units.streams import WIDTH_CONVERTER
from bnnhw.hardware.units.weights import AXI_READER, WEIGHT_BUFFER
from bnnhw.hardware.units.windows import FRAME_WINDOW, WINDOW_PARALLEL
from bnnhw.hardware.window_sizes import output_size
from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.folding import LayerFolding
    from bnnhw.hardware.stages.layer import Layer
    from bnnhw.hardware.stages.layer_facts import LayerFacts
    from bnnhw.hardware.stages.stage import UnitParams

MULTIPLY = {"lut": BOOTH, "dsp": DSP, "dsp2": PAIR}
"""``MULTIPLY_STYLE`` of the ways to multiply of folding files."""
#: Address bits of the memory port: what Zynq UltraScale+ has; Zynq-7000 uses the low 32.
ADDRESS_BITS = 40
#: AXI3, which Zynq-7000's ports speak, has bursts of up to 16 words.
BURST_BEATS = 16
# Cycles from an address to its first word that readers are built to bear: 150, a refresh, and the
# bursts of other readers before.
_MEMORY_LATENCY = 400
# Words by which their queues grow: LUTRAM of 32 words.
_QUEUE_WORDS = 32
# Words of one LUT's memory: up to a multiple of them, words are free.
_LUTRAM_WORDS = 64


def layer_input_lanes(layer: Layer, fold: LayerFolding) -> int:
    """Elements per beat at the input of a layer: SIMD, or whole pixels where SIMD spans taps.

    The feed where windows are played from a memory of their own.
    """
    if fold.feed:
        return fold.feed
    return fold.simd if layer.channels % fold.simd == 0 else layer.channels


def needs_window(layer: Layer, fold: LayerFolding) -> bool:
    """Whether a layer reads its input more than once, or in another order than it comes."""
    plain = layer.window.kernel == (1, 1) == layer.window.stride and not any(layer.window.pads)
    plain = plain and layer.groups == 1
    return not plain or fold.pe != layer.features or layer.channels % fold.simd != 0


def layer_windows(layer: Layer, fold: LayerFolding) -> list[UnitParams]:
    """The units that give a layer its windows, once per tile of output channels, in stream order.

    The window of each group of channels, if there are several, once per tile of that group's.

    One window unit; or, with a feed, one that gives each window once, in narrow beats, a converter
    to SIMD, and the memory of two windows that plays them: as many bits of LUTRAM as two windows
    hold, where a window unit of SIMD across taps keeps them in registers behind multiplexers.
    """
    bits, tiles = element_bits(layer.element), layer.group_features // fold.pe
    lanes, repeats = (fold.feed, 1) if fold.feed else (fold.simd, tiles)
    window = window_unit(
        layer.image, layer.window, bits,
        simd=lanes, repeats=repeats, buffer=fold.buffer, groups=layer.groups,
    )  # fmt: skip
    if not fold.feed:
        return [window]
    converter = {"ELEM_BITS": bits, "IN_LANES": fold.feed, "OUT_LANES": fold.simd}
    pixel = Window((1, 1))
    kind, replay = window_unit(
        (layer.taps, *layer.out_size), pixel, bits, simd=fold.simd, repeats=tiles, buffer="lut"
    )
    replay["DEPTH"] = 2 * layer.taps // fold.simd
    return [window, (WIDTH_CONVERTER.name, converter), (kind, replay)]


def feed_cycles(layer: Layer, lanes: int) -> int:
    """Cycles per frame to read every window of a layer once, ``lanes`` elements per beat."""
    out_h, out_w = layer.out_size
    return out_h * out_w * layer.taps // lanes


def window_cycles(kind: str, params: Mapping[str, int]) -> int:
    """Cycles per frame that a window unit takes by itself, whatever it is folded into.

    ``bnn_window_parallel`` shifts in every column of every pass over its lines, padding included.
    """
    if kind != WINDOW_PARALLEL.name:
        return 1
    p = params
    out_h, out_w = output_size(p)
    last = p["KERNEL_W"] - 1 - p["PAD_LEFT"] + (out_w - 1) * p["STRIDE_W"]
    return out_h * max(last + 1, min(last + 1, p["WIDTH"]) + p["PAD_LEFT"])


def pe_array_unit(layer: Layer, facts: LayerFacts, fold: LayerFolding) -> UnitParams:
    """Kind and parameters of the PE array of a layer."""
    out_h, out_w = layer.out_size
    params = {
        "PE": fold.pe,
        "SIMD": fold.simd,
        "FOLDS": layer.taps // fold.simd,
        "TILES": layer.features // fold.pe,
        "ACC_BITS": facts.acc_bits,
        "OUT_H": out_h,
        "OUT_W": out_w,
        "BORDER_TOP": facts.rows.first,
        "BORDER_BOTTOM": facts.rows.last,
        "BORDER_LEFT": facts.columns.first,
        "BORDER_RIGHT": facts.columns.last,
        "WEIGHTS_STYLE": STYLES[fold.memory],
        "INIT_STYLE": LUTS,
    }
    if layer.integer_input:
        params |= {"IN_BITS": element_bits(layer.element), "IN_SIGNED": int(layer.input_low < 0)}
    if layer.weight_bits > 1:
        style = MULTIPLY[fold.multiply]
        if style == PAIR and chains(layer, fold):
            style = CHAIN
        numbers = {"WEIGHT_BITS": layer.weight_bits, "MULTIPLY_STYLE": style}
        return MAC_PE_ARRAY.name, params | numbers
    params |= {"ACC_SHIFT": facts.acc_shift, "BINARY_OUT": int(layer.threshold is not None)}
    return INT_PE_ARRAY.name if layer.integer_input else PE_ARRAY.name, params


def frame_window_unit(
    layer: Layer, fold: LayerFolding, in_lanes: int, *, tile_major: bool, pixels: int = 1
) -> UnitParams:
    """Kind and parameters of the frame buffer of a layer whose weights come from memory.

    A vector that flattens an image of ``pixels`` is read as that image, in one window: where it
    comes tile by tile, its elements are in another order than the vector's.
    """
    image, window = layer.image, layer.window
    if pixels > 1:
        image, window = (layer.taps // pixels, 1, pixels), Window((1, pixels))
    _, params = window_unit(
        image, window, element_bits(layer.element),
        simd=fold.simd, repeats=1, buffer=fold.buffer, groups=layer.groups,
    )  # fmt: skip
    dropped = ("REPEATS", "CHANNEL_OUTER", "DEPTH")
    kept = {k: v for k, v in params.items() if k not in dropped}
    tiles = layer.features // layer.passes // fold.pe
    own = {"PASSES": tiles, "IN_LANES": in_lanes, "TILE_MAJOR": int(tile_major)}
    return FRAME_WINDOW.name, kept | own


def stream_array_unit(layer: Layer, facts: LayerFacts, fold: LayerFolding) -> UnitParams:
    """Kind and parameters of a PE array whose weights come from memory."""
    kind, params = pe_array_unit(layer, facts, fold)
    dropped = ("OUT_H", "OUT_W", "WEIGHTS_STYLE")
    kept = {k: v for k, v in params.items() if k not in dropped and not k.startswith("BORDER_")}
    out_h, out_w = layer.out_size
    kept["PIXELS"] = out_h * out_w
    if kind == MAC_PE_ARRAY.name:
        return STREAM_MAC_PE_ARRAY.name, kept
    kept["PAD_HALF"] = int(any(layer.window.pads) and layer.input_low < 0)
    return STREAM_PE_ARRAY.name, kept


def weight_reader_unit(layer: Layer, fold: LayerFolding) -> UnitParams:
    """Kind and parameters of the read master of a layer's weights.

    Its queue and the bursts under way cover the longest latency at the pace the layer needs
    (hw/README.md, ``bnn_axi_reader``).
    """
    words = layer.weight.size * layer.weight_bits // BUS_BITS
    return reader_unit(words, layer_cycles(layer, fold))


def reader_unit(words: int, cycles: int) -> UnitParams:
    """Kind and parameters of a read master of so many bus words, evenly in so many cycles."""
    ahead = words / cycles * (_MEMORY_LATENCY + BURST_BEATS + 4)
    return AXI_READER.name, {
        "ADDR_BITS": ADDRESS_BITS,
        "DATA_BITS": BUS_BITS,
        "WORDS": words,
        "BURST": BURST_BEATS,
        "OUTSTANDING": 1 + math.ceil(ahead / BURST_BEATS),
        "DEPTH": _QUEUE_WORDS * math.ceil((BURST_BEATS + ahead + 1) / _QUEUE_WORDS),
    }


def weight_buffer_unit(layer: Layer, fold: LayerFolding) -> UnitParams:
    """Kind and parameters of the buffer that plays a tile's weights once per pixel."""
    out_h, out_w = layer.out_size
    folds = layer.taps // fold.simd
    whole = -(-3 * folds // 2 // _LUTRAM_WORDS) * _LUTRAM_WORDS
    return WEIGHT_BUFFER.name, {
        "WORD_BITS": fold.pe * fold.simd * layer.weight_bits,
        "FOLDS": folds,
        "PIXELS": out_h * out_w,
        "DEPTH": min(2 * folds, whole),
        "RAM_STYLE": LUTS,
    }


def streamed_cycles(layer: Layer, fold: LayerFolding) -> int:
    """Cycles per frame of a layer whose weights come from memory.

    Where its buffer holds less than two tiles, what the next tile lacks comes as this one is played
    for the last time, and later, at the pace of half the memory port.
    """
    _, p = weight_buffer_unit(layer, fold)
    ahead = p["DEPTH"] - p["FOLDS"]
    pace = 2 * p["WORD_BITS"] / BUS_BITS
    wait = max(0.0, (p["FOLDS"] - ahead) * (pace - 1) - p["DEPTH"])
    return layer_cycles(layer, fold) + math.ceil(wait) * (layer.features // fold.pe)


def pairs_fit(layer: Layer, pe: int) -> bool:
    """Whether two products of a layer fit one DSP48E1: two channels share an activation.

    (w1 * 2^K + w0) * x with K one more than the bits of a product: 25 bits by 18.
    """
    bits = element_bits(layer.element)
    packed = bits + 2 * layer.weight_bits + 1
    return pe % 2 == 0 and bits + (layer.input_low >= 0) <= 18 and packed <= 25


def chains(layer: Layer, fold: LayerFolding) -> bool:
    """Whether DSP blocks of two products can add up those of two lanes as well.

    (w1 * 2^K + w0) then has no bit to spare, and w1 must not be the lowest number of its width.
    """
    lowest = -(1 << (layer.weight_bits - 1))
    return fold.simd > 1 and layer.weight_bits > 1 and int(layer.weight.min()) > lowest


def layer_cycles(layer: Layer, fold: LayerFolding) -> int:
    """Cycles per frame that a layer's PE array is busy."""
    out_h, out_w = layer.out_size
    return out_h * out_w * (layer.features // fold.pe) * (layer.taps // fold.simd)
