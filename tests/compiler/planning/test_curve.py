"""The curve of cycles against resources: enough points, none beaten, the design among them."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from bnnhw.errors import FoldingError
from bnnhw.hardware.board import Shell, load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import budget, total
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.types import Bit
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.figures import make_report
from graphs import GraphBuilder, cnv, digits, residual

PYNQ = load_board("pynq-z2")


def curve_of(builder, board, target, request=None):
    search = FoldingSearch(Network(builder.graph()), board, request)
    design, _, prediction = lower_fitting(search, Target(target), board.clock_mhz)
    return resource_curve(search, design), design, prediction


@pytest.fixture(scope="module", params=["cnv", "digits", "digits fastest", "residual"])
def case(request):
    builder, board, target = {
        "cnv": (cnv, PYNQ, 32_768),
        "digits": (digits, PYNQ, 20_000),
        "digits fastest": (digits, PYNQ, None),
        "residual": (residual, PYNQ, 2_400),
    }[request.param]
    return *curve_of(builder(), board, target), board


def amounts(point):
    return (point.cycles, *astuple(point.resources), point.ddr_bytes)


def test_curve_has_five_points_or_more_and_none_is_beaten_by_another(case):
    curve, *_ = case
    assert len(curve) >= 5
    assert [p.cycles for p in curve] == sorted({p.cycles for p in curve})
    for one in curve:
        for other in curve:
            beaten = all(a <= b for a, b in zip(amounts(one), amounts(other), strict=True))
            assert one is other or not beaten


def test_the_design_is_on_its_curve_with_its_own_figures(case):
    curve, design, _, board = case
    (chosen,) = [point for point in curve if point.chosen]
    assert chosen.resources == total(design_resources(design))
    assert chosen.cycles == max(stream.beats for stream in design.streams.values())
    assert all(p.fits != p.resources.exceeds(budget(board)) for p in curve)


def test_fastest_that_fits_is_on_the_curve_and_what_does_not_fit_is_marked():
    tight = replace(PYNQ, lut=3_500, shell=Shell())
    curve, design, _ = curve_of(digits(), tight, 1_024)
    fifos = {stream.name: stream for stream in design.streams.values() if stream.depth}
    fastest = FoldingSearch(Network(digits().graph()), tight).choose(Target(), fifos)
    assert min(point.cycles for point in curve if point.fits) == fastest.cycles
    curve, *_ = curve_of(digits(), tight, None)
    assert curve[0].cycles < fastest.cycles and not curve[0].fits


def test_weights_from_memory_are_counted():
    names = ("block3_conv", "block3_down", "block4_conv", "scores")
    request = FoldingRequest({name: {"memory": "ddr"} for name in names})
    curve, design, _ = curve_of(residual(), PYNQ, 2_400, request)
    assert {point.ddr_bytes for point in curve} == {design.memory_port.bytes_per_frame}
    assert curve[0].ddr_bytes > 0


def test_network_of_one_folding_has_a_curve_of_one_point():
    builder = GraphBuilder((8,), Bit(True), name="single").dense("scores", 1)
    request = FoldingRequest({"scores": {"pe": 1, "simd": 8}})
    curve, *_ = curve_of(builder, PYNQ, None, request)
    assert [point.chosen for point in curve] == [True]


def test_cheapest_is_what_the_target_would_choose_and_nothing_below_the_floor():
    search = FoldingSearch(Network(digits().graph()), PYNQ)
    assert search.cheapest(1_024, {}) == search.choose(Target(1_024))
    assert search.cheapest(10, {}) is None
    with pytest.raises(FoldingError):
        search.choose(Target(10))


def test_report_holds_the_curve(case):
    curve, design, prediction, board = case
    rows = make_report(design, board, prediction, [], [], curve)["curve"]
    cycles = [prediction.cycles_per_frame if p.chosen else p.cycles for p in curve]
    assert [row["cycles_per_frame"] for row in rows] == cycles
    assert [row["at_least"] for row in rows] == [not point.chosen for point in curve]
    (chosen,) = [row for row in rows if row["chosen"]]
    need = total(design_resources(design))
    assert chosen["lut"] == pytest.approx(need.lut, abs=0.5) and chosen["fits"]
    assert set(rows[0]) == {
        *("cycles_per_frame", "lut", "lut_cells", "lut_packed", "ff", "bram36", "uram", "dsp"),
        *("ddr_bytes_per_frame", "fits", "chosen", "at_least", "fps"),
    }
