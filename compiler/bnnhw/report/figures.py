"""report.json: what a build is, needs and does, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import COUNTED, LIMITED, budget, total
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bnnhw.backend.yosys import Synthesis
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design
    from bnnhw.planning.curve import CurvePoint
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
) -> dict[str, Any]:
    """The report of a fresh build; figures that nothing has measured yet are null."""
    parts = design_resources(design)
    estimated, limit = total(parts), budget(board)
    ideal = ideal_cycles(design)
    clock = design.clock_mhz
    return {
        "schema": SCHEMA,
        "bnnhw": __version__,
        "model": design.name,
        "board": board.name,
        "part": board.part,
        "family": board.family,
        "clock_mhz": clock,
        "cycles_per_frame": {
            "ideal": ideal,
            "predicted": prediction.cycles_per_frame,
            "simulated": None,
        },
        "latency_cycles": {"predicted": prediction.latency_cycles, "simulated": None},
        "fps": round(clock * 1e6 / prediction.cycles_per_frame, 3),
        "resources": {
            name: {
                "estimated": _round(getattr(estimated, name)),
                "synthesised": None,
                "usable": _round(getattr(limit, of)) if name in LIMITED else None,
                "reserved": _round(getattr(board.shell, of, 0)),
                "available": getattr(board, of),
            }
            for name, of in COUNTED.items()
        },
        "ddr_bytes_per_frame": design.memory_port.bytes_per_frame if design.memory_port else 0,
        "curve": [_curve_row(point) for point in curve],
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
            asdict(plan) | {"resources": _layer_resources(design, parts, plan.name)}
            for plan in design.layers
        ],
        "units": [
            {
                "name": unit.name,
                "kind": unit.kind,
                "layer": unit.layer,
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
        "notes": list(notes),
    }


def _curve_row(point: CurvePoint) -> dict[str, Any]:
    return {
        "cycles_per_frame": point.cycles,
        **_rounded(point.resources.amounts()),
        "ddr_bytes_per_frame": point.ddr_bytes,
        "fits": point.fits,
        "chosen": point.chosen,
    }


def ideal_cycles(design: Design) -> int:
    """Cycles per frame of the busiest stream or port: one beat per cycle, without a pause."""
    beats = [stream.beats for stream in design.streams.values()]
    return max(*beats, design.input_port.beats, design.output_port.beats)


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
        result["fps"] = round(report["clock_mhz"] * 1e6 / cycles, 3)
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
    """Earlier comparisons, replaced by newer ones of the same two things under the same note."""
    new = [check.to_json() for check in checks]
    keys = {(c["what"], c["against"], c["note"]) for c in new}
    kept = [v for v in before if (v["what"], v["against"], v["note"]) not in keys]
    return [*kept, *new]


def _layer_resources(design: Design, parts: dict[str, Any], layer: str) -> dict[str, float]:
    own = {u.name: parts[u.name] for u in design.units if u.layer == layer}
    return _rounded(total(own).amounts())


def _rounded(amounts: dict[str, float]) -> dict[str, float]:
    return {name: _round(value) for name, value in amounts.items()}


def _round(value: float) -> float:
    """Whole numbers, and halves for block RAM."""
    return int(value) if float(value).is_integer() else round(value * 2) / 2
