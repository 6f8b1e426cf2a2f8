"""Element-wise operations on an input of at most 8 bits: tables of 256 values or fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import constants
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.ops import Lookup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode

TABLE_OPS = frozenset(
    """
    Abs Add And BipolarQuant BitShift Cast Ceil Clip Cos DequantizeLinear Div Elu Equal Erf
    Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish IntQuant LeakyRelu Less
    LessOrEqual Log Max Min Mod Mul Neg Not Or Pow Quant QuantizeLinear Reciprocal Relu
    Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Tanh Where Xor
    """.split()  # noqa: SIM905
)


def lookup(ctx: Context, node: OnnxNode) -> None:
    """Any element-wise operation on a function of the narrow integer input: a table."""
    table = lookup_table(ctx, node)
    if table is None:
        raise unsupported(node)
    view = ctx.view(node, ctx.live_inputs(node)[0])
    add_lookup(ctx, node, view, table)


def add_lookup(ctx: Context, node: OnnxNode, view: View, table: NDArray[np.generic]) -> None:
    """Makes ``table`` of the graph's input the node's result."""
    if not np.isfinite(table.astype(np.float64)).all():
        raise ModelError(
            "is infinite or not a number for some input value",
            where=node.where,
            fix="avoid divisions by zero and logarithms of values <= 0 in the preprocessing",
        )
    source = ctx.input_tensor
    if ctx.tensors[view.tensor].shape != ctx.tensors[source].shape:
        source = ctx.add_flatten(source, node)
    target = ctx.add(Lookup(table.astype(np.float64)), source, node, node.outputs[0])
    if table.dtype.kind == "b":
        ctx.bits.add(target)
    if not np.any(table.astype(np.float64) < 0):
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)
    ctx.tables[node.outputs[0]] = table


def lookup_table(ctx: Context, node: OnnxNode) -> NDArray[np.generic] | None:
    """The node's result for every input integer, as the model itself computes it; None if unknown.

    None where the node is not element-wise, reads a tensor without a table, or uses differing
    constants. Several tensors must have their axes in one order.
    """
    live = ctx.live_inputs(node)
    read = {node.inputs[i] for i in live}
    if node.op not in TABLE_OPS or not read or not read <= set(ctx.tables):
        return None
    if len({ctx.views[name].dims for name in read}) > 1:
        return None
    length = len(ctx.tables[node.inputs[live[0]]])
    inputs: list[NDArray[np.generic] | None] = []
    for index, name in enumerate(node.inputs):
        if index in live:
            inputs.append(ctx.tables[name])
            continue
        value = ctx.constant(name)
        if value is not None and value.size > 1:
            return None
        inputs.append(None if value is None else value.reshape(()))
    results = constants.evaluate(node, inputs, ctx.model.opset)
    return results[0] if results[0].shape == (length,) else None
