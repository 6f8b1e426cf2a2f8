"""Measures the hardware units with Yosys and fits the cost model to what came out.

    python tools/fit_cost.py --measure     measures what tools/cost_data.json lacks, then fits
    python tools/fit_cost.py               fits again to the data that is there

Writes ``compiler/bnnhw/hardware/cost/cost_model.json``: coefficients of the units'
features (``bnnhw.hardware.units``), and the median and largest relative error of each unit. LUTs
are fitted twice, to the same features: as estimated logic cells and as LUT cells (see
``bnnhw.hardware.cost.model``). The fit minimises relative errors, with coefficients that are not
negative.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "compiler"))

from synth_unit import measure  # noqa: E402

from bnnhw.hardware.units import KINDS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = Path(__file__).parent / "cost_data.json"
MODEL = ROOT / "compiler" / "bnnhw" / "hardware" / "cost" / "cost_model.json"


def fit(rows: list[list[float]], values: list[float]) -> tuple[list[float], np.ndarray[Any, Any]]:
    """Coefficients that are not negative and the relative error of each row."""
    a, y = np.array(rows, float), np.array(values, float)
    weight = 1 / np.maximum(y, 20.0)
    active = list(range(a.shape[1]))
    while True:
        solution, *_ = np.linalg.lstsq(a[:, active] * weight[:, None], y * weight, rcond=None)
        if not active or solution.min(initial=0.0) >= 0:
            break
        active.pop(int(solution.argmin()))
    coefficients = np.zeros(a.shape[1])
    coefficients[active] = solution
    errors = (a @ coefficients - y) / np.maximum(y, 20.0)
    return [round(float(c), 4) for c in coefficients], errors


def main() -> None:
    """Measures what is missing, fits, prints the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="measure what the data lacks")
    parser.add_argument("--only", nargs="*", help="measure these units alone")
    arguments = parser.parse_args()
    data: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    wanted = [
        (json.dumps([unit, params], sort_keys=True), unit, params)
        for unit, kind in KINDS.items()
        for params in kind.points
    ]
    for i, (key, unit, params) in enumerate(wanted):
        missing = key not in data and (not arguments.only or unit in arguments.only)
        if arguments.measure and missing:
            data[key] = measure(unit, {name: str(value) for name, value in params.items()})
            DATA.write_text(json.dumps(data, indent=0, sort_keys=True) + "\n")
            print(f"{i + 1}/{len(wanted)} {unit} {data[key]['total_lc']} LC", flush=True)
    model = json.loads(MODEL.read_text())["units"] if MODEL.exists() else {}
    for unit, kind in KINDS.items():
        known = [(params, data[key]) for key, u, params in wanted if u == unit and key in data]
        if not known:
            continue
        rows = [list(kind.features(params)) for params, _ in known]
        luts, lut_errors = fit(rows, [m["total_lc"] for _, m in known])
        cells, cell_errors = fit(rows, [m["lut"] + m["lutram"] for _, m in known])
        ffs, ff_errors = fit(rows, [m["ff"] for _, m in known])
        wrong = _wrong(kind.bram36, "bram36", known)
        wrong_dsp = _wrong(kind.dsp, "dsp", known)
        model[unit] = {
            "lut": luts,
            "lut_cells": cells,
            "ff": ffs,
            "points": len(known),
            "lut_error": _summary(lut_errors),
            "lut_cells_error": _summary(cell_errors),
            "ff_error": _summary(ff_errors),
            "bram_errors": wrong,
            "dsp_errors": wrong_dsp,
        }
        print(
            f"{unit:22} {len(known):3} points, LUT error median {np.median(abs(lut_errors)):.1%} "
            f"largest {abs(lut_errors).max():.1%}, LUT cells {np.median(abs(cell_errors)):.1%} "
            f"{abs(cell_errors).max():.1%}, FF {np.median(abs(ff_errors)):.1%} "
            f"{abs(ff_errors).max():.1%}, BRAM wrong {wrong}, "
            f"DSP wrong {wrong_dsp}"
        )
    MODEL.write_text(json.dumps({"units": model}, indent=1, sort_keys=True) + "\n")


def _wrong(
    rule: Callable[[Mapping[str, int]], float],
    resource: str,
    known: list[tuple[dict[str, int], dict[str, float]]],
) -> int:
    """Points where synthesis took another amount than the rule says."""
    return sum(rule(params) != measured[resource] for params, measured in known)


def _summary(errors: np.ndarray[Any, Any]) -> dict[str, float]:
    return {
        "median": round(float(np.median(abs(errors))), 4),
        "largest": round(float(abs(errors).max()), 4),
    }


if __name__ == "__main__":
    main()
