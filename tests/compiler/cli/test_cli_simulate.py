"""`bnnhw simulate`: what it prints, in which order."""

from __future__ import annotations

import json
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from builds import report_of

from bnnhw.backend.build import Build
from bnnhw.cli import output
from bnnhw.interpret.interpreter import interpret
from bnnhw.report.junit import junit_xml
from bnnhw.verify.verification import Verification

pytest.importorskip("cocotb")


@pytest.mark.parametrize("top_k", [0, 2])
def test_simulate_begins_with_the_verdict_and_the_classes(bnnhw, model, top_k: int) -> None:
    x = np.random.default_rng(1).integers(0, 256, (3, 3, 6, 6), np.uint8)
    np.save("x.npy", x)
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--top-k", top_k).code == 0
    graph = Build.open(Path("b")).graph
    scores = interpret(graph, graph.input_format.encode(x))
    best = graph.output_map.apply(scores).reshape(3, -1).argmax(axis=1).tolist()
    lines = bnnhw("simulate", "b", "-i", "x.npy").out.splitlines()
    assert lines[0] == "verilog against interpreter: 3 frames, bit-exact"
    assert lines[1] == f"classes: {' '.join(map(str, best))}"
    assert not any("stalled" in line for line in lines)
    cycles = report_of(Path("b"))["cycles_per_frame"]["simulated"]
    assert any(f"{cycles:,}" in line for line in lines)
    shown = bnnhw("simulate", "b", "-i", "x.npy", "--streams").out
    assert "stalled: cycles with a beat offered and not taken" in shown
    found = json.loads(bnnhw("simulate", "b", "-i", "x.npy", "--json", "--junit", "j.xml").out)
    Path("names.txt").write_text("a\nb\nc\nd\ne\n")
    words = ("--labels", "names.txt", "-o", "s.csv")
    lines = bnnhw("simulate", "b", "-i", "x.npy", *words).out.splitlines()
    assert lines[1] == f"classes: {', '.join(f'{c} {chr(97 + c)}' for c in best)}"
    head, *rows = [line.split(",") for line in Path("s.csv").read_text().splitlines()]
    pairs = ["class_1", "score_1", "class_2", "score_2"]
    assert head[3:] == (pairs if top_k else [f"score_{i}" for i in range(5)])
    assert [row[0] for row in rows] == ["x.npy[0]", "x.npy[1]", "x.npy[2]"]
    assert not top_k or [row[3] for row in rows] == [str(c) for c in best]
    suite = ElementTree.parse("j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert found["best"] == best
    if not top_k:
        assert found["scores"] == scores.tolist()


def test_what_differs_is_a_failure_in_junit() -> None:
    checks = [
        Verification("verilog", "interpreter", 5, 2, "given inputs"),
        Verification("hls", "interpreter", 5, 0, "given inputs"),
    ]
    suite = ElementTree.fromstring(junit_xml("n<et>", checks))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    wrong, right = suite
    assert wrong[0].get("message") == "MISMATCH in 2 of 5 frames; given inputs"
    assert wrong.get("classname") == "n<et>" and len(right) == 0


def test_a_log_has_a_line_per_step_and_signs_of_life(monkeypatch, capfd) -> None:
    monkeypatch.setattr(output, "HEARTBEAT", 0.05)
    with output.named_steps(quiet=False) as progress:
        progress("building the simulator")
        time.sleep(0.3)
    shown = capfd.readouterr().err.splitlines()
    assert shown[0] == "... building the simulator"
    assert shown[1] == "... 0 min so far: building the simulator"
    time.sleep(0.15)
    assert capfd.readouterr().err == ""
    with output.named_steps(quiet=True) as progress:
        progress("building the simulator")
        time.sleep(0.1)
    assert capfd.readouterr().err == ""
