"""The front end: from an ONNX file to a graph of real-valued operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.frontend.importer import Imported, import_model, import_partly
from bnnhw.frontend.model_file import read_model
from bnnhw.frontend.options import LoadOptions
from bnnhw.ir.graph import verify
from bnnhw.ir.ops import FRONT_END

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph

__all__ = ["Imported", "LoadOptions", "import_file", "import_partly", "load", "read_model"]


def load(path: Path, options: LoadOptions | None = None) -> Graph:
    """The real-valued graph of the ONNX model in ``path``.

    Raises:
        ModelError: the file is malformed or uses what is not supported; names the ONNX node.
    """
    return import_file(path, options).graph


def import_file(path: Path, options: LoadOptions | None = None) -> Imported:
    """The same, with what is needed to compare graph and model tensor by tensor."""
    imported = import_model(read_model(path), options or LoadOptions())
    verify(imported.graph, FRONT_END)
    return imported
