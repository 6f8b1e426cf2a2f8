"""`bnnhw simulate`: what it prints, in which order."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from builds import report_of
from rich.console import Console

import bnnhw as bnnhw_api
from bnnhw.backend.build import Build
from bnnhw.cli import steps
from bnnhw.interpret.interpreter import interpret
from bnnhw.report.junit import junit_xml
from bnnhw.verify.steps import Step
from bnnhw.verify.verification import Verification

pytest.importorskip("cocotb")


@pytest.mark.parametrize("top_k", [pytest.param(0, marks=pytest.mark.slow), 2])
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


@pytest.mark.slow
def test_waves_are_of_the_first_frames_and_their_size_is_foretold(bnnhw, model) -> None:
    words = ("compile", model, "--board", "pynq-z2", "-o", "b", "--backend", "verilog", "-q")
    assert bnnhw(*words, "--cycles", "1000").code == 0
    sizes = {}
    for frames in (8, 2):
        ended = bnnhw("simulate", "b", "--frames", "8", "--wave", "--wave-frames", frames)
        assert ended.code == 0, ended.err
        (wave,) = Path("b/sim").glob("waves.*")
        sizes[frames] = wave.stat().st_size
        told = re.search(r"note: all signals are recorded: about ([\d.]+) ([kM])B", ended.err)
        assert told, ended.err
        foretold = float(told[1]) * {"k": 1e3, "M": 1e6}[told[2]]
        assert sizes[frames] / 3 < foretold < 3 * sizes[frames]
    assert sizes[2] < 0.6 * sizes[8]
    for words, said in ((("--wave-frames", "2"), "nothing is recorded"),
                        (("--wave", "--wave-frames", "0"), "0 frames to record")):  # fmt: skip
        ended = bnnhw("simulate", "b", *words)
        assert ended.code == 1 and said in ended.err and "fix: give 1 or more" in ended.err


@pytest.mark.slow
def test_builds_of_earlier_versions_are_simulated_and_recorded(bnnhw, model) -> None:
    words = ("compile", model, "--board", "pynq-z2", "-o", "b", "--backend", "verilog", "-q")
    assert bnnhw(*words, "--cycles", "3000").code == 0
    bench = Path("b/sim/bnn_bench.sv")
    text = bench.read_text()
    kept = [line for line in text.splitlines() if "frames_out" not in line]
    assert len(kept) == len(text.splitlines()) - 2
    bench.write_text("\n".join(kept) + "\n")
    ended = bnnhw("simulate", "b", "--wave", "--wave-frames", "1")
    assert ended.code == 1 and "the bench of this build does not count frames" in ended.err
    assert "fix: compile the model again" in ended.err
    assert bnnhw("simulate", "b", "--wave", "-q").code == 0
    assert list(Path("b/sim").glob("waves.*"))


@pytest.mark.slow
def test_a_simulation_tells_how_many_frames_are_done(bnnhw, model) -> None:
    words = ("compile", model, "--board", "pynq-z2", "-o", "b", "--backend", "verilog", "-q")
    assert bnnhw(*words, "--cycles", "3000").code == 0
    told: list[Step] = []
    steps_told: list[str] = []

    def listen(step: str) -> None:
        steps_told.append(str(step))
        if isinstance(step, Step):
            told.append(step)

    bnnhw_api.open("b").simulate(frames=300, progress=listen)
    assert "running the interpreter" in steps_told
    assert any(step.startswith("building the simulator") for step in steps_told)
    assert str(told[0]) == "simulating: 0 of 300 frames"
    between = [step for step in told if 0 < step.done < 300]
    assert between, "the simulation is long enough for news"
    assert all(a.share <= b.share for a, b in itertools.pairwise(told))
    assert all(abs(step.share - step.done / 300) < 0.05 for step in between)


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
    monkeypatch.setattr(steps, "HEARTBEAT", 0.05)
    with steps.named_steps() as progress:
        progress("building the simulator")
        time.sleep(0.3)
    shown = capfd.readouterr().err.splitlines()
    assert shown[0] == "... building the simulator"
    assert shown[1] == "... 0 min so far: building the simulator"
    time.sleep(0.15)
    assert capfd.readouterr().err == ""
    with steps.named_steps(quiet=True) as progress:
        progress("building the simulator")
        time.sleep(0.1)
    assert capfd.readouterr().err == ""


def test_a_log_says_how_far_a_counted_step_is_and_when_it_ends(monkeypatch, capfd) -> None:
    monkeypatch.setattr(steps, "_NEWS", 0.0)
    with steps.named_steps() as progress:
        for done in range(5):
            progress(Step("simulating", done, 4, "frames"))
            time.sleep(0.05)
        progress("the end")
    shown = capfd.readouterr().err.splitlines()
    assert shown[0] == "... simulating"
    assert shown[1] == "... simulating: 1 of 4 frames, about 0 s left"
    assert shown[-2].startswith("... simulating: 4 of 4 frames")
    assert shown[-1] == "... the end"


def test_a_terminal_has_a_bar_where_a_step_is_counted(monkeypatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, legacy_windows=False)
    monkeypatch.setattr(steps, "err", screen)
    with steps.named_steps() as progress:
        progress("building")
        progress(Step("simulating", 0, 4, "frames"))
        time.sleep(0.15)
        progress(Step("simulating", 3, 4, "frames"))
        time.sleep(0.15)
    shown = screen.file.getvalue()
    assert "building" in shown and "simulating: 3 of 4 frames" in shown
    assert "about 0 s left" in shown


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.2, "3 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_durations_are_in_the_unit_that_people_use(seconds: float, said: str) -> None:
    assert steps.duration(seconds) == said
