"""Estimated resources of whole designs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.model import Resources, unit_resources
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.ends import REGISTERS, RESET_CONTROL
from bnnhw.hardware.units.streams import FIFO
from bnnhw.hardware.units.weights import READ_ARBITER

if TYPE_CHECKING:
    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Design


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
    parts["registers"] = unit_resources(REGISTERS.name, {}) + control
    return parts
