"""Designs put together by hand that read their weights from memory, and what they compute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import (
    Design,
    InputPort,
    Memory,
    MemoryPort,
    MemoryRegion,
    OutputPort,
    Stream,
    Unit,
)
from bnnhw.ir.graph import InputFormat, OutputMap
from bnnhw.ir.types import Bit, Integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.int64]

IMAGE = (4, 3)  # height, width


@dataclass(frozen=True, eq=False)
class Layer:
    """A 3x3 convolution with padding 1: weights [out, 3, 3, in], bits unless weight_bits says more,
    and then of integers in_bits wide, unsigned; init [out]."""

    weights: Array
    init: Array
    pe: int
    simd: int
    stride: int = 1
    in_bits: int = 1
    weight_bits: int = 1
    acc_bits: int = 12

    @property
    def word_bits(self) -> int:
        return self.pe * self.simd * self.weight_bits

    @property
    def folds(self) -> int:
        return int(self.weights[0].size) // self.simd

    @property
    def tiles(self) -> int:
        return len(self.weights) // self.pe

    @property
    def pixels(self) -> int:
        return -(-IMAGE[0] // self.stride) * -(-IMAGE[1] // self.stride)

    def sums(self, x: Array) -> Array:
        """Init plus sums of products, or counts of agreement, in which a padded tap is half a one:
        [n, y, x, out]."""
        binary = self.weight_bits == 1
        padded = np.pad(2 * x - 1 if binary else x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        windows = windows[:, :: self.stride, :: self.stride]
        weights = 2 * self.weights - 1 if binary else self.weights
        dots = np.einsum("nyxckl,oklc->nyxo", windows, weights)
        return ((self.weights[0].size + dots) // 2 if binary else dots) + self.init

    def image(self, name: str) -> Memory:
        """Words as the PE array takes them: for tile, for fold, PE rows of SIMD."""
        rows = self.weights.reshape(self.tiles, self.pe, self.folds, self.simd)
        words = rows.transpose(0, 2, 1, 3).reshape(self.tiles * self.folds, -1)
        return Memory.from_fields(name, words, self.weight_bits)


class DesignBuilder:
    """Puts units one behind the other; weights come over a memory port."""

    def __init__(self, data_bits: int, address_bits: int, burst: int, seed: int) -> None:
        self.data_bits, self.address_bits, self.burst = data_bits, address_bits, burst
        self.rng = np.random.default_rng(seed)
        self.units: list[Unit] = []
        self.streams: dict[str, Stream] = {}
        self.memories: dict[str, Memory] = {}
        self.regions: list[MemoryRegion] = []
        self.offset = 0

    def stream(self, unit: str, bits: int, lanes: int, beats: int, **more: int) -> str:
        name = f"{unit}_out"
        self.streams[name] = Stream(name, bits, lanes, beats, bool(more.pop("user", 0)), **more)
        return name

    def unit(
        self,
        name: str,
        kind: str,
        sources: tuple[str, ...],
        sink: tuple[str, ...],
        params: dict[str, int],
        memories: dict[str, str] | None = None,
    ) -> None:
        self.units.append(Unit(name, kind, params, sources, sink, name, memories or {}))

    def weights(self, name: str, layer: Layer) -> str:
        """Reader, width converter and weight buffer; returns the stream of weights."""
        image = layer.image(f"{name}_weights")
        self.memories[image.name] = image
        total = image.bits.size
        assert total % self.data_bits == 0
        words, width = total // self.data_bits, layer.word_bits
        self.regions.append(MemoryRegion(f"{name}_reader", image.name, self.offset, total // 8))
        self.offset += -(-total // 8 // 4096) * 4096
        stream = self.stream(f"{name}_reader", 1, self.data_bits, words)
        self.unit(
            f"{name}_reader", "bnn_axi_reader", (), (stream,),
            {
                "ADDR_BITS": self.address_bits, "DATA_BITS": self.data_bits, "WORDS": words,
                "BURST": self.burst, "OUTSTANDING": 2, "DEPTH": 2 * self.burst,
            },
        )  # fmt: skip
        if width != self.data_bits:
            elements = int(np.gcd(width, self.data_bits))
            source, stream = stream, self.stream(f"{name}_convert", elements, width // elements,
                                                 total // width)  # fmt: skip
            params = {"ELEM_BITS": elements, "IN_LANES": self.data_bits // elements,
                      "OUT_LANES": width // elements}  # fmt: skip
            self.unit(f"{name}_convert", "bnn_width_converter", (source,), (stream,), params)
        beats = layer.tiles * layer.folds * layer.pixels
        source, stream = stream, self.stream(f"{name}_buffer", 1, width, beats)
        params = {"WORD_BITS": width, "FOLDS": layer.folds, "PIXELS": layer.pixels,
                  "DEPTH": 2 * layer.folds, "RAM_STYLE": 1}  # fmt: skip
        self.unit(f"{name}_buffer", "bnn_weight_buffer", (source,), (stream,), params)
        return stream

    def layer(self, name: str, layer: Layer, source: str, binary: bool, **window: int) -> str:
        """A frame window and a PE array with weights from memory; returns its stream."""
        channels = layer.weights.shape[3]
        beats = layer.tiles * layer.folds * layer.pixels
        integer = layer.weight_bits > 1
        taps = self.stream(f"{name}_window", layer.in_bits, layer.simd, beats, user=1)
        self.unit(
            f"{name}_window", "bnn_frame_window", (source,), (taps,),
            {
                "ELEM_BITS": layer.in_bits, "CHANNELS": channels,
                "HEIGHT": IMAGE[0], "WIDTH": IMAGE[1],
                "KERNEL_H": 3, "KERNEL_W": 3, "STRIDE_H": layer.stride, "STRIDE_W": layer.stride,
                "PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1, "PAD_RIGHT": 1, "SIMD": layer.simd,
                "PASSES": layer.tiles, "GROUPS": 1, "PAD_VALUE": 0, "RAM_STYLE": 1, **window,
            },
        )  # fmt: skip
        self.memories[f"{name}_init"] = Memory.from_fields(
            f"{name}_init", layer.init.reshape(-1, layer.pe), layer.acc_bits
        )
        weights = self.weights(name, layer)
        result = self.stream(f"{name}_array", 1 if binary else layer.acc_bits, layer.pe,
                             layer.tiles * layer.pixels, depth=0 if binary else 5)  # fmt: skip
        kind = "bnn_stream_mac_pe_array" if integer else "bnn_stream_pe_array"
        own = (
            {"IN_BITS": layer.in_bits, "IN_SIGNED": 0, "WEIGHT_BITS": layer.weight_bits,
             "MULTIPLY_STYLE": 2}
            if integer
            else {"ACC_SHIFT": 0, "BINARY_OUT": int(binary), "PAD_HALF": 1}
        )  # fmt: skip
        self.unit(
            f"{name}_array", kind, (taps, weights), (result,),
            {
                "PE": layer.pe, "SIMD": layer.simd, "FOLDS": layer.folds, "TILES": layer.tiles,
                "PIXELS": layer.pixels, "ACC_BITS": layer.acc_bits, "INIT_STYLE": 0, **own,
            },
            {"INIT_FILE": f"{name}_init"},
        )  # fmt: skip
        return result

    def random_layer(self, outputs: int, inputs: int, *folding: int, sign: bool = False) -> Layer:
        weights = self.rng.integers(0, 2, (outputs, 3, 3, inputs))
        spread = 20 if sign else 500
        init = self.rng.integers(-spread, spread, outputs) - (9 * inputs // 2 if sign else 0)
        return Layer(weights, init, *folding)

    def integer_layer(self, outputs: int, inputs: int, pe: int, simd: int) -> Layer:
        """8-bit weights, the extremes included, by 8-bit activations."""
        weights = self.rng.integers(-128, 128, (outputs, 3, 3, inputs))
        weights[0], weights[-1] = -128, 127
        init = self.rng.integers(-5000, 5000, outputs)
        return Layer(weights, init, pe, simd, in_bits=8, weight_bits=8, acc_bits=24)

    def gathered(self, name: str, source: str, lanes: int) -> str:
        """Tiles of ``lanes`` channels from those of a layer with bits out."""
        narrow = self.streams[source]
        pixels = IMAGE[0] * IMAGE[1]
        wide = self.stream(name, 1, lanes, narrow.beats * narrow.lanes // lanes)
        self.unit(name, "bnn_tile_gather", (source,), (wide,),
                  {"ELEM_BITS": 1, "PIXELS": pixels, "IN_LANES": narrow.lanes,
                   "OUT_LANES": lanes})  # fmt: skip
        return wide

    def design(self, name: str, layers: list[Layer]) -> Design:
        """Input, layers, each but the last with bits out, and output."""
        channels = layers[0].weights.shape[3]
        elements = IMAGE[0] * IMAGE[1] * channels
        lanes, bits = layers[0].simd, layers[0].in_bits
        source = self.stream("input", bits, lanes, elements // lanes)
        self.unit("input", "bnn_input", (), (source,),
                  {"BYTES": 1, "ELEM_BITS": bits, "LANES": lanes,
                   "FRAME_ELEMS": elements})  # fmt: skip
        for i, layer in enumerate(layers):
            if i:
                source = self.gathered(f"gather{i}", source, lanes := layer.simd // 2)
            order = {"IN_LANES": lanes, "TILE_MAJOR": int(i > 0)}
            source = self.layer(f"conv{i}", layer, source, i < len(layers) - 1, **order)
        last = layers[-1]
        beats = last.tiles * last.pixels
        field = 16 if last.acc_bits <= 16 else 32
        self.unit("output", "bnn_output", (source,), (),
                  {"ELEM_BITS": last.acc_bits, "LANES": last.pe, "FIELD_BITS": field,
                   "FRAME_BEATS": beats})  # fmt: skip
        element = Bit(0) if bits == 1 else Integer(bits, False)
        one = np.ones(1)
        return Design(
            name=name, units=tuple(self.units), streams=self.streams, memories=self.memories,
            layers=(),
            input_port=InputPort(1, bits, False, 0, (channels, *IMAGE), elements * bits // 8),
            output_port=OutputPort(
                field // 8 * last.pe, field, last.acc_bits, (beats * last.pe,), beats
            ),
            input_format=InputFormat("x", (channels, *IMAGE), "float32", element=element),
            output_map=OutputMap("y", (beats * last.pe,), one, 0 * one),
            board=load_board("pynq-z2"), clock_mhz=100.0,
            memory_port=MemoryPort(
                self.data_bits, self.address_bits, self.burst, tuple(self.regions)
            ),
        )  # fmt: skip


def two_layers() -> tuple[Design, list[Layer]]:
    """Two readers behind one port: 16 to 8 channels, then, gathered, 8 to 24 with stride 2."""
    b = DesignBuilder(64, 32, 16, seed=1)
    layers = [b.random_layer(8, 16, 2, 8, sign=True), b.random_layer(24, 8, 8, 8, 2)]
    return b.design("pair", layers), layers


def two_ports() -> tuple[Design, list[Layer]]:
    """Those two layers, each behind a port of its own."""
    design, layers = two_layers()
    port = design.memory_port
    assert port is not None
    regions = tuple(replace(r, port=n) for n, r in enumerate(port.regions))
    return replace(design, memory_port=replace(port, regions=regions)), layers


def one_integer_layer() -> tuple[Design, list[Layer]]:
    """One tile, words of 256 bits from a bus of 32, bursts of one word, addresses of 40 bits."""
    b = DesignBuilder(32, 40, 1, seed=2)
    layers = [b.integer_layer(8, 4, 8, 4)]
    return b.design("single", layers), layers
