"""A copy of a model that onnxruntime can run, with the outputs one wants to see.

QONNX operations become standard ones, and Sign becomes the sign that the user chose, because
ONNX's own Sign(0) is neither bit; so do signs of 0 in weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bnnhw.errors import VerificationError
from bnnhw.frontend.constants import quant_range
from bnnhw.frontend.element_types import DOUBLE, FLOAT, element_types
from bnnhw.frontend.model_file import decode_node, to_array
from bnnhw.ir.ops import Binarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.importer import Imported
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Floats

_QUANTISERS = ("BipolarQuant", "Quant", "IntQuant")
_MAGIC: dict[int, float] = {FLOAT: 1.5 * 2**23, DOUBLE: 1.5 * 2**52}
"""Adding and subtracting it rounds half to even in opsets without Round, which 11 brought."""


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
    made = _Maker(copy)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type in _QUANTISERS:
            nodes += made.standard(decode_node(node))
        elif node.op_type == "Sign" and node.output[0] in chosen:
            nodes += made.sign(node, chosen[node.output[0]])
        else:
            nodes.append(node)
        if node.output and node.output[0] in imported.weights:
            made.replace_weights(node, imported.weights[node.output[0]])
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


class _Maker:
    """Makes nodes and constants in the element types of the model."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._types = element_types(model)
        self._opset = max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self._tensors = {t.name: t for t in model.graph.initializer}
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self._tensors[node.output[0]] = attribute.t

    def replace_weights(self, node: onnx.NodeProto, weight: Floats) -> None:
        """Gives a layer the weights [Cout, ...] in which signs of 0 are as the user chose."""
        index, turned = 1, False
        if node.op_type == "Gemm":
            turned = not any(a.name == "transB" and a.i for a in node.attribute)
        elif node.op_type == "MatMul":
            known = {t.name for t in self._graph.initializer}
            index = 0 if node.input[0] in known else 1
            turned = index == 1
        kind = self._types.get(node.input[index], FLOAT)
        array = np.ascontiguousarray(weight.T if turned else weight)
        node.input[index] = self._constant(f"{node.output[0]}/weights", array, kind)

    def sign(self, node: onnx.NodeProto, op: Binarize) -> list[onnx.NodeProto]:
        """Where(x > 0, 1, -1), or Where(x < 0, -1, 1)."""
        name = node.output[0]
        kind = self._types.get(node.input[0], FLOAT)
        zero, high, low = (self._constant(f"{name}/{v}", v, kind) for v in (0.0, 1.0, -1.0))
        first, second = (high, low) if op.strict else (low, high)
        return [
            helper.make_node(
                "Greater" if op.strict else "Less", [node.input[0], zero], [f"{name}/side"]
            ),
            helper.make_node("Where", [f"{name}/side", first, second], [name]),
        ]

    def standard(self, node: OnnxNode) -> list[onnx.NodeProto]:
        """BipolarQuant and Quant in standard operations, in the type of what they read."""
        x, out = node.inputs[0], node.outputs[0]
        kind = self._types.get(x, FLOAT)

        def step(op: str, inputs: list[str], suffix: str) -> onnx.NodeProto:
            return helper.make_node(op, inputs, [f"{out}/{suffix}" if suffix else out])

        def constant(suffix: str, value: float) -> str:
            return self._constant(f"{out}/{suffix}", value, kind)

        casts = []
        operands = []
        for name in node.inputs[1:3]:
            if self._types.get(name, kind) != kind:
                casts.append(helper.make_node("Cast", [name], [f"{out}/as/{name}"], to=kind))
                name = f"{out}/as/{name}"
            operands.append(name)
        scale = operands[0]
        if node.op == "BipolarQuant":
            return [
                *casts,
                step("Neg", [scale], "low"),
                step("Less", [x, constant("0", 0.0)], "side"),
                step("Where", [f"{out}/side", f"{out}/low", scale], ""),
            ]
        point = operands[1]
        low, high = quant_range(node, self._bits(node))
        mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
        if mode in ("FLOOR", "HALF_UP"):
            half = constant("half", 0.5 * (mode == "HALF_UP"))
            rounding = [
                step("Add", [f"{out}/inside", half], "lifted"),
                step("Floor", [f"{out}/lifted"], "rounded"),
            ]
        elif self._opset >= 11:
            rounding = [step("Round", [f"{out}/inside"], "rounded")]
        else:
            magic = constant("magic", _MAGIC.get(kind, _MAGIC[FLOAT]))
            rounding = [
                step("Add", [f"{out}/inside", magic], "lifted"),
                step("Sub", [f"{out}/lifted", magic], "rounded"),
            ]
        return [
            *casts,
            step("Div", [x, scale], "steps"),
            step("Add", [f"{out}/steps", point], "point"),
            step("Max", [f"{out}/point", constant("min", low)], "above"),
            step("Min", [f"{out}/above", constant("max", high)], "inside"),
            *rounding,
            step("Sub", [f"{out}/rounded", point], "centred"),
            step("Mul", [f"{out}/centred", scale], ""),
        ]

    def _bits(self, node: OnnxNode) -> int:
        tensor = self._tensors.get(node.inputs[3])
        if tensor is None:
            raise VerificationError(
                "its bit width is computed in the model, which the check does not follow",
                where=node.where,
                fix="export the model with a constant bit width, or compile with --no-verify",
            )
        return int(np.ravel(to_array(tensor))[0])

    def _constant(self, name: str, value: float | Floats, kind: int) -> str:
        array = np.asarray(value, onnx.helper.tensor_dtype_to_np_dtype(kind))
        self._graph.initializer.append(numpy_helper.from_array(array, name))
        return name
