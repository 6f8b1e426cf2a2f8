"""The page's answer to "is it fast": two frames in time, and what each resource would allow."""

from __future__ import annotations

import math
from typing import Any

from bnnhw.report.facts import (
    TIMES,
    Report,
    bottleneck_layers,
    bottleneck_text,
    css_length,
    cycles_per_frame,
    fps_of,
    lost_text,
    number,
    percent,
    resource_facts,
    time_text,
)

_FAR = 8
"""Roofs beyond so many times the fastest design of the curve are not put into figures."""


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
                "left": css_length(start / end),
                "width": css_length((stop - start) / end),
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
                "work": css_length(layer["cycles"] / (frame or 1)),
                "loud": layer["name"] in busiest,
            }
        )
    return {
        "rows": rows,
        "end": number(end),
        "time": time_text(report, end, "µs"),
        "drawn": end > 0,
    }


def _roofs(report: Report) -> dict[str, Any]:
    """How fast the network could be if one resource alone were the limit; FPS on a log axis.

    Of each resource where the curve, as straight lines between its points on logarithmic axes,
    reaches what is usable; beyond its fastest point the line through the two fastest. Memory: its
    bandwidth by the weights read per frame.
    """
    paces: dict[float, list[dict[str, Any]]] = {}
    for point in sorted(report.get("curve", ()), key=lambda point: point["cycles_per_frame"]):
        paces.setdefault(fps_of(report, point["cycles_per_frame"]), []).append(point)
    here = report["fps"]
    rows: list[dict[str, Any]] = []
    for fact in resource_facts(report):
        points = [(fps, min(p[fact.name] for p in found)) for fps, found in paces.items()]
        if len(points) < 2 or not any(amount for _, amount in points):
            continue
        fps, drawn = _roof(points, fact.usable), points[0][0]
        more = fps > _FAR * drawn
        rows.append(
            {
                "label": fact.label,
                "fps": min(fps, _FAR * drawn),
                "text": "far above" if more else f"about {number(float(f'{fps:.3g}'))} FPS",
                "detail": "" if fps <= drawn else "beyond the curve",
            }
        )
    per_frame, bandwidth = report["ddr_bytes_per_frame"], report.get("ddr_bytes_per_second")
    if rows and per_frame and bandwidth:
        fps = bandwidth / per_frame
        rows.append(
            {
                "label": "DDR",
                "fps": fps,
                "text": f"{number(round(fps))} FPS",
                "detail": f"{number(per_frame)} bytes of weights per frame",
            }
        )
    if not rows:
        return {"rows": []}
    low = math.log(min(here, *(row["fps"] for row in rows)) / 2)
    high = math.log(max(here, *(row["fps"] for row in rows)) * 1.1)
    for row in rows:
        row["length"] = css_length((math.log(row["fps"]) - low) / (high - low))
    return {
        "rows": rows,
        "here": css_length((math.log(here) - low) / (high - low)),
        "fps": number(here),
    }


def _roof(points: list[tuple[float, float]], usable: float) -> float:
    """The FPS at which (FPS, amount), the fastest first, reach what is usable; infinite: never."""
    within = [i for i, (_, amount) in enumerate(points) if amount <= usable]
    first = within[0] if within else len(points) - 1
    faster, slower = (first - 1, first) if first else (0, 1)
    (x1, y1), (x2, y2) = (
        (math.log(fps), math.log(max(amount, 0.5)))
        for fps, amount in (points[slower], points[faster])
    )
    slope = (y2 - y1) / (x2 - x1)
    from_x, from_y = (x2, y2) if not first else (x1, y1)
    room = math.log(max(usable, 0.5)) - from_y
    if slope <= 0:
        return math.inf
    return math.exp(min(from_x + room / slope, 700.0))
