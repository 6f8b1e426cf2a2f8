"""Reading an ONNX file into plain nodes and arrays, with every structural error caught here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from bnnhw.errors import ModelError
from bnnhw.frontend import structure
from bnnhw.frontend.onnx_nodes import OnnxModel, OnnxNode

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

QUANT_DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general", "brevitas")
_OLDEST_OPSET = 9


def read_proto(path: Path) -> onnx.ModelProto:
    """The parsed file, external data included, local functions inlined."""
    where = f"file '{path}'"
    if not path.exists():
        raise ModelError("there is no such file", where=where, fix="check the path")
    if path.is_dir():
        raise ModelError("is a folder", where=where, fix="give the .onnx file inside")
    if path.stat().st_size == 0:
        raise ModelError("the file is empty", where=where, fix="export the model again")
    structure.check_file_size(path)
    try:
        proto = onnx.load_model(str(path), load_external_data=False)
    except Exception as error:
        raise ModelError(
            f"is not an ONNX model ({type(error).__name__})",
            where=where,
            fix="give a file that torch.onnx.export, tf2onnx or qonnx wrote",
        ) from error
    if not proto.HasField("graph") or not proto.graph.node:
        raise ModelError(
            "holds no ONNX graph", where=where, fix="give a model, not a tensor or an empty graph"
        )
    structure.check_names(proto)
    structure.check_functions(proto)
    structure.check_external_size(proto, path)
    try:
        onnx.load_external_data_for_model(proto, str(path.parent))
    except Exception as error:
        raise ModelError(
            f"its external weights cannot be read: {error}",
            where=where,
            fix="keep the .data file beside the model, or save the model as one file",
        ) from error
    if proto.functions:
        from onnx import inliner

        try:
            proto = inliner.inline_local_functions(proto)
        except Exception as error:
            raise ModelError(
                f"its functions cannot be inlined: {str(error).strip()}",
                where=where,
                fix="export without functions",
            ) from error
    return proto


def read_model(path: Path) -> OnnxModel:
    """The model in ``path``; raises ModelError where its structure is not supported."""
    return decode_model(read_proto(path), path.stem)


def decode_model(proto: onnx.ModelProto, name: str) -> OnnxModel:
    """The parts of ``proto`` that the importer reads, checked."""
    graph = proto.graph
    opset = _opset(proto)
    constants = {}
    if graph.sparse_initializer:
        raise ModelError(
            "sparse initialisers are not supported", where="the model", fix="store dense weights"
        )
    for tensor in graph.initializer:
        constants[tensor.name] = to_array(tensor)
    inputs = [i for i in graph.input if i.name not in constants]
    nodes = _needed(graph, constants, {i.name for i in inputs}, opset)
    read = {name for node in nodes for name in node.inputs}
    used = [i for i in inputs if i.name in read] or inputs
    if len(used) != 1:
        names = ", ".join(i.name for i in used) or "none"
        raise ModelError(
            f"the model has {len(used)} inputs ({names}); one is supported",
            where="the model's inputs",
            fix="export with one input, or make the others constants",
        )
    dtype, shape = _input_type(used[0])
    annotations = {}
    for note in graph.quantization_annotation:
        for pair in note.quant_parameter_tensor_names:
            if pair.key in ("finn_datatype", "qonnx_datatype"):
                annotations[note.tensor_name] = pair.value
    return OnnxModel(
        name=name,
        opset=opset,
        nodes=nodes,
        constants=constants,
        input_name=used[0].name,
        input_dtype=dtype,
        input_shape=shape,
        output_name=graph.output[0].name,
        annotations=annotations,
    )


def to_array(tensor: onnx.TensorProto) -> NDArray[np.generic]:
    """A constant of the file as an array; bfloat16 and float8 become float32."""
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:
        raise ModelError(
            f"cannot be decoded: {error}",
            where=f"initialiser '{tensor.name}'",
            fix="the file is damaged; export the model again",
        ) from error
    if array.dtype.kind == "V" or array.dtype.kind not in "fiubcSUO":
        array = array.astype(np.float32)
    return array


def _opset(proto: onnx.ModelProto) -> int:
    versions = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if not versions:
        raise ModelError(
            "declares no opset of the default domain",
            where="the model",
            fix="export it again with an opset of 9 or later",
        )
    if max(versions) < _OLDEST_OPSET:
        raise ModelError(
            f"uses opset {max(versions)}; the oldest supported is {_OLDEST_OPSET}",
            where="the model",
            fix="convert it with onnx.version_converter or export with a later opset_version",
        )
    return int(max(versions))


def _needed(
    graph: onnx.GraphProto,
    constants: dict[str, NDArray[np.generic]],
    inputs: set[str],
    opset: int,
) -> tuple[OnnxNode, ...]:
    """The nodes that the output depends on, in the file's order, each reading what is written."""
    if len(graph.output) != 1:
        names = ", ".join(o.name for o in graph.output) or "none"
        raise ModelError(
            f"the model has {len(graph.output)} outputs ({names}); one is supported",
            where="the model's outputs",
            fix="cut the model with onnx.utils.extract_model to the output of its scores",
        )
    wanted = {graph.output[0].name}
    kept: list[onnx.NodeProto] = []
    for proto in reversed(graph.node):
        if wanted.intersection(proto.output):
            kept.append(proto)
            wanted.update(name for name in proto.input if name)
    known = inputs | set(constants)
    nodes = []
    for proto in reversed(kept):
        node = decode_node(proto)
        structure.check_signature(node, opset)
        structure.check_attributes(node)
        for name in node.inputs:
            if name and name not in known:
                raise ModelError(
                    f"reads tensor '{name}', which nothing before it writes",
                    where=node.where,
                    fix="the file is damaged; export the model again (onnx.checker tells more)",
                )
        for name in node.outputs:
            if name and name in known:
                raise ModelError(
                    f"writes tensor '{name}', which exists already",
                    where=node.where,
                    fix="the file is damaged; export the model again",
                )
        known.update(name for name in node.outputs if name)
        nodes.append(node)
    if graph.output[0].name not in known:
        raise ModelError(
            f"no node writes the output '{graph.output[0].name}'",
            where="the model's outputs",
            fix="the file is damaged; export the model again",
        )
    return tuple(nodes)


def decode_node(proto: onnx.NodeProto) -> OnnxNode:
    """A node of the file with its attributes decoded."""
    attributes = {}
    for attribute in proto.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            value = to_array(value)
        elif isinstance(value, bytes):
            value = value.decode(errors="replace")
        attributes[attribute.name] = value
    domain = "" if proto.domain == "ai.onnx" else proto.domain
    return OnnxNode(
        proto.op_type,
        domain,
        proto.name,
        tuple(proto.input),
        tuple(proto.output),
        attributes,
        proto,
    )


def _input_type(value: onnx.ValueInfoProto) -> tuple[np.dtype[Any], tuple[int | None, ...]]:
    where = f"input '{value.name}'"
    if not value.type.HasField("tensor_type"):
        raise ModelError("is not a tensor", where=where, fix="export with a tensor as input")
    tensor = value.type.tensor_type
    try:
        kind = tensor.elem_type
        if kind == onnx.TensorProto.BFLOAT16:
            kind = onnx.TensorProto.FLOAT  # which users' arrays have, and which holds it
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except (KeyError, TypeError) as error:
        raise ModelError("has no element type", where=where, fix="export again") from error
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise ModelError(
            f"has elements of type {dtype}",
            where=where,
            fix="images are uint8, int8 or float; export the model with one of these",
        )
    if not tensor.HasField("shape"):
        raise ModelError(
            "has no shape", where=where, fix="set the input's shape (only the batch may be dynamic)"
        )
    shape = tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
        for d in tensor.shape.dim
    )
    if any(size is None for size in shape[1:]):
        raise ModelError(
            f"has the shape {tuple(d.dim_param or d.dim_value for d in tensor.shape.dim)}; "
            "only its first dimension, the batch, may be dynamic",
            where=where,
            fix="fix the image size, e.g. onnx.tools.update_model_dims or dynamic_axes={0: 'N'}",
        )
    if len(shape) not in (2, 3, 4):
        raise ModelError(
            f"has {len(shape)} dimensions",
            where=where,
            fix="take (N, features), (N, C, H, W) or (N, H, W, C)",
        )
    return dtype, shape
