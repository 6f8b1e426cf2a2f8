"""The chain of units that a folding gives, without memory contents: what cost and timing need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.design import InputPort, LayerPlan, OutputPort, Stream, Unit
from bnnhw.errors import ModelError
from bnnhw.ir.types import Bit, Integer
from bnnhw.layer_memory import LayerFacts, layer_facts
from bnnhw.stages import Layer, Pool, PreThreshold, Stage, Table, split_stages
from bnnhw.timing import window_depth, window_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.folding import Folding, LayerFolding
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Tensor, Window

STYLE_LUT, STYLE_BRAM = 1, 2
_STYLE = {"lut": STYLE_LUT, "bram": STYLE_BRAM}
_MAX_STREAM_BITS = 64


@dataclass(frozen=True, eq=False)
class Network:
    """An integer graph cut into stages, with what does not depend on the folding.

    Attributes:
        graph: the graph.
        top_k: 0 for all scores, else the number of best classes to send.
    """

    graph: Graph
    top_k: int = 0

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages, in stream order."""
        return split_stages(self.graph)

    @cached_property
    def layers(self) -> list[Layer]:
        """The stages that hold weights."""
        return [stage for stage in self.stages if isinstance(stage, Layer)]

    @cached_property
    def facts(self) -> dict[str, LayerFacts]:
        """The arithmetic of each layer, by name."""
        return {layer.name: layer_facts(layer) for layer in self.layers}


@dataclass
class Chain:
    """Units and streams from the design's input to its output.

    Attributes:
        units: in stream order; their memories are still to be named.
        streams: by name, in stream order.
        plans: the layers of weights.
    """

    units: list[Unit] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    plans: list[LayerPlan] = field(default_factory=list)
    input_port: InputPort | None = None
    output_port: OutputPort | None = None
    _end: Stream | None = None

    @property
    def end(self) -> Stream:
        """The stream at the end of the chain so far."""
        assert self._end is not None
        return self._end

    def append(
        self, name: str, kind: str, params: dict[str, int], sink: Stream | None, layer: str
    ) -> None:
        """Adds a unit that reads the end of the chain and writes ``sink``."""
        source = self._end.name if self._end else None
        self.units.append(Unit(name, kind, params, source, sink.name if sink else None, layer))
        if sink:
            self.streams[sink.name] = sink
        self._end = sink

    def convert(self, lanes: int, layer: str) -> None:
        """Regroups the stream to ``lanes`` elements a beat, where it is not already."""
        end = self.end
        if end.lanes == lanes:
            return
        sink = Stream(
            f"{layer}_converter_out", end.elem_bits, lanes, end.beats * end.lanes // lanes
        )
        params = {"ELEM_BITS": end.elem_bits, "IN_LANES": end.lanes, "OUT_LANES": lanes}
        self.append(f"{layer}_converter", "bnn_width_converter", params, sink, layer)


def build_chain(network: Network, folding: Folding) -> Chain:
    """The units and streams of ``network`` at ``folding``.

    Raises:
        ModelError: something has no hardware; names the node.
    """
    chain = Chain()
    first = network.stages[0]
    if isinstance(first, Layer):
        lanes = layer_input_lanes(first, folding.layers[first.name])
    else:
        lanes = folding.lanes.get(first.name, 1)
    _add_input(chain, network.graph, lanes)
    for stage in network.stages:
        if isinstance(stage, Layer):
            _add_layer(chain, stage, network.facts[stage.name], folding.layers[stage.name])
        elif isinstance(stage, Pool):
            _add_pool(chain, stage, folding.lanes.get(stage.name))
        elif isinstance(stage, PreThreshold):
            _add_threshold(chain, stage)
        else:
            _add_table(chain, stage)
    _add_output(chain, network.graph, network.top_k)
    return chain


def layer_input_lanes(layer: Layer, fold: LayerFolding) -> int:
    """Elements a beat at the input of a layer: SIMD, or whole pixels where SIMD spans taps."""
    return fold.simd if layer.channels % fold.simd == 0 else layer.channels


def needs_window(layer: Layer, fold: LayerFolding) -> bool:
    """Whether a layer reads its input more than once, or in another order than it comes."""
    plain = layer.window.kernel == (1, 1) == layer.window.stride and not any(layer.window.pads)
    return not plain or fold.pe != layer.features or layer.channels % fold.simd != 0


def window_unit(
    image: tuple[int, int, int],
    window: Window,
    elem_bits: int,
    *,
    simd: int,
    repeats: int,
    buffer: str,
    channel_outer: bool = False,
) -> tuple[str, dict[str, int]]:
    """Kind and parameters of the window unit: serial where SIMD divides the channels."""
    channels, height, width = image
    top, left, bottom, right = window.pads
    params = {
        "ELEM_BITS": elem_bits,
        "CHANNELS": channels,
        "HEIGHT": height,
        "WIDTH": width,
        "KERNEL_H": window.kernel[0],
        "KERNEL_W": window.kernel[1],
        "STRIDE_H": window.stride[0],
        "STRIDE_W": window.stride[1],
        "PAD_TOP": top,
        "PAD_BOTTOM": bottom,
        "PAD_LEFT": left,
        "PAD_RIGHT": right,
        "SIMD": simd,
        "REPEATS": repeats,
        "PAD_VALUE": 0,
        "RAM_STYLE": _STYLE[buffer],
    }
    if channels % simd:
        params["LINES"] = window_lines(window, height, width)
        return "bnn_window_parallel", params
    params["CHANNEL_OUTER"] = int(channel_outer)
    params["DEPTH"] = window_depth(window, height, width, channels // simd)
    return "bnn_window", params


def window_cycles(kind: str, params: Mapping[str, int]) -> int:
    """Cycles a frame that a window unit takes by itself, whatever it is folded into.

    ``bnn_window_parallel`` shifts in every column of every pass over its lines, padding included.
    """
    if kind != "bnn_window_parallel":
        return 1
    p = params
    out_h = (p["HEIGHT"] + p["PAD_TOP"] + p["PAD_BOTTOM"] - p["KERNEL_H"]) // p["STRIDE_H"] + 1
    out_w = (p["WIDTH"] + p["PAD_LEFT"] + p["PAD_RIGHT"] - p["KERNEL_W"]) // p["STRIDE_W"] + 1
    last = p["KERNEL_W"] - 1 - p["PAD_LEFT"] + (out_w - 1) * p["STRIDE_W"]
    return out_h * max(last + 1, min(last + 1, p["WIDTH"]) + p["PAD_LEFT"])


def pe_array_unit(
    layer: Layer, facts: LayerFacts, fold: LayerFolding, elem_bits: int
) -> tuple[str, dict[str, int]]:
    """Kind and parameters of the PE array of a layer."""
    out_h, out_w = layer.out_size
    params = {
        "PE": fold.pe,
        "SIMD": fold.simd,
        "FOLDS": layer.taps // fold.simd,
        "TILES": layer.features // fold.pe,
        "ACC_BITS": facts.acc_bits,
        "ACC_SHIFT": facts.acc_shift,
        "BINARY_OUT": int(layer.threshold is not None),
        "OUT_H": out_h,
        "OUT_W": out_w,
        "BORDER_TOP": facts.rows.first,
        "BORDER_BOTTOM": facts.rows.last,
        "BORDER_LEFT": facts.columns.first,
        "BORDER_RIGHT": facts.columns.last,
        "WEIGHTS_STYLE": _STYLE[fold.memory],
        "INIT_STYLE": STYLE_LUT,
    }
    if not layer.integer_input:
        return "bnn_pe_array", params
    return "bnn_int_pe_array", params | {
        "IN_BITS": elem_bits,
        "IN_SIGNED": int(layer.input_low < 0),
    }


def layer_cycles(layer: Layer, fold: LayerFolding) -> int:
    """Cycles a frame that a layer's PE array is busy."""
    out_h, out_w = layer.out_size
    return out_h * out_w * (layer.features // fold.pe) * (layer.taps // fold.simd)


def _add_input(chain: Chain, graph: Graph, lanes: int) -> None:
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
    sink = Stream("input_out", elem_bits, lanes, elements // lanes)
    chain.append("input", "bnn_input", params, sink, "input")
    chain.input_port = InputPort(width, elem_bits, signed, low, tensor.shape, bits // (8 * width))


def _add_layer(chain: Chain, layer: Layer, facts: LayerFacts, fold: LayerFolding) -> None:
    chain.convert(layer_input_lanes(layer, fold), layer.name)
    elem_bits = chain.end.elem_bits
    cycles = layer_cycles(layer, fold)
    out_h, out_w = layer.out_size
    tiles = layer.features // fold.pe
    if needs_window(layer, fold):
        kind, params = window_unit(
            layer.image, layer.window, elem_bits, simd=fold.simd, repeats=tiles, buffer=fold.buffer
        )
        sink = Stream(f"{layer.name}_window_out", elem_bits, fold.simd, cycles)
        chain.append(f"{layer.name}_window", kind, params, sink, layer.name)
    kind, params = pe_array_unit(layer, facts, fold, elem_bits)
    out_bits = 1 if layer.threshold is not None else facts.acc_bits
    sink = Stream(f"{layer.name}_out", out_bits, fold.pe, out_h * out_w * tiles)
    chain.append(f"{layer.name}_pe_array", kind, params, sink, layer.name)
    chain.plans.append(
        LayerPlan(
            name=layer.name,
            kind="conv" if layer.is_conv else "dense",
            macs=out_h * out_w * layer.taps * layer.features,
            weight_bits=layer.taps * layer.features,
            pe=fold.pe,
            simd=fold.simd,
            cycles=cycles,
            integer_input=layer.integer_input,
            memory=fold.memory,
        )
    )


def _add_pool(chain: Chain, pool: Pool, lanes: int | None) -> None:
    if lanes:
        chain.convert(lanes, pool.name)
    lanes = chain.end.lanes
    channels, height, width = pool.image
    window = pool.window
    out_h, out_w = window.output_size(height, width)
    folds = channels // lanes
    sink = Stream(f"{pool.name}_out", 1, lanes, out_h * out_w * folds)
    if window.kernel == window.stride and not any(window.pads):
        params = {
            "CHANNELS": channels,
            "LANES": lanes,
            "HEIGHT": height,
            "WIDTH": width,
            "POOL_H": window.kernel[0],
            "POOL_W": window.kernel[1],
        }
        chain.append(pool.name, "bnn_max_pool", params, sink, pool.name)
        return
    taps = window.kernel[0] * window.kernel[1]
    kind, params = window_unit(
        pool.image, window, 1, simd=lanes, repeats=1, buffer="lut", channel_outer=True
    )
    beats = out_h * out_w * folds * taps
    windows = Stream(f"{pool.name}_window_out", 1, lanes, beats, user=True)
    chain.append(f"{pool.name}_window", kind, params, windows, pool.name)
    params = {"LANES": lanes, "FOLDS": folds, "TAPS": taps}
    chain.append(pool.name, "bnn_pool_reduce", params, sink, pool.name)


def _add_threshold(chain: Chain, stage: PreThreshold) -> None:
    end = chain.end
    params = {
        "IN_BITS": end.elem_bits,
        "IN_SIGNED": int(stage.element.signed),
        "LANES": end.lanes,
        "FOLDS": stage.image[0] // end.lanes,
    }
    sink = Stream(f"{stage.name}_out", 1, end.lanes, end.beats)
    chain.append(stage.name, "bnn_threshold", params, sink, stage.name)


def _add_table(chain: Chain, stage: Table) -> None:
    end = chain.end
    bits = 1 if isinstance(stage.dtype, Bit) else stage.dtype.bits
    params = {"IN_BITS": end.elem_bits, "OUT_BITS": bits, "LANES": end.lanes}
    sink = Stream(f"{stage.name}_out", bits, end.lanes, end.beats)
    chain.append(stage.name, "bnn_table", params, sink, stage.name)


def _add_output(chain: Chain, graph: Graph, top_k: int) -> None:
    tensor = graph.tensors[graph.output]
    if top_k:
        _add_top_k(chain, tensor, top_k)
        return
    bits = chain.end.elem_bits
    field_bits = next(b for b in (8, 16, 32) if b >= bits)
    lanes = next(
        n for n in (8, 4, 2, 1) if chain.end.lanes % n == 0 and n * field_bits <= _MAX_STREAM_BITS
    )
    chain.convert(lanes, "output")
    beats = chain.end.beats
    params = {
        "ELEM_BITS": bits,
        "LANES": lanes,
        "FIELD_BITS": field_bits,
        "FRAME_BEATS": beats,
    }
    chain.append("output", "bnn_output", params, None, "output")
    chain.output_port = OutputPort(lanes * field_bits // 8, field_bits, bits, tensor.shape, beats)


def _add_top_k(chain: Chain, tensor: Tensor, top_k: int) -> None:
    classes = tensor.shape[0]
    if int(np.prod(tensor.shape)) != classes or not 1 <= top_k <= classes:
        raise ModelError(
            f"top-{top_k} of scores of shape {tensor.shape} does not exist",
            where="option --top-k",
            fix="choose at most the number of classes of a network that ends in one vector",
        )
    chain.convert(1, "top_k")
    bits = chain.end.elem_bits
    field_bits = 16 if bits <= 16 and classes <= 1 << 16 else 32
    pair = 2 * field_bits
    params = {"SCORE_BITS": bits, "CLASSES": classes, "K": top_k}
    chain.append("top_k", "bnn_top_k", params, Stream("top_k_out", pair, 1, top_k), "output")
    params = {"ELEM_BITS": pair, "LANES": 1, "FIELD_BITS": pair, "FRAME_BEATS": top_k}
    chain.append("output", "bnn_output", params, None, "output")
    chain.output_port = OutputPort(pair // 8, field_bits, bits, (top_k,), top_k, top_k)


def _element_layout(tensor: Tensor) -> tuple[int, bool, int]:
    """Bits an element, whether it is signed, and the value of bit 0 for 1-bit elements."""
    if isinstance(tensor.dtype, Bit):
        return 1, False, tensor.dtype.low
    assert isinstance(tensor.dtype, Integer)
    return tensor.dtype.bits, tensor.dtype.signed, tensor.dtype.low
