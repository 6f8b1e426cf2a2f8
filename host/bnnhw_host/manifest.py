"""The manifest of a build: all that the host knows of the hardware."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bnnhw_host.checks import check_manifest
from bnnhw_host.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SCHEMA = 1
_MAP = 2  # of the registers: changes that a host must know of


@dataclass(frozen=True)
class InputPort:
    """How model inputs become bytes of a stream.

    Attributes:
        name: of the model's input.
        shape: of one input, in the model's own order.
        dtype: numpy name of its type.
        channels_last: whether the model's order is (H, W, C).
        element: "integer" or "bit".
        low: smallest integer; of a bit, the value of bit 0.
        high: largest.
        scale: model value = integer * scale + offset; one number, or one per channel.
        offset: see ``scale``.
        rounding: how values between the integers become integers; None where there are none.
        beat_bytes: bytes of a beat.
        elem_bits: bits of an element.
        grid: (C, H, W) or (C,) of the stream's elements.
        beats: beats of a frame.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    channels_last: bool
    element: str
    low: int
    high: int
    scale: float | list[float]
    offset: float | list[float]
    rounding: dict[str, Any] | None
    beat_bytes: int
    elem_bits: int
    grid: tuple[int, ...]
    beats: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame on the stream."""
        return self.beat_bytes * self.beats


@dataclass(frozen=True)
class OutputPort:
    """How bytes of a stream become scores.

    Attributes:
        name: of the model's output.
        shape: of one output.
        scale: model output = score * scale + bias, per class.
        bias: see ``scale``.
        top_k: 0, or how many best classes come instead of all scores.
        class_names: of the classes; empty where nobody gave them.
        beat_bytes: bytes of a beat.
        field_bits: bits of a score.
        grid: (C, H, W) or (C,) of the stream's scores.
        beats: beats of a frame.
    """

    name: str
    shape: tuple[int, ...]
    scale: list[float]
    bias: list[float]
    top_k: int
    class_names: tuple[str, ...]
    beat_bytes: int
    field_bits: int
    grid: tuple[int, ...]
    beats: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame's scores on the stream."""
        return self.beat_bytes * self.beats


@dataclass(frozen=True)
class WeightMemory:
    """Weights that the design reads from memory.

    Attributes:
        file: their image, beside the manifest.
        bytes: its size.
        data_bits: bits of a word; the image begins at a whole one.
        address_bits: bits of an address.
        sha256: of the image, in hexadecimal.
        ports: through which the design reads it.
    """

    file: str
    bytes: int
    data_bits: int
    address_bits: int
    sha256: str
    ports: int = 1


@dataclass(frozen=True)
class Overlay:
    """The block design around the accelerator.

    Attributes:
        bit: name of the bitstream's file.
        hwh: name of the hardware handoff's file.
        processor: "zynq-7000" or "zynq-ultrascale".
        accelerator: name of the accelerator's cell.
        dma: name of the DMA's cell.
        accelerator_address: where its registers are.
        dma_address: where the DMA's are.
        address_range: bytes of each.
        length_bits: of the DMA's transfer length.
        memory_bits: of the processor's memory ports.
        fabric_mhz: clock at which the bitstream's timing was checked.
        vlnv: of the accelerator's core.
    """

    bit: str
    hwh: str
    processor: str
    accelerator: str
    dma: str
    accelerator_address: int
    dma_address: int
    address_range: int
    length_bits: int
    memory_bits: int
    fabric_mhz: float
    vlnv: str


@dataclass(frozen=True)
class Manifest:
    """A build, as ``manifest.json`` has it.

    Attributes:
        folder: where the manifest lies.
        network: name of the network.
        top: name of the top module.
        board: name of the board.
        clock_mhz: clock that the design was made for.
        build_hash: 64 bits that identify the hardware.
        identity: what the first register holds.
        registers: addresses by name.
        control_bits: bits of the register ``control`` by name.
        error_bits: bits of the register ``errors`` by name.
        max_packet_frames: most frames of a packet.
        input: the input's format.
        output: the output's format.
        memory: weights in memory; None where there are none.
        overlay: the block design.
        cycles_per_frame: as predicted; 0 where the build does not say.
        latency_cycles: as predicted; 0 where the build does not say.
        instruments: counters that were compiled in, an entry a stream: its name, the layers at both
            ends, its FIFO's depth, words by counter, and what was predicted; empty without
            ``--instrument``.
        instrument_cycles: the word that counts cycles in which the others counted.
    """

    folder: Path
    network: str
    top: str
    board: str
    clock_mhz: float
    build_hash: int
    identity: int
    registers: dict[str, int]
    control_bits: dict[str, int]
    error_bits: dict[str, int]
    max_packet_frames: int
    input: InputPort
    output: OutputPort
    memory: WeightMemory | None
    overlay: Overlay
    cycles_per_frame: int = 0
    latency_cycles: int = 0
    instruments: tuple[dict[str, Any], ...] = ()
    instrument_cycles: int = 0


def find_manifest(path: Path) -> Path:
    """The manifest that belongs to a build's folder, an overlay's folder or a bitstream.

    Raises:
        BuildError: there is none.
    """
    places = [path / MANIFEST] if path.is_dir() else [path.with_name(MANIFEST)]
    if path.suffix == ".bit":
        places.insert(0, path.with_suffix(".json"))
    for place in places:
        if place.is_file():
            return place
    if not path.exists():
        raise BuildError(f"there is no {path}", fix="give a build's folder, or a .bit")
    raise BuildError(
        f"{path} has no {MANIFEST} beside it",
        fix="copy the folder that holds both; `bnnhw deploy` does",
    )


def read_manifest(path: Path) -> Manifest:
    """The build that a file ``manifest.json`` describes.

    Raises:
        BuildError: the file is no manifest that this version reads.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        schema, registers = data.get("schema"), data.get("registers_version")
        version = int(registers) >> 16 if isinstance(registers, int) else registers
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BuildError(
            f"{path} cannot be read: {error}", fix="compile the model again"
        ) from error
    for what, found, known in (("schema", schema, SCHEMA), ("register map", version, _MAP)):
        if found != known:
            raise BuildError(
                f"{path} has {what} {found}, this version of bnnhw-host reads {known}",
                fix="install the bnnhw-host of the bnnhw that compiled it, or compile again",
            )
    if not data.get("overlay"):
        raise BuildError(
            f"{path}: the board {data.get('board')} has no processor, so no host can run there",
            fix="compile for a board that `bnnhw boards` lists",
        )
    try:
        manifest = _manifest(path.parent, data)
        check_manifest(manifest)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        lacks = "lacks" if isinstance(error, KeyError) else "is no manifest of a build:"
        raise BuildError(
            f"{path} {lacks} {error}", fix="compile the model again with this version of bnnhw"
        ) from error
    return manifest


def _manifest(folder: Path, data: dict[str, Any]) -> Manifest:
    overlay, predicted = dict(data["overlay"]), data.get("predicted") or {}
    files = overlay.pop("files")
    known = {key: overlay[key] for key in Overlay.__dataclass_fields__ if key not in files}
    memory = {"ports": 1, **data["memory"]} if data["memory"] else None  # older ones name none
    keep = WeightMemory.__dataclass_fields__
    return Manifest(
        folder=folder,
        build_hash=int(data["build_hash"], 16),
        input=_input(data["input"]),
        output=_output(data["output"]),
        memory=WeightMemory(**{key: memory[key] for key in keep}) if memory else None,
        overlay=Overlay(bit=files["bit"], hwh=files["hwh"], **known),
        cycles_per_frame=int(predicted.get("cycles_per_frame", 0)),
        latency_cycles=int(predicted.get("latency_cycles", 0)),
        instruments=tuple(data.get("instruments", ())),
        instrument_cycles=data.get("instrument_cycles", 0),
        **{key: data[key] for key in _PLAIN},
    )


_PLAIN = (
    *("network", "top", "board", "clock_mhz", "identity", "registers", "control_bits"),
    *("error_bits", "max_packet_frames"),
)


def _input(data: dict[str, Any]) -> InputPort:
    stream, element = data["stream"], data["element"]
    bits = int(element["bits"])
    if "low" in element:
        kind, low, high = "bit", int(element["low"]), 1
    else:
        signed = element["signed"] == "true"
        kind, low, high = "integer", -(1 << bits >> 1) if signed else 0, (1 << bits - signed) - 1
    return InputPort(
        name=data["name"],
        shape=tuple(data["shape"]),
        dtype=data["dtype"],
        channels_last=data["channels_last"],
        element=kind,
        low=low,
        high=high,
        scale=data["scale"],
        offset=data["offset"],
        rounding=data.get("rounding"),
        beat_bytes=stream["bytes"],
        elem_bits=stream["elem_bits"],
        grid=tuple(stream["shape"]),
        beats=stream["beats"],
    )


def _output(data: dict[str, Any]) -> OutputPort:
    stream = data["stream"]
    return OutputPort(
        name=data["name"],
        shape=tuple(data["shape"]),
        scale=data["scale"],
        bias=data["bias"],
        top_k=data["top_k"],
        class_names=tuple(data.get("class_names", ())),
        beat_bytes=stream["bytes"],
        field_bits=stream["field_bits"],
        grid=tuple(stream["shape"]),
        beats=stream["beats"],
    )
