"""Measures the resources of one hardware unit with Yosys, for Xilinx 7-series or UltraScale+.

    python tools/synth_unit.py bnn_pe_array PE=8 SIMD=64 FOLDS=9 WEIGHTS_STYLE=2

prints JSON: ``lc`` (Yosys's estimate of logic cells, without LUT memory), ``lut`` (LUTs of any
size), ``lutram`` (LUTs used as memory and as shift registers), ``ff``, ``bram36`` (RAMB18 counts
0.5), ``uram``, ``dsp``, ``carry4`` and ``total_lc`` = lc + lutram. Memory images are random, from a
fixed seed. ``--family xcup`` synthesises for UltraScale+.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HW = ROOT / "hw"
sys.path.insert(0, str(ROOT / "compiler"))

from bnnhw.backend.yosys import parse_statistics, run_yosys  # noqa: E402


def image_size(unit: str, file: str, values: dict[str, int]) -> tuple[int, int]:
    """Words, and bits per word, of the memory image that parameter ``file`` of a unit names."""

    def get(name: str, default: int = 1) -> int:
        return values.get(name, default)

    pe, tiles = get("PE"), get("TILES")
    acc = pe * get("ACC_BITS", 12)
    patterns = (get("BORDER_TOP", 0) + 1 + get("BORDER_BOTTOM", 0)) * (
        get("BORDER_LEFT", 0) + 1 + get("BORDER_RIGHT", 0)
    )
    in_bits, lanes = get("IN_BITS", 8), get("LANES")
    affine = get("SEGMENTS") * (get("MULTIPLIER_BITS") + get("OFFSET_BITS"))
    affine += (get("SEGMENTS") - 1) * (in_bits + 1)
    sizes = {
        "WEIGHTS_FILE": (tiles * get("FOLDS"), pe * get("SIMD") * get("WEIGHT_BITS")),
        "INIT_FILE": (patterns * tiles, acc),
        "MIN_FILE": (get("FOLDS", get("CHANNELS") // lanes), lanes),
        "THRESHOLDS_FILE": (get("FOLDS"), lanes * (in_bits + 2)),
        "PARAMETERS_FILE": (get("FOLDS"), lanes * affine),
        "TABLE_FILE": (1 << in_bits, get("OUT_BITS", 8)),
        "FILE": (get("DEPTH"), get("WIDTH")),
    }
    if file not in sizes:
        raise SystemExit(f"{unit}: no rule for the size of {file}; give {file}=PATH")
    return sizes[file]


def defaults(unit: str) -> dict[str, int]:
    """Returns the integer parameters of a unit and their defaults."""
    text = (HW / f"{unit}.sv").read_text().split(") (")[0]
    found = re.findall(r"parameter\s+(?:int\s+(?:unsigned\s+)?)?(\w+)\s*=\s*(\d+)\s*[,\n]", text)
    return {name: int(value) for name, value in found}


def files_of(unit: str) -> list[str]:
    """Returns the file name parameters of a unit."""
    text = (HW / f"{unit}.sv").read_text().split(") (")[0]
    return re.findall(r"parameter\s+(\w+)\s*=\s*\"", text)


def prepare(unit: str, parameters: dict[str, str], folder: Path) -> list[str]:
    """Writes sources and memory images of a unit to ``folder``; returns the script that reads them.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Parameters that differ from the defaults.
        folder: Where Yosys will run: WebAssembly Yosys has a /tmp of its own, so that every path is
            relative.
    """
    return [read_sources(folder), *elaborate(unit, parameters, folder)]


def read_sources(folder: Path) -> str:
    """Copies the sources of all units to ``folder``; returns the command that reads them."""
    sources = []
    for path in sorted(HW.glob("bnn_*.sv")):
        (folder / path.name).write_text(path.read_text())
        sources.append(path.name)
    return f"read_verilog -sv -defer {' '.join(sources)}"


def elaborate(
    unit: str, parameters: dict[str, str], folder: Path, *, prefix: str = ""
) -> list[str]:
    """Writes a unit's memory images, ``prefix`` before their names; returns what elaborates it.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Parameters that differ from the defaults, integers in Verilog's notation; of a
            memory image, the file. An image that is not among them is random.
        folder: Where Yosys will run.
        prefix: Keeps the images of several units in one folder apart.
    """
    files = files_of(unit)
    values = defaults(unit) | {k: int(v) for k, v in parameters.items() if v.isdigit()}
    rng = random.Random(1)
    chosen = {k: str(v) for k, v in values.items()}
    chosen |= {k: v for k, v in parameters.items() if k not in files}
    for file in files:
        path = folder / f"{prefix}{file}.mem"
        if file in parameters:
            path.write_text(Path(parameters[file]).read_text())
        else:
            words, bits = image_size(unit, file, values)
            lines = [f"{rng.getrandbits(bits):x}" for _ in range(words)]
            path.write_text("\n".join(lines) + "\n")
        chosen[file] = f'"{path.name}"'
    settings = " ".join(f"-set {name} {value}" for name, value in chosen.items())
    return [f"chparam {settings} {unit}" if chosen else "", f"hierarchy -top {unit}"]


def measure(unit: str, parameters: dict[str, str], family: str = "xc7") -> dict[str, float]:
    """Synthesises a unit, its hierarchy kept as in a whole design, and returns its counts.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Parameters that differ from the defaults.
        family: Of Yosys: "xc7" or "xcup".
    """
    with tempfile.TemporaryDirectory(prefix="bnnhw-synth-") as name:
        folder = Path(name)
        script = [
            *prepare(unit, parameters, folder),
            f"synth_xilinx -family {family} -noiopad -top {unit}",
            "tee -q -o {out} stat -tech xilinx",
        ]
        synthesis = parse_statistics(run_yosys(script, folder, unit), unit)
    cells = synthesis.cells
    return {
        "lc": synthesis.logic_cells,
        "lut": synthesis.lut_cells,
        "lutram": synthesis.lut_memory,
        "ff": synthesis.total.ff,
        "bram36": synthesis.total.bram36,
        "uram": synthesis.total.uram,
        "dsp": synthesis.total.dsp,
        "carry4": cells.get("CARRY4", 0),
        "total_lc": synthesis.total.lut,
    }


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unit")
    parser.add_argument("parameters", nargs="*", metavar="PARAM=VALUE")
    parser.add_argument("--family", default="xc7", help="xc7 or xcup")
    arguments = parser.parse_args()
    parameters = dict(p.split("=", 1) for p in arguments.parameters)
    json.dump(measure(arguments.unit, parameters, arguments.family), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
