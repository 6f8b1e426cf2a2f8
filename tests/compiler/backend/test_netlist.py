"""Netlists under simulation: models of the cells, what a check finds, and where it is told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_synth import MEMORIES

from bnnhw.assets import asset_folder
from bnnhw.backend.build import Build
from bnnhw.backend.netlist import netlist_sources
from bnnhw.backend.yosys import parse_statistics
from bnnhw.cli import commands as cli
from bnnhw.errors import ToolError
from bnnhw.report import record
from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.backend.yosys import Synthesis

NETLIST = """
module top (a, y);
  {cell} #(
    .INIT(2'h1)
  ) _0_ (
    .I0(a)
  );
  CARRY4 \\u.chain  (
    .CI(a)
  );
  RAMB36E1 _2_ (
    .ENARDEN(a)
  );
endmodule
"""


def test_cells_are_simulated_with_the_models_of_yosys_and_those_that_it_lacks(
    tmp_path: Path,
) -> None:
    netlist = tmp_path / "netlist.v"
    netlist.write_text(NETLIST.format(cell="LUT1"))
    found = netlist_sources(netlist)
    assert [path.name for path in found] == [
        *("netlist.v", "cells.v", "xilinx_block_ram.sv", "xilinx_carry.sv"),
    ]
    models = (tmp_path / "cells.v").read_text()
    assert models.startswith("`unconnected_drive pull0\nmodule LUT1(")
    assert models.count("endmodule") == 1
    assert "specify" not in models


def test_a_cell_without_a_model_is_told_with_the_way_around(tmp_path: Path) -> None:
    netlist = tmp_path / "netlist.v"
    netlist.write_text(NETLIST.format(cell="FIFO36E2"))
    with pytest.raises(ToolError, match="no model of FIFO36E2") as caught:
        netlist_sources(netlist)
    assert caught.value.fix == "bnnhw synth --no-verify"


@pytest.fixture
def bnnhw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line in a folder that has a build; its netlist is the Verilog itself."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bnnhw", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return int(caught.value.code or 0), *capfd.readouterr()

    Sketch(["N", 16]).dense(16, 8).sign().dense(8, 4).save(Path("tiny.onnx"))
    options = ["--board", "pynq-z2", "--input-type", "bipolar", "--cycles", "20", "-o", "b"]
    assert run("compile", "tiny.onnx", *options)[0] == 0
    return run


def replace_synthesis(monkeypatch: pytest.MonkeyPatch, change: tuple[str, str]) -> None:
    """In the place of a netlist, the Verilog of the build, changed."""

    def synthesise(build: Build, netlist: Path) -> Synthesis:
        text = "\n".join(path.read_text() for path in build.verilog_sources())
        assert change[0] in text
        netlist.parent.mkdir()
        netlist.write_text(text.replace(*change))
        return parse_statistics(MEMORIES, build.top)

    monkeypatch.setattr(record, "synthesise", synthesise)


SIGN = "{{FIELD_BITS{scores[(i+1)*ELEM_BITS-1]}}"


def test_a_netlist_that_computes_something_else_fails_loudly_and_is_reported(
    bnnhw, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_synthesis(monkeypatch, (SIGN, "{{FIELD_BITS{1'b0}}"))
    code, printed, said = bnnhw("synth", "b", "--frames", "4")
    assert code == 1
    assert "the netlist differs from the interpreter" in said
    assert "netlist against interpreter: 4 frames" in printed and "mismatching" in printed
    (check,) = [c for c in Build.open(Path("b")).report["verification"] if c["what"] == "netlist"]
    assert check["against"] == "interpreter" and check["inputs"] == 4 and check["mismatches"] > 0
    assert "MISMATCH" in bnnhw("report", "b")[1]
    assert "netlist" in Path("b/report.html").read_text()
    # The next netlist is another one: what was found of this one goes.
    shutil.rmtree("b/synth")
    assert bnnhw("synth", "b", "--no-verify")[:1] == (0,)
    checks = Build.open(Path("b")).report["verification"]
    assert [c["what"] for c in checks if c["what"] == "netlist"] == []


def test_a_netlist_that_computes_the_same_is_reported_as_exact(
    bnnhw, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_synthesis(monkeypatch, (SIGN, SIGN))
    code, printed, _ = bnnhw("synth", "b", "--json")
    assert code == 0
    row = {"what": "netlist", "against": "interpreter", "inputs": 3, "mismatches": 0}
    (found,) = json.loads(printed)["verification"]
    assert found == {**row, "note": "random inputs"}
    assert found in Build.open(Path("b")).report["verification"]
    assert "exact: netlist against interpreter, 3 inputs" in bnnhw("report", "b")[1]


def test_a_missing_simulator_is_told_before_the_synthesis(
    bnnhw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ToolError("simulation needs the package cocotb", fix="pip install 'bnnhw[sim]'")

    monkeypatch.setattr(record, "require_simulator", missing)
    code, _, said = bnnhw("synth", "b")
    assert code == 1
    assert "pip install 'bnnhw[sim]'; or give --no-verify" in said
    assert not Path("b/synth").exists()


def test_no_frames_are_refused(bnnhw) -> None:
    code, _, said = bnnhw("synth", "b", "--frames", "0")
    assert code == 1 and "0 frames cannot be simulated" in said


def test_models_of_cells_come_with_the_package() -> None:
    names = {path.name for path in asset_folder("sim").glob("xilinx_*.sv")}
    assert names == {f"xilinx_{cell}.sv" for cell in ("block_ram", "carry", "dsp48e2", "ultra_ram")}
