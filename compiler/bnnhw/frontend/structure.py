"""Checks of a parsed file before anything is computed from it: names, functions, sizes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import Message

from bnnhw.errors import ModelError
from bnnhw.frontend.limits import (
    MAX_FILE_BYTES,
    MAX_FUNCTION_DEPTH,
    MAX_INTEGER,
    MAX_NODES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bnnhw.frontend.onnx_nodes import OnnxNode

    Key = tuple[str, str, str]

QUANTISERS = {"BipolarQuant": 2, "Quant": 4, "IntQuant": 4}
"""QONNX's quantisers, and how many inputs they need."""
_DAMAGED = "the file is damaged; export the model again"
_ANY_FLOAT = ("Constant", "ConstantOfShape", "Clip", "Pad")
"""Operations whose attributes may be infinite: no bound, or a value that is checked where used."""
_ANY_INTEGER = ("Constant", "ConstantOfShape", "Slice", "Shape", "RandomNormal", "RandomUniform")
"""Operations whose attributes may be any integer: values, and "to the end" as the largest one."""


def check_file_size(path: Path) -> None:
    """Raises ModelError where the file is too large to be read."""
    _check_size(path.stat().st_size, f"file '{path}'")


def check_external_size(proto: onnx.ModelProto, path: Path) -> None:
    """Raises ModelError where the data beside the file are too large to be read."""
    total = path.stat().st_size
    for tensor in _tensors(proto.graph):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = path.parent / entries.get("location", "")
        length = entries.get("length", "")
        if length.isdecimal():
            total += int(length)
        elif file.is_file():
            total += file.stat().st_size
        _check_size(total, f"initialiser '{tensor.name}'")


def _check_size(count: int, where: str) -> None:
    if count > MAX_FILE_BYTES:
        raise ModelError(
            f"the model takes {count} bytes; the limit is {MAX_FILE_BYTES}",
            where=where,
            fix="store weights as float32, and none that the network does not read",
        )


def check_names(proto: onnx.ModelProto) -> None:
    """Raises ModelError where a name is no text, or two things share one."""
    for place, message in _named_parts(proto):
        _check_text(message, place)
    graph = proto.graph
    for kind, names in (
        ("initialiser", [t.name for t in graph.initializer]),
        ("input", [i.name for i in graph.input]),
    ):
        seen: set[str] = set()
        for name in names:
            if name in seen or not name:
                raise ModelError(
                    "exists twice" if name else "has no name",
                    where=f"{kind} '{name}'",
                    fix=_DAMAGED,
                )
            seen.add(name)


def _named_parts(proto: onnx.ModelProto) -> Iterator[tuple[str, Message]]:
    graph = proto.graph
    for kind, parts in (
        ("node", graph.node),
        ("initialiser", graph.initializer),
        ("input", graph.input),
        ("output", graph.output),
        ("annotation", graph.quantization_annotation),
        ("opset", proto.opset_import),
        ("function", proto.functions),
        ("value", graph.value_info),
    ):
        for index, part in enumerate(parts):
            operation = f" ({part.op_type})" if isinstance(part, onnx.NodeProto) else ""
            yield f"{kind} {index} of the file{operation}", part


def _check_text(message: Message, place: str) -> None:
    """Raises ModelError where a field of text, here or below, is not UTF-8: it is bytes then."""
    if isinstance(message, onnx.TensorProto):  # its other fields are large
        _check_field("name", [message.name], place)
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            _check_field(field.name, [value] if isinstance(value, (str, bytes)) else value, place)
        elif field.type == field.TYPE_MESSAGE:
            for part in [value] if isinstance(value, Message) else value:
                _check_text(part, place)


def _check_field(name: str, texts: Iterable[str | bytes], place: str) -> None:
    for text in texts:
        if isinstance(text, bytes):
            raise ModelError(
                f"its {name} {text!r} is no text in UTF-8",
                where=place,
                fix="rename it in the model's source and export again",
            )


def check_functions(proto: onnx.ModelProto) -> None:
    """Raises ModelError where the model, its functions inlined, has no end or too many nodes."""
    functions: dict[Key, onnx.FunctionProto] = {}
    for function in proto.functions:
        key = (function.domain, function.name, function.overload)
        if key in functions:
            raise ModelError("exists twice", where=_function(key), fix=_DAMAGED)
        functions[key] = function
    known: dict[Key, tuple[int, int]] = {}
    for key in functions:
        _measure(key, functions, known, ())
    total = 0
    for node in _nodes(proto.graph.node):
        total += known[_key(node)][0] if _key(node) in known else 1
        _check_count(total, f"node '{node.name or node.op_type}'")


def _measure(
    key: Key,
    functions: dict[Key, onnx.FunctionProto],
    known: dict[Key, tuple[int, int]],
    callers: tuple[Key, ...],
) -> tuple[int, int]:
    """Nodes of a function with all it calls, and how deep calls go; each is measured once."""
    if key in known:
        return known[key]
    if key in callers:
        raise ModelError("calls itself", where=_function(key), fix="export without functions")
    size, depth = 1, 1
    for node in _nodes(functions[key].node):
        called = _key(node)
        inner = (1, 0)
        if called in functions and len(callers) < MAX_FUNCTION_DEPTH:
            inner = _measure(called, functions, known, (*callers, key))
        size, depth = size + inner[0], max(depth, 1 + inner[1])
    if max(depth, len(callers) + 1) > MAX_FUNCTION_DEPTH:
        raise ModelError(
            f"calls functions more than {MAX_FUNCTION_DEPTH} deep",
            where=_function(key),
            fix="export without functions",
        )
    known[key] = (size, depth)
    return known[key]


def check_signature(node: OnnxNode, opset: int) -> None:
    """Raises ModelError where inputs, outputs or attributes are not those that ONNX defines."""
    if node.domain or node.op in QUANTISERS:
        least = QUANTISERS.get(node.op, 0)
        wrong = sum(map(bool, node.inputs)) < least and f"has fewer than {least} inputs"
    else:
        wrong = _differs(node, opset)
    if wrong or not any(node.outputs):
        raise ModelError(wrong or "has no output", where=node.where, fix=_DAMAGED)


def _differs(node: OnnxNode, opset: int) -> str:
    """What of a node is not as ONNX defines it; empty where all is, or nothing is known."""
    try:
        schema = onnx.defs.get_schema(node.op, min(opset, onnx.defs.onnx_opset_version()))
    except onnx.defs.SchemaError:
        return ""
    if not schema.min_input <= len(node.inputs) <= schema.max_input:
        return f"has {len(node.inputs)} inputs"
    if len(node.outputs) > schema.max_output:
        return f"has {len(node.outputs)} outputs"
    for index in range(schema.min_input):
        kind = schema.inputs[min(index, len(schema.inputs) - 1)]
        if (
            not node.inputs[index]
            and kind.option == onnx.defs.OpSchema.FormalParameterOption.Single
        ):
            return f"lacks its input {index}, {kind.name}"
    kinds = {a.name: a.type for a in node.proto.attribute}
    for name, attribute in schema.attributes.items():
        if attribute.required and name not in kinds:
            return f"lacks its attribute {name}"
        if name in kinds and kinds[name] != attribute.type.value:  # type: ignore[attr-defined]
            return f"has an attribute {name} of another type"
    return ""


def check_attributes(node: OnnxNode) -> None:
    """Raises ModelError where a number among the attributes can have no meaning."""
    for name, value in node.attributes.items():
        numbers: Sequence[object] = value if isinstance(value, (list, tuple)) else (value,)
        for number in numbers:
            if isinstance(number, float) and not math.isfinite(number):
                wrong = math.isnan(number) or node.op not in _ANY_FLOAT
                wrong &= node.op not in ("Constant", "ConstantOfShape")
            else:
                large = isinstance(number, int) and abs(number) > MAX_INTEGER
                wrong = large and node.op not in _ANY_INTEGER
            if wrong:
                raise ModelError(
                    f"has the {name} {number}, which is no usable number",
                    where=node.where,
                    fix=_DAMAGED
                    if isinstance(number, int)
                    else "the training diverged or the file is damaged; train or export again",
                )


def _check_count(count: int, where: str) -> None:
    if count > MAX_NODES:
        raise ModelError(
            f"the model has more than {MAX_NODES} nodes, its functions written out",
            where=where,
            fix="simplify the model first (onnxsim), or split the network",
        )


def _nodes(nodes: Sequence[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes and those of the graphs in their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(graph.node)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in _nodes(graph.node):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _key(node: onnx.NodeProto) -> Key:
    return (node.domain, node.op_type, node.overload)


def _function(key: Key) -> str:
    return f"function '{key[0]}.{key[1]}'"
