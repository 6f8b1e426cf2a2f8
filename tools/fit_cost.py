"""Measures the hardware units with Yosys and fits the cost model to what came out.

    python tools/fit_cost.py --measure     measures what tools/cost_data.json lacks, then fits
    python tools/fit_cost.py               fits again to the data that is there

Writes ``compiler/bnnhw/cost_model.json``: coefficients of the features in ``bnnhw.cost``, and the
median and largest relative error of each unit. The fit minimises relative errors, with
coefficients that are not negative.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "compiler"))

from synth_unit import measure  # noqa: E402

from bnnhw.cost import BRAMS  # noqa: E402
from bnnhw.cost_features import FEATURES  # noqa: E402

DATA = Path(__file__).parent / "cost_data.json"
MODEL = ROOT / "compiler" / "bnnhw" / "cost_model.json"


def pe_array(pe: int, simd: int, folds: int, tiles: int, **other: int) -> dict[str, int]:
    """Parameters of a PE array; without padding unless ``other`` says so."""
    return {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "ACC_BITS": 11, "ACC_SHIFT": 0,
        "BINARY_OUT": 1, "OUT_H": 8, "OUT_W": 8, "BORDER_TOP": 0, "BORDER_BOTTOM": 0,
        "BORDER_LEFT": 0, "BORDER_RIGHT": 0, "WEIGHTS_STYLE": 2, "INIT_STYLE": 1,
    } | other  # fmt: skip


def window(channels: int, size: int, kernel: int, simd: int, **other: int) -> dict[str, int]:
    """Parameters of a window generator on a square image, stride 1, no padding."""
    return {
        "ELEM_BITS": 1, "CHANNELS": channels, "HEIGHT": size, "WIDTH": size, "KERNEL_H": kernel,
        "KERNEL_W": kernel, "STRIDE_H": 1, "STRIDE_W": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0,
        "PAD_LEFT": 0, "PAD_RIGHT": 0, "SIMD": simd, "REPEATS": 2, "RAM_STYLE": 1,
    } | other  # fmt: skip


PADDED = {"PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1, "PAD_RIGHT": 1}
BORDERS = {"BORDER_TOP": 1, "BORDER_BOTTOM": 1, "BORDER_LEFT": 1, "BORDER_RIGHT": 1}


def points() -> list[tuple[str, dict[str, int]]]:
    """Everything that is measured."""
    result: list[tuple[str, dict[str, int]]] = []
    for pe, simd in (
        (1, 8),
        (1, 32),
        (4, 4),
        (4, 16),
        (8, 32),
        (8, 64),
        (16, 64),
        (4, 128),
        (8, 36),
        (4, 144),
        (2, 288),
        (1, 576),
    ):
        result.append(("bnn_pe_array", pe_array(pe, simd, 9, 8)))
    for pe, simd, folds, tiles in (
        (8, 64, 9, 4),
        (16, 32, 18, 2),
        (8, 36, 16, 8),
        (4, 72, 8, 32),
        (16, 27, 1, 4),
        (8, 64, 1, 1),
        (4, 64, 36, 16),
    ):
        result.append(("bnn_pe_array", pe_array(pe, simd, folds, tiles, WEIGHTS_STYLE=1)))
    result += [
        ("bnn_pe_array", pe_array(8, 64, 9, 8, **BORDERS)),
        ("bnn_pe_array", pe_array(4, 32, 18, 32, **BORDERS)),
        ("bnn_pe_array", pe_array(16, 64, 9, 2, ACC_BITS=13, **BORDERS)),
        ("bnn_pe_array", pe_array(1, 16, 32, 10, BINARY_OUT=0, ACC_SHIFT=1)),
        ("bnn_pe_array", pe_array(10, 4, 128, 1, BINARY_OUT=0, ACC_SHIFT=1)),
        ("bnn_pe_array", pe_array(5, 32, 16, 2, BINARY_OUT=0, ACC_SHIFT=1)),
    ]
    for pe, simd, folds, tiles, bits, style in (
        (16, 3, 9, 4, 8, 1),
        (64, 3, 9, 1, 8, 1),
        (8, 9, 3, 8, 8, 1),
        (32, 9, 3, 2, 8, 1),
        (16, 27, 1, 4, 8, 1),
        (4, 27, 1, 16, 8, 1),
        (16, 1, 9, 2, 8, 1),
        (32, 9, 1, 1, 8, 1),
        (8, 9, 3, 8, 4, 1),
        (2, 27, 1, 32, 8, 1),
        (8, 3, 9, 8, 8, 2),
        (16, 9, 1, 2, 8, 1),
    ):
        other = {"ACC_BITS": 6 + bits, "IN_BITS": bits, "IN_SIGNED": 0, "WEIGHTS_STYLE": style}
        result.append(("bnn_int_pe_array", pe_array(pe, simd, folds, tiles, **other)))
    for channels, size, kernel, simd, depth, style in (
        (64, 30, 3, 64, 126, 1),
        (64, 30, 3, 32, 252, 1),
        (64, 14, 3, 64, 62, 1),
        (128, 12, 3, 64, 108, 1),
        (128, 12, 3, 128, 54, 1),
        (256, 3, 3, 32, 120, 1),
        (8, 8, 3, 4, 60, 1),
        (3, 32, 3, 3, 132, 1),
        (256, 1, 1, 16, 32, 1),
        (512, 1, 1, 8, 128, 1),
        (512, 1, 1, 64, 16, 1),
        (1024, 1, 1, 32, 64, 1),
        (64, 30, 3, 64, 126, 2),
        (64, 56, 3, 64, 232, 2),
        (128, 12, 3, 32, 216, 2),
        (512, 1, 1, 8, 128, 2),
    ):
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "RAM_STYLE": style}
        result.append(("bnn_window", window(channels, size, kernel, simd, **other)))
    for channels, size, simd, depth, bits in (
        (64, 14, 64, 62, 1),
        (32, 8, 8, 120, 1),
        (1, 8, 1, 30, 8),
        (3, 32, 3, 132, 8),
    ):
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "ELEM_BITS": bits}
        result.append(("bnn_window", window(channels, size, 3, simd, **other, **PADDED)))
    for channels, size, simd, bits, style in (
        (3, 32, 27, 8, 1),
        (1, 8, 9, 8, 1),
        (64, 30, 576, 1, 1),
        (64, 30, 144, 1, 1),
        (64, 14, 192, 1, 1),
        (64, 14, 288, 1, 2),
        (128, 12, 384, 1, 1),
        (16, 12, 36, 1, 1),
        (64, 30, 576, 1, 2),
        (3, 32, 9, 8, 1),
    ):
        result.append(
            (
                "bnn_window_parallel",
                window(channels, size, 3, simd, ELEM_BITS=bits, RAM_STYLE=style),
            )
        )
    for channels, simd, bits in ((64, 288, 1), (1, 9, 8), (32, 96, 1)):
        result.append(
            ("bnn_window_parallel", window(channels, 14, 3, simd, ELEM_BITS=bits, **PADDED))
        )
    for width, depth in (
        (8, 2),
        (64, 16),
        (64, 32),
        (64, 63),
        (24, 67),
        (128, 31),
        (64, 126),
        (32, 200),
    ):
        result.append(("bnn_fifo", {"WIDTH": width, "DEPTH": depth, "RAM_STYLE": 1}))
    for bits, a, b in (
        (1, 8, 64),
        (1, 64, 8),
        (1, 16, 32),
        (1, 4, 128),
        (1, 128, 32),
        (8, 1, 3),
        (1, 64, 48),
        (1, 24, 64),
        (1, 32, 10),
        (11, 10, 1),
        (11, 2, 4),
    ):
        result.append(("bnn_width_converter", {"ELEM_BITS": bits, "IN_LANES": a, "OUT_LANES": b}))
    for channels, lanes, size in (
        (64, 64, 28),
        (64, 16, 28),
        (64, 8, 28),
        (128, 16, 10),
        (32, 4, 8),
    ):
        result.append(
            (
                "bnn_max_pool",
                {
                    "CHANNELS": channels,
                    "LANES": lanes,
                    "HEIGHT": size,
                    "WIDTH": size,
                    "POOL_H": 2,
                    "POOL_W": 2,
                },
            )
        )
    for lanes, folds in ((64, 1), (16, 4), (8, 16)):
        result.append(("bnn_pool_reduce", {"LANES": lanes, "FOLDS": folds, "TAPS": 9}))
    for lanes, folds in ((1, 8), (3, 1), (8, 4), (16, 49)):
        result.append(
            ("bnn_threshold", {"IN_BITS": 8, "IN_SIGNED": 0, "LANES": lanes, "FOLDS": folds})
        )
    for lanes, bits in ((1, 8), (3, 8), (8, 1), (4, 4)):
        result.append(("bnn_table", {"IN_BITS": 8, "OUT_BITS": bits, "LANES": lanes}))
    for width, bits, lanes, elements in (
        (8, 8, 3, 3072),
        (8, 8, 1, 64),
        (8, 8, 27, 3456),
        (2, 1, 49, 784),
        (8, 1, 64, 1024),
        (4, 8, 3, 3072),
        (8, 8, 9, 3456),
    ):
        result.append(
            (
                "bnn_input",
                {"BYTES": width, "ELEM_BITS": bits, "LANES": lanes, "FRAME_ELEMS": elements},
            )
        )
    for lanes, bits, beats in ((1, 16, 10), (2, 32, 5), (4, 16, 16)):
        result.append(
            (
                "bnn_output",
                {"ELEM_BITS": 11, "LANES": lanes, "FIELD_BITS": bits, "FRAME_BEATS": beats},
            )
        )
    for bits, classes, k in ((11, 10, 1), (11, 10, 5), (16, 1000, 5)):
        result.append(("bnn_top_k", {"SCORE_BITS": bits, "CLASSES": classes, "K": k}))
    result.append(("bnn_registers", {}))
    return result


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
    parser.add_argument("--only", help="measure this unit alone")
    arguments = parser.parse_args()
    data: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    wanted = [
        (json.dumps([unit, params], sort_keys=True), unit, params) for unit, params in points()
    ]
    wanted.sort(key=lambda point: "pe_array" in point[1])
    for i, (key, unit, params) in enumerate(wanted):
        missing = key not in data and (not arguments.only or unit == arguments.only)
        if arguments.measure and missing:
            data[key] = measure(unit, {name: str(value) for name, value in params.items()})
            DATA.write_text(json.dumps(data, indent=0, sort_keys=True) + "\n")
            print(f"{i + 1}/{len(wanted)} {unit} {data[key]['total_lc']} LC", flush=True)
    model = json.loads(MODEL.read_text())["units"] if MODEL.exists() else {}
    for unit, features in FEATURES.items():
        known = [(params, data[key]) for key, u, params in wanted if u == unit and key in data]
        if not known:
            continue
        rows = [list(features(params)) for params, _ in known]
        luts, lut_errors = fit(rows, [m["total_lc"] for _, m in known])
        ffs, ff_errors = fit(rows, [m["ff"] for _, m in known])
        rule = BRAMS.get(unit, lambda params: 0.0)
        wrong = sum(rule(params) != m["bram36"] for params, m in known)
        model[unit] = {
            "lut": luts,
            "ff": ffs,
            "points": len(known),
            "lut_error": _summary(lut_errors),
            "ff_error": _summary(ff_errors),
            "bram_errors": wrong,
        }
        print(
            f"{unit:22} {len(known):3} points, LUT error median {np.median(abs(lut_errors)):.1%} "
            f"largest {abs(lut_errors).max():.1%}, FF {np.median(abs(ff_errors)):.1%} "
            f"{abs(ff_errors).max():.1%}, BRAM wrong {wrong}"
        )
    MODEL.write_text(json.dumps({"units": model}, indent=1, sort_keys=True) + "\n")


def _summary(errors: np.ndarray[Any, Any]) -> dict[str, float]:
    return {
        "median": round(float(np.median(abs(errors))), 4),
        "largest": round(float(abs(errors).max()), 4),
    }


if __name__ == "__main__":
    main()
