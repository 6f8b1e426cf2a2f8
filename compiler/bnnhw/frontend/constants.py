"""Folding of constant nodes: a numpy table for what exporters emit, onnx.reference for the rest."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from bnnhw.errors import ModelError
from bnnhw.frontend.limits import check_constant
from bnnhw.frontend.model_file import QUANT_DOMAINS, to_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bnnhw.frontend.limits import Folded
    from bnnhw.frontend.onnx_nodes import OnnxNode

    Array = NDArray[Any]

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Equal": np.equal,
    "And": np.logical_and,
    "Or": np.logical_or,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "Identity": np.asarray,
    "Sign": np.sign,
    "Abs": np.abs,
    "Neg": np.negative,
    "Sqrt": np.sqrt,
    "Not": np.logical_not,
    "Dropout": np.asarray,
}
RANDOM = (
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
)


def evaluate(
    node: OnnxNode, inputs: Sequence[Array | None], opset: int, folded: Folded | None = None
) -> list[Array]:
    """Values of a node's outputs for constant inputs (None where left out).

    Args:
        node: the node.
        inputs: their values.
        opset: of the model.
        folded: counts what all constants of the model cost.

    Raises:
        ModelError: the node cannot be evaluated, is random, or asks for too much.
    """
    if node.op in RANDOM:
        raise ModelError("is random", where=node.where, fix="export the model in evaluation mode")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the model computes, not of the compiler
            steps = check_constant(node, inputs, opset)
            if folded is not None:
                folded.start(node, steps)
            results = _evaluate(node, inputs, opset)
            if folded is not None:
                folded.end(node, results)
            return results
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"computes a constant that cannot be evaluated: {error}",
            where=node.where,
            fix="simplify the model first (onnxsim, or onnxruntime's offline optimiser)",
        ) from error


def _evaluate(node: OnnxNode, inputs: Sequence[Array | None], opset: int) -> list[Array]:
    given = [x for x in inputs if x is not None]
    if node.domain in QUANT_DOMAINS or node.op in ("BipolarQuant", "Quant", "IntQuant"):
        return [_quantise(node, given)]
    if node.op == "Constant":
        return [_constant(node)]
    if node.op in _BINARY and len(given) == 2:
        return [np.asarray(_BINARY[node.op](given[0], given[1]))]
    if node.op == "Div" and all(x.dtype.kind == "f" for x in given):
        return [np.asarray(np.divide(given[0], given[1]))]
    if node.op in _UNARY and given:
        return [np.asarray(_UNARY[node.op](given[0]))]
    if node.op == "DequantizeLinear":
        return [_dequantise(node, given)]
    if node.op == "Where":
        return [np.where(given[0].astype(bool), given[1], given[2])]
    if node.op == "Transpose":
        return [np.transpose(given[0], node.attributes.get("perm"))]
    if node.op == "Unsqueeze" and not node.domain:
        axes = given[1].ravel().tolist() if len(given) > 1 else node.attributes["axes"]
        return [np.expand_dims(given[0], tuple(axes))]
    if node.op == "Cast":
        return [_cast(given[0], int(node.attributes["to"]))]
    return _reference(node, inputs, opset)


def _constant(node: OnnxNode) -> Array:
    for key, value in node.attributes.items():
        if key == "value":
            return np.asarray(value)
        if key in ("value_float", "value_floats"):
            return np.asarray(value, np.float32)
        if key in ("value_int", "value_ints"):
            return np.asarray(value, np.int64)
    raise ModelError("holds no numeric value", where=node.where, fix="export the model again")


def _cast(x: Array, to: int) -> Array:
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(to))
    if dtype.kind not in "fiub":
        dtype = np.dtype(np.float32)
    return x.astype(dtype)


def _quantise(node: OnnxNode, inputs: list[Array]) -> Array:
    """QONNX's BipolarQuant and Quant (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops).

    BipolarQuant: +scale where x >= 0, else -scale. Quant: clip(round(x/scale + zero point)) less
    the zero point, times scale.
    """
    if node.op == "BipolarQuant":
        x, scale = inputs[:2]
        return np.asarray(np.where(x >= 0, scale, -scale), np.float32)
    if node.op not in ("Quant", "IntQuant"):
        raise ModelError(
            f"the operation {node.domain}.{node.op} is not supported",
            where=node.where,
            fix="use BipolarQuant for weights and activations",
        )
    x, scale, zero, bits = (np.asarray(v) for v in inputs[:4])
    low, high = quant_range(node, int(bits))
    rounding = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    rounders: dict[str, Callable[[Any], Any]] = {
        "ROUND": np.rint,
        "HALF_EVEN": np.rint,
        "FLOOR": np.floor,
        "CEIL": np.ceil,
        "ROUND_TO_ZERO": np.trunc,
        "DOWN": np.trunc,
    }
    if rounding not in rounders:
        raise ModelError(f"has the rounding mode {rounding}", where=node.where, fix="use ROUND")
    q = rounders[rounding](np.clip(x / scale + zero, low, high))
    return np.asarray((q - zero) * scale, np.float32)


def _dequantise(node: OnnxNode, inputs: list[Array]) -> Array:
    """DequantizeLinear, per tensor or per axis."""
    x, scale = inputs[:2]
    zero = inputs[2] if len(inputs) > 2 else np.zeros(1)
    if scale.ndim > 1 or node.attributes.get("block_size", 0):
        raise ModelError("dequantises in blocks", where=node.where, fix="use one scale a channel")
    along = [1] * x.ndim
    if scale.size > 1:
        along[int(node.attributes.get("axis", 1))] = scale.size
    shape = tuple(along)
    point = zero.reshape(shape) if zero.size == scale.size else zero.ravel()[0]
    return np.asarray((x.astype(np.float32) - point) * scale.reshape(shape), np.float32)


def quant_range(node: OnnxNode, bits: int) -> tuple[int, int]:
    """Smallest and largest integer of a QONNX Quant node."""
    signed = bool(node.attributes.get("signed", 1))
    narrow = bool(node.attributes.get("narrow", 0))
    if signed:
        return -(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - narrow


def _reference(node: OnnxNode, inputs: Sequence[Array | None], opset: int) -> list[Array]:
    if node.domain not in ("", "ai.onnx.ml"):
        raise ModelError(
            f"the operation {node.domain}.{node.op} is not supported",
            where=node.where,
            fix="export with standard ONNX operations",
        )
    from onnx.reference import ReferenceEvaluator

    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    feeds = {name: x for name, x in zip(node.inputs, inputs, strict=True) if x is not None}
    graph = onnx.helper.make_graph(
        [proto],
        "constant",
        [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape
            )
            for name, x in feeds.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in node.outputs if name],
    )
    results: Any = []
    for version in (opset, onnx.defs.onnx_opset_version()):
        opsets = [onnx.helper.make_opsetid("", version)]
        model = onnx.helper.make_model(graph, opset_imports=opsets)
        try:
            results = ReferenceEvaluator(model).run(None, feeds)
            break
        except RuntimeError:  # it does not know every old version of every operation
            if version != opset:
                raise
    return [np.asarray(to_array(r) if isinstance(r, onnx.TensorProto) else r) for r in results]
