"""A driver of the accelerator in plain C, and an example for Linux: for people without Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bnnhw.backend.manifest import manifest
from bnnhw.backend.render import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bnnhw.hardware.design import Design

_MARGIN = 4  # times the predicted time before a packet counts as stuck
_UNKNOWN_MICROSECONDS = 10_000_000  # of a frame whose cycles nobody has predicted
_EXAMPLE_BYTES = 32 << 20  # of contiguous memory, for frames
_PLAIN = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\", "?"}  # ??x may be a trigraph


def emit_c_driver(
    design: Design,
    class_names: Sequence[str] = (),
    predicted: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """``host/<network>.h`` and ``host/example_devmem.c``; nothing for a board without processor.

    Args:
        design: the hardware.
        class_names: names of the classes, in the order of the scores; none where they are unknown.
        predicted: cycles per frame and of latency, as the token model has them.
    """
    data = manifest(design, class_names, predicted)
    if data["overlay"] is None:
        return {}
    values = {
        "n": design.name,
        "N": design.name.upper(),
        "bnnhw": data["bnnhw"],
        "board": c_string(data["board"]),
        "clock": repr(float(data["clock_mhz"])),
        "hash_low": _word(int(data["build_hash"], 16) & 0xFFFF_FFFF),
        "hash_high": _word(int(data["build_hash"], 16) >> 32),
        "identity": _word(data["identity"]),
        "registers_version": _word(data["registers_version"]),
        "registers": _macros(data["registers"]),
        "control_bits": _bits(data["control_bits"]),
        "error_bits": _bits(data["error_bits"]),
        "max_packet_frames": data["max_packet_frames"],
        "accelerator_address": _word(data["overlay"]["accelerator_address"]),
        "dma_address": _word(data["overlay"]["dma_address"]),
        "address_range": _word(data["overlay"]["address_range"]),
        "most_bytes": (1 << data["overlay"]["length_bits"]) - 1,
        **_time(data),
        "input": _input(data["input"]),
        "output": _output(data["output"]),
        "memory": _memory(data["memory"]),
        "example_bytes": _EXAMPLE_BYTES + (data["memory"] or {"bytes": 0})["bytes"],
    }
    return {
        f"host/{design.name}.h": render("driver.h.j2", **values),
        "host/example_devmem.c": render("example_devmem.c.j2", **values),
    }


def c_string(text: str) -> str:
    """A C literal of a text in UTF-8; whatever it holds, it stays within its quotes."""
    parts = [
        char if char in _PLAIN else "".join(f"\\{byte:03o}" for byte in char.encode())
        for char in text
    ]
    return f'"{"".join(parts)}"'


def _word(value: int) -> str:
    return f"0x{value:08X}u"


def _macros(addresses: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name.upper(), f"0x{value:02X}u") for name, value in addresses.items()]


def _bits(bits: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name.upper(), f"0x{1 << bit:X}u") for name, bit in bits.items()]


def _time(data: dict[str, Any]) -> dict[str, int]:
    """Microseconds after which a packet counts as stuck: of each frame, and of the first more."""
    predicted = data.get("predicted", {})
    if not predicted:
        return {"frame_microseconds": _UNKNOWN_MICROSECONDS, "latency_microseconds": 0}
    each = _MARGIN / data["clock_mhz"]
    return {
        "frame_microseconds": math.ceil(each * predicted["cycles_per_frame"]),
        "latency_microseconds": math.ceil(each * predicted["latency_cycles"]),
    }


def _grid(shape: Sequence[int]) -> tuple[int, int, int]:
    """Channels, height and width; a vector is one pixel."""
    channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
    return channels, height, width


def _input(source: dict[str, Any]) -> dict[str, Any]:
    stream, element = source["stream"], source["element"]
    channels, height, width = _grid(stream["shape"])
    bits = int(stream["elem_bits"])
    bit = "low" in element
    signed = bit or element["signed"] == "true"
    low = int(element["low"]) if bit else -(1 << bits >> 1) if signed else 0
    last = source["channels_last"]
    shape = source["shape"]
    return {
        "name": c_string(source["name"]),
        "shape": ", ".join(map(str, shape)),
        "elements": channels * height * width,
        "channels": channels,
        "height": height,
        "width": width,
        # From one element to the next in the model's own order.
        "channel_step": 1 if last else height * width,
        "row_step": width * channels if last else width,
        "column_step": channels if last else 1,
        "bits": bits,
        "mask": f"0x{(1 << bits) - 1:X}u",
        "bit": bit,
        "low": low,
        "high": 1 if bit else (1 << bits - signed) - 1,
        "type": f"{'' if signed else 'u'}int{8 if bits <= 8 else 16}_t",
        "bytes": stream["bytes"] * stream["beats"],
        "scale": _numbers(source["scale"]),
        "offset": _numbers(source["offset"]),
        "scale_count": _count(source["scale"]),
        "offset_count": _count(source["offset"]),
        # Elements that share a channel's scale: neighbours, where channels come first.
        "scale_step": 1 if last else math.prod(shape[1:]),
        **_rule(source, (low + 1) / 2),
    }


def _rule(source: dict[str, Any], middle: float) -> dict[str, Any]:
    """How a number becomes an integer, or when it becomes bit 1, as C takes it."""
    rounding = source.get("rounding") or {}
    if rounding.get("to") != "bit":
        return {"what": "exact", "comparison": ">", "point": repr(float(middle))}
    point = rounding["point"]
    return {
        "what": "exact" if point is None else "value",
        "comparison": ("<" if rounding["falls"] else ">") + ("=" if rounding["ties_high"] else ""),
        "point": repr(float(rounding["middle"] if point is None else point)),
    }


def _output(scores: dict[str, Any]) -> dict[str, Any]:
    stream, best = scores["stream"], int(scores["top_k"])
    channels, height, width = _grid(stream["shape"])
    classes = math.prod(scores["shape"]) if best else channels
    return {
        "name": c_string(scores["name"]),
        "shape": ", ".join(map(str, scores["shape"])),
        "scores": channels * height * width,
        "channels": channels,
        "pixels": height * width,
        "bits": stream["field_bits"],
        "field_bytes": stream["field_bits"] // 8,
        "sign": f"0x{1 << stream['field_bits'] - 1:X}u",
        "top_k": best,
        "bytes": stream["bytes"] * stream["beats"],
        "classes": classes,
        "scale": _numbers(scores["scale"]),
        "bias": _numbers(scores["bias"]),
        "scale_count": _count(scores["scale"]),
        "bias_count": _count(scores["bias"]),
        "class_names": [c_string(name) for name in scores.get("class_names", ())],
    }


def _memory(memory: dict[str, Any] | None) -> dict[str, Any] | None:
    if memory is None:
        return None
    return {
        "file": c_string(memory["file"]),
        "sha256": memory["sha256"],
        "bytes": memory["bytes"],
        "word_bytes": memory["data_bits"] // 8,
        "address_bits": memory["address_bits"],
        "wide": memory["address_bits"] < 64,
    }


def _many(values: float | Iterable[float]) -> list[float]:
    """A list, of one number where there is one for all."""
    many = [float(values)] if isinstance(values, (int, float)) else [float(v) for v in values]
    return many[:1] if len(set(many)) == 1 else many


def _numbers(values: float | Iterable[float]) -> list[str]:
    """C's literals of doubles."""
    return [repr(value) for value in _many(values)]


def _count(values: float | Iterable[float]) -> int:
    return len(_many(values))
