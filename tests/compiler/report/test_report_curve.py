"""The curve on the page and in the terminal: every point, the limit, and the design told apart."""

from __future__ import annotations

import copy
import io
import re
from itertools import pairwise

import pytest
from rich.console import Console

import graphs
from bnnhw.hardware.board import load_board
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.curve import curve_rows, draw_curve
from bnnhw.report.facts import resource_facts
from bnnhw.report.figures import make_report
from bnnhw.report.page import report_html
from bnnhw.report.terminal import summary

TALL = 5.0  # times the limit


@pytest.fixture(scope="module")
def report():
    board = load_board("pynq-z2")
    search = FoldingSearch(Network(graphs.digits().graph()), board)
    design, _, prediction = lower_fitting(search, Target(1024), board.clock_mhz)
    return make_report(design, board, prediction, [], [], resource_curve(search, design))


@pytest.fixture(scope="module")
def too_large(report):
    """The same with a first point that takes five times the LUTs there are."""
    changed = copy.deepcopy(report)
    changed["curve"][0] |= {"lut_packed": TALL * 53_200, "fits": False}
    return changed


def printed(report):
    out = io.StringIO()
    summary(report, Console(file=out, width=80))
    return out.getvalue()


def test_each_resource_in_use_has_a_picture_of_all_points(report):
    plots = draw_curve(report)
    facts = resource_facts(report)
    used = [fact.label for fact in facts if any(p[fact.name] for p in report["curve"])]
    assert [plot.label for plot in plots] == used and "DSP" not in used
    for plot in plots:
        assert len(plot.dots) == len(report["curve"])
        assert [dot.kind for dot in plot.dots].count("chosen") == 1
        assert plot.dots[-1].kind == "chosen", "drawn above the others"


def test_all_marks_lie_in_the_frame_and_faster_is_further_left(report, too_large):
    for plot in (*draw_curve(report), *draw_curve(too_large)):
        assert plot.top <= plot.limit < plot.bottom
        for dot in plot.dots:
            assert plot.left < dot.x < plot.right and plot.top <= dot.y <= plot.bottom
        line = [float(x) for x in re.findall(r"[ML]([\d.]+) ", plot.line)]
        assert line == sorted(line)
        texts = [tick.at for tick in plot.columns]
        assert len(texts) >= 1 and texts == sorted(texts)
        assert all(b - a >= 44 for a, b in pairwise(texts))


def test_height_is_the_share_of_the_part(report):
    plot = next(plot for plot in draw_curve(report) if plot.label == "LUT")
    limit = 0.85 - 3_500 / 53_200
    for dot, share in zip(
        sorted(plot.dots, key=lambda dot: dot.x),
        (point["lut_packed"] / 53_200 for point in report["curve"]),
        strict=True,
    ):
        height = (plot.bottom - dot.y) / (plot.bottom - plot.limit) * limit
        assert height == pytest.approx(share, abs=0.002)


def test_what_is_far_too_large_is_drawn_at_the_edge_with_its_share(too_large):
    plot = next(plot for plot in draw_curve(too_large) if plot.label == "LUT")
    (dot,) = [dot for dot in plot.dots if dot.kind == "over"]
    assert dot.beyond == "500%" and dot.y < plot.limit
    html = report_html(too_large)
    assert "500%" in html and "too large" in html
    assert "500.0%" in printed(too_large) and "too large" in printed(too_large)


def test_table_and_summary_list_every_point_and_this_design_once(report):
    rows = curve_rows(report)
    assert [row["verdict"] for row in rows].count("this design") == 1
    text = printed(report)
    for row in rows:
        found = [line for line in text.splitlines() if row["cycles"] in line and row["fps"] in line]
        assert [row["bound"]] == [">= " in line and "<= " in line for line in found]
        assert row["bound"] == (row["verdict"] != "this design")
    assert text.count("this design") == 1
    page = report_html(report)
    section = page[page.index('<div id="curve">') : page.index('<section id="repeat">')]
    assert section.count("<tr") == 1 + len(rows)
    assert section.count('class="limit"') == len(draw_curve(report))


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_points_nothing_is_drawn(report, count):
    short = {**report, "curve": [p for p in report["curve"] if p["chosen"]][:count]}
    assert draw_curve(short) == []
    assert '<div id="curve">' not in report_html(short)
    assert "this design" not in printed(short)


def test_two_points_of_one_pace_make_no_curve(report):
    (chosen,) = [p for p in report["curve"] if p["chosen"]]
    same = {**report, "curve": [chosen, {**chosen, "chosen": False}]}
    assert draw_curve(same) == []
    assert '<div id="curve">' not in report_html(same)


def test_report_of_an_older_compile_has_no_curve_and_is_shown(report):
    old = {key: value for key, value in report.items() if key != "curve"}
    assert '<div id="curve">' not in report_html(old)
    assert "this design" not in printed(old)
