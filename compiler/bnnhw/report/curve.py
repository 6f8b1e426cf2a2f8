"""The curve of cycles against resources as small pictures, one a resource, and as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bnnhw.report.facts import (
    Report,
    ResourceFact,
    amount,
    fps_of,
    number,
    percent,
    resource_facts,
)

# Size of a picture, and of the frame within it, in pixels: as narrow as a phone's screen.
_WIDTH, _HEIGHT = 330, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 314, 22, 158
# What lies above this multiple of the limit is drawn at the upper edge.
_HIGHEST = 1.25
_TICK_ROOM = 44
_STEPS = (1, 2, 5)
_PIECES = 4  # of the share axis


@dataclass(frozen=True)
class Dot:
    """A point of the curve.

    Attributes:
        x: place, in pixels.
        y: place, in pixels.
        kind: "chosen", "fits" or "over".
        tip: all there is to say.
        beyond: its share, where that lies above the picture and there is room to say so.
    """

    x: float
    y: float
    kind: str
    tip: str
    beyond: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Plot:
    """One resource over cycles per frame.

    Attributes:
        label: the resource.
        about: what the limit is.
        line: the curve as an SVG path.
        limit: y of what a design may use.
        columns: ticks of cycles.
        rows: ticks of shares of the part.
        dots: the points.
    """

    label: str
    about: str
    line: str
    limit: float
    columns: tuple[Tick, ...]
    rows: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


def draw_curve(report: Report) -> list[Plot]:
    """A plot of each resource that any point uses; none where there are no two paces."""
    points = report.get("curve", [])
    if len({point["cycles_per_frame"] for point in points}) < 2:
        return []
    facts = [fact for fact in resource_facts(report) if fact.available]
    return [_plot(report, fact) for fact in facts if any(p[fact.name] for p in points)]


def curve_rows(report: Report) -> list[dict[str, Any]]:
    """The points as cells of a table, in the report's order.

    Where ``bound``, cycles are those of the slowest stage: the design takes as many or a few more.
    """
    facts = resource_facts(report)
    return [
        {
            "cycles": number(point["cycles_per_frame"]),
            "fps": number(round(fps_of(report, point["cycles_per_frame"]))),
            "bound": point.get("at_least", True),
            "amounts": [
                {
                    "text": amount(fact.name, point[fact.name]),
                    "over": fact.over(point[fact.name]),
                }
                for fact in facts
            ],
            "ddr": number(point["ddr_bytes_per_frame"]),
            "verdict": verdict_of(point),
            "chosen": point["chosen"],
        }
        for point in report.get("curve", [])
    ]


def verdict_of(point: dict[str, Any]) -> str:
    """What a point is: this design, one that fits, or one that does not."""
    if point["chosen"]:
        return "this design"
    return "fits" if point["fits"] else "too large"


def _plot(report: Report, fact: ResourceFact) -> Plot:
    points = report["curve"]
    limit = fact.usable / fact.available
    top = min(max(max(p[fact.name] for p in points) / fact.available, limit), _HIGHEST * limit)
    step, highest = _scale(top * 1.05)
    cycles = [p["cycles_per_frame"] for p in points]
    places = [
        (_x(c, cycles), _y(min(p[fact.name] / fact.available, top), highest))
        for c, p in zip(cycles, points, strict=True)
    ]
    dots, free = [], 0.0
    for (x, y), point in zip(places, points, strict=True):
        beyond = _beyond(fact, point, top) if x >= free else ""
        free = x + _TICK_ROOM if beyond else free
        dots.append(Dot(x, y, _kind(point), _tip(report, fact, point), beyond))
    return Plot(
        label=fact.label,
        about=f"limit {amount(fact.name, fact.usable)} of {amount(fact.name, fact.available)}",
        line="M" + "L".join(f"{x:g} {y:g}" for x, y in places),
        limit=_y(limit, highest),
        columns=_columns(cycles),
        rows=tuple(
            Tick(_y(i * step, highest), f"{i * step:.0%}")
            for i in range(math.floor(highest / step + 1e-9) + 1)
        ),
        dots=tuple(sorted(dots, key=lambda dot: dot.kind == "chosen")),
    )


def _scale(top: float) -> tuple[float, float]:
    """Step and end of the share axis that shows ``top``."""
    decade = 10.0 ** math.floor(math.log10(top / _PIECES))
    step = next(s * decade for s in (*_STEPS, 10) if s * decade * _PIECES >= top)
    return step, top


def _x(cycles: float, of: list[int]) -> float:
    low, high = math.log(min(of)), math.log(max(of))
    share = (math.log(cycles) - low) / (high - low)
    return round(_LEFT + 10 + (_RIGHT - _LEFT - 20) * share, 1)


def _y(share: float, highest: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * share / highest, 1)


def _columns(cycles: list[int]) -> tuple[Tick, ...]:
    """Round numbers of cycles between the ends, as many as have room."""
    low, high = min(cycles), max(cycles)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [s * 10**d for d in decades for s in _STEPS if low <= s * 10**d <= high] or [low, high]
    ticks = [Tick(_x(mark, cycles), _short(mark)) for mark in marks]
    if any(b.at - a.at < _TICK_ROOM for a, b in pairwise(ticks)):
        ends = [tick for tick, mark in zip(ticks, marks, strict=True) if str(mark)[0] == "1"]
        ticks = ends or [ticks[0], ticks[-1]]
    kept = ticks[:1]
    for tick in ticks[1:]:
        if tick.at - kept[-1].at >= _TICK_ROOM:
            kept.append(tick)
    return tuple(kept)


def _short(value: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return str(value)


def _kind(point: dict[str, Any]) -> str:
    if point["chosen"]:
        return "chosen"
    return "fits" if point["fits"] else "over"


def _tip(report: Report, fact: ResourceFact, point: dict[str, Any]) -> str:
    cycles, value = point["cycles_per_frame"], point[fact.name]
    return (
        f"{verdict_of(point)}: {number(cycles)} cycles per frame, "
        f"{number(round(fps_of(report, cycles)))} FPS, {amount(fact.name, value)} {fact.label} "
        f"({percent(fact.share(value))})"
    )


def _beyond(fact: ResourceFact, point: dict[str, Any], top: float) -> str:
    """The share of a point that lies above the picture."""
    share = fact.share(point[fact.name]) or 0.0
    return f"{share:.0%}" if share > top * 1.001 else ""
