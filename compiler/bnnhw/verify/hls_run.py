"""Simulation of a build's HLS C++: compiled with g++ against the public ap_types headers."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bnnhw.backend.hls import STAND_IN
from bnnhw.backend.manifest import MEMORY_FILE
from bnnhw.errors import REPORT, ToolError, VerificationError
from bnnhw.verify.cxx import asked_flags, precompiled

_FLAGS = ("-O2", "-std=c++14", "-w")
_HEADERS = ("ap_int.h", "hls_stream.h", "vector")


def ap_types_folder() -> Path:
    """The folder of ap_int.h and hls_stream.h, from the wheel of hls4ml (not imported: slow).

    Raises:
        ToolError: hls4ml is not installed.
    """
    spec = importlib.util.find_spec("hls4ml")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "templates" / "vivado" / "ap_types"
        if (folder / "ap_int.h").is_file():
            return folder
    raise ToolError(
        "HLS simulation needs the ap_types headers of the package hls4ml",
        fix="pip install 'bnnhw[sim]'",
    )


def simulate_hls(build_dir: Path, frames: bytes, count: int) -> bytes:
    """Runs ``count`` frames through the HLS C++ of a build.

    Args:
        build_dir: the build folder, with ``hls/``, and ``weights.bin`` where the design reads
            weights from memory; the program is built below it, once.
        frames: the frames as ``InputPort.pack`` makes them.
        count: number of frames.

    Returns:
        The bytes that leave the design, frame after frame, as ``OutputPort.unpack`` takes them.

    Raises:
        ToolError: g++ or the ap_types headers are missing, or the program does not compile.
        VerificationError: the design breaks its protocol: too few or too many beats, a misplaced
            tlast, or an empty stream is read.
    """
    program = _build(build_dir)
    weights = build_dir / MEMORY_FILE
    with tempfile.TemporaryDirectory(prefix="run.", dir=program.parent) as folder:
        source, sink = Path(folder) / "frames.bin", Path(folder) / "scores.bin"
        source.write_bytes(frames)
        done = subprocess.run(
            [program, source, sink, str(count), *([weights] if weights.exists() else [])],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        # hls::stream reports reads of an empty stream, and data left in one, on standard output.
        if done.returncode or done.stdout:
            raise VerificationError(
                f"the HLS simulation failed: {_tail(done.stderr + done.stdout)}",
                where=str(build_dir),
                fix=REPORT,
            )
        return sink.read_bytes()


def _build(build_dir: Path) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        raise ToolError("HLS simulation needs the program g++", fix="apt-get install g++")
    sources = build_dir / "hls"
    files = sorted(path for path in sources.rglob("*") if path.suffix in (".h", ".cpp"))
    units = [path for path in files if path.suffix == ".cpp"]
    if not units:
        raise ToolError(
            "the build holds no HLS C++",
            where=str(build_dir),
            fix="compile the model again",
        )
    include = ap_types_folder()
    flags = (*_FLAGS, *asked_flags())
    digest = hashlib.sha256(repr((compiler, flags, str(include))).encode())
    for path in files:
        digest.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes())
    folder = build_dir / "hls" / "simulation"
    program = folder / f"testbench-{digest.hexdigest()[:16]}"
    if program.exists():
        return program
    folder.mkdir(exist_ok=True)
    command = [compiler, *flags, "-isystem", str(include)]
    if header := precompiled(_HEADERS, command):
        command += ["-include", str(header)]
    command += ["-I", str(sources), "-isystem", str(sources / STAND_IN)]
    draft = folder / f"{program.name}.{os.getpid()}"
    done = subprocess.run(
        [*command, "-o", draft, *units], capture_output=True, text=True, check=False
    )
    if done.returncode:
        draft.unlink(missing_ok=True)
        raise ToolError(
            f"g++ could not compile the HLS C++: {_tail(done.stderr)}",
            where=str(sources),
            fix="report this with the build folder: the generated code is at fault",
        )
    draft.replace(program)
    return program


def _tail(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[:8]) if lines else "no message"
