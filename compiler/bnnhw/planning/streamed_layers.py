"""Layers whose weights come from memory, and what follows them: streams that flow tile by tile.

Such a layer keeps a frame of its input, fetches a tile of weights (PE output channels) and computes
all pixels for it, then the next tile: each weight is fetched once per frame. It gives PE channels
of all pixels, then the next PE channels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import UnbuildableError
from bnnhw.hardware.design import LayerPlan, Stream
from bnnhw.hardware.stages import Layer
from bnnhw.hardware.stages.layer_facts import BUS_BITS
from bnnhw.hardware.stages.layer_units import (
    frame_window_unit,
    layer_cycles,
    reader_unit,
    stream_array_unit,
    weight_buffer_unit,
    weight_reader_unit,
)
from bnnhw.hardware.stages.loops import LoopStart
from bnnhw.hardware.stages.stage import element_bits

if TYPE_CHECKING:
    from collections.abc import Collection

    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.folding import LayerFolding
    from bnnhw.hardware.stages.layer_facts import LayerFacts
    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.planning.network import Network

_GATHERED_BITS = 64


def add_streamed_layer(
    path: Datapath, layer: Layer, facts: LayerFacts, fold: LayerFolding, source: Stream
) -> Stream:
    """Adds the units of a layer whose weights come from memory; returns the stream of its sums."""
    name = layer.name
    flattened = source.beats // source.pixels if source.tiles and layer.image[1:] == (1, 1) else 1
    if flattened > 1 and (layer.taps // flattened) % fold.simd:
        source, flattened = _pixel_by_pixel(path, name, source), 1
    lanes = frame_lanes(layer, fold, source)
    source = path.convert(source, lanes, f"{name}_converter", name)
    out_h, out_w = layer.out_size
    pixels, tiles = out_h * out_w, layer.features // fold.pe
    kind, params = frame_window_unit(layer, fold, lanes, tile_major=source.tiles, pixels=flattened)
    windows = Stream(
        f"{name}_window_out", source.elem_bits, fold.simd, layer_cycles(layer, fold),
        user=True, pixels=tiles,
    )  # fmt: skip
    path.through(f"{name}_window", kind, params, name, (source, windows))
    weights = _add_weights(path, layer, fold)
    kind, params = stream_array_unit(layer, facts, fold)
    sink = Stream(
        f"{name}_out", 1 if layer.threshold is not None else facts.acc_bits, fold.pe,
        pixels * tiles, pixels=tiles, tiles=pixels > 1, tensor=layer.output, later=layer.later,
    )  # fmt: skip
    path.add(f"{name}_pe_array", kind, params, name, sources=(windows, weights), sinks=(sink,))
    return sink


def _pixel_by_pixel(path: Datapath, layer: str, source: Stream) -> Stream:
    """A stream of tiles with all channels of a pixel in a beat: one tile flows pixel by pixel."""
    whole = path.convert(source, source.lanes * source.pixels, f"{layer}_gather", layer)
    return replace(whole, pixels=whole.beats, tiles=False)


def tiled_tensors(network: Network, streamed: Collection[str]) -> set[str]:
    """The tensors that flow tile by tile where the layers ``streamed`` read weights from memory.

    What comes tile by tile is put into the order of pixels where something else than such a layer
    or a stage that can read tiles needs it, or where the other path into a stage has that order.
    """
    by_pixel: set[str] = set()
    while True:
        tiled, unread = _tiles(network, streamed, by_pixel)
        if not unread:
            return tiled
        by_pixel |= unread


def is_reordered(network: Network, streamed: Collection[str]) -> bool:
    """Whether some stream must be put from the order of tiles into that of pixels."""
    return bool(_tiles(network, streamed, ())[1])


def _tiles(
    network: Network, streamed: Collection[str], by_pixel: Collection[str]
) -> tuple[set[str], set[str]]:
    """The tensors that flow tile by tile, and those of them that a stage cannot read so."""
    tiled: set[str] = set()
    unread: set[str] = set()
    for stage in network.stages:
        inside = [tensor for tensor in stage.inputs if tensor in tiled]
        if isinstance(stage, Layer):
            reads = stage.name in streamed
            gives = reads and int(np.prod(stage.out_size)) > 1
        elif isinstance(stage, LoopStart):
            reads, gives = True, True
        else:
            reads = stage.reads_tiles and len(inside) == len(stage.inputs)
            gives = reads and stage.gives_tiles
        if not reads:
            unread.update(inside)
        if gives and stage.output not in by_pixel:
            tiled.add(stage.output)
    return tiled, unread


def frame_lanes(layer: Layer, fold: LayerFolding, source: Stream) -> int:
    """Elements per beat into the frame buffer of a layer.

    SIMD where the source flows pixel by pixel. Tiles are gathered as wide as a bus word at most:
    each memory of the buffer is written by itself, and narrow ones waste block RAM.

    Raises:
        UnbuildableError: SIMD does not hold whole tiles of the source.
    """
    if not source.tiles:
        return fold.simd
    if fold.simd % source.lanes:
        raise UnbuildableError(
            f"SIMD = {fold.simd} of layer '{layer.name}' does not hold whole tiles of the "
            f"{source.lanes} channels that come from layers whose weights come from memory",
            where="folding",
            fix="let the PE of those layers divide this SIMD",
        )
    most = max(1, _GATHERED_BITS // element_bits(layer.element))
    return max(
        n
        for n in range(1, fold.simd + 1)
        if fold.simd % n == 0 and n % source.lanes == 0 and (n <= most or n == source.lanes)
    )


def layer_plan(layer: Layer, fold: LayerFolding) -> LayerPlan:
    """The layer as reports and folding files show it."""
    out_h, out_w = layer.out_size
    return LayerPlan(
        name=layer.name,
        kind="conv" if layer.is_conv else "dense",
        macs=out_h * out_w * layer.taps * layer.features,
        weight_bits=layer.taps * layer.features * layer.weight_bits,
        pe=fold.pe,
        simd=fold.simd,
        cycles=layer_cycles(layer, fold),
        integer_input=layer.integer_input,
        memory=fold.memory,
        later=tuple(name for name, _ in layer.later),
    )


def add_parameters(path: Datapath, stage: str, words: int, bits: int, cycles: int) -> Stream:
    """Adds the units that bring parameters: so many words of ``bits``, in so many cycles."""
    unit = reader_unit(words * bits // BUS_BITS, cycles)
    return _add_reader(path, f"{stage}_parameters", stage, unit, bits)


def _add_reader(path: Datapath, name: str, stage: str, unit: UnitParams, bits: int) -> Stream:
    """Adds a read master and what makes words of ``bits`` of what it reads."""
    kind, params = unit
    read = Stream(f"{name}_reader_out", 1, BUS_BITS, params["WORDS"])
    path.add(f"{name}_reader", kind, params, stage, sinks=(read,))
    return path.convert(read, bits, f"{name}_converter", stage)


def _add_weights(path: Datapath, layer: Layer, fold: LayerFolding) -> Stream:
    """Adds the units that bring the weights, a word of PE * SIMD weights per beat."""
    name = layer.name
    bits = fold.pe * fold.simd * layer.weight_bits
    weights = _add_reader(path, f"{name}_weights", name, weight_reader_unit(layer, fold), bits)
    kind, params = weight_buffer_unit(layer, fold)
    if params["PIXELS"] == 1:
        return weights
    played = Stream(f"{name}_weights_out", 1, bits, weights.beats * params["PIXELS"])
    return path.through(f"{name}_weights", kind, params, name, (weights, played))
