"""Measures the longest register-to-register path of hardware units: logic only, no routing.

    python tools/critical_path.py bnn_affine LANES=2 FOLDS=16 SEGMENTS=2
    python tools/critical_path.py --build build/my_network [--only bnn_window bnn_fifo] [--json F]
    python tools/critical_path.py --points [--only bnn_window bnn_fifo] [--json F]

The first prints a unit's path from its end to its start. The second measures each unit of a build
as it stands in ``hw/``, with the parameters and memory images of the build, and prints a table, the
longest path first; then the longest paths that cross from unit to unit, in the same way. The third
measures the units at the parameters that the cost model is fitted to, with random memory images.

Units are mapped, flattened, with Yosys and ABC9 for 7-series; cell delays are added up along the
netlist (``cell_delays.py``). In the table, ports count as registered outside. Routing, fan-out and
clock skew are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlist import LongestPath, Netlist, PortTiming
from synth_unit import elaborate, read_sources
from unit_chains import Chains, Instance, instances_of, one_of_each

from bnnhw.backend.yosys import run_yosys
from bnnhw.hardware.units import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Units that one run of Yosys takes, which for most reads its own cell models longer than theirs.
BATCH = 16
#: Paths across units that are printed.
CHAINS = 12


def netlists(units: Sequence[tuple[str, dict[str, str]]]) -> list[Netlist]:
    """Maps units, kind and parameters, each for itself but all in one run of Yosys."""
    with tempfile.TemporaryDirectory(prefix="bnnhw-path-") as name:
        folder = Path(name)
        script = [read_sources(folder), "design -save sources"]
        for i, (kind, parameters) in enumerate(units):
            script += [
                "design -load sources",
                *elaborate(kind, parameters, folder, prefix=f"unit{i}_"),
                "proc",
                "flatten",
                f"rename {kind} unit{i}",
                f"design -stash unit{i}",
            ]
        script += [f"design -copy-from unit{i} -as unit{i} unit{i}" for i in range(len(units))]
        script += [
            "read_verilog -lib -specify +/xilinx/cells_sim.v",
            "read_verilog -lib +/xilinx/cells_xtra.v",
            "synth_xilinx -family xc7 -noiopad -noclkbuf -abc9 -run prepare:check",
            "write_json -selected {out}",
        ]
        modules = json.loads(run_yosys(script, folder, units[0][0]))["modules"]
    return [Netlist(modules[f"unit{i}"]) for i in range(len(units))]


def measure(
    instances: list[Instance], jobs: int
) -> dict[str, tuple[Instance, LongestPath, PortTiming]]:
    """Measures one instance of each size, ``jobs`` runs of Yosys at a time; by size."""
    sizes = sorted({i.size: i for i in reversed(instances)}.values(), key=lambda i: i.kind)
    batches = [sizes[i : i + BATCH] for i in range(0, len(sizes), BATCH)]

    def run(batch: list[Instance]) -> list[tuple[LongestPath, PortTiming]]:
        mapped = netlists([(i.kind, i.parameters) for i in batch])
        sys.stderr.write(f"{len(batch)}: {', '.join(sorted({i.kind for i in batch}))}\n")
        return [(netlist.longest(), netlist.port_timing()) for netlist in mapped]

    with ThreadPoolExecutor(jobs) as pool:
        return {
            instance.size: (instance, *timing)
            for batch, timings in zip(batches, pool.map(run, batches), strict=True)
            for instance, timing in zip(batch, timings, strict=True)
        }


def table(rows: list[dict[str, Any]]) -> str:
    """The measured units as text."""
    lines = [f"{'ns':>5} {'cells':>6} {'times':>5}  unit, first instance, path"]
    lines += [
        f"{row['ps'] / 1000:5.2f} {row['cells']:6} {row['times']:5}  {row['unit']} "
        f"{row['name']}: {row['start']} -> {row['end']}"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def point_instances() -> list[Instance]:
    """The points of the cost model, as units that nothing is connected to."""
    points = [(name, params) for name, kind in KINDS.items() for params in kind.points]
    return [
        Instance(f"point{i}", kind, {name: str(value) for name, value in parameters.items()}, {})
        for i, (kind, parameters) in enumerate(points)
    ]


def report(instances: list[Instance], jobs: int) -> tuple[list[dict[str, Any]], str]:
    """Measures units: a row for each size, the longest path first, and all as text."""
    measured = measure(instances, jobs)
    sizes = [i.size for i in instances]
    rows = [
        asdict(path)
        | {"unit": unit.kind, "name": unit.name, "times": sizes.count(size)}
        | {"parameters": {k: Path(v).name for k, v in unit.parameters.items()}}
        | {"ports": asdict(timing)}
        for size, (unit, path, timing) in measured.items()
    ]
    rows.sort(key=lambda row: -row["ps"])
    chains = Chains(instances, {size: timing for size, (*_, timing) in measured.items()})
    text = table(rows) + "\nacross units:\n"
    for chain in one_of_each(chains.longest(), chains.units)[:CHAINS]:
        text += f"{chain.ps / 1000:5.2f}  {' -> '.join(chain.ports)}\n"
    text += "\ntready passed on without a register:\n"
    for kind, ps in sorted(chains.through_ready().items()):
        text += f"{ps / 1000:5.2f}  {kind}\n"
    return rows, text


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("unit", nargs="?")
    parser.add_argument("parameters", nargs="*", metavar="PARAM=VALUE")
    parser.add_argument("--build", type=Path, help="measure the units of this build")
    parser.add_argument("--points", action="store_true", help="measure the cost model's points")
    parser.add_argument("--only", nargs="*", default=[], help="of these, some kinds alone")
    parser.add_argument("--jobs", type=int, default=1, help="runs of Yosys at a time")
    parser.add_argument("--json", type=Path, help="write what is measured to this file too")
    arguments = parser.parse_args()
    if sum(map(bool, (arguments.unit, arguments.build, arguments.points))) != 1:
        parser.error("name a unit, --build or --points")
    if not arguments.unit:
        instances = instances_of(arguments.build) if arguments.build else point_instances()
        chosen = [i for i in instances if not arguments.only or i.kind in arguments.only]
        rows, text = report(chosen, arguments.jobs)
        sys.stdout.write(text)
        if arguments.json:
            arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
        return
    parameters = dict(p.split("=", 1) for p in arguments.parameters)
    path = netlists([(arguments.unit, parameters)])[0].longest()
    sys.stdout.write(f"{path.ps / 1000:.2f} ns\n" + "\n".join(path.steps) + "\n")


if __name__ == "__main__":
    main()
