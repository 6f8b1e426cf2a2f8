"""Estimated resources of whole designs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.model import Resources, total, unit_resources
from bnnhw.hardware.instruments import CYCLES, STREAM_WORDS
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.ends import REGISTERS, RESET_CONTROL
from bnnhw.hardware.units.instruments import INSTRUMENTS, STREAM_COUNTERS
from bnnhw.hardware.units.streams import FIFO
from bnnhw.hardware.units.weights import READ_ARBITER

if TYPE_CHECKING:
    from collections.abc import Collection

    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Design, Stream


def design_resources(design: Datapath | Design) -> dict[str, Resources]:
    """Estimated resources by unit name, FIFOs and the register block included."""
    parts = {unit.name: unit_resources(unit.kind, unit.params) for unit in design.units}
    for stream in design.streams.values():
        if stream.depth:
            parts[f"{stream.name}_fifo"] = unit_resources(FIFO.name, stream.fifo_parameters)
    readers = sum(KINDS[unit.kind].reads_memory for unit in design.units)
    if readers:
        parts["arbiter"] = unit_resources(READ_ARBITER.name, {"PORTS": readers})
    control = unit_resources(RESET_CONTROL.name, {})
    registers = unit_resources(REGISTERS.name, {"INSTRUMENTS": int(design.instrument)})
    parts["registers"] = registers + control
    if design.instrument:
        parts |= _instruments(design.streams.values())
    return parts


def instrument_resources(design: Datapath | Design) -> Resources:
    """What the counters of a design's streams take beside it; nothing where it has none."""
    if not design.instrument:
        return Resources()
    read = unit_resources(REGISTERS.name, {"INSTRUMENTS": 1}) - unit_resources(REGISTERS.name, {})
    return total(_instruments(design.streams.values())) + read


def _instruments(streams: Collection[Stream]) -> dict[str, Resources]:
    """The counters by stream, and what reads them."""
    parts = {
        f"{stream.name}_counters": unit_resources(STREAM_COUNTERS.name, {"DEPTH": stream.depth})
        for stream in streams
    }
    words = CYCLES + 1 + sum(len(STREAM_WORDS) + (stream.depth > 0) for stream in streams)
    parts["instruments"] = unit_resources(INSTRUMENTS.name, {"WORDS": words})
    return parts
