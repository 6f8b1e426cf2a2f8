"""The hardware as data: units, streams, memory images. Both back ends consume only this."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.storage import IN_LUTS, FifoShape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bnnhw.hardware.board import Board
    from bnnhw.ir.graph import InputFormat, OutputMap


@dataclass(frozen=True, eq=False)
class Memory:
    """A read-only memory image.

    Attributes:
        name: stable name; the image's file is ``<name>.mem``.
        bits: [depth, width], 0 or 1; column 0 is the least significant bit of a word.
    """

    name: str
    bits: NDArray[np.uint8]

    @property
    def width(self) -> int:
        """Bits per word."""
        return int(self.bits.shape[1])

    @property
    def depth(self) -> int:
        """Number of words."""
        return int(self.bits.shape[0])

    def hex_words(self) -> list[str]:
        """One hexadecimal number a word, most significant digit first, without prefix."""
        digits = -(-self.width // 4)
        packed = np.packbits(self.bits, axis=1, bitorder="little")[:, ::-1]
        return [row.tobytes().hex()[-digits:] for row in packed]

    @staticmethod
    def from_fields(name: str, values: NDArray[np.int64], field_bits: int) -> Memory:
        """Packs integers [depth, fields] as two's complement fields, field 0 lowest."""
        shifts = np.arange(field_bits)
        bits = (values[:, :, None] >> np.minimum(shifts, 62)) & 1
        return Memory(name, bits.reshape(len(values), -1).astype(np.uint8))

    @staticmethod
    def from_records(name: str, parts: Sequence[tuple[NDArray[np.int64], int]]) -> Memory:
        """Packs records of several fields: ``parts`` are values [depth, records] and their bits.

        The first part lies lowest in a record, record 0 lowest in a word.
        """
        packed = [
            (values[:, :, None] >> np.minimum(np.arange(bits), 62)) & 1 for values, bits in parts
        ]
        records = np.concatenate(packed, axis=2)
        return Memory(name, records.reshape(len(records), -1).astype(np.uint8))


@dataclass(frozen=True)
class Stream:
    """A stream between two units.

    Attributes:
        name: stable name, "<producer>_out".
        elem_bits: bits per element.
        lanes: elements per beat.
        beats: beats per frame.
        user: whether a beat carries the extra ``tuser`` bit that marks padding.
        depth: beats that a FIFO on this stream holds; 0 for a plain connection.
        shape: how that FIFO keeps them.
        pixels: pixels per frame; a vector is one.
        tiles: whether it flows tile by tile: the first ``lanes`` channels of all pixels, then the
            next, as a layer gives them whose weights come from memory; else pixel by pixel.
        tensor: the tensor of the graph that it carries first; empty where another stream does, or
            where it carries none, as between a window unit and its PE array.
        later: in a loop, what follows in each further pass of a frame: the name of the stage, as if
            there were no loop, and its tensor.
    """

    name: str
    elem_bits: int
    lanes: int
    beats: int
    user: bool = False
    depth: int = 0
    shape: FifoShape = IN_LUTS
    pixels: int = 1
    tiles: bool = False
    tensor: str = ""
    later: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def width(self) -> int:
        """Bits per beat, without ``tuser``."""
        return self.elem_bits * self.lanes

    @property
    def fifo_parameters(self) -> dict[str, int]:
        """The parameters of the ``bnn_fifo`` on this stream."""
        return self.shape.parameters(self.width + self.user, self.depth)


@dataclass(frozen=True)
class Unit:
    """One instance of a hardware unit.

    Attributes:
        name: stable instance name.
        kind: the module, e.g. "bnn_pe_array".
        params: its integer parameters by their names in the Verilog and in the HLS twin.
        memories: parameter name of each memory image, e.g. WEIGHTS_FILE -> memory name.
        sources: the streams it reads; none for the unit at the design's input.
        sinks: the streams it writes; none for the unit at the design's output.
        layer: the graph node it implements or serves.
        label: what it computes, where its kind leaves that open; for people alone.
        loop: the loop that it is part of, from the unit where frames enter to the one where they
            leave; empty outside of loops.
        passes: how often a frame passes it.
    """

    name: str
    kind: str
    params: Mapping[str, int]
    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    layer: str
    memories: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    loop: str = ""
    passes: int = 1


@dataclass(frozen=True)
class LayerPlan:
    """What a layer of weights became, for reports and folding files.

    Attributes:
        name: the graph node.
        kind: "conv" or "dense".
        macs: multiply-accumulates per frame.
        weight_bits: bits of weights.
        pe: output channels per cycle.
        simd: input lanes per cycle.
        cycles: cycles per frame this layer needs at its folding.
        integer_input: whether the activations are integers, not bits.
        memory: "lut", "bram" or "ddr", where the weights are kept.
        later: in a loop, the layers that it stands for in the passes behind the first.
    """

    name: str
    kind: str
    macs: int
    weight_bits: int
    pe: int
    simd: int
    cycles: int
    integer_input: bool
    memory: str
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputPort:
    """The design's AXI4-Stream input: elements packed without gaps, raster order, channels last.

    Attributes:
        beat_bytes: width of ``tdata`` in bytes.
        elem_bits: bits per element.
        signed: whether elements are two's complement.
        bit_low: for 1-bit elements, the value of bit 0 (-1 or 0).
        shape: (C, H, W) or (C,) of the graph's input.
        beats: beats per frame.
    """

    beat_bytes: int
    elem_bits: int
    signed: bool
    bit_low: int
    shape: tuple[int, ...]
    beats: int

    def pack(self, x: NDArray[np.int64]) -> bytes:
        """The bytes of integer inputs [N, C, H, W] or [N, C] as they go over the stream."""
        if x.ndim == 4:
            x = x.transpose(0, 2, 3, 1)
        flat = x.reshape(len(x), -1)
        if self.elem_bits == 8:
            return (flat & 0xFF).astype(np.uint8).tobytes()
        if self.elem_bits == 1:
            flat = (flat > self.bit_low).astype(np.int64)
        bits = (flat[:, :, None] >> np.arange(self.elem_bits)) & 1
        rows = np.packbits(bits.reshape(len(x), -1).astype(np.uint8), axis=1, bitorder="little")
        return rows.tobytes()


@dataclass(frozen=True)
class OutputPort:
    """The design's AXI4-Stream output: sign-extended scores, raster order, channels last.

    Attributes:
        beat_bytes: width of ``tdata`` in bytes.
        field_bits: bits a score occupies: 8, 16 or 32.
        score_bits: significant bits of a score.
        shape: (C, H, W) or (C,) of the scores; (K,) pairs where ``top_k`` is set.
        beats: beats per frame.
        top_k: 0, or the number of best classes sent instead of all scores, each as a beat of two
            fields: the score in the low one, the class index in the high one.
    """

    beat_bytes: int
    field_bits: int
    score_bits: int
    shape: tuple[int, ...]
    beats: int
    top_k: int = 0

    def pack(self, scores: NDArray[np.int64]) -> bytes:
        """The bytes that ``unpack`` makes these scores, or (index, score) pairs, of."""
        if self.top_k:
            scores = scores[:, :, ::-1]
        elif scores.ndim == 4:
            scores = scores.transpose(0, 2, 3, 1)
        mask = (1 << self.field_bits) - 1
        return (scores & mask).astype(f"<u{self.field_bits // 8}").tobytes()

    def unpack(self, data: bytes) -> NDArray[np.int64]:
        """Scores [N, C, H, W] or [N, C], or (index, score) pairs [N, K, 2], of received bytes."""
        if self.top_k:
            words = np.frombuffer(data, f"<i{self.field_bits // 8}").reshape(-1, self.top_k, 2)
            pairs = words[:, :, ::-1].astype(np.int64)
            pairs[:, :, 0] &= (1 << self.field_bits) - 1  # indices are unsigned
            return pairs
        fields = np.frombuffer(data, f"<i{self.field_bits // 8}").astype(np.int64)
        if len(self.shape) == 3:
            channels, height, width = self.shape
            return fields.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        return fields.reshape(-1, *self.shape)


@dataclass(frozen=True)
class MemoryRegion:
    """The weights or parameters of one stage in memory, read per frame by a ``bnn_axi_reader``.

    Attributes:
        unit: name of the reader.
        memory: name of the image, as in ``Design.memories``; no ROM holds it.
        offset: bytes from the base address; a multiple of 4096.
        bytes: size.
        port: of the design's read ports, the one that it comes through.
    """

    unit: str
    memory: str
    offset: int
    bytes: int
    port: int = 0


@dataclass(frozen=True)
class MemoryPort:
    """The design's AXI4 read ports, all alike; the readers of one share it.

    Attributes:
        data_bits: bits a bus word.
        address_bits: bits of an address.
        burst_beats: longest burst.
        regions: in the order of the readers.
    """

    data_bits: int
    address_bits: int
    burst_beats: int
    regions: tuple[MemoryRegion, ...]

    @property
    def ports(self) -> int:
        """How many ports there are."""
        return 1 + max(region.port for region in self.regions)

    def behind(self, port: int) -> list[MemoryRegion]:
        """The regions that come through a port; the input of its arbiter is the index."""
        return [region for region in self.regions if region.port == port]

    @property
    def bytes(self) -> int:
        """Bytes of memory from the base address on."""
        return max(region.offset + region.bytes for region in self.regions)

    @property
    def bytes_per_frame(self) -> int:
        """Bytes read per frame."""
        return sum(region.bytes for region in self.regions)


@dataclass(frozen=True)
class Design:
    """A whole accelerator.

    Attributes:
        name: name of the network; the top module is ``<name>_top``.
        units: in stream order, input first.
        streams: by name, in stream order.
        memories: by name.
        layers: the layers of weights, in order.
        input_port: see InputPort.
        output_port: see OutputPort.
        input_format: how the model's own input maps to integers.
        output_map: how scores map to the model's own output.
        board: the board.
        clock_mhz: clock frequency.
        memory_port: where weights come from memory; None where all are on the chip.
        instrument: whether the Verilog counts what each stream does.
    """

    name: str
    units: tuple[Unit, ...]
    streams: Mapping[str, Stream]
    memories: Mapping[str, Memory]
    layers: tuple[LayerPlan, ...]
    input_port: InputPort
    output_port: OutputPort
    input_format: InputFormat
    output_map: OutputMap
    board: Board
    clock_mhz: float
    memory_port: MemoryPort | None = None
    instrument: bool = False

    @property
    def top(self) -> str:
        """Name of the top module and of the HLS top function."""
        return f"{self.name}_top"

    def unit(self, name: str) -> Unit:
        """The unit of that name."""
        return next(u for u in self.units if u.name == name)

    def external_memory(self) -> bytes:
        """The image that the host puts at the base address: each region's words without gaps."""
        assert self.memory_port is not None
        image = bytearray(self.memory_port.bytes)
        for region in self.memory_port.regions:
            bits = self.memories[region.memory].bits
            data = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
            image[region.offset : region.offset + len(data)] = data
        return bytes(image)

    def build_hash(self) -> int:
        """64 bits that identify the hardware: units, streams and memory contents."""
        digest = hashlib.sha256()
        for unit in self.units:
            digest.update(repr((unit.name, unit.kind, sorted(unit.params.items()))).encode())
        for stream in self.streams.values():
            digest.update(repr(stream).encode())
        for memory in self.memories.values():
            digest.update(repr((memory.name, memory.bits.shape)).encode())
            digest.update(np.packbits(memory.bits).tobytes())
        if self.memory_port and self.memory_port.ports > 1:
            digest.update(repr([region.port for region in self.memory_port.regions]).encode())
        if self.instrument:
            digest.update(b"instruments")
        return int.from_bytes(digest.digest()[:8], "little")
