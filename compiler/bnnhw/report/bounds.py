"""What bounds a design's pace, as ``bounds`` of report.json: each resource, memory, the stages.

Of each resource there is the share of the board's budget that the design takes, and the cycles per
frame at which it would run out if it were the one limit. That is read off the curve: straight lines
between its points on logarithmic axes, and beyond its fastest point the line through the two
fastest. Memory gives so many bytes of weights per second, and a frame needs so many.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.cost.model import LIMITED
from bnnhw.report.facts import Report, amount, fps_of, number, percent, resource_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.hardware.cost.model import Resources
    from bnnhw.planning.bounds import Bounds
    from bnnhw.planning.curve import CurvePoint

FAR = 8
"""A resource that lasts for more than so many times the fastest design of the curve is no bound."""
DDR = "ddr"
_DDR_LABEL = "memory bandwidth"


def bounds_json(report: Report, found: Bounds, curve: Sequence[CurvePoint]) -> dict[str, Any]:
    """``bounds`` of a report that has all else; every figure is estimated."""
    rows = [*_resource_rows(report, curve), _memory_row(report, found)]
    binding, text = _binding(report, found, rows)
    following = found.at_next
    return {
        "origin": "estimated",
        "binding": binding,
        "text": text,
        "slowest_stage": None if found.slowest is None else vars(found.slowest),
        "floor": {"cycles_per_frame": found.floor, "stage": found.floor_stage},
        "next": None if following is None else _next(report, following),
        "resources": rows,
    }


def stage_text(report: Report) -> str:
    """The slowest stage and how fast it could be; empty for an older report."""
    found = report.get("bounds")
    if not found:
        return ""
    floor = number(found["floor"]["cycles_per_frame"])
    ends = f"no folding of the network takes fewer than {floor} ('{found['floor']['stage']}')"
    stage = found["slowest_stage"]
    if stage is None:
        return f"the slowest is a port; {ends}"
    return (
        f"the slowest stage, '{stage['name']}', takes {number(stage['cycles'])} cycles per frame, "
        f"and {number(stage['floor'])} at its fastest folding; {ends}"
    )


def bound_text(report: Report) -> str:
    """What bounds the design, in one sentence; empty for an older report."""
    return (report.get("bounds") or {}).get("text", "")


def reach_text(row: dict[str, Any]) -> str:
    """The cycles per frame at which a resource runs out, in words."""
    if not row["need"]:
        return "takes none"
    if row["cycles_per_frame"] is None:
        return "far below"
    about = "" if row["name"] == DDR else "about "
    return f"{about}{number(row['cycles_per_frame'])}"


def _resource_rows(report: Report, curve: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    paces: dict[int, list[Resources]] = {}
    for point in sorted(curve, key=lambda point: point.cycles):
        paces.setdefault(point.cycles, []).append(point.resources)
    rows = []
    for fact in resource_facts(report):
        points = [
            (pace, min(getattr(r, fact.name) for r in needs)) for pace, needs in paces.items()
        ]
        cycles = None
        if len(points) > 1 and fact.estimated:
            end = end_of(points, fact.usable)
            cycles = end if end * FAR >= points[0][0] else None
        rows.append(
            {
                "name": fact.name,
                "label": fact.label,
                "need": fact.estimated,
                "usable": fact.usable,
                "share": _share(fact.estimated, fact.usable),
                **_reach(report, cycles),
                "beyond_curve": cycles is not None and cycles < points[0][0],
            }
        )
    return rows


def _memory_row(report: Report, found: Bounds) -> dict[str, Any]:
    """Weights from memory: bytes per second needed, and given by ports and by the board."""
    per_frame = report["ddr_bytes_per_frame"]
    need = per_frame * report["fps"]
    usable = found.bytes_per_cycle * report["clock_mhz"] * 1e6
    return {
        "name": DDR,
        "label": _DDR_LABEL,
        "need": round(need),
        "usable": round(usable),
        "share": _share(need, usable),
        **_reach(report, found.memory_cycles or None),
        "beyond_curve": False,
    }


def _reach(report: Report, cycles: float | None) -> dict[str, Any]:
    if cycles is None:
        return {"cycles_per_frame": None, "fps": None}
    whole = _rounded(cycles)
    return {"cycles_per_frame": whole, "fps": round(fps_of(report, whole), 3)}


def _rounded(cycles: float) -> int:
    """Cycles that were read off a curve, to three digits; those that were counted stay whole."""
    return cycles if isinstance(cycles, int) else max(1, round(float(f"{cycles:.3g}")))


def _share(need: float, usable: float) -> float | None:
    return round(need / usable, 4) if usable else None


def _next(report: Report, point: CurvePoint) -> dict[str, Any]:
    return {
        "cycles_per_frame": point.cycles,
        "fps": round(fps_of(report, point.cycles), 3),
        **{name: round(value, 1) for name, value in point.resources.amounts().items()},
        "ddr_bytes_per_frame": point.ddr_bytes,
        "fits": point.fits,
    }


def _binding(report: Report, found: Bounds, rows: list[dict[str, Any]]) -> tuple[str, str]:
    """What bounds the design, by its name in the rows or "stage" or "", and the sentence."""
    if not found.next_pace:
        floor = number(found.floor)
        return "stage", (
            f"bounded by the slowest stage, '{found.floor_stage}': no folding takes fewer than "
            f"{floor} cycles per frame"
        )
    following = found.at_next
    by_name = {row["name"]: row for row in rows}
    if following is None:
        row = by_name[DDR]
        return DDR, (
            f"bounded by memory bandwidth: {percent(row['share'])} of what ports give; the next "
            f"faster pace, {number(found.next_pace)} cycles per frame, is too fast for weights "
            "that come from memory (estimated)"
        )
    pace = f"the next faster pace, {number(following.cycles)} cycles per frame"
    needs = {name: getattr(following.resources, name) for name in LIMITED if name in by_name}

    def pressure(name: str) -> float:
        return needs[name] / max(by_name[name]["usable"], 1.0)

    tight = max(needs, key=pressure)
    row = by_name[tight]
    takes = f"{amount(tight, needs[tight])} of {amount(tight, row['usable'])} usable"
    if not following.fits:
        return tight, (
            f"bounded by {row['label']}: {percent(row['share'])} of the budget; {pace}, would take "
            f"{takes} (estimated)"
        )
    ends = [one for one in rows if one["cycles_per_frame"] is not None]
    first = max(ends, key=lambda one: one["cycles_per_frame"], default=None)
    then = ""
    if first is not None:
        then = f"; {first['label']} runs out first, at {reach_text(first)} cycles per frame"
    return "", (
        f"bounded by no resource: {pace}, is estimated to fit too, with {takes} {row['label']}"
        f"{then}"
    )


def end_of(points: list[tuple[int, float]], usable: float) -> float:
    """The cycles at which (cycles, amount), the fastest first, reach what is usable; 0: never."""
    within = [i for i, (_, need) in enumerate(points) if need <= usable]
    first = within[0] if within else len(points) - 1
    faster, slower = (first - 1, first) if first else (0, 1)
    (x1, y1), (x2, y2) = (
        (-math.log(cycles), math.log(max(need, 0.5)))
        for cycles, need in (points[slower], points[faster])
    )
    slope = (y2 - y1) / (x2 - x1)
    from_x, from_y = (x2, y2) if not first else (x1, y1)
    room = math.log(max(usable, 0.5)) - from_y
    if slope <= 0:
        return 0.0
    return math.exp(-min(from_x + room / slope, 700.0))
