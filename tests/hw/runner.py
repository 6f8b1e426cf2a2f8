"""Builds one unit with its parameters on Verilator and moves beats through it.

The usual bench is a single call::

    for run in run_streams("bnn_fifo", {"WIDTH": 8, "DEPTH": 4}, {"s_axis": beats}, {"m_axis": n}):
        assert run.outputs["m_axis"].data == expected

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
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from cocotb_tools.runner import Verilator

from bnnhw.backend.netlist import MODELS, WRITE
from bnnhw.verify.verilator import NETLIST_FLAGS, use_verilator
from constants import compare
from unit_netlist import synthesise_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
HW = ROOT / "hw"
SIM = ROOT / "sim"
CACHE = Path(tempfile.gettempdir()) / f"bnnhw-benches-{os.getuid()}"
# Split output uses precompiled headers, which this Verilator's makefile gets wrong.
_COMPILE_ARGS = ["--output-split", "0", "-CFLAGS", "-w"]
# A unit is small and runs for a moment: what takes long is to compile it, and headers most of all.
_UNIT_FLAGS = "-O0"
_RUNTIME_FLAGS = "-O1"
_HEADERS = ("verilated.h", "verilated_vpi.h", "verilated_dpi.h")
_DEFINES = (
    *("VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE=0"),
    *("VM_TRACE_FST=0", "VM_TRACE_VCD=0", "VM_TRACE_SAIF=0"),
)
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


#: What a bench does: it simulates a unit's "verilog", its "netlist" for 7-series or the one for
#: "ultrascale", or compares the "constants".
mode = "verilog"
_FAMILIES = {"netlist": "xc7", "ultrascale": "xcup"}

#: The units that benches came to in that mode, and the folders of their builds.
reached: list[str] = []
built: list[Path] = []


@dataclass(frozen=True)
class Pattern:
    """Who is willing when: names as in ``bnn_stream.willing``."""

    idle: str = "always"
    stall: str = "always"
    seed: int = 1


#: Full speed, random, bursts, a slow and stopping sink, a starving source, a sink that waits.
PATTERNS = (
    Pattern(),
    Pattern("half", "half"),
    Pattern("bursts", "bursts", 2),
    Pattern("always", "stall", 3),
    Pattern("rare", "always", 4),
    Pattern("most", "shy", 5),
)


@dataclass
class Captured:
    """The beats of an output stream and when each first appeared and was taken."""

    data: list[int]
    appeared: list[int]
    taken: list[int]
    user: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


@dataclass
class Run:
    """What the bench saw under one pattern; cycles count from the end of reset.

    ``inputs`` gives, for each input stream, the cycle in which each beat was taken; ``watch``
    gives (cycle, value) at each change of a watched signal.
    """

    pattern: Pattern
    cycles: int
    inputs: dict[str, list[int]]
    outputs: dict[str, Captured]
    watch: dict[str, list[tuple[int, int]]]


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


def _quoted(value: object) -> object:
    """Quotes strings, except for sized literals such as ``64'h0123``."""
    if isinstance(value, str) and re.fullmatch(r"\d+'[bdh][0-9a-fA-F_]+", value):
        return value
    return f'"{value}"' if isinstance(value, str | Path) else value


def _yosys_value(value: int | str) -> str:
    if isinstance(value, int) and value < 0:
        return f"32'b{value & 0xFFFFFFFF:032b}"
    return str(_quoted(value))


def _runtime_folder() -> Path:
    text = json.dumps(
        [BUILD_ARGS, _RUNTIME_FLAGS, sys.version, sys.prefix, os.environ.get("CXX", "")]
    )
    return CACHE / f"runtime-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _runtime_objects() -> list[Path]:
    return sorted(_runtime_folder().glob("*.o"))


@cache
def _headers() -> Path:
    """A header of what every unit's C++ includes, precompiled as Verilator's makefile compiles.

    The compiler takes the header itself where the precompiled one was made in another way.
    """
    compiler = os.environ.get("CXX", "c++")
    include = use_verilator() / "include"
    text = json.dumps([compiler, str(include), _UNIT_FLAGS, _DEFINES, _HEADERS])
    header = CACHE / f"headers-{hashlib.sha256(text.encode()).hexdigest()[:12]}" / "unit.h"
    with _lock("headers"):
        if not header.exists():
            draft = header.parent.with_suffix(f".{os.getpid()}")
            draft.mkdir()
            lines = [f"#include <{name}>" for name in _HEADERS]
            (draft / header.name).write_text("\n".join([*lines, ""]))
            paths = ["-I.", f"-I{include}", f"-I{include / 'vltstd'}"]
            command = [compiler, *paths, *(f"-D{define}" for define in _DEFINES)]
            command += [_UNIT_FLAGS, "-w", "-x", "c++-header", header.name]
            subprocess.run(command, cwd=draft, check=True)
            draft.rename(header.parent)
    return header


class _Runner(Verilator):
    """Puts the kept objects of Verilator's runtime beside the generated C++ before ``make``."""

    def __init__(self, *, netlist: bool = False) -> None:
        super().__init__()
        self.netlist = netlist

    def _build_command(self) -> list[list[str]]:
        commands = super()._build_command()
        if self.netlist:  # of which the ports are public, in ports.vlt
            commands[0].remove("--public-flat-rw")
        unit = f"{_UNIT_FLAGS} -include {_headers()}"
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
        values: dict[str, object] = {name: _quoted(value) for name, value in parameters}
        for name, content in files:
            (build_dir / f"{name}.mem").write_text(content)
            values[name] = _quoted(build_dir / f"{name}.mem")
        use_verilator()
        log = build_dir / "build.log"
        if family:
            settings = [(name, _yosys_value(value)) for name, value in parameters]
            settings += [(name, f'"{name}.mem"') for name, _ in files]
            verilog = synthesise_unit(paths, unit, settings, build_dir, family)
        try:
            _Runner(netlist=bool(family)).build(
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


def _compare_constants(
    unit: str, parameters: Mapping[str, int | str], files: Mapping[str, str]
) -> None:
    """Elaborates a unit with Verilator and with slang; raises Compared where they agree."""
    values = {name: _quoted(value) for name, value in parameters.items()}
    with tempfile.TemporaryDirectory(prefix="bnnhw-constants-") as name:
        for key, content in files.items():
            path = Path(name) / f"{key}.mem"
            path.write_text(content)
            values[key] = _quoted(path)
        compare(sources(unit), HW, unit, values)


def run_module(
    unit: str,
    parameters: Mapping[str, int | str],
    test_module: str,
    *,
    files: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    waves: bool = False,
) -> None:
    """Builds a unit and runs the cocotb tests of a module (found in ``sim/`` or here) on it."""
    reached.append(unit)
    if mode == "constants":
        _compare_constants(unit, parameters, files or {})
    family = _FAMILIES.get(mode, "")
    build_dir = build(unit, tuple(parameters.items()), tuple((files or {}).items()), waves, family)
    built.append(build_dir)
    for folder in (SIM, ROOT / "tests" / "hw"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    with tempfile.TemporaryDirectory(prefix="bnnhw-run-") as name:
        log = Path(name) / "run.log"
        failed = ""
        try:
            results = _Runner().test(
                test_module=test_module,
                hdl_toplevel=unit,
                hdl_toplevel_lang="verilog",
                build_dir=build_dir,
                test_dir=build_dir if waves else name,
                results_xml=str(Path(name) / "results.xml"),
                seed=1,
                plusargs=["+verilator+rand+reset+2", "+verilator+seed+1"],
                extra_env={"COCOTB_ANSI_OUTPUT": "0", **(env or {})},
                waves=waves,
                log_file=log,
            )
            cases = list(ElementTree.parse(results).iter("testcase"))
            if not cases or any(c.find("failure") is not None for c in cases):
                failed = "failed" if cases else "ran no test"
        except (Exception, SystemExit) as error:
            failed = str(error)
        if failed:
            tail = log.read_text()[-4000:] if log.exists() else ""
            raise AssertionError(f"{unit} {dict(parameters)} {failed} ({build_dir})\n{tail}")


def _hex(values: Sequence[int]) -> list[str]:
    return [f"{int(v):x}" for v in values]


def run_streams(
    unit: str,
    parameters: Mapping[str, int | str],
    inputs: Mapping[str, Sequence[int] | Mapping[str, Sequence[int]]],
    outputs: Mapping[str, int],
    *,
    patterns: Sequence[Pattern] = PATTERNS,
    files: Mapping[str, str] | None = None,
    statics: Mapping[str, int] | None = None,
    watch: Sequence[str] = (),
    drain: int = 64,
    timeout: int = 4000,
    waves: bool = False,
) -> list[Run]:
    """Moves beats through a unit once for each pattern, in one build.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Module parameters.
        inputs: Beats of each input stream by port prefix (``s_axis``): a list of integers, or a
            mapping of ``tdata`` and the side channels that the unit has (``tuser``, ``tlast``).
        outputs: Number of beats to expect of each output stream.
        patterns: Idle and back-pressure patterns.
        files: Memory images by parameter name, as text for ``$readmemh``.
        statics: Values of other inputs, held.
        watch: Other outputs whose changes to record.
        drain: Cycles that must stay quiet after the last beat; all inputs must be consumed.
        timeout: Cycles without any beat that count as a deadlock.
        waves: Whether to record ``dump.vcd`` in the build directory.

    Returns:
        One `Run` a pattern, in order.

    Raises:
        AssertionError: The build failed, the protocol broke, or beats are missing or too many.
    """
    job: dict[str, Any] = {
        "inputs": {
            prefix: {
                name: _hex(values)
                for name, values in (
                    beats.items() if hasattr(beats, "items") else [("tdata", beats)]
                )
            }
            for prefix, beats in inputs.items()
        },
        "outputs": dict(outputs),
        "patterns": [vars(p) for p in patterns],
        "statics": dict(statics or {}),
        "watch": list(watch),
        "drain": drain,
        "timeout": timeout,
    }
    with tempfile.TemporaryDirectory(prefix="bnnhw-job-") as name:
        job_file, result_file = Path(name) / "job.json", Path(name) / "result.json"
        job_file.write_text(json.dumps(job))
        env = {"BNNHW_JOB": str(job_file), "BNNHW_RESULT": str(result_file)}
        run_module(unit, parameters, "bnn_stream", files=files, env=env, waves=waves)
        results = json.loads(result_file.read_text())
    return [
        Run(
            pattern=Pattern(**r["pattern"]),
            cycles=r["cycles"],
            inputs={prefix: s["taken"] for prefix, s in r["inputs"].items()},
            outputs={
                prefix: Captured(
                    data=[int(x, 16) for x in s["tdata"]],
                    appeared=s["appeared"],
                    taken=s["taken"],
                    user=[int(x, 16) for x in s.get("tuser", [])],
                    last=[int(x, 16) for x in s.get("tlast", [])],
                )
                for prefix, s in r["outputs"].items()
            },
            watch={name: [(c, v) for c, v in log] for name, log in r["watch"].items()},
        )
        for r in results
    ]
