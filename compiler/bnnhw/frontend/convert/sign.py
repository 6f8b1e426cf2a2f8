"""Sign and its other spellings: comparisons, Where, BipolarQuant."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.context import collapsed, finite
from bnnhw.frontend.convert.staircase import add_stairs, joined, of_bits
from bnnhw.frontend.unsupported import refuse_two, unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Binarize, Select

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.frontend.stairs import Stairs

_SWAPPED = {
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "LessOrEqual",
    "LessOrEqual": "GreaterOrEqual",
}


def sign(ctx: Context, node: OnnxNode) -> None:
    """Sign: bipolar, its value at 0 as the user chose; after ReLU it is {0, 1}."""
    view = ctx.view(node)
    if view.tensor in ctx.nonnegative:
        op = Binarize(strict=True, low=0.0, high=1.0)
    else:
        op = Binarize(strict=ctx.options.sign_zero == "minus", zero_is_zero=True)
    target = ctx.add(op, view.tensor, node, node.outputs[0])
    if op.low == 0:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def bipolar_quant(ctx: Context, node: OnnxNode) -> None:
    """QONNX's BipolarQuant: +scale where x >= 0, else -scale."""
    view = ctx.view(node)
    scale = finite(ctx.need_constant(node, 1, "scale"), node)
    if scale.size == 1 and float(scale.ravel()[0]) == 1.0:
        target = ctx.add(Binarize(strict=False), view.tensor, node, node.outputs[0])
        ctx.views[node.outputs[0]] = View(target, view.dims)
        return
    target = ctx.add(Binarize(strict=False), view.tensor, node)
    ctx.views[node.outputs[0]] = ctx.affine(
        View(target, view.dims), node, scale=scale, output=node.outputs[0]
    )


def compare(ctx: Context, node: OnnxNode) -> None:
    """Greater, GreaterOrEqual, Less, LessOrEqual with a constant: {0, 1}."""
    live = ctx.live_inputs(node)
    if len(live) == 2:
        refuse_two(node)
    op = node.op if live[0] == 0 else _SWAPPED[node.op]
    value = collapsed(ctx.need_constant(node, 1 - live[0], "other operand"))
    view = ctx.broadcast_rank(ctx.view(node, live[0]), value.ndim)
    turned = op in ("Less", "LessOrEqual")
    if turned or np.any(value):
        view = ctx.affine_exact(
            view,
            node,
            scale=exact(np.asarray(-1 if turned else 1)),
            shift=exact(finite(value, node)) * (1 if turned else -1),
        )
    strict = op in ("Greater", "Less")
    target = ctx.add(Binarize(strict, 0.0, 1.0), view.tensor, node, node.outputs[0])
    ctx.bits.add(target)
    ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def logical_not(ctx: Context, node: OnnxNode) -> None:
    """Not, of a comparison."""
    view = _need_bits(ctx, node, 0)
    made = ctx.affine(view, node, scale=np.asarray(-1), shift=np.asarray(1), output=node.outputs[0])
    ctx.bits.add(made.tensor)
    ctx.views[node.outputs[0]] = made


def where(ctx: Context, node: OnnxNode) -> None:
    """Where of a comparison and two constants: high where it holds, else low."""
    fixed = ctx.zero_repairs.get(node.inputs[0])
    if fixed is not None:
        _repair_zero(ctx, node, fixed)
        return
    if len(ctx.live_inputs(node)) == 3:
        _select(ctx, node)
        return
    view = _need_bits(ctx, node, 0)
    if len(ctx.live_inputs(node)) > 1:
        raise ModelError(
            "selects between a constant and a tensor by a comparison of another tensor",
            where=node.where,
            fix="compare that tensor itself, as in Where(y > threshold, y, threshold); between two "
            "tensors precision gating selects, Where(x > threshold, y, x)",
        )
    high = collapsed(finite(ctx.need_constant(node, 1, "value where true"), node))
    low = collapsed(finite(ctx.need_constant(node, 2, "value where false"), node))
    view = ctx.broadcast_rank(view, max(high.ndim, low.ndim))
    high_exact, low_exact = exact(high), exact(low)
    ctx.views[node.outputs[0]] = ctx.affine_exact(
        view,
        node,
        scale=high_exact - low_exact,
        shift=low_exact + 0 * high_exact,
        output=node.outputs[0],
    )


def steps(ctx: Context, node: OnnxNode) -> bool:
    """Makes a Where among whose values are others of the same tensor a rounding to steps, if it is.

    Returns:
        Whether it was one.
    """
    if node.op != "Where" or len(ctx.live_inputs(node)) < 2:
        return False
    bits = ctx.views.get(node.inputs[0])
    known = all(name in ctx.views or name in ctx.constants for name in node.inputs)
    if bits is None or bits.tensor not in ctx.bits or not known:
        return False
    condition = of_bits(ctx, bits.tensor)
    parts: list[Stairs | Fraction] = []
    for index in (1, 2):
        name = node.inputs[index]
        if name in ctx.views:
            view = ctx.views[name]
            found = ctx.stairs.get(view.tensor) or of_bits(ctx, view.tensor)
            if found is None or view.dims != bits.dims:
                return False
            parts.append(found)
        else:
            value = collapsed(finite(ctx.need_constant(node, index, "value"), node))
            if value.size != 1:
                return False
            parts.append(Fraction(float(value.flat[0])))
    stairs = joined(condition, *parts) if condition is not None else None
    target = add_stairs(ctx, node, stairs, node.outputs[0]) if stairs is not None else None
    if target is None or stairs is None:
        return False
    ctx.stairs[target] = stairs
    ctx.views[node.outputs[0]] = View(target, bits.dims)
    return True


def _select(ctx: Context, node: OnnxNode) -> None:
    """Where of a comparison of x and of two tensors, of which one is x: precision gating."""
    bits = _need_bits(ctx, node, 0)
    made = {n.output: n for n in ctx.nodes}
    sign = made.get(bits.tensor)
    margin, ones = None, exact(np.ones(1))
    if sign is not None and isinstance(sign.op, Binarize) and (sign.op.low, sign.op.high) == (0, 1):
        margin = made.get(sign.inputs[0])
    taken, left = ctx.view(node, 1), ctx.view(node, 2)
    turned = margin is not None and taken.tensor in (margin.output, *margin.inputs)
    x, y = (taken, left) if turned else (left, taken)
    plain = sign is not None and sign.inputs[0] == x.tensor
    compared = margin is not None and isinstance(margin.op, Affine) and margin.inputs[0] == x.tensor
    if sign is None or not (plain or compared) or x.dims != y.dims or bits.dims != x.dims:
        raise ModelError(
            "selects between two tensors by something that is no comparison of one of them with a "
            "constant",
            where=node.where,
            fix="spell precision gating as Where(x > threshold, y, x)",
        )
    assert isinstance(sign.op, Binarize)
    channels = ctx.tensors[x.tensor].shape[0]
    scale, shift = np.repeat(ones, channels), np.repeat(0 * ones, channels)
    if not plain and margin is not None and isinstance(margin.op, Affine):
        scale, shift = margin.op.scale, margin.op.shift
    below = bool(scale[0] < 0)
    if len({*scale}) > 1 or not scale[0] or shift.ndim > 1:
        raise unsupported(node)
    op = Select(-shift / scale, sign.op.strict != turned, below != turned)
    target = ctx.add(op, (x.tensor, y.tensor), node, node.outputs[0])
    if {x.tensor, y.tensor} <= ctx.nonnegative:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, x.dims)


def equal(ctx: Context, node: OnnxNode) -> None:
    """Equal to zero: only to say what Sign(0) is, as in Where(x == 0, 1, Sign(x))."""
    live = ctx.live_inputs(node)
    value = ctx.constant(node.inputs[1 - live[0]]) if len(live) == 1 else None
    if value is None or np.any(value):
        raise unsupported(node)
    ctx.zero_repairs[node.outputs[0]] = node.inputs[live[0]]


def _repair_zero(ctx: Context, node: OnnxNode, compared: str) -> None:
    """Where(x == 0, +-1, Sign(x)) and Where(Sign(x) == 0, +-1, Sign(x))."""
    value, rest = ctx.constant(node.optional(1)), node.optional(2)
    view = ctx.views.get(rest or "")
    made = next((n for n in ctx.nodes if view and n.output == view.tensor), None)
    fits = (
        value is not None
        and view is not None
        and made is not None
        and isinstance(made.op, Binarize)
        and made.op.zero_is_zero
        and ctx.views[compared].tensor in (made.output, made.inputs[0])
        and bool(np.all(value == 1) or np.all(value == -1))
    )
    if not fits or made is None or value is None or view is None:
        raise ModelError(
            "selects between values in a way that is no sign",
            where=node.where,
            fix="spell the sign as Where(x > 0, 1, -1) or Where(x >= 0, 1, -1)",
        )
    strict = bool(np.all(value == -1))
    target = ctx.add(Binarize(strict=strict), made.inputs[0], node, node.outputs[0])
    ctx.views[node.outputs[0]] = View(target, view.dims)


def _need_bits(ctx: Context, node: OnnxNode, index: int) -> View:
    view = ctx.views.get(node.inputs[index])
    if view is None or view.tensor not in ctx.bits:
        raise ModelError(
            "selects by something that is no comparison of the input with a constant",
            where=node.where,
            fix="spell the sign as Where(x > 0, 1, -1) or Where(x >= 0, 1, -1)",
        )
    return view


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual"), compare),
    "Sign": sign,
    "BipolarQuant": bipolar_quant,
    "Not": logical_not,
    "Where": where,
    "Equal": equal,
}
