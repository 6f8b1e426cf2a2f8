"""ONNX arithmetic that works element by element."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.context import collapsed, finite
from bnnhw.frontend.exact import exact
from bnnhw.frontend.unsupported import refuse_two, unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.ops import Clip, Relu

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.model_file import OnnxNode


def arithmetic(ctx: Context, node: OnnxNode) -> None:
    """Add, Sub, Mul, Div with one constant operand."""
    live = ctx.live_inputs(node)
    if len(live) == 2:
        refuse_two(node)
    view = ctx.view(node, live[0])
    value = collapsed(finite(ctx.need_constant(node, 1 - live[0], "other operand"), node))
    view = ctx.broadcast_rank(view, value.ndim)
    out = node.outputs[0]
    if node.op == "Add":
        made = ctx.affine(view, node, shift=value, output=out)
    elif node.op == "Sub" and live[0] == 0:
        made = ctx.affine_exact(
            view, node, scale=exact(np.ones(1)), shift=-exact(value), output=out
        )
    elif node.op == "Sub":
        made = ctx.affine(view, node, scale=np.asarray(-1), shift=value, output=out)
    elif node.op == "Mul":
        made = ctx.affine(view, node, scale=value, output=out)
    elif live[0] == 0:
        if not np.all(value):
            raise ModelError("divides by zero", where=node.where, fix="train or export again")
        made = ctx.affine_exact(
            view, node, scale=1 / exact(value), shift=exact(np.zeros(1)), output=out
        )
    else:
        raise unsupported(node)
    ctx.views[out] = made


def negate(ctx: Context, node: OnnxNode) -> None:
    """Neg."""
    view = ctx.view(node)
    ctx.views[node.outputs[0]] = ctx.affine(
        view, node, scale=np.asarray(-1), output=node.outputs[0]
    )


def power(ctx: Context, node: OnnxNode) -> None:
    """Pow by 1; other powers only where the input's table takes them."""
    exponent = ctx.constant(node.optional(1))
    if exponent is None or not np.all(exponent == 1):
        raise unsupported(node)
    ctx.views[node.outputs[0]] = ctx.view(node)


def relu(ctx: Context, node: OnnxNode) -> None:
    """Relu."""
    view = ctx.view(node)
    target = ctx.add(Relu(), view.tensor, node, node.outputs[0])
    ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def clip(ctx: Context, node: OnnxNode) -> None:
    """Clip, its bounds attributes (before opset 11) or inputs."""
    view = ctx.view(node)
    bounds = []
    for index, key, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        value = node.attributes.get(key, default)
        if node.optional(index):
            bound = ctx.need_constant(node, index, f"{key} bound")
            if bound.size != 1:
                raise ModelError(f"has several {key} bounds", where=node.where, fix="use one")
            value = bound.ravel()[0]
        bounds.append(float(value))
    _clip(ctx, node, view, bounds[0], bounds[1])


def hard_sigmoid(ctx: Context, node: OnnxNode) -> None:
    """HardSigmoid: min(max(alpha * x + beta, 0), 1)."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    view = ctx.affine(ctx.view(node), node, scale=np.asarray(alpha), shift=np.asarray(beta))
    _clip(ctx, node, view, 0.0, 1.0)


def _clip(ctx: Context, node: OnnxNode, view: View, low: float, high: float) -> None:
    if not low <= high:
        raise ModelError(f"clips to [{low:g}, {high:g}]", where=node.where, fix="order the bounds")
    target = ctx.add(Clip(low, high), view.tensor, node, node.outputs[0])
    if low >= 0:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def dequantize(ctx: Context, node: OnnxNode) -> None:
    """DequantizeLinear of the integer input: (x - zero point) * scale."""
    view = ctx.view(node)
    if node.inputs[0] != ctx.model.input_name:
        raise unsupported(node)
    scale = exact(finite(ctx.need_constant(node, 1, "scale"), node))
    zero = ctx.constant(node.optional(2))
    offset = exact(np.zeros(1) if zero is None else zero)
    if scale.size > 1 or offset.size > 1:
        raise ModelError("has several scales", where=node.where, fix="use one for all channels")
    factor, point = Fraction(scale.flat[0]), Fraction(offset.flat[0])
    ctx.views[node.outputs[0]] = ctx.affine_exact(
        view,
        node,
        scale=exact(np.ones(1)) * factor,
        shift=exact(np.ones(1)) * (-point * factor),
        output=node.outputs[0],
    )


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum"), arithmetic),
    "Neg": negate,
    "Pow": power,
    "Relu": relu,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "DequantizeLinear": dequantize,
}
