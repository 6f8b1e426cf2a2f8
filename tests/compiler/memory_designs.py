"""Designs put together by hand that read their weights from memory, and what they compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.design import (
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
from bnnhw.ir.types import Bit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.int64]

ACC_BITS = 12
IMAGE = (4, 3)  # height, width


@dataclass(frozen=True, eq=False)
class Layer:
    """A binary 3x3 convolution with padding 1: weights [out, 3, 3, in], bits; init [out]."""

    weights: Array
    init: Array
    pe: int
    simd: int
    stride: int = 1

    @property
    def folds(self) -> int:
        return int(self.weights[0].size) // self.simd

    @property
    def tiles(self) -> int:
        return len(self.weights) // self.pe

    @property
    def pixels(self) -> int:
        return -(-IMAGE[0] // self.stride) * -(-IMAGE[1] // self.stride)

    def sums(self, bits: Array) -> Array:
        """Counts of agreement plus init [n, y, x, out]; a padded tap agrees half."""
        padded = np.pad(2 * bits - 1, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        windows = windows[:, :: self.stride, :: self.stride]
        dots = np.einsum("nyxckl,oklc->nyxo", windows, 2 * self.weights - 1)
        return (self.weights[0].size + dots) // 2 + self.init

    def image(self, name: str) -> Memory:
        """Words as the PE array takes them: for tile, for fold, PE rows of SIMD."""
        rows = self.weights.reshape(self.tiles, self.pe, self.folds, self.simd)
        words = rows.transpose(0, 2, 1, 3).reshape(self.tiles * self.folds, -1)
        return Memory(name, words.astype(np.uint8))


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
        words, width = total // self.data_bits, layer.pe * layer.simd
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
        taps = self.stream(f"{name}_window", 1, layer.simd, beats, user=1)
        self.unit(
            f"{name}_window", "bnn_frame_window", (source,), (taps,),
            {
                "ELEM_BITS": 1, "CHANNELS": channels, "HEIGHT": IMAGE[0], "WIDTH": IMAGE[1],
                "KERNEL_H": 3, "KERNEL_W": 3, "STRIDE_H": layer.stride, "STRIDE_W": layer.stride,
                "PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1, "PAD_RIGHT": 1, "SIMD": layer.simd,
                "PASSES": layer.tiles, "PAD_VALUE": 0, "RAM_STYLE": 1, **window,
            },
        )  # fmt: skip
        self.memories[f"{name}_init"] = Memory.from_fields(
            f"{name}_init", layer.init.reshape(-1, layer.pe), ACC_BITS
        )
        weights = self.weights(name, layer)
        result = self.stream(f"{name}_array", 1 if binary else ACC_BITS, layer.pe,
                             layer.tiles * layer.pixels, depth=0 if binary else 5)  # fmt: skip
        self.unit(
            f"{name}_array", "bnn_stream_pe_array", (taps, weights), (result,),
            {
                "PE": layer.pe, "SIMD": layer.simd, "FOLDS": layer.folds, "TILES": layer.tiles,
                "PIXELS": layer.pixels, "ACC_BITS": ACC_BITS, "ACC_SHIFT": 0,
                "BINARY_OUT": int(binary), "PAD_HALF": 1, "INIT_STYLE": 0,
            },
            {"INIT_FILE": f"{name}_init"},
        )  # fmt: skip
        return result

    def random_layer(self, outputs: int, inputs: int, *folding: int, sign: bool = False) -> Layer:
        weights = self.rng.integers(0, 2, (outputs, 3, 3, inputs))
        spread = 20 if sign else 500
        init = self.rng.integers(-spread, spread, outputs) - (9 * inputs // 2 if sign else 0)
        return Layer(weights, init, *folding)

    def design(self, name: str, layers: list[Layer]) -> Design:
        """Input, layers, each but the last with bits out, and output."""
        channels = layers[0].weights.shape[3]
        elements = IMAGE[0] * IMAGE[1] * channels
        lanes = layers[0].simd
        source = self.stream("input", 1, lanes, elements // lanes)
        self.unit("input", "bnn_input", (), (source,),
                  {"BYTES": 1, "ELEM_BITS": 1, "LANES": lanes,
                   "FRAME_ELEMS": elements})  # fmt: skip
        for i, layer in enumerate(layers):
            order = {"IN_LANES": layers[i - 1].pe if i else lanes, "TILE_MAJOR": int(i > 0)}
            source = self.layer(f"conv{i}", layer, source, i < len(layers) - 1, **order)
        last = layers[-1]
        beats = last.tiles * last.pixels
        self.unit("output", "bnn_output", (source,), (),
                  {"ELEM_BITS": ACC_BITS, "LANES": last.pe, "FIELD_BITS": 16,
                   "FRAME_BEATS": beats})  # fmt: skip
        one = np.ones(1)
        return Design(
            name=name, units=tuple(self.units), streams=self.streams, memories=self.memories,
            layers=(),
            input_port=InputPort(1, 1, False, 0, (channels, *IMAGE), elements // 8),
            output_port=OutputPort(2 * last.pe, 16, ACC_BITS, (beats * last.pe,), beats),
            input_format=InputFormat("x", (channels, *IMAGE), "float32", element=Bit(0)),
            output_map=OutputMap("y", (beats * last.pe,), one, 0 * one),
            board="pynq-z2", clock_mhz=100.0,
            memory_port=MemoryPort(
                self.data_bits, self.address_bits, self.burst, tuple(self.regions)
            ),
        )  # fmt: skip
