"""A copy of a model that onnxruntime can run, with the outputs one wants to see.

QONNX operations become standard ones, and Sign becomes the sign that the user chose, because
ONNX's own Sign(0) is neither bit; so do signs of 0 in weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bnnhw.frontend.constants import quant_range
from bnnhw.frontend.model_file import OnnxNode, decode_node, to_array
from bnnhw.ir.ops import Binarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.importer import Imported
    from bnnhw.ir.ops import Floats

_QUANTISERS = ("BipolarQuant", "Quant", "IntQuant")
_ROUND = 1.5 * 2**23
"""Adding and subtracting it rounds a float32 half to even, in opsets without Round too."""


def runnable(proto: onnx.ModelProto, imported: Imported, outputs: Sequence[str]) -> bytes:
    """The serialised copy, writing the tensors named ``outputs``.

    Args:
        proto: the model, weights loaded.
        imported: what the front end made of it; tells which Sign nodes the user's choice concerns.
        outputs: names of tensors of the model.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    graph = copy.graph
    chosen = _chosen_signs(imported)
    constants = {t.name: t for t in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type in _QUANTISERS:
            nodes += _standard(decode_node(node), constants, graph)
        elif node.op_type == "Sign" and node.output[0] in chosen:
            nodes += _sign(node, chosen[node.output[0]], graph)
        else:
            nodes.append(node)
        if node.output and node.output[0] in imported.weights:
            _replace_weights(node, imported.weights[node.output[0]], graph)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    del graph.quantization_annotation[:]
    standard = [o for o in copy.opset_import if o.domain in ("", "ai.onnx", "ai.onnx.ml")]
    del copy.opset_import[:]
    copy.opset_import.extend(standard)
    return copy.SerializeToString()


def _chosen_signs(imported: Imported) -> dict[str, Binarize]:
    """The Sign nodes of the model whose value at 0 the user chose, by name of their output."""
    made = {n.output: n.op for n in imported.graph.nodes if isinstance(n.op, Binarize)}
    found = {}
    for name, view in imported.views.items():
        op = made.get(view.tensor)
        if op is not None and op.zero_is_zero:
            found[name] = op
    return found


def _replace_weights(node: onnx.NodeProto, weight: Floats, graph: onnx.GraphProto) -> None:
    """Gives a layer the weights [Cout, ...] in which signs of 0 are as the user chose."""
    index, turned = 1, False
    if node.op_type == "Gemm":
        turned = not any(a.name == "transB" and a.i for a in node.attribute)
    elif node.op_type == "MatMul":
        known = {t.name for t in graph.initializer}
        index = 0 if node.input[0] in known else 1
        turned = index == 1
    name = f"{node.output[0]}/weights"
    array = np.ascontiguousarray(weight.T if turned else weight, np.float32)
    graph.initializer.append(numpy_helper.from_array(array, name))
    node.input[index] = name


def _sign(node: onnx.NodeProto, op: Binarize, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Where(x > 0, 1, -1), or Where(x < 0, -1, 1)."""
    name = node.output[0]
    zero, high, low = (_constant(graph, f"{name}/{v}", v) for v in (0.0, 1.0, -1.0))
    first, second = (high, low) if op.strict else (low, high)
    return [
        helper.make_node(
            "Greater" if op.strict else "Less", [node.input[0], zero], [f"{name}/side"]
        ),
        helper.make_node("Where", [f"{name}/side", first, second], [name]),
    ]


def _standard(
    node: OnnxNode, constants: dict[str, onnx.TensorProto], graph: onnx.GraphProto
) -> list[onnx.NodeProto]:
    """BipolarQuant and Quant in standard operations."""
    x, scale, out = node.inputs[0], node.inputs[1], node.outputs[0]

    def step(op: str, inputs: list[str], suffix: str) -> onnx.NodeProto:
        return helper.make_node(op, inputs, [f"{out}/{suffix}" if suffix else out])

    if node.op == "BipolarQuant":
        zero = _constant(graph, f"{out}/0", 0.0)
        return [
            step("Neg", [scale], "low"),
            step("Less", [x, zero], "side"),
            step("Where", [f"{out}/side", f"{out}/low", scale], ""),
        ]
    bits = int(np.ravel(to_array(constants[node.inputs[3]]))[0])
    low, high = quant_range(node, bits)
    bounds = [_constant(graph, f"{out}/{name}", v) for name, v in (("min", low), ("max", high))]
    mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    if mode in ("FLOOR", "HALF_UP"):
        half = _constant(graph, f"{out}/half", 0.5 * (mode == "HALF_UP"))
        rounding = [
            step("Add", [f"{out}/inside", half], "lifted"),
            step("Floor", [f"{out}/lifted"], "rounded"),
        ]
    else:
        magic = _constant(graph, f"{out}/magic", _ROUND)
        rounding = [
            step("Add", [f"{out}/inside", magic], "lifted"),
            step("Sub", [f"{out}/lifted", magic], "rounded"),
        ]
    return [
        step("Div", [x, scale], "steps"),
        step("Add", [f"{out}/steps", node.inputs[2]], "point"),
        step("Max", [f"{out}/point", bounds[0]], "above"),
        step("Min", [f"{out}/above", bounds[1]], "inside"),
        *rounding,
        step("Sub", [f"{out}/rounded", node.inputs[2]], "centred"),
        step("Mul", [f"{out}/centred", scale], ""),
    ]


def _constant(graph: onnx.GraphProto, name: str, value: float) -> str:
    graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
    return name
