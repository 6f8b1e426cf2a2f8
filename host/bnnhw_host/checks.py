"""Whether what a manifest says is of the right kind and can be: files come from anywhere."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw_host.manifest import Manifest

_MOST_BYTES = 1 << 40  # of anything
_WIDEST = 128  # bytes of a stream's beat


def check_manifest(manifest: Manifest) -> None:
    """Raises ValueError for a value of another kind than its field's, or out of range."""
    _check_kinds(manifest)
    source, sink, overlay = manifest.input, manifest.output, manifest.overlay
    for name, port in (("input", source), ("output", sink)):
        _within(f"{name}'s bytes of a beat", port.beat_bytes, 1, _WIDEST)
        _within(f"{name}'s beats", port.beats, 1, _MOST_BYTES)
        _within(f"{name}'s dimensions", len(port.grid), 1, 3)
        for size in (*port.shape, *port.grid):
            _within(f"{name}'s sizes", size, 1, _MOST_BYTES)
    _within("bits of an element", source.elem_bits, 1, 32)
    _within("bits of a score", sink.field_bits, 8, 32)
    if sink.field_bits % 8 or sink.field_bits == 24:
        raise ValueError(f"scores of {sink.field_bits} bits")
    if math.prod(source.shape) != math.prod(source.grid):
        raise ValueError("an input of other sizes than its stream's")
    if math.prod(source.grid) * source.elem_bits != 8 * source.frame_bytes:
        raise ValueError("a frame that is not its beats")
    scores = 2 * sink.top_k or math.prod(sink.grid)
    if scores * sink.field_bits != 8 * sink.frame_bytes:
        raise ValueError("scores that are not their beats")
    classes = math.prod(sink.shape) if sink.top_k else sink.grid[0]
    for factors in (sink.scale, sink.bias):
        if len(factors) not in (1, classes) or not all(map(math.isfinite, factors)):
            raise ValueError("a scale or a bias for other classes")
    channels = source.shape[-1] if source.channels_last else source.shape[0]
    for factor in (source.scale, source.offset):
        listed = factor if isinstance(factor, list) else [factor]
        if len(listed) not in (1, channels) or not all(map(math.isfinite, listed)):
            raise ValueError("a scale or an offset for other channels")
    if 0 in (source.scale if isinstance(source.scale, list) else [source.scale]):
        raise ValueError("a scale of 0")
    _within("frames of a packet", manifest.max_packet_frames, 1, (1 << 16) - 1)
    _within("bits of a transfer's length", overlay.length_bits, 8, 26)
    _within("bits of a memory port", overlay.memory_bits, 32, 1024)
    for address in (overlay.accelerator_address, overlay.dma_address):
        _within("addresses", address, 0, 1 << 40)
    _within("the range of addresses", overlay.address_range, 4096, 1 << 32)
    for clock in (manifest.clock_mhz, overlay.fabric_mhz):
        if not 0.1 <= clock <= 10_000:
            raise ValueError(f"a clock of {clock} MHz")
    for register in ("identity", "build_hash_low", "control", "errors", "packet_frames"):
        _within(f"the register {register}", manifest.registers[register], 0, 0xFC)
    for bit in ("clear", "reset", "weights_enable"):
        _within(f"the bit {bit}", manifest.control_bits[bit], 0, 31)
    if manifest.memory:
        _within("bytes of weights", manifest.memory.bytes, 1, _MOST_BYTES)
        _within("bits of a word of weights", manifest.memory.data_bits, 8, 1024)
        _within("bits of an address", manifest.memory.address_bits, 1, 64)
        _within("ports of weights", manifest.memory.ports, 1, 3)
    for name in (manifest.top, overlay.accelerator, overlay.dma):
        if not name.isidentifier():
            raise ValueError(f"the name {name!r}")
    for name in (overlay.bit, overlay.hwh):
        if "/" in name or name.startswith("."):
            raise ValueError(f"the file {name!r}")


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what}: {value}, not {low} to {high}")


def _check_kinds(record: Any) -> None:
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value):
            _check_kinds(value)
            continue
        fits = _KINDS.get(str(field.type))
        if fits and not fits(value):
            raise ValueError(f"{field.name}: {str(value)[:60]}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or isinstance(value, float)


def _all_of(kind: type, fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind) and all(fits(part) for part in value)  # type: ignore[attr-defined]


def _named(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_whole, value.values()))


_KINDS: dict[str, Callable[[Any], bool]] = {
    "int": _whole,
    "float": _number,
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "tuple[int, ...]": _all_of(tuple, _whole),
    "tuple[str, ...]": _all_of(tuple, lambda value: isinstance(value, str)),
    "tuple[dict[str, Any], ...]": _all_of(tuple, lambda value: isinstance(value, dict)),
    "list[float]": _all_of(list, _number),
    "float | list[float]": lambda value: _number(value) or _all_of(list, _number)(value),
    "dict[str, int]": _named,
    "dict[str, Any] | None": lambda value: value is None or isinstance(value, dict),
}
