"""A build folder: what `compile` leaves behind, and how later commands read it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError
from bnnhw.hardware.design import InputPort, OutputPort
from bnnhw.ir.serialize import read_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.ir.graph import Graph

_MARK = "manifest.json"
_REPORT = "report.json"
_LIST = "files.txt"  # of what `compile` wrote, one path a line
# Where later commands write: bnnhw's own; Vivado as the scripts lead it, and of its own accord when
# it is started in vivado/; Vitis HLS in hls/.
_TOOLS: tuple[str, ...] = (
    *("sim/*", "hls/simulation/*", "synth/*"),
    *("vivado/ip/*", "vivado/project/*", "vivado/reports/*", "vivado/overlay/*"),
    *("vivado/simulation/*", "vivado/.Xil/*", "vivado/vivado*.log", "vivado/vivado*.jou"),
    *("vivado/vivado_pid*", "hls/*_hls/*", "hls/vitis*.log", "hls/.Xil/*", "hls/logs/*"),
)
_SCHEMAS = {_MARK: 1, _REPORT: 2}  # those that this version writes and reads
_KEYS = {"schema", "bnnhw", "network", "top", "input", "output"}


@dataclass(frozen=True)
class Build:
    """A build folder on disk.

    Attributes:
        path: the folder.
    """

    path: Path

    @staticmethod
    def open(path: Path) -> Build:
        """The build at ``path``; raises BnnhwError where there is none."""
        if not (path / _MARK).is_file():
            raise BnnhwError(
                f"is no build folder: it has no {_MARK}",
                where=str(path),
                fix="make one: bnnhw compile MODEL.onnx --board pynq-z2 -o DIR",
            )
        manifest = _read_json(path / _MARK)
        if not manifest.keys() >= _KEYS:
            raise BnnhwError(
                "is no manifest of a build of bnnhw",
                where=str(path / _MARK),
                fix="make a build: bnnhw compile MODEL.onnx --board pynq-z2 -o DIR",
            )
        _check_schema(manifest, path / _MARK)
        return Build(path.absolute())  # simulators run in other folders than the caller

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json."""
        return _read_json(self.path / _MARK)

    @property
    def report(self) -> dict[str, Any]:
        """The content of report.json as it is now: simulation and synthesis add to it."""
        path = self.path / _REPORT
        report = _read_json(path)
        _check_schema(report, path)
        return report

    @cached_property
    def graph(self) -> Graph:
        """The integer graph that the hardware implements."""
        return read_graph(self.path / "graph.npz")

    def require(self, backend: str) -> None:
        """Raises BnnhwError where the build lacks "verilog" or "hls", or has another's report.

        Worth asking before a long simulation, whose figures go into the report.
        """
        if not any((self.path / {"verilog": "rtl", "hls": "hls"}[backend]).glob(f"{self.top}.*")):
            raise BnnhwError(
                f"the build holds no {backend} files",
                where=str(self.path),
                fix="compile the model again with --backend verilog --backend hls, the default",
            )
        if (self.path / _REPORT).is_file():
            _ = self.report

    def verilog_sources(self) -> list[Path]:
        """The files of ``rtl/`` that hold modules: the top in Verilog, the units in SystemVerilog.

        Builds of earlier versions have their top in SystemVerilog, too.
        """
        rtl = self.path / "rtl"
        return sorted(path for path in rtl.glob("*.*v") if path.suffix in (".v", ".sv"))

    @property
    def top(self) -> str:
        """Name of the top module."""
        return str(self.manifest["top"])

    @property
    def input_port(self) -> InputPort:
        """The AXI4-Stream input."""
        data = self.manifest["input"]
        stream, element = data["stream"], data["element"]
        return InputPort(
            beat_bytes=stream["bytes"],
            elem_bits=stream["elem_bits"],
            signed=element.get("signed") == "true",
            bit_low=int(element.get("low", 0)),
            shape=tuple(stream["shape"]),
            beats=stream["beats"],
        )

    @property
    def output_port(self) -> OutputPort:
        """The AXI4-Stream output."""
        stream = self.manifest["output"]["stream"]
        return OutputPort(
            beat_bytes=stream["bytes"],
            field_bits=stream["field_bits"],
            score_bits=stream["field_bits"],
            shape=tuple(stream["shape"]),
            beats=stream["beats"],
            top_k=self.manifest["output"]["top_k"],
        )


def check_folder(path: Path, sources: Sequence[Path] = (), *, force: bool = True) -> None:
    """Raises BnnhwError where ``write_build`` would not write: worth asking before the work.

    Neither where the new build would delete one of the files that it is made from, nor, unless
    ``force``, where the build that is there holds results: of a simulation, of a synthesis, or of
    Vivado.
    """
    for source in sources:
        if path.resolve() in source.resolve().parents:
            raise BnnhwError(
                f"holds {source}, which the new build would delete",
                where=str(path),
                fix="choose another folder with -o",
            )
    path = path.absolute()
    if path.exists() and not _is_build(path) and not _is_empty_folder(path):
        raise BnnhwError(
            "exists and is no build of bnnhw: it is left as it is",
            where=str(path),
            fix="choose another folder with -o",
        )
    if foreign := _foreign_file(path):
        raise BnnhwError(
            f"holds {foreign}, which bnnhw did not write, and which the new build would delete",
            where=str(path),
            fix="move it elsewhere, or choose another folder with -o",
        )
    if not force and (found := _results(path)):
        raise BnnhwError(
            f"holds results of a {found}, which the new build would replace",
            where=str(path),
            fix="choose another folder with -o, or give --force",
        )
    above = next(parent for parent in path.parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        reason = "may not be written to" if above.is_dir() else "is no folder"
        raise BnnhwError(
            f"the build folder cannot be made: {above} {reason}",
            where=str(path),
            fix="choose another folder with -o",
        )


def _results(path: Path) -> str:
    """What was measured on the build in a folder; empty where there is none, or nothing was."""
    try:
        report = _read_json(path / _REPORT)
    except BnnhwError:
        return ""
    found = [name for name in ("simulation", "synthesis") if report.get(name)]
    if report.get("placement") or any((path / "vivado" / "overlay").glob("*.bit")):
        found.append("run of Vivado")
    return " and a ".join(found)


def write_build(path: Path, files: Mapping[str, str | bytes]) -> Build:
    """Writes a build folder: all of it or nothing.

    The files go to a temporary folder beside ``path`` that takes its place at the end. An existing
    build at ``path`` is replaced where it holds nothing but what bnnhw wrote; anything else but an
    empty folder is refused.

    Raises:
        BnnhwError: ``path`` is taken, or cannot be written.
    """
    check_folder(path)
    path = path.resolve()  # a link stays one: what it names is replaced
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{path.name}.", dir=path.parent, ignore_cleanup_errors=True
        ) as draft:
            new, old = Path(draft) / "new", Path(draft) / "old"
            _write_files(new, {**files, _LIST: "".join(f"{n}\n" for n in sorted(files))})
            if path.exists():
                path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                if old.exists():
                    old.rename(path)
                raise
    except BaseException as error:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        if not isinstance(error, OSError):
            raise
        raise BnnhwError(
            f"the build cannot be written: {error.strerror}",
            where=str(path),
            fix="choose another folder with -o, or make room for it",
        ) from error
    return Build(path)


def _write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())


def _is_build(path: Path) -> bool:
    """Whether ``path`` is a folder of ours: other tools write a manifest.json too."""
    try:
        return _read_json(path / _MARK).keys() >= _KEYS
    except BnnhwError:
        return False


def _foreign_file(path: Path) -> Path | None:
    """The first file in a build, below ``path``, that no command of bnnhw wrote."""
    if not _is_build(path):
        return None
    try:
        listed = (path / _LIST).read_text(encoding="utf-8").splitlines()
        ours = _TOOLS
    except (OSError, ValueError):  # of an earlier version, which kept no list
        listed, ours = ["folding.json", "graph.npz", "report.html"], (*_TOOLS, "rtl/*", "hls/*")
    known = {_MARK, _REPORT, _LIST, *listed}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_dir() and not file.is_symlink():
            continue
        path_name = name.as_posix()
        if path_name not in known and not any(fnmatchcase(path_name, own) for own in ours):
            return name
    return None


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _check_schema(data: dict[str, Any], path: Path) -> None:
    expected = _SCHEMAS[path.name]
    if data.get("schema") != expected:
        raise BnnhwError(
            f"has schema {data.get('schema')}, this version of bnnhw reads {expected}",
            where=str(path),
            fix="compile the model again",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BnnhwError(
            f"cannot be read: {error}", where=str(path), fix="compile the model again"
        ) from error
    if not isinstance(data, dict):
        raise BnnhwError("holds no JSON object", where=str(path), fix="compile the model again")
    return data
