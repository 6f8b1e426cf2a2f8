"""The cost model keeps to what synthesis measured: exactly for memories and DSP blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bnnhw.hardware.cost.memory import rom_bram36
from bnnhw.hardware.cost.model import unit_resources
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import ULTRA, no_blocks

ROOT = Path(__file__).resolve().parents[3]
MODEL: dict[str, Any] = json.loads(
    (ROOT / "compiler/bnnhw/hardware/cost/cost_model.json").read_text()
)["units"]
DATA: dict[str, Any] = json.loads((ROOT / "tools/cost_data.json").read_text())
MEASURED = [(*json.loads(key), counts) for key, counts in DATA.items()]
#: Beyond these a search would choose by noise: the median and the largest error of a unit's LUTs.
MEDIAN, LARGEST = 0.08, 0.30


def measured(kind: str) -> list[tuple[dict[str, int], dict[str, float]]]:
    return [(params, counts) for unit, params, counts in MEASURED if unit == kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_unit_is_measured_as_often_as_its_features_need(kind: str) -> None:
    points = measured(kind)
    features = [KINDS[kind].features(params) for params, _ in points]
    assert {len(row) for row in features} == {len(MODEL[kind]["lut"])} == {len(MODEL[kind]["ff"])}
    assert MODEL[kind]["points"] == len(points)
    for coefficients in (MODEL[kind]["lut"], MODEL[kind]["ff"]):
        assert min(coefficients) >= 0
        assert len(points) >= sum(c > 0 for c in coefficients)


def test_every_unit_of_the_data_path_has_a_cost() -> None:
    others = {"bnn_fifo", "bnn_registers", "bnn_reset_control", "bnn_read_arbiter"}
    others |= {"bnn_instruments", "bnn_stream_counters"}
    assert {name for name, kind in KINDS.items() if not kind.twin} == others
    assert set(KINDS) == set(MODEL)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_estimates_stay_near_synthesis(kind: str) -> None:
    errors = []
    for params, counts in measured(kind):
        estimate = unit_resources(kind, params)
        errors.append(abs(estimate.lut - counts["total_lc"]) / max(counts["total_lc"], 20))
        assert abs(estimate.ff - counts["ff"]) <= 0.2 * max(counts["ff"], 20), params
        cells = counts["lut"] + counts["lutram"]
        assert estimate.lut <= estimate.lut_packed <= estimate.lut_cells
        assert abs(estimate.lut_cells - cells) <= LARGEST * max(cells, 20), params
    assert sorted(errors)[len(errors) // 2] <= MEDIAN
    assert max(errors) <= LARGEST
    assert max(errors) == pytest.approx(MODEL[kind]["lut_error"]["largest"], abs=1e-3)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_block_ram_and_dsp_rules_are_exact(kind: str) -> None:
    for params, counts in measured(kind):
        estimate = unit_resources(kind, params)
        assert estimate.dsp == counts["dsp"], params
        if params.get("TILES", 1) * params.get("FOLDS", 1) <= 4096:
            assert estimate.bram36 == counts["bram36"], params
        else:  # Yosys keeps some of a deeper ROM in LUTs
            assert counts["bram36"] <= estimate.bram36 <= 1.15 * counts["bram36"], params


PADDED = dict.fromkeys(("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT"), 1)
IMAGE = {"ELEM_BITS": 1, "CHANNELS": 64, "HEIGHT": 30, "WIDTH": 30, "KERNEL_H": 3, "KERNEL_W": 3}
IMAGE |= {"STRIDE_H": 1, "STRIDE_W": 1, "SIMD": 64, "REPEATS": 2} | dict.fromkeys(PADDED, 0)
FRAME = IMAGE | PADDED | {"CHANNELS": 512, "IN_LANES": 64, "PASSES": 32, "TILE_MAJOR": 0}
# By Yosys for UltraScale+ (tools/synth_unit.py --family xcup): UltraRAMs, logic cells, LUT
# primitives, flip-flops. The model's coefficients are those of 7-series.
ULTRA_RAMS = [
    ("bnn_fifo", {"WIDTH": 24, "DEPTH": 12_000, "PACK": 3}, (1, 72, 82, 119)),
    ("bnn_fifo", {"WIDTH": 72, "DEPTH": 4_000}, (1, 38, 49, 38)),
    ("bnn_fifo", {"WIDTH": 16, "DEPTH": 30_000, "PACK": 4}, (2, 133, 144, 115)),
    ("bnn_window", IMAGE | {"DEPTH": 126, "CHANNEL_OUTER": 0}, (1, 67, 95, 54)),
    (
        "bnn_window",
        IMAGE | PADDED | {"ELEM_BITS": 16, "HEIGHT": 56, "WIDTH": 56, "SIMD": 4, "DEPTH": 1_900},
        (1, 125, 202, 95),
    ),
    (
        "bnn_window_parallel",
        IMAGE | {"HEIGHT": 14, "WIDTH": 14, "SIMD": 288},
        (3, 826, 854, 1_214),
    ),
    ("bnn_frame_window", FRAME | {"HEIGHT": 7, "WIDTH": 7}, (1, 97, 156, 65)),
    ("bnn_frame_window", FRAME | {"HEIGHT": 14, "WIDTH": 14}, (1, 104, 164, 75)),
    (
        "bnn_weight_buffer",
        {"WORD_BITS": 512, "FOLDS": 72, "PIXELS": 49, "DEPTH": 144},
        (8, 36, 55, 50),
    ),
]


@pytest.mark.parametrize(("kind", "params", "counts"), ULTRA_RAMS)
def test_ultra_ram_is_a_rule_and_takes_few_luts_beside(
    kind: str, params: dict[str, int], counts: tuple[int, int, int, int]
) -> None:
    estimate = unit_resources(kind, {**params, "RAM_STYLE": ULTRA})
    uram, lut, cells, ff = counts
    assert (estimate.uram, estimate.bram36) == (uram, 0)
    assert estimate.lut_packed == pytest.approx((lut + cells) / 2, rel=0.15, abs=12)
    assert estimate.ff == pytest.approx(ff, rel=0.05)


def test_the_measurements_put_every_rule_to_the_test() -> None:
    for resource in ("bram36", "dsp"):
        for name, kind in KINDS.items():
            if getattr(kind, resource) is not no_blocks:
                assert len({counts[resource] for _, counts in measured(name)}) > 1, name


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [(72, 512, 1), (36, 512, 0.5), (18, 1024, 0.5), (9, 2048, 0.5), (9, 2049, 1), (37, 512, 1)],
)
def test_a_small_memory_takes_whole_and_half_blocks(width: int, depth: int, blocks: float) -> None:
    assert rom_bram36(width, depth) == blocks


def test_the_points_are_those_of_the_fit() -> None:
    wanted = [
        json.dumps([name, params], sort_keys=True)
        for name, kind in KINDS.items()
        for params in kind.points
    ]
    assert len(set(wanted)) == len(wanted)
    assert set(wanted) == set(DATA)
