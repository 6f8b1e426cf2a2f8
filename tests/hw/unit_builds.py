"""Builds one unit with its parameters on Verilator.

A build is kept under the temporary directory, keyed by the unit, its parameters, its memory
images and the text of every source it reaches, so that one build serves many patterns and runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cocotb_tools.runner import Verilator

from bnnhw.backend.netlist import MODELS, WRITE
from bnnhw.verify.verilator import NETLIST_FLAGS, use_verilator, verilated_headers
from unit_netlist import synthesise_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
HW = ROOT / "hw"
SIM = ROOT / "sim"
CACHE = Path(tempfile.gettempdir()) / f"bnnhw-benches-{os.getuid()}"
# Split output uses precompiled headers, which this Verilator's makefile gets wrong.
_COMPILE_ARGS = ["--output-split", "0", "-CFLAGS", "-w"]
# A unit is small and runs for a moment: what takes long is to compile it, and headers most of all.
_UNIT_FLAGS = "-O0"
_RUNTIME_FLAGS = "-O1"
BUILD_ARGS = [
    "--assert",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "-O3",
    "-Wno-fatal",
    *_COMPILE_ARGS,
]
NETLIST_ARGS = [*NETLIST_FLAGS, *_COMPILE_ARGS]


def sources(unit: str) -> list[Path]:
    """Returns the file of a unit, or of a bench here, and of every unit it names, itself first."""
    found: dict[str, Path] = {}
    todo = [unit]
    while todo:
        name = todo.pop(0)
        path = HW / f"{name}.sv"
        if name == unit and not path.exists():
            path = Path(__file__).with_name(f"{name}.sv")
        if name in found or not path.exists():
            continue
        found[name] = path
        todo += sorted(set(re.findall(r"\bbnn_\w+", path.read_text())) - found.keys())
    if unit not in found:
        raise FileNotFoundError(HW / f"{unit}.sv")
    return list(found.values())


@contextmanager
def _lock(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def quoted(value: object) -> object:
    """Quotes strings, except for sized literals such as ``64'h0123``."""
    if isinstance(value, str) and re.fullmatch(r"\d+'[bdh][0-9a-fA-F_]+", value):
        return value
    return f'"{value}"' if isinstance(value, str | Path) else value


def _yosys_value(value: int | str) -> str:
    if isinstance(value, int) and value < 0:
        return f"32'b{value & 0xFFFFFFFF:032b}"
    return str(quoted(value))


def _runtime_folder() -> Path:
    text = json.dumps(
        [BUILD_ARGS, _RUNTIME_FLAGS, sys.version, sys.prefix, os.environ.get("CXX", "")]
    )
    return CACHE / f"runtime-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _runtime_objects() -> list[Path]:
    return sorted(_runtime_folder().glob("*.o"))


class Runner(Verilator):
    """Puts the kept objects of Verilator's runtime beside the generated C++ before ``make``."""

    def __init__(self, *, netlist: bool = False) -> None:
        super().__init__()
        self.netlist = netlist

    def _build_command(self) -> list[list[str]]:
        commands = super()._build_command()
        if self.netlist:  # of which the ports are public, in ports.vlt
            commands[0].remove("--public-flat-rw")
        header = verilated_headers(use_verilator(), [_UNIT_FLAGS, "-w"])
        unit = f"{_UNIT_FLAGS} -include {header}" if header else _UNIT_FLAGS
        commands[-1] += [f"OPT_FAST={unit}", f"OPT_SLOW={unit}", f"OPT_GLOBAL={_RUNTIME_FLAGS}"]
        if objects := _runtime_objects():
            commands.insert(-1, ["cp", *map(str, objects), str(self.build_dir)])
        return commands


def _keep_runtime_objects(build_dir: Path) -> None:
    """Keeps Verilator's own objects: they are the same for every unit and slow to compile."""
    with _lock("runtime"):
        if not _runtime_objects():
            fresh = CACHE / f"runtime.{os.getpid()}"
            fresh.mkdir(exist_ok=True)
            for path in build_dir.glob("verilated*.o"):  # verilator.o knows the unit's ports
                shutil.copy(path, fresh)
            fresh.rename(_runtime_folder())


@cache
def build(
    unit: str,
    parameters: tuple[tuple[str, int | str], ...],
    files: tuple[tuple[str, str], ...] = (),
    waves: bool = False,
    family: str = "",
) -> Path:
    """Builds a unit once and returns the directory of the build.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Module parameters (name, value).
        files: Memory images (parameter name, text); the parameter gets the path of the file.
        waves: Whether to build with tracing.
        family: Build what Yosys synthesises from the unit for this family, where it is one.
    """
    paths = sources(unit)
    flags = [family, *NETLIST_ARGS, *WRITE, MODELS] if family else BUILD_ARGS
    text = json.dumps([unit, parameters, files, waves, flags, sys.version, sys.prefix])
    digest = hashlib.sha256(text.encode())
    for path in [*paths, *(sorted(SIM.glob("xilinx_*.sv")) if family else [])]:
        digest.update(path.read_bytes())
    key = f"{unit}-{digest.hexdigest()[:20]}"
    build_dir = CACHE / key
    with _lock(key):
        if (build_dir / "built").exists():
            return build_dir
        shutil.rmtree(build_dir, ignore_errors=True)
        build_dir.mkdir(parents=True)
        values: dict[str, object] = {name: quoted(value) for name, value in parameters}
        for name, content in files:
            (build_dir / f"{name}.mem").write_text(content)
            values[name] = quoted(build_dir / f"{name}.mem")
        use_verilator()
        log = build_dir / "build.log"
        if family:
            settings = [(name, _yosys_value(value)) for name, value in parameters]
            settings += [(name, f'"{name}.mem"') for name, _ in files]
            verilog = synthesise_unit(paths, unit, settings, build_dir, family)
        try:
            Runner(netlist=bool(family)).build(
                sources=verilog if family else [paths[0]],
                hdl_toplevel=unit,
                parameters={} if family else values,
                build_args=NETLIST_ARGS if family else ["-y", str(HW), *BUILD_ARGS],
                build_dir=build_dir,
                timescale=("1ns", "1ps"),
                waves=waves,
                log_file=log,
            )
        except (Exception, SystemExit) as error:
            raise AssertionError(f"build of {unit} failed:\n{log.read_text()[-4000:]}") from error
        (build_dir / "built").touch()
    _keep_runtime_objects(build_dir)
    return build_dir
