"""Operations of integer graphs in numpy: exact, in narrow integers, channels innermost."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.interpret.elements import (
    add_offset,
    fixed_add,
    fixed_affine,
    fixed_select,
    storage,
    threshold,
)
from bnnhw.interpret.layers import convolve, max_pool, multiply, sum_pool
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Ints,
    Op,
    Pad,
    Product,
    SumPool,
    Tensor,
    Threshold,
    class_values,
)
from bnnhw.ir.product_ops import laid_over
from bnnhw.ir.types import Real

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.ir.graph import Graph

    Values = NDArray[np.signedinteger[Any]]


def interpret_plain(graph: Graph, x: Ints, keep: Callable[[str], bool]) -> dict[str, Ints]:
    """The values of the output and of the tensors that ``keep`` names, for inputs [N, ...]."""
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    values: dict[str, Values] = {graph.input: np.asarray(x, np.int64)}
    for i, node in enumerate(graph.nodes):
        values[node.output] = execute_plain(
            node.op,
            [values[name] for name in node.inputs],
            [graph.tensors[name] for name in node.inputs],
        )
        for name in set(node.inputs):
            if last_use[name] == i and name != graph.output and not keep(name):
                del values[name]
    return {name: np.ascontiguousarray(value, np.int64) for name, value in values.items()}


def execute_plain(op: Op, inputs: list[Values], tensors: list[Tensor]) -> Values:
    """The values of one operation's output in narrow integers, images [N, C, H, W]."""
    x, tensor = inputs[0], tensors[0]
    if isinstance(op, Concat):
        return np.concatenate(inputs, axis=1)
    if isinstance(op, ChannelSum):
        most = _reach(tensor, x) * tensor.shape[0]
        return x.sum(axis=1, keepdims=True, dtype=storage(-most, most))
    if isinstance(op, Product):
        most = math.prod(map(_reach, tensors, inputs))
        return x.astype(storage(-most, most)) * laid_over(inputs[1], x.ndim)
    if isinstance(op, FixedAdd):
        return fixed_add(op, x, inputs[1], max(map(_reach, tensors, inputs)))
    if isinstance(op, FixedSelect):
        return fixed_select(op, x, inputs[1])
    if isinstance(op, (BinaryConv, BinaryDense, IntegerConv, IntegerDense)):
        return _layer(op, x, tensor)
    if isinstance(op, Threshold):
        return threshold(op, x, tensor.shape)
    if isinstance(op, BitMaxPool):
        sign = np.where(op.minimum, -1, 1).astype(x.dtype).reshape(1, -1, 1, 1)
        return max_pool(x * sign, op.window) * sign
    if isinstance(op, IntegerTable):
        narrow = op.values.astype(storage(op.dtype.low, op.dtype.high))
        return narrow[x.astype(np.intp) - _low(tensor)]
    if isinstance(op, Flatten):
        return x.reshape(len(x), int(np.prod(x.shape[1:])))
    if isinstance(op, Pad):
        return op.apply(x)
    if isinstance(op, FixedAffine):
        return fixed_affine(op, x, _reach(tensor, x))
    if isinstance(op, IntegerMaxPool):
        return max_pool(x, op.window)
    if isinstance(op, SumPool):
        most = _reach(tensor, x) * op.window.kernel[0] * op.window.kernel[1]
        return sum_pool(x, op.window, storage(-most, most))
    raise ModelError(f"the interpreter has no case for {type(op).__name__}", fix=REPORT)


def _layer(
    op: BinaryConv | BinaryDense | IntegerConv | IntegerDense, x: Values, tensor: Tensor
) -> Values:
    """Sums of products, plus offset; kept in what holds every partial sum."""
    reach = _reach(tensor, x)
    matrices = (op.matrix,) if isinstance(op, (BinaryDense, IntegerDense)) else op.matrices
    most = max(matrix.bound(reach) for matrix in matrices)
    offset = None
    if isinstance(op, (IntegerConv, IntegerDense)):
        offset = op.offset
        most += int(np.abs(offset).max(initial=0))
    dtype = storage(-most, most)
    if isinstance(op, BinaryConv) and op.fill:
        top, left, bottom, right = op.window.pads
        sides = ((0, 0), (0, 0), (top, bottom), (left, right))
        x = np.pad(x, sides, constant_values=op.fill)
        acc = convolve(x, matrices, replace(op.window, pads=(0, 0, 0, 0)), reach, dtype)
    elif isinstance(op, (BinaryConv, IntegerConv)):
        acc = convolve(x, matrices, op.window, reach, dtype)
    else:
        acc = multiply(x, op.matrix, reach, dtype)
    if offset is None or not offset.any():
        return acc
    if isinstance(op, IntegerConv):
        offset = class_values(offset, op.row_class, op.column_class)
    return add_offset(acc, offset)


def _low(tensor: Tensor) -> int:
    return tensor.dtype.low  # type: ignore[union-attr]


def _reach(tensor: Tensor, x: Values) -> int:
    """Largest magnitude of the type; of the values where the graph's layers are still real."""
    if isinstance(tensor.dtype, Real):
        return int(np.abs(x).max(initial=0))
    return tensor.dtype.reach
