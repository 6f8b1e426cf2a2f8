"""Graphs on disk: one .npz file that holds the structure as JSON and the arrays beside it."""

from __future__ import annotations

import dataclasses
import io
import json
import zlib
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir import ops, types
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap, Statistics

if TYPE_CHECKING:
    from pathlib import Path

_CLASSES = {
    cls.__name__: cls
    for module in (ops, types)
    for cls in vars(module).values()
    if isinstance(cls, type) and dataclasses.is_dataclass(cls)
} | {cls.__name__: cls for cls in (Graph, InputFormat, Node, OutputMap, Statistics)}


def graph_to_bytes(graph: Graph) -> bytes:
    """The graph as the bytes of an .npz file; the same graph gives the same bytes."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    text = json.dumps(_encode(graph, arrays), sort_keys=True)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        graph=np.frombuffer(text.encode(), np.uint8),
        **arrays,  # type: ignore[arg-type]
    )
    return buffer.getvalue()


def read_graph(path: Path) -> Graph:
    """The graph that ``graph_to_bytes`` wrote to the file at ``path``."""
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = dict(data)
        graph = _decode(json.loads(arrays.pop("graph").tobytes()), arrays)
    except (OSError, EOFError, KeyError, ValueError, TypeError, BadZipFile, zlib.error) as error:
        raise ModelError(
            f"is no graph of this version of bnnhw: {error}",
            where=str(path),
            fix="compile the model again",
        ) from error
    assert isinstance(graph, Graph)
    return graph


def _encode(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = {
            f.name: _encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)
        }
        return {"class": type(value).__name__, "fields": fields}
    if isinstance(value, (tuple, list)):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[key, _encode(item, arrays)] for key, item in value.items()]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _decode(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(_decode(item, arrays) for item in value["tuple"])
    if "dict" in value:
        return {key: _decode(item, arrays) for key, item in value["dict"]}
    fields = {key: _decode(item, arrays) for key, item in value["fields"].items()}
    return _CLASSES[value["class"]](**fields)
