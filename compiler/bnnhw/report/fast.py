"""The page's answer to "is it fast": two frames in time, and what each resource would allow."""

from __future__ import annotations

import math
from typing import Any

from bnnhw.report.bounds import bound_text, reach_text, stage_text
from bnnhw.report.facts import (
    TIMES,
    Report,
    bottleneck_layers,
    bottleneck_text,
    css_length,
    cycles_per_frame,
    lost_text,
    number,
    percent,
    time_text,
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
        "bounded": [text for text in (bound_text(report), stage_text(report)) if text],
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
    """How fast the network could be if one thing alone were the limit; FPS on a log axis."""
    found = report.get("bounds")
    if not found:
        return {"rows": []}
    here = report["fps"]
    rows: list[dict[str, Any]] = []
    for row in found["resources"]:
        if not row["need"]:
            continue
        fps, share = row["fps"], f"{percent(row['share'])} used"
        rows.append(
            {
                "label": row["label"],
                "fps": fps,
                "text": "far above" if fps is None else f"{_round_fps(fps)} FPS",
                "detail": f"{share}, beyond the curve" if row["beyond_curve"] else share,
                "tip": f"{share}; runs out at {reach_text(row)} cycles per frame",
                "loud": row["name"] == found["binding"],
            }
        )
    floor = found["floor"]
    fps = report["clock_mhz"] * 1e6 / floor["cycles_per_frame"]
    rows.append(
        {
            "label": "fastest folding",
            "fps": fps,
            "text": f"{_round_fps(fps)} FPS",
            "detail": f"{number(floor['cycles_per_frame'])} cycles",
            "tip": f"{floor['stage']} takes {number(floor['cycles_per_frame'])} cycles per frame",
            "loud": found["binding"] == "stage",
        }
    )
    known = [row["fps"] for row in rows if row["fps"] is not None]
    low, high = math.log(min(here, *known) / 2), math.log(max(here, *known) * 1.1)
    for row in rows:
        at = high if row["fps"] is None else math.log(row["fps"])
        row["length"] = css_length((at - low) / (high - low))
    return {
        "rows": rows,
        "here": css_length((math.log(here) - low) / (high - low)),
        "fps": number(here),
    }


def _round_fps(fps: float) -> str:
    """Three digits: roofs are estimates."""
    return f"about {number(float(f'{fps:.3g}'))}"
