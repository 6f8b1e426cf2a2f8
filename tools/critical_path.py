"""Measures the longest register-to-register path of hardware units: logic only, no routing.

    python tools/critical_path.py bnn_affine LANES=2 FOLDS=16 SEGMENTS=2
    python tools/critical_path.py --build build/my_network [--only bnn_window bnn_fifo] [--json F]

The first prints a unit's path from its end to its start. The second measures each unit of a build
as it stands in ``hw/``, with the parameters and memory images of the build, and prints a table, the
longest path first.

Units are mapped, flattened, with Yosys and ABC9 for 7-series; cell delays are added up along the
netlist (``cell_delays.py``). Ports count as registered outside: so a path through several units
that pass ``tready`` on without a register is not seen. Routing, fan-out and clock skew are left
out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from cell_delays import delays
from synth_unit import HW, elaborate, files_of, read_sources

from bnnhw.synth import run_yosys

#: Units that one run of Yosys takes, which for most reads its own cell models longer than theirs.
BATCH = 12


@dataclass(frozen=True)
class Unit:
    """A module and its parameters, in Verilog's notation; memory images by their path."""

    kind: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class LongestPath:
    """The longest path of a unit."""

    ps: int
    cells: int
    start: str
    end: str
    steps: list[str]


class Netlist:
    """Arrival times in a flat netlist of 7-series cells, as Yosys writes it in JSON."""

    def __init__(self, module: dict[str, Any]) -> None:
        cells = module["cells"].items()
        self.cells = {n: c for n, c in cells if not c["type"].startswith("$scope")}
        self.delays = {n: delays(c["type"], c["parameters"]) for n, c in self.cells.items()}
        self.drivers: dict[int, tuple[str, str, int]] = {}
        for name, cell in self.cells.items():
            for pin, bits in cell["connections"].items():
                if cell["port_directions"].get(pin) == "output":
                    for index, bit in enumerate(bits):
                        self.drivers[bit] = (name, pin, index)
        self.names = _net_names(module)
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
        cell, model = self.cells[name], self.delays[name]
        launch = _delay(model.launch, pin, index) or 0
        best: tuple[int, int | None, str] = (launch, None, f"{cell['type']}.{pin}[{index}]")
        if not model.arcs:
            return best
        for source, bits in cell["connections"].items():
            if cell["port_directions"].get(source) != "input":
                continue
            for i, net in enumerate(bits):
                keys = [
                    (a, b) for a in (source, f"{source}[{i}]") for b in (pin, f"{pin}[{index}]")
                ]
                found = [model.arcs[key] for key in keys if key in model.arcs]
                if found and isinstance(net, int):
                    time = self.arrival(net)[0] + max(found)
                    if time > best[0]:
                        best = (time, net, f"{cell['type']}.{source}[{i}]->{pin}[{index}]")
        return best

    def longest(self) -> LongestPath:
        """The longest path, its cells from the end to the start."""
        time, net, pin, name = max(self._ends(), key=lambda end: end[0], default=(0, None, "", ""))
        steps, end = [pin], self._end_name(name, net)
        start = net
        while net is not None:
            arrival, previous, arc = self.arrival(net)
            steps.append(f"{arrival:5} {arc} {self._name(net)}")
            start, net = net, previous
        return LongestPath(time, len(self.cells), self._name(start), end, steps)

    def _ends(self) -> list[tuple[int, int | None, str, str]]:
        """Each end of a path: time, net, pin, and the cell, empty for an output port."""
        ends: list[tuple[int, int | None, str, str]] = []
        for name, cell in self.cells.items():
            model = self.delays[name]
            for pin, bits in cell["connections"].items():
                for index, net in enumerate(bits):
                    setup = _delay(model.setup, pin, index)
                    if setup is not None and isinstance(net, int):
                        label = f"{cell['type']}.{pin} setup {setup}"
                        ends.append((self.arrival(net)[0] + setup, net, label, name))
        return ends + [(self.arrival(net)[0], net, "net", "") for net in self.drivers]

    def _end_name(self, cell: str, net: int | None) -> str:
        """What a path ends in: the register behind the cell's pin, or the cell, or the port."""
        if not cell:
            return self._name(net)
        outputs = self.cells[cell]["connections"].get("Q", [])
        return self._name(outputs[0]) if outputs else self.cells[cell]["type"]

    def _name(self, net: int | str | None) -> str:
        """The source's name of a net; where it has none, the cell that drives it."""
        if net in self.names or not isinstance(net, int) or net not in self.drivers:
            return self.names.get(net, "-")
        return str(self.cells[self.drivers[net][0]]["type"])


def _delay(table: dict[str, int], pin: str, index: int) -> int | None:
    return table.get(f"{pin}[{index}]", table.get(pin))


def _net_names(module: dict[str, Any]) -> dict[int | str | None, str]:
    """The shortest name that the source gives to each net."""
    names: dict[int | str | None, str] = {}
    for name, net in sorted(module["netnames"].items(), key=lambda item: -len(item[0])):
        if not net.get("hide_name"):
            for index, bit in enumerate(net["bits"]):
                names[bit] = f"{name}[{index}]" if len(net["bits"]) > 1 else name
    return names


def longest_paths(units: list[Unit]) -> list[LongestPath]:
    """Maps units, each for itself but all in one run of Yosys, and finds their longest paths."""
    with tempfile.TemporaryDirectory(prefix="bnnhw-path-") as name:
        folder = Path(name)
        script = [read_sources(folder), "design -save sources"]
        for i, unit in enumerate(units):
            script += [
                "design -load sources",
                *elaborate(unit.kind, unit.parameters, folder, prefix=f"unit{i}_"),
                "proc",
                "flatten",
                f"rename {unit.kind} unit{i}",
                f"design -stash unit{i}",
            ]
        script += [f"design -copy-from unit{i} -as unit{i} unit{i}" for i in range(len(units))]
        script += [
            "read_verilog -lib -specify +/xilinx/cells_sim.v",
            "read_verilog -lib +/xilinx/cells_xtra.v",
            "synth_xilinx -family xc7 -noiopad -noclkbuf -abc9 -run prepare:check",
            "write_json -selected {out}",
        ]
        modules = json.loads(run_yosys(script, folder, units[0].kind))["modules"]
    sys.setrecursionlimit(100_000)
    return [Netlist(modules[f"unit{i}"]).longest() for i in range(len(units))]


def units_of(build: Path) -> dict[str, list[Unit]]:
    """The units of a build's Verilog, by the name of the first instance of each kind and size."""
    rtl = build / "rtl"
    instance = re.compile(r"^  (bnn_\w+) #\(\n(.*?)\n  \) (\w+) \(", re.M | re.S)
    found: dict[str, tuple[str, list[Unit]]] = {}
    for top in sorted(rtl.glob("*_top.sv")):
        for kind, text, name in instance.findall(top.read_text()):
            if not (HW / f"{kind}.sv").exists():
                continue  # the monitor, which is of the simulation
            chosen = dict(re.findall(r"\.(\w+)\((.*?)\),?$", text, re.M))
            files = {f: str(rtl / chosen[f].strip('"')) for f in files_of(kind) if f in chosen}
            unit = Unit(kind, chosen | files)
            size = {k: v for k, v in chosen.items() if k not in files and k != "BUILD_HASH"}
            key = json.dumps([kind, size], sort_keys=True)
            found.setdefault(key, (name.removeprefix("u_"), []))[1].append(unit)
    return dict(found.values())


def measure_build(build: Path, only: list[str], jobs: int) -> list[dict[str, Any]]:
    """Measures each kind and size of unit of a build once; the longest path comes first."""
    units = {n: u for n, u in units_of(build).items() if not only or u[0].kind in only}
    by_kind = sorted(units.items(), key=lambda item: item[1][0].kind)
    batches = []
    for _, group in groupby(by_kind, key=lambda item: item[1][0].kind):
        members = list(group)
        batches += [members[i : i + BATCH] for i in range(0, len(members), BATCH)]

    def measure(batch: list[tuple[str, list[Unit]]]) -> list[dict[str, Any]]:
        paths = longest_paths([same[0] for _, same in batch])
        sys.stderr.write(f"{len(batch)} {batch[0][1][0].kind}\n")
        return [
            asdict(path)
            | {"unit": same[0].kind, "name": name, "times": len(same), "build": build.name}
            | {"parameters": {k: Path(v).name for k, v in same[0].parameters.items()}}
            for (name, same), path in zip(batch, paths, strict=True)
        ]

    with ThreadPoolExecutor(jobs) as pool:
        rows = [row for batch in pool.map(measure, batches) for row in batch]
    return sorted(rows, key=lambda row: -row["ps"])


def table(rows: list[dict[str, Any]]) -> str:
    """The measured units as text."""
    lines = [f"{'ns':>5} {'cells':>6} {'times':>5}  unit, first instance, path"]
    lines += [
        f"{row['ps'] / 1000:5.2f} {row['cells']:6} {row['times']:5}  {row['unit']} "
        f"{row['name']}: {row['start']} -> {row['end']}"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("unit", nargs="?")
    parser.add_argument("parameters", nargs="*", metavar="PARAM=VALUE")
    parser.add_argument("--build", type=Path, help="measure the units of this build")
    parser.add_argument("--only", nargs="*", default=[], help="of a build, these kinds alone")
    parser.add_argument("--jobs", type=int, default=1, help="runs of Yosys at a time")
    parser.add_argument("--json", type=Path, help="of a build, write the paths to this file too")
    arguments = parser.parse_args()
    if (arguments.unit is None) == (arguments.build is None):
        parser.error("name a unit or --build")
    if arguments.build:
        rows = measure_build(arguments.build, arguments.only, arguments.jobs)
        sys.stdout.write(table(rows))
        if arguments.json:
            arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
        return
    parameters = dict(p.split("=", 1) for p in arguments.parameters)
    path = longest_paths([Unit(arguments.unit, parameters)])[0]
    sys.stdout.write(f"{path.ps / 1000:.2f} ns\n" + "\n".join(path.steps) + "\n")


if __name__ == "__main__":
    main()
