"""report.json: what a build is, needs and does, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.clock import expected_clock
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import COUNTED, LIMITED, budget, total
from bnnhw.planning.token_model import ideal_cycles
from bnnhw.report.bounds import bounds_json
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bnnhw.backend.yosys import Synthesis
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design
    from bnnhw.planning.bounds import Bounds
    from bnnhw.planning.curve import CurvePoint
    from bnnhw.planning.schedule import Schedule
    from bnnhw.planning.token_model import Prediction
    from bnnhw.verify.simulate import Simulation
    from bnnhw.verify.verification import Verification

SCHEMA = 2  # 2: units name lists of "sources" and "sinks"


def make_report(
    design: Design,
    board: Board,
    prediction: Prediction,
    verification: Sequence[Verification],
    notes: Sequence[str] = (),
    curve: Sequence[CurvePoint] = (),
    schedule: Schedule | None = None,
    bounds: Bounds | None = None,
) -> dict[str, Any]:
    """The report of a fresh build; figures that nothing has measured yet are null."""
    active = {} if schedule is None else schedule.active
    parts = design_resources(design)
    estimated, limit = total(parts), budget(board)
    ideal = ideal_cycles(design)
    clock = design.clock_mhz
    report = {
        "schema": SCHEMA,
        "bnnhw": __version__,
        "model": design.name,
        "board": board.name,
        "part": board.part,
        "family": board.family,
        "clock_mhz": clock,
        "clock": asdict(expected_clock(design, board)),
        "cycles_per_frame": {
            "ideal": ideal,
            "predicted": prediction.cycles_per_frame,
            "simulated": None,
            "busiest": None if schedule is None else schedule.busiest,
            "lost": [] if schedule is None else [asdict(lost) for lost in schedule.lost],
        },
        "latency_cycles": {"predicted": prediction.latency_cycles, "simulated": None},
        "fps": _fps(prediction.cycles_per_frame, clock),
        "resources": {
            name: {
                "estimated": _round(getattr(estimated, name)),
                "synthesised": None,
                "vivado_synthesised": None,
                "placed": None,
                "usable": _round(getattr(limit, of)) if name in LIMITED else None,
                "reserved": _round(getattr(board.shell, of, 0)),
                "available": getattr(board, of),
            }
            for name, of in COUNTED.items()
        },
        "ddr_bytes_per_second": board.ddr_bytes_per_second,
        "ddr_bytes_per_frame": design.memory_port.bytes_per_frame if design.memory_port else 0,
        "curve": [_curve_row(point, prediction, clock) for point in curve],
        "bounds": None,
        "verification": [v.to_json() for v in verification],
        "output": {
            "name": design.output_map.name,
            "shape": list(design.output_map.shape),
            "scale": [float(v) for v in design.output_map.scale],
            "bias": [float(v) for v in design.output_map.bias],
            "meaning": "model output = scale * score + bias",
            "top_k": design.output_port.top_k,
        },
        "layers": [
            asdict(plan)
            | {"resources": _layer_resources(design, parts, plan.name)}
            | {"active": [list(frame) for frame in active.get(plan.name, ())]}
            for plan in design.layers
        ],
        "units": [
            {
                "name": unit.name,
                "kind": unit.kind,
                "layer": unit.layer,
                "label": unit.label,
                "loop": unit.loop,
                "passes": unit.passes,
                "sources": list(unit.sources),
                "sinks": list(unit.sinks),
                "params": dict(unit.params),
                "estimated": _rounded(parts[unit.name].amounts()),
            }
            for unit in design.units
        ],
        "streams": [asdict(stream) for stream in design.streams.values()],
        "memories": [
            {"name": m.name, "width": m.width, "depth": m.depth, "bits": m.width * m.depth}
            for m in design.memories.values()
        ],
        "simulation": None,
        "synthesis": None,
        "placement": None,
        "notes": list(notes),
    }
    return report if bounds is None else {**report, "bounds": bounds_json(report, bounds, curve)}


def _curve_row(point: CurvePoint, prediction: Prediction, clock_mhz: float) -> dict[str, Any]:
    """A point: of the design itself its own cycles, of others those of their slowest stage."""
    cycles = prediction.cycles_per_frame if point.chosen else point.cycles
    return {
        "cycles_per_frame": cycles,
        "at_least": not point.chosen,
        "fps": _fps(cycles, clock_mhz),
        **_rounded(point.resources.amounts()),
        "ddr_bytes_per_frame": point.ddr_bytes,
        "fits": point.fits,
        "chosen": point.chosen,
    }


def with_simulation(
    report: dict[str, Any], simulation: Simulation, checks: Sequence[Verification], *, steady: bool
) -> dict[str, Any]:
    """The report with what a simulation measured.

    Args:
        report: the report so far.
        simulation: the result.
        checks: comparisons of its outputs.
        steady: whether source and sink never waited, so that its cycles are the design's own.
    """
    result = dict(report)
    if steady and simulation.cycles_per_frame is not None:
        cycles = simulation.cycles_per_frame
        result["cycles_per_frame"] = {**report["cycles_per_frame"], "simulated": cycles}
        result["fps"] = fps = _fps(cycles, report["clock_mhz"])
        result["curve"] = [
            {**row, "cycles_per_frame": cycles, "fps": fps} if row["chosen"] else row
            for row in report.get("curve", ())
        ]
    if steady:
        result["latency_cycles"] = {
            **report["latency_cycles"],
            "simulated": simulation.latency[0],
        }
        result["simulation"] = simulation.to_json()
    result["verification"] = _merged(report["verification"], checks)
    return result


def with_synthesis(
    report: dict[str, Any], synthesis: Synthesis, checks: Sequence[Verification] = ()
) -> dict[str, Any]:
    """The report with what a synthesis counted, and comparisons of its netlist.

    Those of an earlier netlist go: it is another one.
    """
    result = dict(report)
    result["verification"] = [
        *(check for check in report["verification"] if check["what"] != "netlist"),
        *(check.to_json() for check in checks),
    ]
    result["resources"] = {
        name: {**row, "synthesised": _round(getattr(synthesis.total, name))}
        for name, row in report["resources"].items()
    }
    result["synthesis"] = {
        "tool": f"yosys synth_xilinx -family {report['family']}",
        "logic_cells": synthesis.logic_cells,
        "lut_cells": synthesis.lut_cells,
        "lut_memory": synthesis.lut_memory,
        "cells": synthesis.cells,
    }
    return result


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Writes report.json and report.html of a build."""
    from bnnhw.report.page import report_html

    (folder / "report.json").write_text(report_text(report), encoding="utf-8")
    (folder / "report.html").write_text(report_html(report), encoding="utf-8")


def report_text(report: dict[str, Any]) -> str:
    """The text of report.json."""
    return json.dumps(report, indent=2) + "\n"


def _merged(
    before: Sequence[dict[str, Any]], checks: Sequence[Verification]
) -> list[dict[str, Any]]:
    """Earlier comparisons, replaced by newer ones of the same two things.

    One that failed stays until it is repeated under the same note: other inputs mend nothing.
    """
    new = [check.to_json() for check in checks]
    notes = {(c["what"], c["against"]): c["note"] for c in new}
    kept = [
        v
        for v in before
        if (note := notes.get((v["what"], v["against"]))) is None
        or (v["mismatches"] and v["note"].split("; ")[0] != note.split("; ")[0])
    ]
    return [*kept, *new]


def _layer_resources(design: Design, parts: dict[str, Any], layer: str) -> dict[str, float]:
    own = {u.name: parts[u.name] for u in design.units if u.layer == layer}
    return _rounded(total(own).amounts())


def _fps(cycles: int, clock_mhz: float) -> float:
    return round(clock_mhz * 1e6 / cycles, 3)


def _rounded(amounts: dict[str, float]) -> dict[str, float]:
    return {name: _round(value) for name, value in amounts.items()}


def _round(value: float) -> float:
    """Whole numbers, and halves for block RAM."""
    return int(value) if float(value).is_integer() else round(value * 2) / 2
