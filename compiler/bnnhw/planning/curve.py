"""Cycles per frame against resources: what other paces than the chosen design's would cost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.errors import FoldingError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import Resources, total
from bnnhw.planning.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.hardware.design import Design
    from bnnhw.planning.search import Choice, FoldingSearch

# Targets, in cycles of the design; the second row only where the first leaves too few points.
_FACTORS = (0.25, 0.5, 0.5**0.5, 2**0.5, 2, 4, 8)
_MORE_FACTORS = (0.125, 0.84, 1.19, 2.8, 16, 32)
_LEAST_POINTS = 5
# Points nearer to the design than this share of its cycles say nothing new.
_NEAR = 0.03


@dataclass(frozen=True)
class CurvePoint:
    """A design at one pace, estimated.

    Attributes:
        cycles: cycles per frame of the slowest stage.
        resources: of all units and FIFOs.
        ddr_bytes: bytes of weights per frame from memory.
        fits: whether the board has that much, with what routing needs to spare.
        chosen: whether it is the design itself.
    """

    cycles: int
    resources: Resources
    ddr_bytes: int
    fits: bool
    chosen: bool = False


def resource_curve(search: FoldingSearch, design: Design) -> list[CurvePoint]:
    """The design among the cheapest ones at other paces, the fastest first.

    At least five points where the network has so many foldings that differ: a quarter to eight
    times the design's cycles, and the fastest that fits. FIFOs are counted as deep as the design's.
    A point is left out where another is no slower and takes no more of anything.
    """
    need = total(design_resources(design))
    port = design.memory_port
    chosen = CurvePoint(
        max(stream.beats for stream in design.streams.values()),
        need,
        port.bytes_per_frame if port else 0,
        not need.exceeds(search.limit),
        chosen=True,
    )
    fifos = {stream.name: stream for stream in design.streams.values() if stream.depth}
    found = [curve_point(search, search.cheapest(_target(chosen, f), fifos)) for f in _FACTORS]
    with suppress(FoldingError):  # with such FIFOs perhaps nothing fits but the design
        found.append(curve_point(search, search.choose(Target(), fifos)))
    curve = _frontier(chosen, found)
    for factor in _MORE_FACTORS:
        if len(curve) >= _LEAST_POINTS:
            break
        found.append(curve_point(search, search.cheapest(_target(chosen, factor), fifos)))
        curve = _frontier(chosen, found)
    return curve


def _target(chosen: CurvePoint, factor: float) -> int:
    return round(chosen.cycles * factor)


def curve_point(search: FoldingSearch, choice: Choice | None) -> CurvePoint | None:
    """A choice as a point of the curve."""
    if choice is None:
        return None
    need = total(choice.resources)
    far = (n for n in search.network.layers if choice.folding.layers[n.name].memory == "ddr")
    ddr = sum(layer.weight.size * layer.weight_bits // 8 for layer in far)
    return CurvePoint(choice.cycles, need, ddr, not need.exceeds(search.limit))


def _frontier(chosen: CurvePoint, found: Sequence[CurvePoint | None]) -> list[CurvePoint]:
    """The design, and those that neither it nor another beats in everything."""
    others = {p for p in found if p and abs(p.cycles - chosen.cycles) > _NEAR * chosen.cycles}
    good = (
        point
        for point in others
        if not any(_beats(other, point) for other in (chosen, *others) if other != point)
    )
    return sorted([chosen, *good], key=_amounts)


def _beats(one: CurvePoint, other: CurvePoint) -> bool:
    pairs = zip(_amounts(one), _amounts(other), strict=True)
    return all(a <= b for a, b in pairs)


def _amounts(point: CurvePoint) -> tuple[float, ...]:
    r = point.resources
    return (point.cycles, r.lut, r.ff, r.bram36, r.dsp, r.uram, point.ddr_bytes)
