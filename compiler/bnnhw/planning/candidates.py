"""The ways to fold one layer, with their estimated price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import FoldingError
from bnnhw.hardware.cost.model import Resources, unit_resources
from bnnhw.hardware.folding import WIDEST_WORD, LayerFolding
from bnnhw.hardware.stages.layer_facts import BUS_BITS, can_stream
from bnnhw.hardware.stages.layer_units import (
    MULTIPLY,
    feed_cycles,
    frame_window_unit,
    layer_cycles,
    layer_input_lanes,
    layer_windows,
    needs_window,
    pairs_fit,
    pe_array_unit,
    stream_array_unit,
    streamed_cycles,
    weight_buffer_unit,
    weight_reader_unit,
    window_cycles,
)
from bnnhw.hardware.stages.stage import element_bits
from bnnhw.hardware.units.streams import WIDTH_CONVERTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from bnnhw.hardware.board import Board
    from bnnhw.hardware.folding import FoldingRequest
    from bnnhw.hardware.stages import Layer
    from bnnhw.ir.ops import Window
    from bnnhw.planning.network import Network

#: The units of a layer that candidates are priced with; each is named after the layer and this.
PRICED_UNITS = (
    *("window", "feed_converter", "replay", "pe_array"),
    *("weights_reader", "weights_converter", "weights"),
)
# Wider words of weights from memory would only come from foldings that no board here can hold.
_WIDEST_BUFFER = 4096
# Feeds tried: wider ones than the narrowest only move LUTs between memory and converter.
_FEEDS = 2
# Wider memory words than this, in bits, only come from foldings that no board here can hold.
_MAX_LANES = 16384


@dataclass(frozen=True)
class Candidate:
    """One way to fold a layer, with its estimated price.

    Attributes:
        fold: PE, SIMD and memories.
        cycles: cycles per frame, of the PE array or of the input, whichever is more.
        resources: estimated resources of the layer's units.
    """

    fold: LayerFolding
    cycles: int
    resources: Resources


def folding_key(network: Network, layer: Layer, request: FoldingRequest) -> object:
    """A key of a layer: layers with equal keys have the same foldings at the same prices."""
    facts = network.facts[layer.name]
    return (
        layer.image, layer.window, layer.features, layer.passes, layer.groups, layer.element,
        layer.weight_bits, layer.threshold is None, facts.acc_bits, facts.rows, facts.columns,
        repr(request.layers.get(layer.name)),
    )  # fmt: skip


def candidates(
    network: Network, layer: Layer, request: FoldingRequest, board: Board, *, streamed: bool
) -> list[Candidate]:
    """All ways to fold a layer that no other way beats in cycles and every resource.

    ``streamed`` ones take their weights from memory; none for layers that cannot. Buffers
    may lie in UltraRAM where the board has any.
    """
    asked = request.layers.get(layer.name, {})
    buffers = _buffers(asked, board)
    if streamed and (asked.get("feed") or not can_stream(layer)):
        return []
    found: list[Candidate] = []
    # Beats across taps are made of whole pixels, which hold other groups as well.
    simd_whole = layer.taps if layer.groups == 1 else layer.group_channels
    for pe, simd in product(
        _allowed(asked, "pe", layer.group_features, layer, request),
        _allowed(asked, "simd", simd_whole, layer, request),
    ):
        if pe * simd > _MAX_LANES and not asked:
            continue
        if streamed:
            made = _streamed_folds(network, layer, LayerFolding(pe, simd), asked, buffers)
        else:
            made = _folds(network, layer, LayerFolding(pe, simd), asked, buffers)
        found += [c for c in made if asked or _in_words(network, layer, c.fold)]
    if not (found or streamed) and not asked.get("feed") and padded_as_wide(layer.window):
        raise FoldingError(
            f"SIMD = {asked.get('simd')} of layer '{layer.name}' spans taps of a window that is "
            "padded as wide as it is",
            where=request.source,
            fix=f"choose a divisor of its {layer.channels} channels, or a PE less than its "
            f"{layer.features} outputs and a feed",
        )
    if not (found or streamed):
        raise FoldingError(
            f"no folding of layer '{layer.name}' has feed = {asked.get('feed')}",
            where=request.source,
            fix="the feed divides the input channels and SIMD, and PE is less than the output "
            "channels; 0 reads windows without one",
        )
    return _pareto(found)


def _in_words(network: Network, layer: Layer, fold: LayerFolding) -> bool:
    """Whether no stream or field of weights is wider than HLS takes, padding marks included."""
    lanes = max(fold.simd, layer_input_lanes(layer, fold))
    marks = int(fold.memory == "ddr")
    out = 1 if layer.threshold is not None else network.facts[layer.name].acc_bits
    words = (
        lanes * element_bits(layer.element) + marks,
        fold.simd * layer.weight_bits,
        fold.pe * out,
    )
    return max(words) <= WIDEST_WORD


def _folds(
    network: Network,
    layer: Layer,
    plain: LayerFolding,
    asked: Mapping[str, Any],
    buffers: Sequence[str],
) -> list[Candidate]:
    """A folding with each place for its weights and its window."""
    fronts: list[tuple[LayerFolding, int, Resources]] = []
    for fold in _fronts(layer, plain, asked, buffers):
        _, height, width = layer.image
        inputs = height * width * layer.channels // layer_input_lanes(layer, fold)
        cycles = max(layer_cycles(layer, fold), inputs)
        if fold.feed:
            cycles = max(cycles, feed_cycles(layer, fold.feed))
        units = layer_windows(layer, fold) if needs_window(layer, fold) else []
        for kind, params in units:
            cycles = max(cycles, window_cycles(kind, params))
        need = sum((unit_resources(*unit) for unit in units), Resources())
        fronts.append((fold, cycles, need))
    facts, found = network.facts[layer.name], []
    for memory, multiply in product(_styles(asked, "memory"), _multiplies(layer, plain.pe, asked)):
        array = replace(plain, memory=memory, multiply=multiply)
        weights = unit_resources(*pe_array_unit(layer, facts, array))
        found += [
            Candidate(replace(fold, memory=memory, multiply=multiply), cycles, weights + need)
            for fold, cycles, need in fronts
        ]
    return found


def _fronts(
    layer: Layer, fold: LayerFolding, asked: Mapping[str, Any], buffers: Sequence[str]
) -> list[LayerFolding]:
    """The ways to give a layer its windows: each place for them, without and with a feed."""
    if not needs_window(layer, fold):
        return [replace(fold, buffer=buffers[0])]
    feeds = _feeds(layer, fold)
    if layer.channels % fold.simd and padded_as_wide(layer.window):
        feeds = [feed for feed in feeds if feed]  # bnn_window_parallel has no such windows
    if "feed" in asked:
        feeds = [
            feed
            for feed in [int(asked["feed"])]
            if (feed in feeds if not feed else _feeds_windows(layer, fold, feed))
        ]
    return [replace(fold, buffer=buffer, feed=feed) for feed, buffer in product(feeds, buffers)]


def _feeds(layer: Layer, fold: LayerFolding) -> list[int]:
    """No feed, and the narrowest that keep up, where SIMD spans taps and windows are played."""
    if layer.channels % fold.simd == 0:
        return [0]
    wide_enough = [
        lanes
        for lanes in divisors(layer.channels)
        if _feeds_windows(layer, fold, lanes)
        and feed_cycles(layer, lanes) <= layer_cycles(layer, fold)
    ]
    return [0, *wide_enough[:_FEEDS]]


def _feeds_windows(layer: Layer, fold: LayerFolding, lanes: int) -> bool:
    """Whether windows can be read ``lanes`` elements per beat and played for several tiles."""
    whole = layer.channels % lanes == 0 and fold.simd % lanes == 0
    return whole and fold.pe < layer.features


def _streamed_folds(
    network: Network,
    layer: Layer,
    plain: LayerFolding,
    asked: Mapping[str, Any],
    buffers: Sequence[str],
) -> list[Candidate]:
    """A folding with weights from memory; SIMD lies within a tap, a padded beat counts half."""
    pe, simd = plain.pe, plain.simd
    bits = pe * simd * layer.weight_bits
    if layer.channels % simd or (simd % 2 and any(layer.window.pads)) or bits > _WIDEST_BUFFER:
        return []
    facts = network.facts[layer.name]
    found = []
    for buffer, multiply in product(buffers, _multiplies(layer, pe, asked)):
        fold = LayerFolding(pe, simd, "ddr", buffer, multiply)
        units = [
            stream_array_unit(layer, facts, fold),
            frame_window_unit(layer, fold, simd, tile_major=False),
            weight_reader_unit(layer, fold),
            (WIDTH_CONVERTER.name, {"ELEM_BITS": 1, "IN_LANES": BUS_BITS, "OUT_LANES": bits}),
        ]
        if np.prod(layer.out_size) > 1:
            units.append(weight_buffer_unit(layer, fold))
        need = sum((unit_resources(*unit) for unit in units), Resources())
        found.append(Candidate(fold, streamed_cycles(layer, fold), need))
    return found


def _multiplies(layer: Layer, pe: int, asked: Mapping[str, Any]) -> list[str]:
    """The ways a layer may multiply; two products share a DSP block where channels pair up."""
    if layer.weight_bits == 1:
        return ["lut"]
    if "multiply" in asked:
        return [str(asked["multiply"])]
    return [way for way in MULTIPLY if way != "dsp2" or pairs_fit(layer, pe)]


def _allowed(
    asked: Mapping[str, Any], key: str, whole: int, layer: Layer, request: FoldingRequest
) -> list[int]:
    if key not in asked:
        return divisors(whole)
    value = int(asked[key])
    if whole % value:
        what = "output channels" if key == "pe" else "window (KH * KW * Cin)"
        if layer.groups > 1:
            what = f"{'output' if key == 'pe' else 'input'} channels per group"
        raise FoldingError(
            f"{key} = {value} of layer '{layer.name}' does not divide its {what}, {whole}",
            where=request.source,
            fix=f"choose one of {', '.join(map(str, divisors(whole)))}",
        )
    return [value]


def _styles(asked: Mapping[str, Any], key: str) -> list[str]:
    given = asked.get(key)
    return ["lut", "bram"] if given in (None, "ddr") else [str(given)]


def _buffers(asked: Mapping[str, Any], board: Board) -> list[str]:
    """Where the window may lie: in UltraRAM too, since it is written at run time."""
    found = _styles(asked, "buffer")
    return [*found, "uram"] if board.uram and "buffer" not in asked else found


def _pareto(candidates: list[Candidate]) -> list[Candidate]:
    """Drops candidates that another one beats or equals in cycles, LUT, blocks and DSP."""

    def order(c: Candidate) -> tuple[float, ...]:
        r = c.resources
        return c.cycles, r.lut_packed, r.bram36, r.dsp, r.uram, c.fold.pe

    ordered = sorted(candidates, key=order)
    front: list[Candidate] = []
    for c in ordered:
        if not any(
            f.resources.lut_packed <= c.resources.lut_packed
            and f.resources.bram36 <= c.resources.bram36
            and f.resources.dsp <= c.resources.dsp
            and f.resources.uram <= c.resources.uram
            for f in front
        ):
            front.append(c)
    return front


def padded_as_wide(window: Window) -> bool:
    """Whether some window may lie in the padding alone."""
    top, left, bottom, right = window.pads
    return max(top, bottom) >= window.kernel[0] or max(left, right) >= window.kernel[1]


def divisors(n: int) -> list[int]:
    """All divisors, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]
