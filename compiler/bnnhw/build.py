"""A build folder: what `compile` leaves behind, and how later commands read it."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.design import InputPort, OutputPort
from bnnhw.errors import BnnhwError
from bnnhw.ir.serialize import read_graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph

_MARK = "manifest.json"


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
                "is no build folder: it has no manifest.json",
                where=str(path),
                fix="make one: bnnhw compile MODEL.onnx --board pynq-z2 -o DIR",
            )
        return Build(path)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json."""
        return _read_json(self.path / _MARK)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The content of report.json."""
        return _read_json(self.path / "report.json")

    @cached_property
    def graph(self) -> Graph:
        """The integer graph that the hardware implements."""
        return read_graph(self.path / "graph.npz")

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


def write_build(path: Path, files: Mapping[str, str | bytes]) -> Build:
    """Writes a build folder: all of it or nothing.

    The files go to a temporary folder beside ``path`` that takes its place at the end. An existing
    build at ``path`` is replaced; any other non-empty folder is refused.
    """
    path = path.absolute()
    if (
        path.exists()
        and not (path / _MARK).is_file()
        and (not path.is_dir() or any(path.iterdir()))
    ):
        raise BnnhwError(
            "exists and is no build of bnnhw: it is left as it is",
            where=str(path),
            fix="choose another folder with -o",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in files.items():
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                target.write_text(content)
        draft.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        draft.replace(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Build(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise BnnhwError(
            f"cannot be read: {error}", where=str(path), fix="compile the model again"
        ) from error
    assert isinstance(data, dict)
    return data
