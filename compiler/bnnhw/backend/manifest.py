"""The manifest: all that host code needs to know of a build, as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.instruments import CYCLES, count_words, instruments_of
from bnnhw.hardware.overlay import ACCELERATOR, DMA, overlay_of
from bnnhw.ir.types import Bit, Integer
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.design import Design, MemoryPort
    from bnnhw.ir.graph import InputFormat

MEMORY_FILE = "weights.bin"
# The register block (hw/README.md, bnn_registers). The version counts changes of its map: the high
# half those that a host must know of.
IDENTITY = 0x424E4E48
REGISTERS_VERSION = 0x0002_0001
REGISTERS = {
    "identity": 0x00,
    "version": 0x04,
    "build_hash_low": 0x08,
    "build_hash_high": 0x0C,
    "control": 0x10,
    "errors": 0x14,
    "frames_in": 0x18,
    "frames_out": 0x1C,
    "cycles_low": 0x20,
    "cycles_high": 0x24,
    "frame_cycles": 0x28,
    "input_stalls": 0x2C,
    "output_stalls": 0x30,
    "weights_base_low": 0x34,
    "weights_base_high": 0x38,
    "packet_frames": 0x3C,
    "instruments": 0x40,
    "instrument_index": 0x44,
    "instrument_value": 0x48,
}
# Bits of the register "control", and the sticky flags of "errors".
CONTROL_BITS = {"clear": 0, "weights_enable": 1, "reset": 2, "hold": 3}
ERROR_BITS = {"short_packet": 0, "long_packet": 1, "memory": 2}
PACKET_FRAMES_BITS = 16


def manifest(
    design: Design,
    class_names: Sequence[str] = (),
    predicted: Mapping[str, int] | None = None,
    forecasts: Mapping[str, Mapping[str, int | None]] | None = None,
) -> dict[str, Any]:
    """The manifest's content. ``schema`` counts incompatible changes of its layout.

    Args:
        design: the hardware.
        class_names: names of the classes, in the order of the scores; none where they are unknown.
        predicted: cycles per frame and of latency, as the token model has them.
        forecasts: by stream, what the token model says of its counters, where it says anything.
    """
    source, port = design.input_format, design.input_port
    out, scores = design.output_port, design.output_map
    element = source.element
    kind = {"type": str(element)}
    if isinstance(element, Integer):
        kind |= {"bits": str(element.bits), "signed": str(element.signed).lower()}
    elif isinstance(element, Bit):
        kind |= {"bits": "1", "low": str(element.low)}
    return {
        "schema": 1,
        "bnnhw": __version__,
        "network": design.name,
        "top": design.top,
        "board": design.board.name,
        "clock_mhz": design.clock_mhz,
        "build_hash": f"{design.build_hash():016x}",
        "input": {
            "name": source.name,
            "shape": list(source.shape),
            "dtype": source.dtype,
            "channels_last": source.channels_last,
            "element": kind,
            "scale": source.scale,
            "offset": source.offset,
            **_rounding(source),
            "stream": {
                "bytes": port.beat_bytes,
                "elem_bits": port.elem_bits,
                "shape": list(port.shape),
                "order": "height, width, channel; element 0 in the least significant bits",
                "beats": port.beats,
            },
        },
        "output": {
            "name": scores.name,
            "shape": list(scores.shape),
            "scale": [float(v) for v in scores.scale],
            "bias": [float(v) for v in scores.bias],
            "top_k": out.top_k,
            **({"class_names": list(class_names)} if class_names else {}),
            "stream": {
                "bytes": out.beat_bytes,
                "field_bits": out.field_bits,
                "shape": list(out.shape),
                "beats": out.beats,
            },
        },
        "identity": IDENTITY,
        "registers_version": REGISTERS_VERSION,
        "registers": REGISTERS,
        "control_bits": CONTROL_BITS,
        "error_bits": {
            name: bit for name, bit in ERROR_BITS.items() if design.memory_port or name != "memory"
        },
        "max_packet_frames": (1 << PACKET_FRAMES_BITS) - 1,
        "memory": _memory(design, design.memory_port) if design.memory_port else None,
        "overlay": _overlay(design),
        **({"predicted": dict(predicted)} if predicted else {}),
        **(_instruments(design, forecasts or {}) if design.instrument else {}),
    }


def _rounding(source: InputFormat) -> dict[str, Any]:
    """What the host does to values between the integers, where the model itself rounds them.

    ``rounds`` says it in words, ``rounding`` as data: to a bit, values are compared with ``point``
    where that is a number, else (value - offset) / scale with ``middle``.
    """
    if not source.rounds:
        return {}
    if not isinstance(source.element, Bit):
        words = "to the nearest integer, halves to even, saturating"
        return {"rounds": words, "rounding": {"to": "integer"}}
    comparison = ("<" if source.falls else ">") + ("=" if source.ties_high else "")
    middle = (source.element.low + source.element.high) / 2
    what = f"value {comparison} {source.point!r}"
    if source.point is None:
        what = f"(value - offset) / scale {comparison} {middle:g}"
    rounding = {
        "to": "bit",
        "ties_high": source.ties_high,
        "falls": source.falls,
        "point": source.point,
        "middle": middle,
    }
    return {"rounds": f"bit 1 where {what}", "rounding": rounding}


def _overlay(design: Design) -> dict[str, Any] | None:
    """The block design as the host finds it: cells by name, and where their registers are."""
    overlay = overlay_of(design)
    if overlay is None:
        return None
    return {
        "files": {"bit": f"{design.top}.bit", "hwh": f"{design.top}.hwh"},
        "accelerator": ACCELERATOR,
        "dma": DMA,
        **asdict(overlay),
    }


def _instruments(
    design: Design, forecasts: Mapping[str, Mapping[str, int | None]]
) -> dict[str, Any]:
    """The counters by stream: which word each is, and what it is predicted to say per frame."""
    found = instruments_of(design)
    streams = [
        {
            "stream": one.stream,
            "layer": one.layer,
            "reader_layer": one.reader_layer,
            "units": [one.writer, one.reader],
            "depth": one.depth,
            "beats_per_frame": design.streams[one.stream].beats,
            "words": dict(one.words),
            "predicted": dict(forecasts[one.stream]) if one.stream in forecasts else None,
        }
        for one in found
    ]
    return {
        "instrument_words": count_words(found),
        "instrument_cycles": CYCLES,
        "instruments": streams,
    }


def _memory(design: Design, port: MemoryPort) -> dict[str, Any]:
    """What the host loads: the file, to any address of a whole bus word, before it enables."""
    return {
        "bytes": port.bytes,
        "data_bits": port.data_bits,
        "address_bits": port.address_bits,
        "ports": port.ports,
        "regions": [
            {"name": region.memory, "offset": region.offset, "bytes": region.bytes}
            for region in port.regions
        ],
        "file": MEMORY_FILE,
        "sha256": hashlib.sha256(design.external_memory()).hexdigest(),
    }


def emit_manifest(
    design: Design,
    class_names: Sequence[str] = (),
    predicted: Mapping[str, int] | None = None,
    forecasts: Mapping[str, Mapping[str, int | None]] | None = None,
) -> dict[str, str | bytes]:
    """The file ``manifest.json``, and ``weights.bin`` where weights are read from memory."""
    content = manifest(design, class_names, predicted, forecasts)
    files: dict[str, str | bytes] = {"manifest.json": json.dumps(content, indent=2) + "\n"}
    if design.memory_port:
        files[MEMORY_FILE] = design.external_memory()
    return files
