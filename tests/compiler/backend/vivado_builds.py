"""Builds for tests of the scripts for Vivado: designs of whole networks, for any board."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from bnnhw.assets import asset_folder
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.vectors import VECTORS, Vectors
from bnnhw.backend.verilog import emit_verilog
from bnnhw.backend.vivado import emit_vivado
from bnnhw.compiler import CompileOptions, integer_graph
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.types import Integer
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from graphs import birealnet18

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph

PYNQ = load_board("pynq-z2")


CYCLES = {"digits": 1000, "cnv-cifar10": 32_768, "birealnet18": 2_000_000}


@cache
def network_graph(name: str) -> Graph:
    """The integer graph of digits, of CNV, or of Bi-Real Net-18 at 224x224."""
    if name == "birealnet18":
        return birealnet18(stream=Integer(8, True, 4)).graph()
    model = asset_folder("models") / f"{name}.onnx"
    return integer_graph(model, CompileOptions(board="pynq-z2"))


@cache
def network_design(name: str) -> Design:
    """Their designs on a PYNQ-Z2."""
    search = FoldingSearch(Network(network_graph(name)), PYNQ, FoldingRequest())
    return lower_fitting(search, Target(CYCLES[name]), PYNQ.clock_mhz)[0]


def on_board(design: Design, board: Board) -> Design:
    """The same hardware on another board, at that board's clock."""
    return replace(design, board=board, clock_mhz=board.clock_mhz)


def blank_vectors(design: Design) -> Vectors:
    """Frames and scores of zeros, where nothing is simulated."""
    source, sink = design.input_port, design.output_port
    return Vectors(
        2,
        bytes(2 * source.beats * source.beat_bytes),
        bytes(2 * sink.beats * sink.beat_bytes),
        10_000,
    )


def write_files(folder: Path, design: Design, vectors: Vectors | None = None) -> Path:
    """Writes what Vivado reads of a build; returns the folder of its scripts."""
    hls = emit_hls(design)
    top_function = hls[f"hls/{design.top}.cpp"]
    files: dict[str, str | bytes] = {
        VECTORS: b"",
        **emit_verilog(design),
        **emit_manifest(design),
        **emit_vivado(design, ("verilog", "hls"), vectors or blank_vectors(design)),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    write_hls_core(folder, design, top_function, hls["hls/run_hls.tcl"])
    return folder / "vivado"


def write_hls_core(folder: Path, design: Design, code: str, script: str) -> None:
    """What Vitis HLS would pack, in the stand-ins' form: interfaces as the pragmas name them."""
    interfaces = {"ap_clk": "clock in", "ap_rst_n": "reset in", "s_axi_control": "aximm slave"}
    for port in re.findall(r"INTERFACE axis port=(\w+)", code):
        interfaces[port] = f"axis {'slave' if port.startswith('s_') else 'master'}"
    for bundle in re.findall(r"INTERFACE m_axi port=\w+ bundle=(\w+)", code):
        interfaces[f"m_axi_{bundle}"] = "aximm master"
    exported = re.search(
        r"export_design .* -vendor (\S+) -library (\S+) -ipname (\S+) -version (\S+)",
        script,
    )
    assert exported is not None
    words = " ".join(f"{name} {{{about}}}" for name, about in interfaces.items())
    core = folder / "hls" / f"{design.top}_hls" / "solution" / "impl" / "ip"
    core.mkdir(parents=True)
    (core / "component.xml").write_text(
        f"{':'.join(exported.groups())} {{{words}}} s_axi_control/Reg 65536"
    )
