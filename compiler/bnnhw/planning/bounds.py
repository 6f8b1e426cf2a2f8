"""What keeps a design from being faster: its slowest stage, and what the next faster pace takes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.stages import Layer
from bnnhw.planning.curve import curve_point

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design
    from bnnhw.planning.curve import CurvePoint
    from bnnhw.planning.search import FoldingSearch


@dataclass(frozen=True)
class StageBound:
    """A stage and its cycles per frame.

    Attributes:
        name: the stage.
        cycles: at the design's folding.
        floor: at the fastest folding of the stage by itself.
    """

    name: str
    cycles: int
    floor: int


@dataclass(frozen=True)
class Bounds:
    """What bounds a design's pace.

    Attributes:
        slowest: the stage with the most cycles in the design; None where a port is busier.
        floor: the least cycles per frame of any folding of the network.
        floor_stage: the stage that takes them.
        next_pace: the next faster pace at which another folding exists; 0 where there is none.
        at_next: the cheapest design at that pace, FIFOs as deep as the design's; None where memory
            is too slow for its weights, or there is no such pace.
        bytes_per_cycle: what memory gives for weights through all ports that there may be.
        memory_cycles: the least cycles per frame at which it gives the design's.
    """

    slowest: StageBound | None
    floor: int
    floor_stage: str
    next_pace: int
    at_next: CurvePoint | None
    bytes_per_cycle: float
    memory_cycles: int


def design_bounds(search: FoldingSearch, design: Design) -> Bounds:
    """The bounds of a design that a search of its network may have found."""
    cycles = max(stream.beats for stream in design.streams.values())
    paces = search.paces()
    faster = paces[: bisect_left(paces, cycles)]
    next_pace = faster[-1] if faster else 0
    regions = design.memory_port.regions if design.memory_port else ()
    fifos = {stream.name: stream for stream in design.streams.values() if stream.depth}
    return Bounds(
        _slowest(search, design, cycles),
        search.floor(),
        search.slowest(),
        next_pace,
        curve_point(search, search.cheapest(next_pace, fifos)) if next_pace else None,
        search.memory.all_ports,
        search.memory.least_cycles({region.unit: region.bytes for region in regions}),
    )


def _slowest(search: FoldingSearch, design: Design, cycles: int) -> StageBound | None:
    """The stage whose streams have the most beats: a layer of weights where one has."""
    stages = {stage.name: stage for stage in search.network.stages}
    working = {layer.name: layer.cycles for layer in design.layers}
    for unit in design.units:  # what streams from or to a unit of another stage counts for both
        beats = max(
            (design.streams[name].beats for name in (*unit.sources, *unit.sinks)), default=0
        )
        if unit.layer in stages and unit.layer not in working and beats == cycles:
            working[unit.layer] = beats
    name = max(working, key=working.__getitem__, default="")
    if working.get(name) != cycles:
        return None
    stage = stages[name]
    if not isinstance(stage, Layer):
        return StageBound(name, cycles, stage.beats)
    tables = (search.tables[name, streamed] for streamed in (False, True))
    return StageBound(name, cycles, min(c.cycles for table in tables for c in table))
