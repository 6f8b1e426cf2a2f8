"""The page's answer to "is it right": comparisons, accuracy, and sums beside thresholds."""

from __future__ import annotations

from typing import Any

from bnnhw.report.facts import (
    Report,
    accuracy_alarms,
    accuracy_text,
    number,
    percent,
    verdict,
)

_PLOT_WIDTH, _PLOT_HEIGHT = 256, 60  # of a histogram, in pixels


def right(report: Report) -> dict[str, Any]:
    """What the section shows."""
    checks = report["verification"]
    return {
        "checks": _checks(checks),
        "accuracy": _accuracy(report),
        "histograms": [_histogram(row) for row in report.get("histograms", ())],
    }


def hardware_verdict(report: Report) -> tuple[str, str]:
    """One word on whether the hardware computes the integers, and what says so."""
    checks = [check for check in report["verification"] if check["inputs"]]
    if any(check["mismatches"] for check in checks):
        return "wrong", "a comparison failed"
    if not checks:
        return "not checked", "nothing was compared"
    kinds = {check["what"] for check in checks if not check.get("probe")}
    ways = [name for name in ("verilog", "hls", "netlist") if name in kinds]
    names = {"verilog": "Verilog", "hls": "HLS C++", "netlist": "netlist"}
    if not ways:
        return "exact", "the integers; nothing simulated yet"
    return "exact", f"the integers; simulated: {', '.join(names[way] for way in ways)}"


def _checks(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows: a comparison each, those of probed layers as one; failures stand for themselves."""
    rows, probed = [], []
    for check in checks:
        if check.get("probe") and check["inputs"] and not check["mismatches"]:
            probed.append(check)
        else:
            rows.append({**_check(check), "probes": []})
    if probed:
        first = probed[0]
        rows.append(
            {
                **_check(first),
                "what": f"verilog streams of {len(probed)} layer{'s' if len(probed) > 1 else ''}",
                "probes": [check["probe"] for check in probed],
            }
        )
    return rows


def _check(check: dict[str, Any]) -> dict[str, Any]:
    return {**check, "inputs": number(check["inputs"]), "verdict": verdict(check)}


def _accuracy(report: Report) -> dict[str, Any]:
    """Integers against float, and what became of each stream."""
    found = report.get("accuracy") or {}
    return {
        "text": accuracy_text(report),
        "alarms": accuracy_alarms(report),
        "ways_out": found.get("ways_out", ""),
        "streams": [
            {
                "name": row["name"],
                "type": row["type"],
                "range": "-" if row["saturated"] is None else _span(row["least"], row["most"]),
                "saturated": percent(row["saturated"]),
                "turned": percent(row["turned"]),
                "bias": "-" if row["bias"] is None else f"{row['bias']:+.1%}",
                "reads": row.get("reads", ""),
                "length": f"{min(1.0, 10 * (row['turned'] or 0.0)) * 100:.1f}%",
            }
            for row in found.get("streams", ())
        ],
        "compared": number(found.get("compared", 0)),
    }


def _span(least: float, most: float) -> str:
    return f"{least:.3g} to {most:.3g}"


def _histogram(row: dict[str, Any]) -> dict[str, Any]:
    """Bars of integers, and below them ticks of thresholds, as SVG."""
    counts, thresholds = row["counts"], row["thresholds"]
    step = _PLOT_WIDTH / len(counts)
    most, densest = max(*counts, 1), max(*thresholds, 1)
    bars = [
        {"x": f"{i * step:.1f}", "y": f"{_PLOT_HEIGHT - h:.1f}", "height": f"{h:.1f}"}
        for i, count in enumerate(counts)
        if count
        for h in [max(0.7, _PLOT_HEIGHT * count / most)]
    ]
    ticks = [
        {"x": f"{i * step:.1f}", "height": f"{3 + 13 * count / densest:.1f}"}
        for i, count in enumerate(thresholds)
        if count
    ]
    constant = row["constant"]
    return {
        "name": row["name"],
        "inputs": number(row["inputs"]),
        "low": number(row["low"]),
        "high": number(row["high"] - 1),
        "bars": bars,
        "ticks": ticks,
        "bar_width": f"{max(step - 0.5, 0.5):.1f}",
        "width": _PLOT_WIDTH,
        "height": _PLOT_HEIGHT,
        "constant": (
            f"{constant} of {row['channels']} channels never change their bit" if constant else ""
        ),
    }
