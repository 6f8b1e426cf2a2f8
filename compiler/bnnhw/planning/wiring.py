"""From a network and its folding to units and streams: what cost and timing need."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.hardware.datapath import Datapath
from bnnhw.hardware.design import InputPort, OutputPort, Stream
from bnnhw.hardware.stages import Layer, PlainStage
from bnnhw.hardware.stages.layer_units import (
    layer_input_lanes,
    layer_windows,
    needs_window,
    pe_array_unit,
)
from bnnhw.hardware.stages.loops import LoopEnd, LoopStart
from bnnhw.hardware.stages.stage import element_bits
from bnnhw.hardware.stages.streamed_parameters import streamed_parameters
from bnnhw.hardware.units.ends import INPUT, OUTPUT, TOP_K
from bnnhw.hardware.units.streams import CONCAT, SPLIT
from bnnhw.ir.types import Bit, Integer
from bnnhw.planning.streamed_layers import (
    add_parameters,
    add_streamed_layer,
    layer_plan,
    tiled_tensors,
)

if TYPE_CHECKING:
    from bnnhw.hardware.folding import Folding, LayerFolding
    from bnnhw.hardware.stages.layer_facts import LayerFacts
    from bnnhw.ir.graph import Graph, OutputMap
    from bnnhw.ir.ops import Tensor
    from bnnhw.planning.network import Network

_MAX_STREAM_BITS = 64


@dataclass
class _Builder:
    """Follows the stages; ``ends`` holds the streams that tensors flow in, one a reader.

    ``tiled`` are the tensors that flow tile by tile.
    """

    network: Network
    folding: Folding
    path: Datapath
    tiled: set[str]
    ends: dict[str, list[Stream]] = field(default_factory=dict)

    def read(self, tensor: str) -> Stream:
        return self.ends[tensor].pop(0)

    def write(self, tensor: str, stream: Stream, layer: str) -> None:
        readers = self.network.readers(tensor)
        if stream.tiles and tensor not in self.tiled:
            stream = self.path.reorder(stream, f"{layer}_pixels", layer)
        name = stream.name.removesuffix("_out")
        self.ends[tensor] = self.path.fork(stream, name, layer, max(1, readers))


def build_datapath(network: Network, folding: Folding) -> Datapath:
    """The units and streams of ``network`` at ``folding``.

    Raises:
        ModelError: something has no hardware; names the node.
    """
    streamed = {name for name, fold in folding.layers.items() if fold.memory == "ddr"}
    tiled = tiled_tensors(network, streamed)
    builder = _Builder(network, folding, Datapath(instrument=network.instrument), tiled)
    first = network.stages[0]
    if isinstance(first, Layer):
        lanes = layer_input_lanes(first, folding.layers[first.name])
    else:
        lanes = folding.lanes.get(first.name, 1)
    _add_input(builder, network.graph, lanes)
    for stage in network.stages:
        if isinstance(stage, Layer):
            _add_layer(builder, stage)
        elif isinstance(stage, LoopStart):
            _start_loop(builder, stage)
        elif isinstance(stage, LoopEnd):
            _end_loop(builder, stage)
        else:
            _add_plain(builder, stage)
    _add_output(builder, network.graph, network.top_k)
    return builder.path


def _add_input(builder: _Builder, graph: Graph, lanes: int) -> None:
    tensor = graph.tensors[graph.input]
    elem_bits, signed, low = _element_layout(tensor)
    elements = int(np.prod(tensor.shape))
    bits = elements * elem_bits
    if bits % 8:
        raise ModelError(
            f"a frame of {elements} elements of {elem_bits} bit is {bits} bits, no whole "
            "number of bytes",
            where=f"input '{graph.input_format.name}'",
            fix="pad the input to a multiple of 8 bits",
        )
    width = next(b for b in (8, 4, 2, 1) if bits % (8 * b) == 0)
    params = {"BYTES": width, "ELEM_BITS": elem_bits, "LANES": lanes, "FRAME_ELEMS": elements}
    pixels = elements // tensor.shape[0]
    sink = Stream(
        "input_out", elem_bits, lanes, elements // lanes, pixels=pixels, tensor=graph.input
    )
    path = builder.path
    path.add("input", INPUT.name, params, "input", sinks=(sink,))
    path.input_port = InputPort(width, elem_bits, signed, low, tensor.shape, bits // (8 * width))
    builder.write(graph.input, sink, "input")


def _add_layer(builder: _Builder, layer: Layer) -> None:
    path, fold = builder.path, builder.folding.layers[layer.name]
    add = add_streamed_layer if fold.memory == "ddr" else _add_resident_layer
    facts = builder.network.facts[layer.name]
    sink = add(path, layer, facts, fold, builder.read(layer.inputs[0]))
    builder.write(layer.output, sink, layer.name)
    path.plans.append(layer_plan(layer, fold))


def _add_resident_layer(
    path: Datapath, layer: Layer, facts: LayerFacts, fold: LayerFolding, source: Stream
) -> Stream:
    """Adds the units of a layer whose weights are on the chip; returns the stream of its sums."""
    assert not source.tiles, layer.name
    lanes = layer_input_lanes(layer, fold)
    source = path.convert(source, lanes, f"{layer.name}_converter", layer.name)
    if needs_window(layer, fold):
        source = _add_windows(path, layer, fold, source)
    out_h, out_w = layer.out_size
    tiles = layer.features // fold.pe
    kind, params = pe_array_unit(layer, facts, fold)
    out_bits = 1 if layer.threshold is not None else facts.acc_bits
    sink = Stream(
        f"{layer.name}_out", out_bits, fold.pe, out_h * out_w * tiles,
        pixels=out_h * out_w, tensor=layer.output,
    )  # fmt: skip
    return path.through(f"{layer.name}_pe_array", kind, params, layer.name, (source, sink))


def _add_windows(path: Datapath, layer: Layer, fold: LayerFolding, source: Stream) -> Stream:
    """Adds the units that give a layer its windows; returns the last one's stream."""
    out_h, out_w = layer.out_size
    once = out_h * out_w * layer.taps * layer.groups
    names = ("window", "feed_converter", "replay") if fold.feed else ("window",)
    for name, (kind, params) in zip(names, layer_windows(layer, fold), strict=True):
        lanes = params.get("OUT_LANES") or params["SIMD"]
        sink = Stream(
            f"{layer.name}_{name}_out", source.elem_bits, lanes,
            once * params.get("REPEATS", 1) // lanes, pixels=out_h * out_w,
        )  # fmt: skip
        source = path.through(f"{layer.name}_{name}", kind, params, layer.name, (source, sink))
    return source


def _add_plain(builder: _Builder, stage: PlainStage) -> None:
    """Adds the units of a stage without weights."""
    path, name = builder.path, stage.name
    ends = [builder.read(tensor) for tensor in stage.inputs]
    tiles = any(end.tiles for end in ends)
    assert stage.reads_tiles or not tiles, name
    lanes = builder.folding.lanes.get(name) or min(end.lanes for end in ends)
    if tiles:
        lanes = max(end.lanes for end in ends)
    converters = (
        [f"{name}_converter"] if len(ends) == 1 else [f"{name}_converter{i}" for i in (0, 1)]
    )
    sources = tuple(
        path.convert(end, wanted, converter, name)
        for end, wanted, converter in zip(ends, stage.in_lanes(lanes), converters, strict=True)
    )
    assert len({source.tiles for source in sources}) == 1, name
    (out_h, out_w), known = stage.out_size, builder.network.graph.tensors
    out_lanes = stage.out_lanes(lanes)
    sink = Stream(
        f"{name}_out", element_bits(stage.gives()), out_lanes,
        out_h * out_w * stage.features // out_lanes,
        pixels=out_h * out_w, tensor=stage.output if stage.output in known else "",
        later=stage.later,
    )  # fmt: skip
    if tiles and stage.gives_tiles:
        sink = replace(sink, pixels=sources[0].pixels, tiles=True)
    front = stage.front(lanes, tiles=tiles)
    if front is not None:
        kind, params = front
        taps = params["KERNEL_H"] * params["KERNEL_W"]
        beats = out_h * out_w * taps * stage.channels // lanes
        windows = Stream(
            f"{name}_window_out", sources[0].elem_bits, lanes, beats,
            user=True, pixels=sources[0].pixels if tiles else out_h * out_w, tiles=tiles,
        )  # fmt: skip
        sources = (path.through(f"{name}_window", kind, params, name, (sources[0], windows)),)
    kind, params = stage.unit(lanes, tiles=tiles)
    looped = tiles and path.loop[1] > 1
    if looped and (streamed := streamed_parameters(kind, params)):
        words = params["FOLDS"]
        kind, params = streamed
        sources += (add_parameters(path, name, words, params["WORD_BITS"], sink.beats),)
    path.add(name, kind, params, name, sources=sources, sinks=(sink,), label=stage.label)
    builder.write(stage.output, sink, name)


def _start_loop(builder: _Builder, stage: LoopStart) -> None:
    """Adds the unit that gives a loop's block each pass of a frame, the first from outside."""
    path, name = builder.path, stage.name
    lanes = builder.folding.layers[stage.layer].pe
    source = path.convert(builder.read(stage.inputs[0]), lanes, f"{name}_converter", name)
    if not source.tiles:
        source = path.reorder(source, f"{name}_tiles", name)
    beats, tiles, again = source.beats, source.pixels, stage.count - 1
    back = Stream(
        f"{stage.end}_back", source.elem_bits, lanes, again * beats, pixels=again * tiles,
        tiles=True,
    )  # fmt: skip
    sink = replace(back, name=f"{name}_out", beats=stage.count * beats, pixels=stage.count * tiles)
    params = _turns(source.elem_bits, lanes, beats, again * beats)
    path.loop = (name, stage.count)
    path.add(name, CONCAT.name, params, name, sources=(source, back), sinks=(sink,))
    builder.write(stage.output, sink, name)


def _end_loop(builder: _Builder, stage: LoopEnd) -> None:
    """Adds the unit that sends each pass of a frame but the last back to the loop's start."""
    path, name = builder.path, stage.name
    source = builder.read(stage.inputs[0])
    beats, tiles = source.beats // stage.count, source.pixels // stage.count
    back, out = (
        replace(
            source, name=f"{name}_{end}", beats=count * beats, pixels=count * tiles, tensor="",
            later=(),
        )
        for end, count in (("back", stage.count - 1), ("out", 1))
    )  # fmt: skip
    params = _turns(source.elem_bits, source.lanes, back.beats, beats)
    path.add(name, SPLIT.name, params, name, sources=(source,), sinks=(back, out))
    path.loop = ("", 1)
    builder.write(stage.output, out, name)


def _turns(bits: int, lanes: int, first: int, second: int) -> dict[str, int]:
    """Parameters of a unit whose two ends take turns, for so many beats each."""
    return {"ELEM_BITS": bits, "LANES": lanes, "FOLDS0": first, "FOLDS1": second}


def _add_output(builder: _Builder, graph: Graph, top_k: int) -> None:
    tensor = graph.tensors[graph.output]
    path, end = builder.path, builder.read(builder.network.output)
    if top_k:
        _check_order(graph.output_map)
        _add_top_k(path, end, tensor, top_k)
        return
    bits = end.elem_bits
    field_bits = next(b for b in (8, 16, 32) if b >= bits)
    lanes = next(
        n for n in (8, 4, 2, 1) if end.lanes % n == 0 and n * field_bits <= _MAX_STREAM_BITS
    )
    end = path.convert(end, lanes, "output_converter", "output")
    beats = end.beats
    params = {"ELEM_BITS": bits, "LANES": lanes, "FIELD_BITS": field_bits, "FRAME_BEATS": beats}
    path.add("output", OUTPUT.name, params, "output", sources=(end,))
    path.output_port = OutputPort(lanes * field_bits // 8, field_bits, bits, tensor.shape, beats)


def _check_order(scores: OutputMap) -> None:
    """Raises ModelError where the order of integer scores is not that of the model's outputs."""
    scale, bias = scores.scale, scores.bias
    if (scale == scale.flat[0]).all() and (bias == bias.flat[0]).all() and scale.flat[0] > 0:
        return
    raise ModelError(
        "each class has a scale or a bias of its own (a BatchNorm at the end, as a rule), so that "
        "the best integers are not the best classes",
        where="option --top-k",
        fix="leave it out: the host gets all scores, and ranks the model's outputs",
    )


def _add_top_k(path: Datapath, end: Stream, tensor: Tensor, top_k: int) -> None:
    classes = tensor.shape[0]
    if int(np.prod(tensor.shape)) != classes or not 1 <= top_k <= classes:
        raise ModelError(
            f"top-{top_k} of scores of shape {tensor.shape} does not exist",
            where="option --top-k",
            fix="choose at most the number of classes of a network that ends in one vector",
        )
    end = path.convert(end, 1, "top_k_converter", "top_k")
    bits = end.elem_bits
    field_bits = 16 if bits <= 16 and classes <= 1 << 16 else 32
    pair = 2 * field_bits
    params = {"SCORE_BITS": bits, "CLASSES": classes, "K": top_k}
    best = Stream("top_k_out", pair, 1, top_k)
    path.through("top_k", TOP_K.name, params, "output", (end, best))
    params = {"ELEM_BITS": pair, "LANES": 1, "FIELD_BITS": pair, "FRAME_BEATS": top_k}
    path.add("output", OUTPUT.name, params, "output", sources=(best,))
    path.output_port = OutputPort(pair // 8, field_bits, bits, (top_k,), top_k, top_k)


def _element_layout(tensor: Tensor) -> tuple[int, bool, int]:
    """Bits per element, whether it is signed, and the value of bit 0 for 1-bit elements."""
    if isinstance(tensor.dtype, Bit):
        return 1, False, tensor.dtype.low
    assert isinstance(tensor.dtype, Integer)
    return tensor.dtype.bits, tensor.dtype.signed, tensor.dtype.low
