"""The netlist that Yosys makes of one unit, ready for Verilator."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from bnnhw.backend.netlist import WRITE, netlist_sources
from bnnhw.backend.yosys import run_yosys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def synthesise_unit(
    sources: Sequence[Path],
    unit: str,
    settings: Sequence[tuple[str, str]],
    folder: Path,
    family: str,
) -> list[Path]:
    """Synthesises a unit as ``bnnhw synth`` does a design.

    Args:
        sources: The unit's file and those of its parts.
        unit: The module.
        settings: Its parameters, as Yosys reads values; memory images lie in ``folder``.
        folder: Where to work.
        family: "xc7" or "xcup".

    Returns:
        What Verilator must read: the netlist, models of its cells, and that its ports are public.
    """
    for path in sources:  # Yosys, which is WebAssembly, sees its own folder only
        shutil.copy(path, folder)
    chosen = " ".join(f"-set {name} {value}" for name, value in settings)
    script = [
        f"read_verilog -sv -defer {' '.join(path.name for path in sources)}",
        f"chparam {chosen} {unit}" if chosen else "",
        f"hierarchy -check -top {unit}",
        f"synth_xilinx -family {family} -noiopad -top {unit}",
        "tee -q -o {out} stat -tech xilinx",
        *WRITE,
    ]
    run_yosys(script, folder, unit, folder / "netlist.v")
    text = (folder / "netlist.v").read_text()
    ports = re.findall(rf"^module {unit} ?\((.*?)\);", text, re.M | re.S)[0].split(",")
    lines = [f'public_flat_rw -module "{unit}" -var "{port.strip()}"' for port in ports]
    (folder / "ports.vlt").write_text("\n".join(["`verilator_config", *lines, ""]))
    return [folder / "ports.vlt", *netlist_sources(folder / "netlist.v")]
