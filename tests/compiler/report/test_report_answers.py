"""The page's answers: is it right, is it fast, does it fit."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import pytest

from bnnhw.report.facts import lost_text
from bnnhw.report.fast import fast
from bnnhw.report.figures import with_simulation
from bnnhw.report.page import report_html
from bnnhw.report.right import hardware_verdict, right
from bnnhw.verify.simulate import Simulation
from bnnhw.verify.verification import Verification

RUN = Verification("verilog", "interpreter", 3, 0, "random inputs")
PROBE = replace(RUN, what="verilog stream of 'conv1'", probe="conv1")
QUESTIONS = ("right", "fast", "fit", "change", "repeat", "inside")


def simulated(report, checks):
    run = Simulation(b"", 3, (1500,) * 3, (1031,) * 2, 4000, (), {})
    return with_simulation(report, run, checks, steady=True)


def rows_of(report):
    return [(row["verdict"], row["what"], row["probes"]) for row in right(report)["checks"]]


def test_sections_stand_in_the_order_of_the_questions(fresh):
    html = report_html(fresh)
    assert re.findall(r'<section id="(\w+)">', html) == list(QUESTIONS)
    assert re.findall(r'<a href="#(\w+)">', html) == list(QUESTIONS)


def test_probes_are_one_row_but_for_failures(fresh):
    more = [replace(PROBE, what=f"verilog stream of 'l{i}'", probe=f"l{i}") for i in range(5)]
    wrong = replace(PROBE, mismatches=2, note="random inputs; first difference in frame 0")
    report = simulated(fresh, [*more, wrong, RUN])
    rows = rows_of(report)
    assert ("exact", "verilog streams of 5 layers", [f"l{i}" for i in range(5)]) in rows
    assert ("MISMATCH in 2 of 3", "verilog stream of 'conv1'", []) in rows
    assert len(rows) == len(fresh["verification"]) + 3
    assert "verilog stream of" not in report_html(simulated(fresh, [*more, RUN]))


def test_repeated_runs_replace_each_other_but_not_a_failure_under_other_inputs(fresh):
    before = len(fresh["verification"])
    report = simulated(simulated(fresh, [RUN]), [replace(RUN, inputs=9, note="given inputs")])
    assert [row["inputs"] for row in report["verification"][before:]] == [9]
    wrong = simulated(fresh, [replace(RUN, mismatches=1, note="random inputs; frame 0")])
    other = simulated(wrong, [replace(RUN, note="given inputs")])
    assert [row["mismatches"] for row in other["verification"][before:]] == [1, 0]
    assert hardware_verdict(other)[0] == "wrong"
    again = simulated(other, [RUN])
    assert [row["mismatches"] for row in again["verification"][before:]] == [0]


def test_the_verdict_names_what_was_compared(fresh):
    assert hardware_verdict({**fresh, "verification": []})[0] == "not checked"
    assert hardware_verdict(fresh) == ("exact", "the integers; nothing simulated yet")
    hls, netlist = replace(RUN, what="hls"), replace(RUN, what="netlist")
    verdict = hardware_verdict(simulated(fresh, [PROBE, RUN, hls, netlist]))
    assert verdict == ("exact", "the integers; simulated: Verilog, HLS C++, netlist")


@pytest.fixture
def timed(fresh):
    report = copy.deepcopy(fresh)
    report["cycles_per_frame"] |= {
        "busiest": "conv1",
        "lost": [
            {"cause": "border", "layer": "conv2", "cycles": 1200},
            {"cause": "fill", "layer": "conv1", "cycles": 6},
        ],
    }
    for i, layer in enumerate(report["layers"]):
        layer["active"] = [[100 * i, 1000 + 100 * i], [1000 + 100 * i, 2000 + 100 * i]]
    return report


def test_what_costs_cycles_is_said_with_its_layer(timed, fresh):
    assert lost_text(timed).endswith(
        "and waits 1,206: 1,200 at the padding of conv2, 6 for the first beats of a frame from "
        "conv1"
    )
    assert lost_text(timed) in fast(timed)["lost"]
    assert "1,200 at the padding of conv2" in report_html(timed)
    assert lost_text(fresh) == ""


def test_timeline_has_two_frames_of_every_layer_in_place(timed):
    timeline = fast(timed)["timeline"]
    end = 2000 + 100 * (len(timed["layers"]) - 1)
    assert [row["name"] for row in timeline["rows"]] == [x["name"] for x in timed["layers"]]
    for i, row in enumerate(timeline["rows"]):
        lefts = [float(bar["left"].rstrip("%")) for bar in row["bars"]]
        widths = [float(bar["width"].rstrip("%")) for bar in row["bars"]]
        assert lefts == pytest.approx([1e4 * i / end, 1e2 * (1000 + 100 * i) / end], abs=0.01)
        assert widths == pytest.approx([1e5 / end] * 2, abs=0.01)
    html = report_html(timed)
    assert (
        html.count('class="bar frame1') == html.count('class="bar frame2') == len(timed["layers"])
    )


def test_histograms_are_drawn_with_their_thresholds(fresh):
    row = {
        "name": "conv1_threshold", "inputs": 8, "low": -40, "high": 24,
        "counts": [0, 5, 10, 0], "thresholds": [0, 0, 12, 4], "constant": 3, "channels": 16,
    }  # fmt: skip
    html = report_html({**fresh, "histograms": [row]})
    assert html.count('class="sums"') == 2 and html.count('class="thresholds"') == 2
    assert "<span>-40</span><span>23</span>" in html
    assert "3 of 16 channels never change their bit" in html
    assert "Sums beside thresholds" not in report_html(fresh)


def test_a_knee_is_called_by_its_function(branched):
    units = [unit for unit in branched["units"] if unit["kind"] == "bnn_affine"]
    assert {unit["label"] for unit in units} == {""}
    report = copy.deepcopy(branched)
    for unit in report["units"]:
        if unit["kind"] == "bnn_affine":
            unit["label"] = "PReLU"
    assert report_html(report).count(">PReLU<") == 3 * len(units)
