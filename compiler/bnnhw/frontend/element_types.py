"""Element types of the tensors of an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOAT, FLOAT16, DOUBLE, BFLOAT16 = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.BFLOAT16,
)
FLOATS = (FLOAT, FLOAT16, DOUBLE, BFLOAT16)


def element_types(proto: onnx.ModelProto) -> dict[str, int]:
    """By name, the ONNX element type of every tensor whose type is known.

    Operations of other domains, QONNX's among them, give what they read first.
    """
    graph = proto.graph
    opset = max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=1)
    types = {i.name: int(i.type.tensor_type.elem_type) for i in graph.input}
    types |= {t.name: int(t.data_type) for t in graph.initializer}
    for node in graph.node:
        made = _inferred(node, types, opset)
        first = next((types[name] for name in node.input if name in types), 0)
        for name in node.output:
            types[name] = made.get(name) or first
    return {name: kind for name, kind in types.items() if kind}


def _inferred(node: onnx.NodeProto, types: Mapping[str, int], opset: int) -> dict[str, int]:
    given = {
        name: onnx.helper.make_tensor_type_proto(types[name], None)
        for name in node.input
        if types.get(name)
    }
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
        found = onnx.shape_inference.infer_node_outputs(
            schema, node, given, opset_imports=[onnx.helper.make_opsetid("", opset)]
        )
    except Exception:  # an operation that ONNX does not know, or a fault that onnxruntime names
        return {}
    return {name: int(kind.tensor_type.elem_type) for name, kind in found.items()}
