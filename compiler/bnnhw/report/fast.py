"""The page's answer to "is it fast": two frames in time, and what each resource would allow."""

from __future__ import annotations

import math
from typing import Any

from bnnhw.report.facts import (
    TIMES,
    Report,
    bottleneck_layers,
    bottleneck_text,
    cycles_per_frame,
    lost_text,
    milliseconds,
    number,
    percent,
    resource_facts,
)


def fast(report: Report) -> dict[str, Any]:
    """What the section shows."""
    frame = cycles_per_frame(report)
    return {
        "frame": "-" if frame.value is None else number(frame.value),
        "origin": frame.origin,
        "bound": bottleneck_text(report),
        "lost": lost_text(report),
        "timeline": _timeline(report),
        "roofs": _roofs(report),
    }


def time_text(report: Report, cycles: float | None) -> str:
    """Cycles as a time at the report's clock."""
    if cycles is None:
        return "-"
    ms = milliseconds(report, cycles)
    return f"{ms:.3g} ms" if ms >= 1 else f"{ms * 1e3:.3g} µs"


def _timeline(report: Report) -> dict[str, Any]:
    """A row a layer: the frames' bars on a track of all cycles, then its work and its share."""
    layers = report["layers"]
    frame = cycles_per_frame(report).value
    busiest = bottleneck_layers(report)
    end = max((active[-1][1] for layer in layers if (active := layer.get("active"))), default=0)
    rows = []
    for layer in layers:
        bars = [
            {
                "left": _share(start, end),
                "width": _share(stop - start, end),
                "tip": f"frame {i + 1}: cycles {number(start)} to {number(stop)}",
            }
            for i, (start, stop) in enumerate(layer.get("active", ()))
        ]
        rows.append(
            {
                "name": layer["name"],
                "fold": f"PE {layer['pe']} {TIMES} SIMD {layer['simd']}",
                "bars": bars,
                "cycles": number(layer["cycles"]),
                "share": percent(layer["cycles"] / frame if frame else None),
                "work": _share(layer["cycles"], frame or 1),
                "loud": layer["name"] in busiest,
            }
        )
    return {"rows": rows, "end": number(end), "time": time_text(report, end), "drawn": end > 0}


def _share(part: float, whole: float) -> str:
    return f"{100 * min(1.0, max(0.0, part / whole)):.2f}%"


def _roofs(report: Report) -> dict[str, Any]:
    """How fast the network could be if one resource alone were the limit; FPS on a log axis.

    Of each resource the fastest point of the curve that needs no more of it than is usable: the
    next faster one needs more. Memory: its bandwidth by the weights read per frame.
    """
    points = sorted(report.get("curve", ()), key=lambda point: point["cycles_per_frame"])
    here = report["fps"]
    rows: list[dict[str, Any]] = []
    for fact in resource_facts(report):
        within = [p for p in points if p[fact.name] <= fact.usable]
        if not within or not any(p[fact.name] for p in points):
            continue
        best = within[0]
        beyond = points.index(best) > 0
        fps = _fps(report, best)
        more = _fps(report, points[points.index(best) - 1]) if beyond else None
        text = f"{number(round(fps))}" if best["chosen"] else f"about {number(round(fps))}"
        rows.append(
            {
                "label": fact.label,
                "fps": fps,
                "text": f"{text} FPS" if beyond else f"beyond {number(round(fps))} FPS",
                "detail": f"full below {number(round(more))} FPS" if more else "",
            }
        )
    per_frame, bandwidth = report["ddr_bytes_per_frame"], report.get("ddr_bytes_per_second")
    if per_frame and bandwidth:
        fps = bandwidth / per_frame
        rows.append(
            {
                "label": "DDR",
                "fps": fps,
                "text": f"{number(round(fps))} FPS",
                "detail": f"{number(per_frame)} bytes of weights per frame",
            }
        )
    if len(rows) < 2:
        return {"rows": []}
    low = math.log(min(here, *(row["fps"] for row in rows)) / 2)
    high = math.log(max(here, *(row["fps"] for row in rows)) * 1.1)
    for row in rows:
        row["length"] = _share(math.log(row["fps"]) - low, high - low)
    return {"rows": rows, "here": _share(math.log(here) - low, high - low), "fps": number(here)}


def _fps(report: Report, point: dict[str, Any]) -> float:
    clock: float = report["clock_mhz"]
    return clock * 1e6 / float(point["cycles_per_frame"])
