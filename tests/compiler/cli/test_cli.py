"""The command line through its entry point: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builds import files, report_of

from bnnhw.backend.build import Build
from bnnhw.cli.doctor import diagnose, readiness
from bnnhw.hardware.board import board_names, load_board
from bnnhw.passes import PIPELINE
from bnnhw.version import __version__
from bnnhw.zoo.shipped import shipped_model, shipped_models
from sketch import Sketch, image

DIGITS = shipped_model("digits").path


# ----------------------------------------------------------------------------------------- compile


def test_compile_writes_a_whole_build_to_the_default_folder(bnnhw, tmp_path) -> None:
    ended = bnnhw("compile", DIGITS, "--board", "pynq-z2")
    assert ended.code == 0
    assert "build: build/digits    report: build/digits/report.html" in ended.out
    assert "digits on pynq-z2" in ended.out and "exact" in ended.out
    assert "onnxruntime" in ended.err, "the step at work is told on standard error"
    build = tmp_path / "build" / "digits"
    assert {p.name for p in build.iterdir()} == {
        *("rtl", "hls", "sim", "vivado", "host", "manifest.json", "report.json", "report.html"),
        *("folding.json", "graph.npz", "vectors.npz", "files.txt", "compile.json"),
    }
    for name in ("rtl/digits_top.v", "hls/digits_top.cpp", "hls/run_hls.tcl", "sim/bnn_bench.sv"):
        assert (build / name).stat().st_size > 0
    assert [p.name for p in tmp_path.iterdir()] == ["build"]
    assert [p.name for p in build.parent.iterdir()] == ["digits"]


def test_a_target_of_frames_a_second_is_met_with_less_than_the_fastest_takes(bnnhw, model) -> None:
    for name, target in (
        ("fastest", ()),
        ("fps", ("--fps", 20_000)),
        ("cycles", ("--cycles", 3000)),
    ):
        assert bnnhw("compile", model, "--board", "pynq-z1", "-o", name, *target).code == 0
    fastest, fps, cycles = (report_of(Path(n)) for n in ("fastest", "fps", "cycles"))
    assert fps["fps"] >= 20_000
    assert cycles["cycles_per_frame"]["predicted"] <= 3000
    for slower in (fps, cycles):
        assert slower["resources"]["lut"]["estimated"] < fastest["resources"]["lut"]["estimated"]
        assert slower["fps"] < fastest["fps"]
    assert fps["board"] == "pynq-z1"


def test_the_clock_scales_frames_a_second_and_not_cycles(bnnhw, model) -> None:
    for clock in (50, 200):
        bnnhw("compile", model, "--board", "pynq-z2", "-o", f"at{clock}", "--clock", clock)
    slow, fast = report_of(Path("at50")), report_of(Path("at200"))
    assert (slow["clock_mhz"], fast["clock_mhz"]) == (50, 200)
    assert slow["cycles_per_frame"] == fast["cycles_per_frame"]
    assert fast["fps"] == pytest.approx(4 * slow["fps"], abs=0.01)


@pytest.mark.parametrize(
    ("backends", "rtl", "hls"),
    [(("verilog",), True, False), (("hls",), False, True), (("hls", "verilog"), True, True)],
)
def test_only_the_chosen_back_ends_are_written(bnnhw, model, backends, rtl, hls) -> None:
    options = [item for name in backends for item in ("--backend", name)]
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", *options).code == 0
    assert (Path("b/rtl").exists(), Path("b/sim").exists()) == (rtl, rtl)
    assert Path("b/hls").exists() == hls
    if not rtl:
        for command in ("simulate", "synth"):
            ended = bnnhw(command, "b")
            assert (ended.code, "holds no verilog files" in ended.err) == (1, True)


def test_a_folding_file_is_kept_to_and_that_of_a_build_gives_the_same_build(bnnhw, model) -> None:
    request = {"layers": {"conv_7": {"pe": 2, "simd": 9, "memory": "bram"}}}
    Path("f.json").write_text(json.dumps(request))
    common = ("compile", model, "--board", "pynq-z2")
    assert bnnhw(*common, "-o", "a", "--folding", "f.json").code == 0
    layer = report_of(Path("a"))["layers"][0]
    assert (layer["name"], layer["pe"], layer["simd"], layer["memory"]) == ("conv_7", 2, 9, "bram")
    Path("g.json").write_text(Path("a/folding.json").read_text())
    assert bnnhw(*common, "-o", "b", "--folding", "g.json").code == 0
    first, second = files(Path("a")), files(Path("b"))
    # The report says which file was given.
    assert {name for name in first if first[name] != second[name]} == {"report.json", "report.html"}


def test_dump_ir_writes_the_graph_after_each_pass(bnnhw, model) -> None:
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--dump-ir", "ir").code == 0
    names = sorted(p.name for p in Path("ir").iterdir())
    steps = ["front_end", *(step.name for step in PIPELINE)]
    assert names == [f"{i:02d}_{name}.txt" for i, name in enumerate(steps)]
    assert "conv_7" in Path("ir", names[-1]).read_text()


def test_json_is_the_report_and_alone_on_standard_output(bnnhw, model) -> None:
    ended = bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--json")
    assert (ended.code, ended.err) == (0, "")
    printed = json.loads(ended.out)
    assert Path(printed.pop("build")).samefile("b")
    assert printed == report_of(Path("b"))


def test_no_verify_is_noted(bnnhw, model) -> None:
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--no-verify").code == 0
    report = report_of(Path("b"))
    assert report["verification"] == []
    assert "not checked against onnxruntime, nor accuracy measured (--no-verify)" in report["notes"]


def test_given_inputs_are_checked_beside_the_random_ones(bnnhw, model) -> None:
    np.save("x.npy", np.random.default_rng(0).integers(0, 256, (5, 3, 6, 6), np.uint8))
    common = ("compile", model, "--board", "pynq-z2")
    bnnhw(*common, "-o", "a")
    bnnhw(*common, "-o", "b", "-i", "x.npy", "-i", "x.npy")
    (random,), (both,) = (report_of(Path(n))["verification"] for n in "ab")
    assert both["inputs"] == random["inputs"] + 10
    assert random["mismatches"] == both["mismatches"] == 0


def test_top_k_sends_pairs(bnnhw, model) -> None:
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--top-k", 2).code == 0
    port = Build.open(Path("b")).output_port
    assert (port.top_k, port.shape, port.beats) == (2, (2,), 2)
    assert report_of(Path("b"))["output"]["top_k"] == 2


def test_declarations_of_the_input_reach_the_graph(bnnhw, tmp_path) -> None:
    Sketch(["N", 16]).dense(16, 8).sign().dense(8, 4).save(tmp_path / "f.onnx")
    options = ("--input-type", "uint8", "--input-scale", "1/255", "--input-offset=-0.5")
    assert bnnhw("compile", "f.onnx", "--board", "pynq-z2", "-o", "b", *options).code == 0
    source = Build.open(Path("b")).graph.input_format
    assert (str(source.element), source.scale, source.offset) == ("uint8", 1 / 255, -0.5)


def test_a_second_compile_takes_the_place_of_the_first(bnnhw, model) -> None:
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--backend", "hls").code == 0
    assert bnnhw("compile", DIGITS, "--board", "pynq-z2", "-o", "b").code == 0
    assert Build.open(Path("b")).top == "digits_top"
    assert not list(Path("b").rglob("m_top*"))


def test_names_with_brackets_and_spaces_are_printed_as_they_are(bnnhw, model) -> None:
    target = "[red] a rather long name/that a terminal of eighty columns would break [/red]"
    ended = bnnhw("compile", model, "--board", "pynq-z2", "-o", target)
    assert f"build: {target}    report: {target}/report.html\n" in ended.out
    ended = bnnhw("report", target + "[bold]")
    assert f"error: {target}[bold]: is no build folder" in ended.err


# ------------------------------------------------------------------------------------- determinism


def test_the_same_model_gives_byte_identical_files(bnnhw, tmp_path, model) -> None:
    """In another process, with other hash seeds, from another folder and another clock."""
    common = ["compile", "--board", "pynq-z2", "--cycles", "2000"]
    assert bnnhw(*common, model, "-o", "first").code == 0
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "m.onnx"
    copy.write_bytes(model.read_bytes())
    environment = os.environ | {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-m", "bnnhw.cli", *common, copy.name, "-o", "../second"]
    subprocess.run(command, cwd=copy.parent, env=environment, check=True, capture_output=True)
    first, second = files(tmp_path / "first"), files(tmp_path / "second")
    assert len(first) > 40
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_no_file_of_a_build_holds_a_path_of_this_machine_or_the_time(bnnhw, tmp_path) -> None:
    assert bnnhw("compile", DIGITS, "--board", "pynq-z2", "-o", "b").code == 0
    for name, content in files(tmp_path / "b").items():
        assert str(tmp_path).encode() not in content, name
        assert str(DIGITS.parent).encode() not in content, name
        assert not re.search(rb"\b20\d\d-\d\d-\d\d\b", content), name


def test_the_report_has_the_documented_keys(bnnhw, tmp_path) -> None:
    bnnhw("compile", DIGITS, "--board", "pynq-z2", "-o", "b")
    report = report_of(tmp_path / "b")
    described = (
        *("schema", "model", "board", "clock_mhz", "cycles_per_frame", "latency_cycles", "fps"),
        *("resources", "ddr_bytes_per_frame", "curve", "verification", "accuracy", "output"),
        *("clock", "histograms", "bounds"),
    )
    beside = ("bnnhw", "part", "family", "layers", "units", "streams", "memories", "simulation")
    beside += ("synthesis", "placement", "notes", "command", "ddr_bytes_per_second")
    assert set(report) == {*described, *beside}
    assert report["schema"] == 2 and report["model"] == "digits" and report["board"] == "pynq-z2"
    assert report["clock_mhz"] == 100 and report["ddr_bytes_per_frame"] == 0
    cycles, latency = report["cycles_per_frame"], report["latency_cycles"]
    assert list(cycles) == ["ideal", "predicted", "simulated", "busiest", "lost"]
    assert cycles["busiest"] in {layer["name"] for layer in report["layers"]}
    lost = sum(row["cycles"] for row in cycles["lost"])
    assert cycles["predicted"] == cycles["ideal"] + lost
    for layer in report["layers"]:
        first, second = layer["active"]
        assert 0 <= first[0] < second[0] and first[1] < second[1]
    assert [row["channels"] for row in report["histograms"]]
    assert 0 < cycles["ideal"] <= cycles["predicted"] <= latency["predicted"]
    assert list(latency) == ["predicted", "simulated"]
    assert cycles["simulated"] is latency["simulated"] is None
    assert report["fps"] == pytest.approx(1e8 / cycles["predicted"], abs=1e-3)
    names = ["lut", "lut_cells", "lut_packed", "ff", "bram36", "uram", "dsp"]
    assert list(report["resources"]) == names
    board = load_board("pynq-z2")
    for name, row in report["resources"].items():
        figures = ["estimated", "synthesised", "vivado_synthesised", "placed"]
        assert list(row) == [*figures, "usable", "reserved", "available"]
        assert row["synthesised"] is None
        part = "lut" if name.startswith("lut") else name
        assert row["available"] == getattr(board, part)
        assert row["reserved"] == getattr(board.shell, part, 0)
        if name in ("lut", "lut_cells"):
            assert row["usable"] is None, "a design is held to their mean"
        else:
            assert 0 <= row["estimated"] <= row["usable"] <= row["available"] - row["reserved"]
    (check,) = report["verification"]
    assert list(check) == ["what", "against", "inputs", "mismatches", "note"]
    assert check["against"] == "onnxruntime" and check["inputs"] > 0 == check["mismatches"]
    assert len(report["output"]["scale"]) == len(report["output"]["bias"]) == 10
    assert report["simulation"] is report["synthesis"] is None


# --------------------------------------------------------------------------------------------- run


@pytest.mark.parametrize("command", ["report", "simulate", "synth"])
def test_commands_on_builds_refuse_other_folders(bnnhw, command) -> None:
    for where in (".", "absent"):
        ended = bnnhw(command, where)
        assert (ended.code, ended.out) == (1, "")
        assert "is no build folder" in ended.err and "fix: make one" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--frames", "0"), "option --frames"),
        (("--idle", "1"), "option --idle"),
        (("--back-pressure", "nan"), "option --back-pressure"),
        (("--memory-latency", "20-150"), "option --memory-latency"),
        (("--memory-latency", "20:150"), "reads no weights from memory"),
        (("-o", "absent/scores.npy"), "option --output"),
        (("--hls",), "holds no hls files"),
    ],
)
def test_simulate_refuses_impossible_options_before_any_work(bnnhw, model, options, said) -> None:
    bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--backend", "verilog")
    before = files(Path("b"))
    ended = bnnhw("simulate", "b", *options)
    assert ended.code == 1
    assert said in ended.err and "\n  fix: " in ended.err
    assert files(Path("b")) == before


# ------------------------------------------------------------------------------------------- lists


def test_boards_lists_each_with_its_resources_and_shows_its_file(bnnhw, tmp_path) -> None:
    listed = bnnhw("boards").out
    for name in board_names():
        board = load_board(name)
        (line,) = [line for line in listed.splitlines() if line.split()[0] == name]
        for figure in (board.part, board.lut, board.ff, board.bram36, board.dsp):
            assert str(figure) in line.split()
    shown = bnnhw("boards", "--show", "pynq-z2").out
    (tmp_path / "mine.toml").write_text(shown)
    assert load_board(str(tmp_path / "mine.toml")) == load_board("pynq-z2")
    assert bnnhw("boards", "--show", tmp_path / "mine.toml").out == shown
    assert bnnhw("boards", "--show", "absent").code == 1


def test_passes_lists_all_in_order(bnnhw) -> None:
    lines = bnnhw("passes").out.splitlines()
    starts = [line.split()[0] for line in lines[1:] if line.strip()]
    names = [step.name for step in PIPELINE]
    assert [s for s in starts if s in names] == names


def test_models_prints_whole_paths(bnnhw) -> None:
    ended = bnnhw("models")
    for model in shipped_models():
        assert model.path.is_file()
        assert f"{model.name}  {model.path}\n" in ended.out
        assert model.accuracy in ended.out and model.input in ended.out


def test_doctor_says_what_is_missing_and_what_can_be_done(bnnhw, monkeypatch) -> None:
    findings = diagnose()
    ended = bnnhw("doctor")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].startswith("ready to: compile yes, simulate ")
    for finding in findings:
        assert finding.what in ended.out
    monkeypatch.setenv("PATH", "")
    ended = bnnhw("doctor")
    assert ended.code == 0
    assert "missing g++: apt-get install g++" in ended.out
    assert "simulate no" in ended.out.splitlines()[-1]
    missing = [replace(f, found=f.what != "onnx") for f in findings]
    assert not readiness(missing)["compile"]
    assert not any(readiness(missing).values())


def test_version_and_help(bnnhw) -> None:
    shown = bnnhw("--version")
    assert (shown.code, shown.out, shown.err) == (0, f"bnnhw {__version__}\n", "")
    commands = ("compile", "simulate", "run", "report", "synth", "boards", "passes", "models")
    shown = bnnhw("--help")
    assert shown.code == 0
    for name in (*commands, "doctor", "zoo"):
        assert re.search(rf"\b{name}\b", shown.out)
        assert bnnhw(name, "--help").code == 0
    zoo = bnnhw("zoo", "--help").out
    assert "train" in zoo and "export" in zoo
    assert bnnhw("nonsense").code == 2


def test_help_is_short_too(bnnhw) -> None:
    assert bnnhw("compile", "-h").out == bnnhw("compile", "--help").out


def test_inspect_lists_what_precision_may_name(bnnhw, model) -> None:
    residual = shipped_model("birealnet8-digits").path
    shown = bnnhw("inspect", residual, "--streams").out
    assert re.search(r"^  conv1 +weights +8 bits  int8$", shown, re.MULTILINE)
    assert "    the same stream: layer1_0_binary_conv_add" in shown
    found = json.loads(bnnhw("inspect", "birealnet8-digits", "--streams", "--json").out)
    assert found["precision"][0]["name"] == "conv1"
    assert "--precision has nothing to set" in bnnhw("inspect", model, "--streams").out
    assert "precision" not in json.loads(bnnhw("inspect", model, "--json").out)


def test_inspect_lists_what_may_become_a_loop(bnnhw, model, tmp_path) -> None:
    sketch = image(6, 3)
    sketch.conv(3, 8, pads=1).batch_norm(8).sign()
    for _ in range(3):
        sketch.conv(8, 8, pads=1).batch_norm(8).sign()
    path = sketch.flatten().dense(288, 5).save(tmp_path / "loops.onnx")
    (found,) = json.loads(bnnhw("inspect", path, "--loops", "--json").out)["loops"]
    assert (found["passes"], found["weight_bits"]) == (3, 3 * 8 * 8 * 9)
    assert found["name"] == found["blocks"][0][0] and len(found["blocks"]) == 3
    shown = bnnhw("inspect", path, "--loops").out
    assert f"  {found['name']}: 3 passes, 0.00 Mbit of weights, of the blocks " in shown
    Path("f.json").write_text(json.dumps({"loops": [found["name"]]}))
    words = ("--board", "pynq-z2", "--folding", "f.json", "--no-verify", "-q", "-o", "b")
    assert bnnhw("compile", path, *words).code == 0
    assert {unit["passes"] for unit in report_of(Path("b"))["units"]} == {1, 3}
    assert "no run of equal blocks" in bnnhw("inspect", model, "--loops").out
    assert "loops" not in json.loads(bnnhw("inspect", model, "--json").out)


def test_builds_are_compared(bnnhw, model) -> None:
    for name, cycles in (("a", 1000), ("b", 5000)):
        words = ("--board", "pynq-z2", "--cycles", cycles, "-o", name)
        assert bnnhw("compile", model, *words).code == 0
    found = json.loads(bnnhw("compare", "a", "b", "--json", "--page", "c.html").out)
    rows = {row["name"]: row for row in found["rows"]}
    reports = [report_of(Path(name)) for name in "ab"]
    cycles = [report["cycles_per_frame"]["predicted"] for report in reports]
    assert rows["cycles per frame"]["value"] == cycles
    assert rows["network"]["text"] == [report["model"] for report in reports]
    for layer in reports[0]["layers"]:
        assert rows[layer["name"]]["value"][0] == layer["cycles"]
        assert rows[layer["name"]]["layer"] == layer["name"]
    shown = bnnhw("compare", "a", "b").out
    assert f"{cycles[0]:,} predicted" in shown and f"{cycles[1]:,} predicted" in shown
    page = Path("c.html").read_text()
    assert f'<td data-label="a">{cycles[0]:,} predicted</td>' in page and "<script" not in page
    assert "give two or more" in bnnhw("compare", "a").err
