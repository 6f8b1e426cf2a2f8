"""Ports of the top: plain Verilog, with the attributes from which Vivado infers interfaces."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from bnnhw.assets import asset_folder
from bnnhw.backend.build import Build, write_build
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.top_ports import bus_interfaces, top_ports
from bnnhw.backend.verilog import emit_top, emit_verilog
from bnnhw.verify.verilator import use_verilator
from memory_designs import two_layers

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.design import Design


@pytest.fixture(scope="module")
def design() -> Design:
    return two_layers()[0]


def infos(text: str) -> dict[str, str]:
    """What each port says it is, by its name."""
    found = re.findall(
        r'X_INTERFACE_INFO = "([^"]+)" \*\)\n +(?:input|output) +wire (?:\[\d+:0\] )?(\w+)', text
    )
    return {port: info for info, port in found}


def test_every_port_of_the_top_belongs_to_an_interface(design: Design) -> None:
    text = emit_top(design)
    assert infos(text).keys() == {port.name for port in top_ports(design)}
    for port, info in infos(text).items():
        kind, interface, signal = re.fullmatch(
            r"xilinx\.com:\w+:(\w+):1\.0 (\w+) (\w+)", info
        ).groups()
        if kind in ("axis", "aximm"):
            assert port == f"{interface}_{signal.lower()}"
            assert (kind == "axis") == (interface in ("s_axis", "m_axis"))
        else:
            assert (kind, interface, signal) in (("clock", "clk", "CLK"), ("reset", "rst_n", "RST"))


def test_clock_and_reset_tell_what_they_go_with(design: Design) -> None:
    text = emit_top(design)
    assert bus_interfaces(design) == ["s_axis", "m_axis", "s_axil", "m_axi"]
    assert (
        '"XIL_INTERFACENAME clk, ASSOCIATED_BUSIF s_axis:m_axis:s_axil:m_axi, '
        'ASSOCIATED_RESET rst_n"' in text
    )
    assert '"XIL_INTERFACENAME rst_n, POLARITY ACTIVE_LOW"' in text
    assert "FREQ_HZ" not in text, "the block design tells the frequency"
    assert "READ_WRITE_MODE READ_ONLY" in text and "MAX_BURST_LENGTH 16" in text


def test_the_top_is_verilog_of_2001(design: Design, tmp_path: Path) -> None:
    build = write_build(tmp_path / "b", {**emit_verilog(design), **emit_manifest(design)})
    top = build.path / "rtl" / f"{design.top}.v"
    command = [str(use_verilator() / "bin" / "verilator"), "--lint-only", "-Wall", "-DBNN_MONITOR"]
    command += ["-Wno-PINCONNECTEMPTY", "+1364-2001ext+v", "-y", ".", "--top-module", design.top]
    command += [top.name, str(asset_folder("sim") / "bnn_stream_monitor.sv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=top.parent)
    assert done.returncode == 0, done.stderr
    top.write_text(top.read_text().replace("wire core_rst_n;", "logic core_rst_n;"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=top.parent)
    assert done.returncode != 0, "a word of SystemVerilog passes as Verilog"


def test_sources_are_found_with_tops_in_either_language(tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    for name in ("a_top.v", "bnn_b.sv", "c.mem", "d.csv"):
        (tmp_path / "rtl" / name).write_text("")
    assert [path.name for path in Build(tmp_path).verilog_sources()] == ["a_top.v", "bnn_b.sv"]
    (tmp_path / "rtl" / "a_top.v").rename(tmp_path / "rtl" / "a_top.sv")
    assert [path.name for path in Build(tmp_path).verilog_sources()] == ["a_top.sv", "bnn_b.sv"]
