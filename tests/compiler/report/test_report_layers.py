"""Where a layer's windows are played from, as its row in the table of layers says."""

from __future__ import annotations

import pytest

from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.ops import Window
from bnnhw.ir.types import Bit
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.facts import windows_place
from bnnhw.report.figures import make_report
from bnnhw.report.page import report_html
from graphs import GraphBuilder, residual

PYNQ = load_board("pynq-z2")


def report_of(builder, request):
    search = FoldingSearch(Network(builder.graph()), PYNQ, request)
    design, _, prediction = lower_fitting(search, Target(None), PYNQ.clock_mhz)
    return make_report(design, PYNQ, prediction, [])


def convolution():
    builder = GraphBuilder((8, 9, 7), Bit(True), 1, name="spanning")
    builder.conv("conv0", 12, Window((3, 3), (1, 1), (1, 1, 1, 1))).threshold("sign0")
    return builder.dense("scores", 5)


@pytest.mark.parametrize(
    ("fold", "place"),
    [
        ({"pe": 12, "simd": 72}, "rows, registers"),
        ({"pe": 2, "simd": 4, "feed": 0}, "rows"),
        ({"pe": 3, "simd": 36, "feed": 4}, "once, 4 per beat"),
    ],
)
def test_windows_are_told_apart(fold, place):
    report = report_of(convolution(), FoldingRequest({"conv0": fold}))
    assert windows_place(report, "conv0") == place
    assert f'<td data-label="windows">{place}</td>' in report_html(report)


def test_layers_with_weights_from_memory_keep_the_whole_image():
    names = ("block3_conv", "block3_down", "block4_conv", "scores")
    request = FoldingRequest({name: {"memory": "ddr"} for name in names})
    report = report_of(residual(), request)
    assert {windows_place(report, name) for name in names} == {"whole image"}
