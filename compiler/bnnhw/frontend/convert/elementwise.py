"""ONNX arithmetic that works element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.context import collapsed, finite
from bnnhw.frontend.convert.pointwise import pointwise
from bnnhw.frontend.convert.products import product
from bnnhw.frontend.unsupported import channels_reordered, refuse_two, unsupported
from bnnhw.frontend.views import View, reorders_channels, shape_text
from bnnhw.ir import ops
from bnnhw.ir.exact import exact
from bnnhw.ir.graph import Statistics
from bnnhw.ir.ops import Add

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode


def arithmetic(ctx: Context, node: OnnxNode) -> None:
    """Add and Sub; Mul and Div with one constant operand."""
    live = ctx.live_inputs(node)
    if len(live) == 2:
        _join(ctx, node)
        return
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
    if node.op == "Sub" and live[0] == 0:
        ctx.centred.add(made.tensor)
    root = {"Div": 1, "Mul": -1}.get(node.op, 0)
    if view.tensor in ctx.centred and ctx.model.roots.get(node.inputs[1 - live[0]]) == root:
        channels = ctx.tensors[made.tensor].shape[0]
        ctx.statistics[made.tensor] = Statistics(np.zeros(channels), np.ones(channels))
    ctx.views[out] = made


def _join(ctx: Context, node: OnnxNode) -> None:
    """Add or Sub of two live tensors: where a shortcut joins; Mul by a factor."""
    if node.op == "Mul":
        product(ctx, node)
        return
    if node.op not in ("Add", "Sub"):
        refuse_two(node)
    first, second = ctx.view(node), ctx.view(node, 1)
    if node.op == "Sub":
        second = ctx.affine(second, node, scale=np.asarray(-1))
    ctx.views[node.outputs[0]] = _added(ctx, node, first, second, node.outputs[0])


def _added(ctx: Context, node: OnnxNode, first: View, second: View, output: str | None) -> View:
    """The sum of two live tensors of one shape."""
    if first == second:
        return ctx.affine(first, node, scale=np.asarray(2), output=output)
    shapes = [ctx.shape(view) for view in (first, second)]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"adds tensors of the shapes {' and '.join(map(shape_text, shapes))}",
            where=node.where,
            fix="add tensors of one shape: bring the shortcut to the other path's channels and "
            "size with a 1x1 convolution or a pool",
        )
    ranks = {len(ctx.tensors[view.tensor].shape) for view in (first, second)}
    if len(ranks) > 1:
        first, second = (ctx.flatten(view, node) for view in (first, second))
    if first.dims != second.dims:
        if reorders_channels(first) or reorders_channels(second):
            raise channels_reordered("adds", node.where)
        raise ctx.layout_error("adds two tensors whose axes are in different orders", node)
    target = ctx.add(Add(), (first.tensor, second.tensor), node, output)
    if {first.tensor, second.tensor} <= ctx.nonnegative:
        ctx.nonnegative.add(target)
    return View(target, first.dims)


def add_all(ctx: Context, node: OnnxNode) -> None:
    """Sum of live tensors and constants."""
    live = ctx.live_inputs(node)
    out = node.outputs[0]
    fixed = [i for i in range(len(node.inputs)) if i not in live]
    made = ctx.view(node, live[0])
    for count, index in enumerate(live[1:], 2):
        last = count == len(live) and not fixed
        made = _added(ctx, node, made, ctx.view(node, index), out if last else None)
    for count, index in enumerate(fixed, 1):
        value = collapsed(finite(ctx.need_constant(node, index, "other operand"), node))
        made = ctx.broadcast_rank(made, value.ndim)
        made = ctx.affine(made, node, shift=value, output=out if count == len(fixed) else None)
    ctx.views[out] = made


def prelu(ctx: Context, node: OnnxNode) -> None:
    """PRelu with one slope, or one per channel; LeakyRelu."""
    if node.op == "LeakyRelu":
        slope = np.asarray(node.attributes.get("alpha", 0.01))
    else:
        slope = collapsed(finite(ctx.need_constant(node, 1, "slope"), node))
    view = ctx.view(node)
    channels = ctx.tensors[view.tensor].shape[0]
    values = np.broadcast_to(exact(ctx.by_channel(view, slope, node)), (channels,))
    target = ctx.add(ops.prelu(values), view.tensor, node, node.outputs[0])
    ctx.views[node.outputs[0]] = View(target, view.dims)


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
    target = ctx.add(ops.relu(), view.tensor, node, node.outputs[0])
    ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def absolute(ctx: Context, node: OnnxNode) -> None:
    """Abs: -x up to 0, then x; of pixels a table, which is exact in every sum behind it."""
    if node.inputs[0] in ctx.tables:
        raise unsupported(node)
    view = ctx.view(node)
    target = ctx.add(ops.absolute(), view.tensor, node, node.outputs[0])
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


def extremum(ctx: Context, node: OnnxNode) -> None:
    """Max or Min of a live tensor and constants, of one number or one per channel."""
    live = ctx.live_inputs(node)
    if len(live) != 1:
        raise unsupported(node)
    bounds = [
        finite(ctx.need_constant(node, index, "other operand"), node)
        for index in range(len(node.inputs))
        if index not in live
    ]
    if any(collapsed(bound).size != 1 for bound in bounds):
        pointwise(ctx, node, always=True)
        return
    numbers = [float(bound.flat[0]) for bound in bounds]
    low, high = (max(numbers), np.inf) if node.op == "Max" else (-np.inf, min(numbers))
    view = ctx.broadcast_rank(ctx.view(node, live[0]), max(bound.ndim for bound in bounds))
    _clip(ctx, node, view, low, high)


def hard_sigmoid(ctx: Context, node: OnnxNode) -> None:
    """HardSigmoid: min(max(alpha * x + beta, 0), 1)."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    view = ctx.affine(ctx.view(node), node, scale=np.asarray(alpha), shift=np.asarray(beta))
    _clip(ctx, node, view, 0.0, 1.0)


def smooth(ctx: Context, node: OnnxNode) -> None:
    """Sigmoid and Tanh; of pixels a table, which is exact."""
    if node.inputs[0] in ctx.tables:
        raise unsupported(node)
    view, op = ctx.view(node), ops.Smooth(node.op)
    target = ctx.add(op, view.tensor, node, node.outputs[0])
    if op.low >= 0:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def _clip(ctx: Context, node: OnnxNode, view: View, low: float, high: float) -> None:
    if not low <= high:
        raise ModelError(f"clips to [{low:g}, {high:g}]", where=node.where, fix="order the bounds")
    source, made = view.tensor, ctx.producers.get(view.tensor)
    if made is not None and isinstance(made.op, ops.Piecewise):
        inner = ops.limits_of(made.op)
        both = inner and [min(max(bound, low), high) for bound in inner]
        if both and both[0] < both[1]:  # Max of Min, as TensorFlow spells a Clip
            source, (low, high) = made.inputs[0], both
    target = ctx.add(ops.clip(low, high), source, node, node.outputs[0])
    if low >= 0:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    "Sum": add_all,
    **dict.fromkeys(("PRelu", "LeakyRelu"), prelu),
    "Neg": negate,
    "Pow": power,
    "Relu": relu,
    "Abs": absolute,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    **dict.fromkeys(("Max", "Min"), extremum),
}
