"""In which floats a model computes, and how far these round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import numpy_helper

from bnnhw.frontend.element_types import BFLOAT16, DOUBLE, FLOAT, FLOAT16, FLOATS, element_types
from bnnhw.frontend.model_file import to_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bnnhw.ir.ops import Floats

_HALF = np.finfo(np.float16)


@dataclass(frozen=True)
class Precision:
    """How the arithmetic of a model rounds.

    Attributes:
        unit: of its arithmetic, relative: 2^-24 for float32.
        half: whether results are stored as float16: onnxruntime computes each operation in float32
            on processors, and rounds what comes out.
    """

    unit: float = 2.0**-24
    half: bool = False

    @property
    def name(self) -> str:
        """The type that rounds most."""
        return "float16" if self.half else "float64" if self.unit < 2.0**-24 else "float32"

    def stored(self, y: Floats, error: Floats) -> Floats:
        """Bound on the error of results ``y``, known to ``error``, with that of storing them."""
        if not self.half:
            return error
        size = np.minimum(np.abs(y) + error, float(_HALF.max))
        step = np.spacing(size.astype(np.float16)).astype(np.float64)
        with np.errstate(over="ignore"):
            exact = (error == 0) & (y.astype(np.float16).astype(np.float64) == y)
        return np.where(exact, 0.0, error + step)


def precision_of(proto: onnx.ModelProto) -> Precision:
    """The coarsest arithmetic on the way from the model's input to its output."""
    kinds = set(_float_types(proto))
    if kinds == {DOUBLE}:
        return Precision(2.0**-53)
    return Precision(half=FLOAT16 in kinds)


def names_of_floats(proto: onnx.ModelProto) -> str:
    """The model's float types but float32, for messages; empty where there is none."""
    names = {FLOAT16: "float16", BFLOAT16: "bfloat16", DOUBLE: "float64"}
    kinds = set(_float_types(proto))
    return " and ".join(name for kind, name in names.items() if kind in kinds)


def _float_types(proto: onnx.ModelProto) -> Iterator[int]:
    types = element_types(proto)
    for node in proto.graph.node:
        for name in (*node.input, *node.output):
            if types.get(name) in FLOATS:
                yield types[name]


def in_float32(proto: onnx.ModelProto) -> tuple[onnx.ModelProto, Precision]:
    """A copy of a model whose floats are all float32, and how that rounds.

    Parameters in float64 are rounded too, which counts as a second rounding of each result.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    graph = copy.graph
    for tensor in graph.initializer:
        _narrow(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _narrow(attribute.t)
            elif node.op_type in ("Cast", "ConstantOfShape", "EyeLike") and attribute.i in FLOATS:
                attribute.i = FLOAT
    for value in graph.input:
        if value.type.tensor_type.elem_type in FLOATS:
            value.type.tensor_type.elem_type = FLOAT
    del graph.value_info[:]
    return copy, Precision(2.0**-23)


def _narrow(tensor: onnx.TensorProto) -> None:
    if tensor.data_type in FLOATS and tensor.data_type != FLOAT:
        name, array = tensor.name, to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float32), name))
