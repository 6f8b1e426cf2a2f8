"""The terminal summary: within 80 columns, complete without colour, loud where it must be."""

from __future__ import annotations

import copy
import io

import pytest
from rich.console import Console

import graphs
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.planning.fit import fit_network
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import Prediction
from bnnhw.report.facts import SIMULATE, SYNTHESISE, weights_place
from bnnhw.report.figures import make_report
from bnnhw.report.terminal import summary
from bnnhw.verify.verification import Verification

LONG = "/features/conv_block_17/very_long_layer_name_as_exporters_make_them/Conv"


@pytest.fixture(scope="module")
def fresh():
    board = load_board("pynq-z2")
    network = Network(graphs.digits().graph())
    folding = FoldingSearch(network, board).choose(Target(1024)).folding
    design = lower(network, folding, board=board, clock_mhz=board.clock_mhz)
    checks = [Verification("interpreter", "onnxruntime", 32, 0, "random inputs")]
    return make_report(design, board, Prediction(1030, 1500), checks, ["input x: uint8 assumed"])


@pytest.fixture(scope="module")
def measured(fresh):
    report = copy.deepcopy(fresh)
    report["cycles_per_frame"]["simulated"] = 1031
    report["latency_cycles"]["simulated"] = 1500
    report["simulation"] = {"frames": 3, "cycles": 4000, "streams": []}
    for row in report["resources"].values():
        row["synthesised"] = row["estimated"] + 1
    report["synthesis"] = {"tool": "yosys"}
    return report


def printed(report, *, width=80, encoding="utf-8", **options):
    raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    summary(report, Console(file=raw, width=width, **options))
    raw.seek(0)
    return raw.read()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_longer_than_80_columns(fresh, measured, encoding):
    long = copy.deepcopy(measured)
    for layer in long["layers"]:
        layer |= {"name": LONG, "pe": 512, "simd": 4608, "cycles": 123_456_789}
    long["model"] = long["notes"][0] = LONG * 3
    long["verification"] *= 2
    long["verification"][1] |= {"what": LONG, "note": LONG, "mismatches": 30}
    for row in long["resources"].values():
        row["estimated"] = row["synthesised"] = 1_234_567.5
    for report in (fresh, measured, long):
        lines = printed(report, encoding=encoding).splitlines()
        assert max(len(line) for line in lines) <= 80
        assert "\x1b" not in "".join(lines)


def test_long_names_have_a_line_of_their_own_and_numbers_stay_whole(measured):
    report = copy.deepcopy(measured)
    report["layers"][0] |= {"name": 2 * LONG, "cycles": 123_456_789}
    report["layers"][1]["name"] = "[bold]brackets[/bold]"
    lines = printed(report).splitlines()
    at = lines.index(2 * LONG)
    assert "123,456,789" in lines[at + 1] and lines[at + 1].startswith(" ")
    assert lines[at + 2].startswith("[bold]brackets[/bold] ")
    ends = [line.index(text) + len(text) for line, text in (
        (lines[at - 1], "cycles"), (lines[at + 1], "123,456,789")
    )]  # fmt: skip
    assert ends[0] == ends[1]


def test_a_long_note_has_the_width_of_the_terminal(fresh):
    report = copy.deepcopy(fresh)
    report["verification"][0]["note"] = " ".join(["57 integer tensors agree"] * 20)
    lines = [line for line in printed(report).splitlines() if "57 integer" in line]
    assert len(lines) == 7 and all(line.startswith("    ") for line in lines)
    assert "".join(lines).count("tensors") >= 19


def test_every_layer_is_a_row_with_its_fold_and_cycles(fresh):
    rows = [line.split() for line in printed(fresh).splitlines()]
    for layer in fresh["layers"]:
        start = [layer["name"], str(layer["pe"]), str(layer["simd"]), f"{layer['cycles']:,}"]
        assert [row for row in rows if row[:4] == start], layer["name"]


def test_unmeasured_figures_are_named_as_such(fresh):
    text = printed(fresh)
    assert row_of(text, "cycles per frame").split()[3:5] == ["1,030", "predicted"]
    assert SIMULATE in text and SYNTHESISE in text
    assert "synthesised  " not in text


def test_measured_figures_take_the_place_of_predictions(measured):
    text = printed(measured)
    assert row_of(text, "cycles per frame").split()[3:5] == ["1,031", "simulated"]
    assert row_of(text, "latency, cycles").split()[2:4] == ["1,500", "simulated"]
    assert SIMULATE not in text and SYNTHESISE not in text
    lut = measured["resources"]["lut_packed"]
    assert f"{round(lut['synthesised']):,}" in row_of(text, "LUT")


def test_resources_show_need_supply_and_share(fresh):
    bram = fresh["resources"]["bram36"]
    cells = row_of(printed(fresh), "BRAM36").split()
    share = f"{bram['estimated'] / 140:.1%}"
    assert cells == ["BRAM36", f"{bram['estimated']:g}", share, "130", "140"]
    over = copy.deepcopy(fresh)
    over["resources"]["lut_packed"]["estimated"] = 50_000
    assert "too much" in row_of(printed(over), "LUT")
    assert "reserved for the shell" in printed(fresh)
    assert "too much" not in printed(fresh)


def test_mismatch_is_loud_and_nothing_compared_is_not_exact(fresh):
    row = row_of(printed(fresh), "hardware exact")
    assert row == "hardware exact: interpreter against onnxruntime, 32 inputs"
    assert "MISMATCH" not in printed(fresh)
    wrong = copy.deepcopy(fresh)
    wrong["verification"][0]["mismatches"] = 2
    assert "MISMATCH: interpreter differs from onnxruntime in 2 of 32 inputs" in printed(wrong)
    assert "\x1b[1;31mMISMATCH" in printed(wrong, force_terminal=True, color_system="standard")
    empty = copy.deepcopy(fresh)
    empty["verification"][0]["inputs"] = 0
    assert "nothing compared" in printed(empty) and "exact" not in printed(empty)
    assert "nothing was verified" in printed({**fresh, "verification": []})


def test_markup_in_names_is_printed_as_it_is(fresh):
    report = copy.deepcopy(fresh)
    report["layers"][0]["name"] = "[red]a[/red]"
    report["notes"] = ["see [bold]x[/] and [/nothing]"]
    text = printed(report)
    assert "[red]a[/red]" in text and "see [bold]x[/] and [/nothing]" in text


def test_bars_are_plain_where_the_terminal_is(fresh):
    text = printed(fresh, encoding="ascii")
    assert text.isascii() and "############" in text


def row_of(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_a_clock_beyond_the_part_and_what_a_frame_loses_are_said(fresh):
    report = copy.deepcopy(fresh)
    assert "WARNING" not in printed(report)
    report["clock_mhz"] = 400.0
    report["cycles_per_frame"] |= {
        "busiest": "conv1", "lost": [{"cause": "stall", "layer": "conv2", "cycles": 6}]
    }  # fmt: skip
    layer = next(layer for layer in report["layers"] if layer["name"] == "conv1")
    layer["cycles"] = 1024
    text = " ".join(printed(report).split())
    assert "WARNING: the clock of 400 MHz is more than the" in text
    assert "in the model conv1 works in 1,024 cycles and waits 6: 6 for room in conv2" in text
    layer["cycles"] = 7
    text = " ".join(printed(report).split())
    assert "in the model the stream into conv1 moves in 1,024" in text


def test_a_layer_in_a_loop_says_for_how_many_passes_it_stands():
    graph = graphs.residual_blocks(3).graph()
    board = load_board("pynq-z2")
    request = FoldingRequest(loops=("block0_conv",))
    fit = fit_network(graph, board, Target(20_000), request, 100.0)
    report = make_report(fit.design, board, fit.prediction, [], [], fit.curve, fit.schedule)
    layer = next(layer for layer in report["layers"] if layer["name"] == "block0_conv")
    assert layer["later"] == ("block1_conv", "block2_conv")
    assert weights_place(layer) == "DDR, 3 passes"
