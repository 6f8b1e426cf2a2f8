"""How much work a model file may ask for, and the checks that hold it to that before any is done.

A file of a few kilobytes can ask for terabytes: by functions that call each other, by constants
that double, by one large number. Each limit lies far above what networks for these boards need.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bnnhw.errors import ModelError
from bnnhw.ir.ops import AveragePool, Conv, Dense, MaxPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Op

MAX_FILE_BYTES = 1 << 29
"""Of a model with its external data: five times Bi-Real Net-50 in float32."""
MAX_NODES = 1 << 13
"""Of a model, its functions inlined; a Bi-Real Net-50 with its training code has about 3,000."""
MAX_FUNCTION_DEPTH = 64
"""Functions that call functions; exporters nest modules, about ten deep."""
MAX_ELEMENTS = 1 << 23
"""Of a tensor for one image: 32 channels of 512x512, four of 1920x1080. The check of the integers
holds a dozen arrays of this size, of 8 bytes per element, at a time."""
MAX_PIXELS = 1 << 20
"""Of an image: the model of the dataflow walks from pixel to pixel, of four images."""
MAX_OPERATIONS = 1 << 11
"""On the image, constants left out: passes look at all of them after each change of one."""
MAX_LAYERS = 1 << 8
"""With weights: the search for a folding tries each; a ResNet-152 has 155."""
MAX_PRODUCTS = 1 << 36
"""Of a layer for one image, and values a pool reads: 14 times a whole ReActNet-A."""
MAX_WINDOW = 1 << 16
"""Of a kernel, a stride or a padding; images are smaller."""
MAX_CONSTANT_BYTES = 1 << 28
"""Of one constant that the model computes: 2^26 weights, whose bits fill 13 XC7Z020."""
MAX_FOLDED_BYTES = 3 << 28
"""Of all constants that the model computes."""
MAX_SLOW_ELEMENTS = 1 << 16
"""That operations may read and write which onnx's reference computes element by element."""
MAX_STEPS = 1 << 31
"""Elements read and written, and multiplications, to compute all constants: some seconds."""
MAX_EXACT_BITS = 1 << 13
"""Of numerator and denominator of an exact parameter: about eight BatchNorms behind each other."""
MAX_EXPONENT = 400
"""Of two, in exact parameters: float32 reaches 2^128, and doubles, for the report, 2^1024."""
MAX_POWER = 120
"""Of two, of a factor or a term: float32 ends at 2^128. Small ones, of dead channels, are usual."""
MAX_INTEGER = 1 << 31
"""Of an attribute: sizes, axes and pads are smaller."""

_FIX = "simplify the model first (onnxsim, or onnxruntime's offline optimiser)"
_QUICK = frozenset(
    """
    Abs Add And Cast Ceil Clip Compress Concat ConstantOfShape CumSum Div Equal Exp Expand Flatten
    Floor Gather GatherElements Gemm Greater GreaterOrEqual Identity LeakyRelu Less LessOrEqual Log
    MatMul Max Mean Min Mod Mul Neg NonZero Not Or Pad Pow Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Round Shape Sigmoid Sign Size Slice Split Sqrt Squeeze Sub Sum
    Tanh Tile Transpose Trilu Unsqueeze Where Xor QuantizeLinear DequantizeLinear Softmax
    """.split()  # noqa: SIM905
)
_BROADCAST = frozenset(
    """
    Abs Add And BipolarQuant Cast Div Dropout Equal Greater GreaterOrEqual Identity IntQuant Less
    LessOrEqual Mul Neg Not Or Quant Sign Sqrt Sub Transpose Where
    """.split()  # noqa: SIM905
)
_NO_LARGER = ("NonZero", "Compress", "Unique")
"""Their results depend on the data; at most as large as what they read, times its dimensions."""
_KNOWN = 1 << 10
"""Elements of a constant whose values shape inference is told: shapes, repeats and limits."""
_WORD = 8


class Folded:
    """What the constants that a model computes have cost so far."""

    def __init__(self) -> None:
        self._bytes = 0
        self._steps = 0

    def start(self, node: OnnxNode, steps: int) -> None:
        """Counts elements read and written, or products; raises ModelError where all are too many.

        Called before the node is computed.
        """
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise ModelError(
                f"the constants that the model computes up to here take {self._steps} steps; the "
                f"limit is {MAX_STEPS}",
                where=node.where,
                fix=_FIX,
            )

    def end(self, node: OnnxNode, results: Sequence[NDArray[Any]]) -> None:
        """Counts the results of a node; raises ModelError where all are too large."""
        self._bytes += sum(result.nbytes for result in results)
        if self._bytes > MAX_FOLDED_BYTES:
            raise ModelError(
                f"the constants that the model computes up to here take {_size(self._bytes)}; the "
                f"limit is {_size(MAX_FOLDED_BYTES)}",
                where=node.where,
                fix=_FIX,
            )


def check_elements(shape: Sequence[int], where: str) -> None:
    """Raises ModelError where a tensor of one image is empty, or too large for the check."""
    if any(size < 1 for size in shape):
        raise ModelError(
            f"makes a tensor of shape {tuple(shape)}, which holds nothing",
            where=where,
            fix="the file is damaged; export the model again",
        )
    if math.prod(shape) > MAX_ELEMENTS:
        raise ModelError(
            f"has {math.prod(shape)} elements per image, in a tensor of shape {tuple(shape)}; the "
            f"limit is {MAX_ELEMENTS}",
            where=where,
            fix="cut images into tiles, or make them smaller",
        )


def check_image(shape: Sequence[int], where: str) -> None:
    """Raises ModelError where a graph tensor (C, H, W) or (C,) is empty or too large."""
    check_elements(shape, where)
    if math.prod(shape[1:]) > MAX_PIXELS:
        raise ModelError(
            f"has {math.prod(shape[1:])} pixels, in a tensor of shape {tuple(shape)}; the limit "
            f"is {MAX_PIXELS}",
            where=where,
            fix="cut images into tiles, or make them smaller",
        )


def check_count(operations: int, layers: int, where: str) -> None:
    """Raises ModelError where passes or the search for a folding would take too long."""
    if operations > MAX_OPERATIONS or layers > MAX_LAYERS:
        raise ModelError(
            f"the network has {operations} operations and {layers} layers with weights up to here; "
            f"the limits are {MAX_OPERATIONS} and {MAX_LAYERS}",
            where=where,
            fix="simplify the model first (onnxsim), or split the network",
        )


def check_work(op: Op, read: Sequence[int], made: Sequence[int], where: str) -> None:
    """Raises ModelError where an operation makes too much of an image, or takes too long.

    Args:
        op: the operation.
        read: shape of its input.
        made: shape of its result.
        where: the node.
    """
    check_image(made, where)
    taps = op.weight[0].size if isinstance(op, (Conv, Dense)) else 1
    if isinstance(op, (AveragePool, MaxPool)):
        taps = math.prod(op.window.kernel)
    if isinstance(op, (AveragePool, Conv, MaxPool)):
        top, left, bottom, right = op.window.pads
        check_elements((read[0], read[1] + top + bottom, read[2] + left + right), where)
    if taps * math.prod(made) > MAX_PRODUCTS:
        raise ModelError(
            f"takes {taps * math.prod(made)} steps per image; the limit is {MAX_PRODUCTS}",
            where=where,
            fix="use a smaller kernel, a larger stride or smaller images",
        )


def check_constant(node: OnnxNode, inputs: Sequence[NDArray[Any] | None], opset: int) -> int:
    """How many steps a node of constant inputs takes: elements read and made, or products.

    Raises:
        ModelError: its result is too large, or takes too long.
    """
    given = [x for x in inputs if x is not None]
    read = sum(x.size for x in given)
    made = _made(node, inputs, opset)
    if made * max((x.itemsize for x in given), default=_WORD) > MAX_CONSTANT_BYTES:
        raise ModelError(
            f"computes a constant of {made} elements; the limit is {_size(MAX_CONSTANT_BYTES)}",
            where=node.where,
            fix=_FIX,
        )
    if node.op not in _QUICK and max(read, made) > MAX_SLOW_ELEMENTS:
        raise ModelError(
            f"computes a constant of {made} elements from {read}; the limit for {node.op}, which "
            f"is computed element by element, is {MAX_SLOW_ELEMENTS}",
            where=node.where,
            fix=_FIX,
        )
    inner = max(given[0].shape, default=1) if node.op in ("MatMul", "Gemm") and given else 1
    return read + made * inner


def _made(node: OnnxNode, inputs: Sequence[NDArray[Any] | None], opset: int) -> int:
    """Elements of a node's results, as ONNX infers them."""
    named = {name: x for name, x in zip(node.inputs, inputs, strict=True) if x is not None}
    given = named.values()
    if node.op == "Constant":
        return 0  # it lies in the file
    if node.domain or node.op in _BROADCAST or any(x.dtype.kind not in "fiub" for x in given):
        return math.prod(np.broadcast_shapes(*(x.shape for x in given)))
    if node.op == "DequantizeLinear":
        return max(x.size for x in given)
    if node.op in _NO_LARGER:
        return max(x.size * max(1, x.ndim) for x in given)
    types: dict[str, onnx.TypeProto] = {}
    values: dict[str, onnx.TensorProto] = {}
    for name, x in named.items():
        kind = helper.np_dtype_to_tensor_dtype(x.dtype)
        types[name] = helper.make_tensor_type_proto(kind, x.shape)
        if x.size <= _KNOWN:
            values[name] = numpy_helper.from_array(x, name)
    try:
        schema = onnx.defs.get_schema(node.op, min(opset, onnx.defs.onnx_opset_version()))
        found = onnx.shape_inference.infer_node_outputs(
            schema, node.proto, types, values, opset_imports=[helper.make_opsetid("", opset)]
        )
    except Exception as error:
        raise ModelError(
            f"computes a constant that cannot be evaluated: {str(error).strip()}",
            where=node.where,
            fix=_FIX,
        ) from error
    return _elements(found, node)


def _elements(found: Mapping[str, onnx.TypeProto], node: OnnxNode) -> int:
    total = 0
    for kind in found.values():
        dims = kind.tensor_type.shape.dim
        if not kind.tensor_type.HasField("shape") or not all(d.HasField("dim_value") for d in dims):
            raise ModelError(
                "computes a constant whose size is not known beforehand", where=node.where, fix=_FIX
            )
        total += math.prod(d.dim_value for d in dims)
    return total


def _size(count: int) -> str:
    return f"{count / (1 << 20):.4g} MiB"
