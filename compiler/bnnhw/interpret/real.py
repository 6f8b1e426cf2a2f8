"""Execution of graphs that hold real-valued operations, in double precision.

The reference against which passes are checked; ``interpret`` defines integer graphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.interpret.interpreter import execute
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    FixedAdd,
    FixedSelect,
    Flatten,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Product,
    Quantise,
    Round,
    Select,
    Smooth,
)
from bnnhw.ir.product_ops import laid_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats, Ints, Op, Tensor, Window

_AT_ONCE = 1 << 23
"""Numbers that a convolution lays out for its matrix product at a time: 64 MiB."""


def interpret_real(graph: Graph, x: Ints) -> Floats:
    """The model's outputs [N, *shape] for integer inputs ``x``, output map applied."""
    scores = interpret_real_all(graph, x)[graph.output]
    return graph.output_map.apply(scores)  # type: ignore[arg-type]


def interpret_real_all(graph: Graph, x: Ints) -> dict[str, Floats]:
    """Every tensor's values for integer inputs ``x``."""
    values = {graph.input: np.asarray(x, np.float64)}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        values[node.output] = execute_real_node(node, inputs, graph.tensors)
    return values


def execute_real_node(node: Node, inputs: list[Floats], tensors: Mapping[str, Tensor]) -> Floats:
    """The values of a node's output; ``tensors`` are the graph's."""
    if isinstance(node.op, Add):
        return inputs[0] + inputs[1]
    if isinstance(node.op, Concat):
        return np.concatenate(inputs, axis=1)
    if isinstance(node.op, Select):
        return np.where(node.op.chosen(inputs[0]), inputs[1], inputs[0])
    if isinstance(node.op, Product):
        return inputs[0] * laid_over(inputs[1], inputs[0].ndim)
    if isinstance(node.op, (FixedAdd, FixedSelect)):
        types = [tensors[name] for name in node.inputs]
        return execute(node.op, [x.astype(np.int64) for x in inputs], types).astype(np.float64)
    return execute_real(node.op, inputs[0], tensors[node.inputs[0]])


def execute_real(op: Op, x: Floats, tensor: Tensor) -> Floats:
    """The values of one operation's output; ``tensor`` describes its input."""
    if isinstance(op, (Conv, BinaryConv)):
        weight = op.weight.astype(np.float64)
        return convolve(x, weight, op.window, groups=op.groups, fill=op.fill)
    if isinstance(op, (Dense, BinaryDense)):
        return np.asarray(x @ op.weight.T.astype(np.float64), np.float64)
    if isinstance(op, Affine):
        scale, shift = affine_arrays(op, x.ndim - 1)
        return x * scale + shift
    if isinstance(op, Piecewise):
        return evaluated(op, x)
    if isinstance(op, Round):
        return np.floor(x + 0.5)
    if isinstance(op, Quantise):
        steps = np.floor(x * 2.0**op.dtype.frac + 0.5)
        return np.clip(steps, op.dtype.low, op.dtype.high) * 2.0**-op.dtype.frac
    if isinstance(op, Binarize):
        return np.where((x > 0) if op.strict else (x >= 0), op.high, op.low)
    if isinstance(op, AveragePool):
        return np.asarray(_windows(x, op.window, 0.0).mean(axis=(4, 5)), np.float64)
    if isinstance(op, MaxPool):
        return max_pool(x, op.window)
    if isinstance(op, BitMaxPool):
        sign = np.where(op.minimum, -1.0, 1.0).reshape(1, -1, 1, 1)
        return max_pool(x * sign, op.window) * sign
    if isinstance(op, Smooth):
        return op(x)
    if isinstance(op, Lookup):
        return op.values[x.astype(np.int64) - tensor.dtype.low]  # type: ignore[union-attr]
    if isinstance(op, ChannelSum):
        return np.asarray(x.sum(axis=1, keepdims=True), np.float64)
    if isinstance(op, Pad):
        return op.apply(x)
    if isinstance(op, Flatten):
        return x.reshape(len(x), -1)
    if op.level == "integer":
        return execute(op, [x.astype(np.int64)], [tensor]).astype(np.float64)
    raise ModelError(f"the interpreter has no case for {type(op).__name__}", fix=REPORT)


def evaluated(op: Piecewise, x: Floats) -> Floats:
    """A piecewise linear function of samples [N, C, ...]; of infinite ones too."""
    if op.limits is not None:
        return np.clip(x, *op.limits)
    trailing = (1,) * (x.ndim - 2)
    y: Floats = x
    for i, piece in enumerate(zip(*op.arrays, strict=True)):
        start, scale, shift = (v.reshape(-1, *trailing) for v in piece)
        with np.errstate(invalid="ignore"):
            part = np.where(scale == 0, shift, scale * x + shift)
        y = np.where(x >= start, part, y) if i else part
    return y


def affine_arrays(op: Affine, rank: int) -> tuple[Floats, Floats]:
    """Scale and shift of an affine operation, to broadcast over samples of ``rank`` axes."""
    trailing = (1,) * (rank - 1)
    scale = op.scale.astype(np.float64).reshape(-1, *trailing)
    shift = op.shift.astype(np.float64)
    if op.row_class:
        rows, columns = np.asarray(op.row_class), np.asarray(op.column_class)
        return scale, shift[rows[:, None], columns[None, :]].transpose(2, 0, 1)
    return scale, shift.reshape(-1, *trailing)


def convolve(
    x: Floats, weight: Floats, window: Window, *, groups: int = 1, fill: float = 0.0
) -> Floats:
    """Convolution of images [N, C, H, W] padded with ``fill``."""
    if groups > 1:
        parts = zip(np.split(x, groups, axis=1), np.split(weight, groups), strict=True)
        return np.concatenate([convolve(*part, window, fill=fill) for part in parts], axis=1)
    views = _windows(x, window, fill)
    count, _, out_h, out_w = views.shape[:4]
    matrix = weight.reshape(len(weight), -1).T
    result = np.empty((count, len(weight), out_h, out_w))
    step = max(1, _AT_ONCE // max(1, count * out_w * len(matrix)))
    for top in range(0, out_h, step):
        part = views[:, :, top : top + step].transpose(0, 2, 3, 1, 4, 5)
        flat = part.reshape(-1, len(matrix)) @ matrix
        rows = flat.reshape(count, -1, out_w, len(weight))
        result[:, :, top : top + step] = rows.transpose(0, 3, 1, 2)
    return result


def max_pool(x: Floats, window: Window) -> Floats:
    """Maximum over windows of images [N, C, H, W]; padded positions count for nothing."""
    return np.asarray(_windows(x, window, -np.inf).max(axis=(4, 5)), np.float64)


def _windows(x: Floats, window: Window, fill: float) -> Floats:
    top, left, bottom, right = window.pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, axis=(2, 3))
    return np.asarray(views[:, :, :: window.stride[0], :: window.stride[1]], np.float64)
