"""The loops of a design: units that each frame passes several times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design, Unit


@dataclass(frozen=True)
class Loop:
    """A loop.

    Attributes:
        name: that of its first unit.
        passes: how often a frame passes it.
        start: the unit that gives each frame from outside and then what comes back.
        body: the units between, in stream order.
        end: the unit that sends frames back, and after the last pass out.
    """

    name: str
    passes: int
    start: Unit
    body: tuple[Unit, ...]
    end: Unit


def loops_of(design: Design) -> list[Loop]:
    """The loops of a design, in stream order."""
    units: dict[str, list[Unit]] = {}
    for unit in design.units:
        if unit.loop:
            units.setdefault(unit.loop, []).append(unit)
    return [
        Loop(name, found[0].passes, found[0], tuple(found[1:-1]), found[-1])
        for name, found in units.items()
    ]


def within(design: Design) -> set[str]:
    """The streams that no unit outside of their loop touches."""
    loops = loops_of(design)
    ends = {name for loop in loops for name in (loop.start.sources[0], loop.end.sinks[1])}
    inside = {n for unit in design.units if unit.loop for n in (*unit.sources, *unit.sinks)}
    return inside - ends
