"""What Vivado reports of a build: read, and shown beside estimates."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner
from vivado_report_texts import (
    PLACED,
    SYNTHESISED,
    TOTAL,
    UTILISATION_7,
    UTILISATION_PLUS,
    write_reports,
)

from bnnhw.backend.vivado_reports import read_reports
from bnnhw.cli.commands import app
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.errors import BnnhwError, ToolError
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.backend.build import Build


@pytest.fixture
def build(tmp_path: Path) -> Build:
    model = tmp_path / "tiny.onnx"
    Sketch(["N", 16]).dense(16, 8).sign().dense(8, 4).save(model)
    options = CompileOptions(board="pynq-z2", input_type="bipolar", cycles=20, verify=False)
    return compile_model(model, tmp_path / "b", options).build


def hash_of(build: Build) -> str:
    return str(build.manifest["build_hash"])


@pytest.mark.parametrize(
    ("utilisation", "more"), [(UTILISATION_7, {}), (UTILISATION_PLUS, {"uram": 3})]
)
def test_numbers_are_read_as_vivado_writes_them(
    tmp_path: Path, utilisation: str, more: dict[str, int]
) -> None:
    write_reports(tmp_path, "12", utilisation=utilisation)
    found = read_reports(tmp_path, "12")
    assert found is not None
    expected = tuple(amounts | more for amounts in (SYNTHESISED, PLACED, TOTAL))
    assert (found.synthesised, found.placed, found.total) == expected
    assert (found.setup_slack_ns, found.hold_slack_ns) == (0.523, 0.021)
    assert (found.watts, found.clock_mhz, found.vivado) == (1.634, 100, "2022.1")
    assert found.most_mhz == pytest.approx(1e3 / (10 - 0.523))


def test_before_vivado_has_run_there_is_nothing(tmp_path: Path) -> None:
    assert read_reports(tmp_path, "12") is None
    folder = write_reports(tmp_path, "12")
    (folder / "run.txt").unlink()
    assert read_reports(tmp_path, "12") is None


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("utilization_placed.rpt", "| Slice LUTs", "| Slice  LUT", "has no row of lut"),
        ("utilization.rpt", "| DSPs", "| DSP", "has no row of dsp"),
        ("utilization.rpt", " 4841 ", " many ", "has 'many' where a number is due"),
        ("timing.rpt", "WNS(ns)", "WNS", "has no design timing summary"),
        ("timing.rpt", "0.523", "NA", "has 'NA' where a number is due"),
        ("run.txt", "build_hash 12", "build_hash 13", "are of another build"),
    ],
)
def test_reports_that_cannot_be_trusted_are_refused(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    file = write_reports(tmp_path, "12") / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ToolError, match=re.escape(words)) as caught:
        read_reports(tmp_path, "12")
    assert caught.value.fix and caught.value.where


def test_a_report_that_is_missing_is_named(tmp_path: Path) -> None:
    (write_reports(tmp_path, "12") / "timing.rpt").unlink()
    with pytest.raises(ToolError, match=r"timing\.rpt: cannot be read"):
        read_reports(tmp_path, "12")


def test_the_report_shows_estimated_and_placed_side_by_side(build: Build) -> None:
    run = CliRunner().invoke
    before = build.report
    assert before["placement"] is None and before["resources"]["ff"]["placed"] is None
    assert "placed" not in run(app, ["report", str(build.path)]).output
    write_reports(build.path, hash_of(build))
    shown = run(app, ["report", str(build.path)]).output
    heading = next(line for line in shown.splitlines() if "resource" in line)
    assert heading.split()[1:3] == ["estimated", "placed"]
    row = next(line for line in shown.splitlines() if line.startswith("flip-flops"))
    assert "2,444" in row and f"{before['resources']['ff']['estimated']:,.0f}" in row
    flat = " ".join(shown.split())
    assert "setup slack +0.523 ns (up to 105.5 MHz), hold slack +0.021 ns; 1.63 W" in flat
    assert "after Vivado's synthesis: 1,900 LUT, 2,500 flip-flops" in flat
    assert widest(shown) <= 80
    report = build.report
    row = report["resources"]["lut_packed"]
    assert (row["placed"], row["vivado_synthesised"]) == (1811, 1900)
    assert report["resources"]["lut"]["placed"] is None
    page = (build.path / "report.html").read_text()
    assert 'class="origin placed"' in page and "setup slack +0.523 ns" in page
    assert "flip-flops, placed" in page
    for row in report["resources"].values():
        row["synthesised"] = 12345
    (build.path / "report.json").write_text(json.dumps(report))
    done = run(app, ["report", str(build.path)])
    shown = done.output
    assert done.exit_code == 0, repr(done.exception)
    heading = next(line for line in shown.splitlines() if "resource" in line)
    assert heading.split()[1:4] == ["estimated", "synthesised", "placed"] and widest(shown) <= 80
    printed = json.loads(run(app, ["report", str(build.path), "--json"]).output)
    assert printed["placement"]["most_mhz"] == 105.5


def widest(shown: str) -> int:
    """Characters of the longest line, paths of the machine left out."""
    return max(len(line) for line in shown.splitlines() if not line.startswith("report:"))


def test_missed_timing_is_loud(build: Build) -> None:
    write_reports(build.path, hash_of(build), setup="-0.250")
    shown = CliRunner().invoke(app, ["report", str(build.path)]).output
    assert "WARNING: timing is missed" in shown and "up to 97.6 MHz" in " ".join(shown.split())


def test_results_of_vivado_are_replaced_with_force_alone(tmp_path: Path, build: Build) -> None:
    write_reports(build.path, hash_of(build))
    CliRunner().invoke(app, ["report", str(build.path)])
    overlay = build.path / "vivado" / "overlay"
    overlay.mkdir()
    (overlay / "tiny_top.bit").write_text("")
    (build.path / "vivado" / "vivado.log").write_text("")
    (build.path / "vivado" / "project").mkdir()
    (build.path / "vivado" / "project" / "overlay.xpr").write_text("")
    options = CompileOptions(board="pynq-z2", input_type="bipolar", cycles=20, verify=False)
    with pytest.raises(BnnhwError, match="holds results of a run of Vivado") as caught:
        compile_model(tmp_path / "tiny.onnx", build.path, options)
    assert caught.value.fix is not None and "--force" in caught.value.fix
    compile_model(tmp_path / "tiny.onnx", build.path, options, force=True)
    assert not overlay.exists() and (build.path / "vivado" / "build.tcl").exists()


def test_builds_tell_when_there_are_no_scripts(tmp_path: Path) -> None:
    from bnnhw.hardware.board import board_file

    model = tmp_path / "tiny.onnx"
    Sketch(["N", 16]).dense(16, 8).sign().dense(8, 4).save(model)
    bare, config = board_file("pynq-z2").read_text().split("[processor]")
    mine = tmp_path / "mine.toml"
    options = CompileOptions(board=str(mine), input_type="bipolar", cycles=20, verify=False)
    mine.write_text(bare)
    made = compile_model(model, tmp_path / "b", options)
    assert not (made.build.path / "vivado").exists()
    notes = [note for note in made.report["notes"] if "Vivado" in note]
    assert notes == ["there are no scripts for Vivado: its board file names no [processor]"]
    mine.write_text(bare + "[processor]" + config.split("pll_mhz")[0])
    made = compile_model(model, tmp_path / "b", options)
    assert (made.build.path / "vivado" / "build.tcl").exists()
    assert "has no [processor.config]" in " ".join(made.report["notes"])
    assert (
        "The board's file says nothing" in (made.build.path / "vivado" / "design.tcl").read_text()
    )
