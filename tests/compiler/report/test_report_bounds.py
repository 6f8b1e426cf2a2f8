"""What bounds a design: each resource's roof, memory, the slowest stage, and the one that binds."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bnnhw.hardware.board import Shell, load_board
from bnnhw.hardware.cost.model import Resources
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.planning.bounds import design_bounds
from bnnhw.planning.curve import CurvePoint, resource_curve
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.memory_rates import memory_rates
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.bounds import bounds_json
from bnnhw.report.fast import fast
from bnnhw.report.figures import make_report
from bnnhw.report.page import report_html
from bnnhw.report.terminal import summary
from graphs import digits, residual

PYNQ = load_board("pynq-z2")
TIGHT = replace(PYNQ, lut=3_500, shell=Shell())
FAR = ("block3_conv", "block3_down", "block4_conv", "scores")


def made(builder, board, target, request=None, *, curved=True):
    search = FoldingSearch(Network(builder.graph()), board, request)
    design, _, prediction = lower_fitting(search, Target(target), board.clock_mhz)
    found = design_bounds(search, design)
    curve = resource_curve(search, design) if curved else []
    report = make_report(design, board, prediction, [], [], curve, bounds=found)
    return report, found, search


@pytest.fixture(scope="module")
def roomy():
    return made(digits(), replace(TIGHT, lut=8_000), 1_024)


@pytest.fixture(scope="module")
def tight():
    return made(digits(), TIGHT, None)


@pytest.fixture(scope="module")
def streamed():
    request = FoldingRequest({name: {"memory": "ddr"} for name in FAR})
    return made(residual(), PYNQ, 2_400, request, curved=False)


def row_of(report, name):
    return next(row for row in report["bounds"]["resources"] if row["name"] == name)


def test_a_full_board_is_bounded_by_what_the_next_pace_lacks(tight):
    report, found, search = tight
    bounds = report["bounds"]
    assert bounds["binding"] == "lut_packed" and bounds["origin"] == "estimated"
    assert (
        not bounds["next"]["fits"]
        and bounds["next"]["lut_packed"] > row_of(report, "lut_packed")["usable"]
    )
    assert bounds["next"]["cycles_per_frame"] <= found.next_pace < found.slowest.cycles
    between = [p for p in search.paces() if found.next_pace < p < found.slowest.cycles]
    assert not between
    assert bounds["text"].startswith("bounded by LUT: ") and "would take" in bounds["text"]


def test_a_design_with_room_names_what_runs_out_first(roomy):
    report, *_ = roomy
    bounds = report["bounds"]
    assert bounds["binding"] == "" and bounds["next"]["fits"]
    ends = {row["label"]: row["cycles_per_frame"] or 0 for row in bounds["resources"]}
    first = max(ends, key=ends.__getitem__)
    assert f"{first} runs out first, at about {ends[first]:,} cycles" in bounds["text"]
    assert 0 < ends[first] < 1_024


def test_the_fastest_folding_of_all_is_bounded_by_its_slowest_stage():
    report, found, search = made(digits(), replace(PYNQ, lut=10**6, ff=10**7), None)
    assert (found.next_pace, found.at_next) == (0, None)
    assert report["bounds"]["binding"] == "stage" and report["bounds"]["next"] is None
    assert f"'{search.slowest()}'" in report["bounds"]["text"]
    assert report["bounds"]["floor"]["cycles_per_frame"] == search.floor()


def test_the_slowest_stage_has_its_own_floor(roomy):
    report, found, search = roomy
    stage = report["bounds"]["slowest_stage"]
    busiest = max(report["layers"], key=lambda layer: layer["cycles"])
    assert (stage["name"], stage["cycles"]) == (busiest["name"], busiest["cycles"])
    assert stage["floor"] == min(c.cycles for c in search.tables[stage["name"], False])
    assert stage["floor"] <= found.floor <= stage["cycles"]


def test_memory_is_held_to_the_port_and_to_the_board(streamed):
    report, *_ = streamed
    row, rates = row_of(report, "ddr"), memory_rates(PYNQ, PYNQ.clock_mhz)
    assert row["usable"] == round(rates.all_ports * 100e6) <= PYNQ.ddr_bytes_per_second
    assert row["need"] == round(report["ddr_bytes_per_frame"] * report["fps"])
    assert row["share"] == pytest.approx(row["need"] / row["usable"], abs=1e-4)
    assert row["cycles_per_frame"] * rates.all_ports >= report["ddr_bytes_per_frame"]
    assert row["cycles_per_frame"] * rates.port <= report["ddr_bytes_per_frame"] + rates.port


def test_a_pace_that_memory_cannot_feed_is_what_bounds(streamed):
    report, found, _ = streamed
    bounds = bounds_json(report, replace(found, at_next=None), [])
    assert bounds["binding"] == "ddr" and "too fast for weights" in bounds["text"]


def test_resources_last_to_where_the_curve_or_its_continuation_meets_the_budget(roomy):
    report, found, _ = roomy

    def point(cycles, chosen=False, **amounts):
        base = {"lut": 1000, "ff": 1000, "bram36": 2}
        return CurvePoint(cycles, Resources(**(base | amounts)), 0, True, chosen)

    curve = [
        point(100, lut=50_000, bram36=151),
        point(200, bram36=151),
        point(1030, chosen=True),
        point(1030, lut=900, bram36=3),
        point(4000),
    ]
    rows = {row["name"]: row for row in bounds_json(report, found, curve)["resources"]}
    assert rows["lut_packed"]["cycles_per_frame"] == 142  # 200 / 6.8 ^ (log 2 / log 50)
    assert rows["bram36"]["cycles_per_frame"] == 206
    assert rows["ff"]["cycles_per_frame"] is None and rows["ff"]["need"]
    assert not rows["lut_packed"]["beyond_curve"]
    for few in ([], curve[2:3], curve[2:4]):
        rows = bounds_json(report, found, few)["resources"]
        assert {row["cycles_per_frame"] for row in rows} == {None}


def test_the_page_draws_each_roof_and_the_design(tight, streamed, roomy):
    for report, *_ in (tight, streamed, roomy):
        roofs, html = fast(report)["roofs"], report_html(report)
        used = [row["label"] for row in report["bounds"]["resources"] if row["need"]]
        assert [row["label"] for row in roofs["rows"]] == [*used, "fastest folding"]
        assert html.count('<div class="row" title="') == len(roofs["rows"])
        for row in roofs["rows"]:
            assert 0 <= float(row["length"].rstrip("%")) <= 100
            slower = row["fps"] is not None and row["fps"] < report["fps"]
            beyond = float(row["length"].rstrip("%")) >= float(roofs["here"].rstrip("%"))
            assert beyond != slower
        assert report["bounds"]["text"][1:].replace("'", "&#39;") in html
    loud = [row["label"] for row in fast(tight[0])["roofs"]["rows"] if row["loud"]]
    assert loud == ["LUT"]


def test_the_terminal_says_the_bounds_within_80_columns(tight, streamed):
    for report, *_ in (tight, streamed):
        out = io.StringIO()
        summary(report, Console(file=out, width=80))
        text = out.getvalue()
        assert max(map(len, text.splitlines())) <= 80
        words = " ".join(text.split())
        for said in (report["bounds"]["text"], "memory bandwidth", "at its fastest folding"):
            assert said in words


def test_a_report_of_an_older_build_has_no_bounds(roomy):
    old = {name: value for name, value in roomy[0].items() if name != "bounds"}
    assert fast(old)["roofs"]["rows"] == [] and fast(old)["bounded"] == []
    assert 'id="bounds"' not in report_html(old)
    summary(old, Console(file=io.StringIO(), width=80))
