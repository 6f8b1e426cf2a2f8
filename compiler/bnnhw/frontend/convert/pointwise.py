"""Arithmetic on several functions of one tensor: activations spelled with masks, maxima and sums.

x * (x > 0), Where(x > 0, r * x, l * x) and relu(x) - a * relu(-x) are all functions of x alone.
Where the operands of a node are piecewise linear functions of one tensor, so is its result. One
that jumps, such as one term of a sum of products with masks, becomes no operation of the graph: it
is pending until what is made of it is continuous.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import curves
from bnnhw.frontend.context import finite
from bnnhw.frontend.curves import Curve, Curves, Pending
from bnnhw.frontend.views import View
from bnnhw.ir.exact import exact, floats
from bnnhw.ir.ops import Affine, Binarize, Elementwise, Piecewise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Op

_FURTHEST = 64
"""Operations from a tensor back to the one that it is a function of."""
_MOST_POINTS = 64
_ZERO, _ONE = Fraction(0), Fraction(1)


def _refusal(made: Curves, node: OnnxNode) -> ModelError:
    jumps = ((c, curve.jump()) for c, curve in enumerate(made))
    channel, found = next(((c, jump) for c, jump in jumps if jump), (0, None))
    if found is None:
        return ModelError(
            f"is a function of more than {_MOST_POINTS} linear pieces",
            where=node.where,
            fix="use an activation of at most three pieces",
        )
    if all(curve.is_stairs for curve in made):
        return _refused_stairs(made, node)
    point, left, right = (float(value) for value in found)
    which = f" in channel {channel}" if len(made) > 1 else ""
    what = (
        "selects between two functions that do not meet"
        if node.op == "Where"
        else "makes a function that is not continuous"
    )
    return ModelError(
        f"{what}: at {point:.6g} it jumps from {left:.6g} to {right:.6g}{which}",
        where=node.where,
        fix="let the pieces meet where they join: activations must be continuous",
    )


def _refused_stairs(made: Curves, node: OnnxNode) -> ModelError:
    """Why steps are no rounding to a few bits, which equal ones of all channels are."""
    steps = [", ".join(f"{float(p):.4g}" for p in curve.points) for curve in made[:2]]
    if len(made) > 1:
        return ModelError(
            f"takes steps that differ between channels, at {steps[0]} in channel 0 and at "
            f"{steps[1]} in channel 1",
            where=node.where,
            fix="step alike in all channels: scale and shift each channel before the comparisons, "
            "as BatchNorm does",
        )
    values = ", ".join(f"{float(shift):.4g}" for _, shift in made[0].lines)
    return ModelError(
        f"takes steps at {steps[0]} to {values}, which are not equally far apart",
        where=node.where,
        fix="round to equal steps: thresholds at one distance, and values at one distance",
    )


def pointwise(ctx: Context, node: OnnxNode, *, always: bool = False) -> bool:
    """Makes the node's result a function of one tensor; whether that was possible.

    Only nodes are taken that read several live tensors, or a pending one; all, with ``always``.
    """
    combine = _COMBINE.get(node.op)
    live = ctx.live_inputs(node)
    pending = [ctx.pending[node.inputs[i]] for i in live if node.inputs[i] in ctx.pending]
    if combine is None or not (always or pending or len(live) > 1):
        return False
    if node.op == "Where" and not _selects(ctx, node):
        return False
    if node.op == "Cast" and not _keeps(node, pending[0]):
        return False
    if any(not name for name in node.inputs) or (node.op == "Div" and live != [0]):
        return False
    views = [p.view if (p := ctx.pending.get(node.inputs[i])) else ctx.view(node, i) for i in live]
    constants = {
        i: finite(ctx.need_constant(node, i, "operand"), node)
        for i in range(len(node.inputs))
        if i not in live
    }
    rank = max([len(v.dims) for v in views] + [c.ndim for c in constants.values()])
    views = [ctx.broadcast_rank(view, rank) for view in views]
    if len({view.dims for view in views}) > 1:
        return False
    for base in _common(ctx, [view.tensor for view in views]):
        operands: list[Curves] = []
        shared = View(base, views[0].dims)
        for i in range(len(node.inputs)):
            if i in constants:
                operands.append(_constant(ctx, node, shared, constants[i], node.op == "Div"))
            else:
                view = views[live.index(i)]
                chain = _chain(ctx, view.tensor, base)
                known = ctx.pending.get(node.inputs[i])
                operands.append(_through(ctx, base, chain, known.curves if known else None))
        made = _each(operands, combine)
        if made is not None and _emit(ctx, node, shared, made, pending):
            return True
    return False


def _emit(
    ctx: Context, node: OnnxNode, view: View, made: Curves, pending: Sequence[Pending]
) -> bool:
    """Adds the operation, or leaves it pending; whether one of both is right."""
    out = node.outputs[0]
    large = any(len(curve.points) > _MOST_POINTS for curve in made)
    if large or any(curve.jump() for curve in made):
        if node.op in ("Add", "Sub", "Sum", "Max", "Min") and not pending:
            return False  # a stream and bits: what joins them is known
        inherits = len(pending) == 1 and node.op not in ("Mul", "Where")
        refusal = pending[0].refusal if inherits else _refusal(made, node)
        ctx.pending[out] = Pending(view, made, refusal)
        return True
    functions = tuple(curve.pieces() for curve in made)
    channels = ctx.tensors[view.tensor].shape[0]
    if max(map(len, functions)) > 1:
        label = "Piecewise" if node.op in ("Cast", "Identity") else node.op
        target = ctx.add(Piecewise(functions, label), view.tensor, node, out)
    else:
        lines = [f[0] for f in functions] * (channels if len(functions) == 1 else 1)
        scale, shift = np.empty((2, channels), object)
        scale[:], shift[:] = [p.scale for p in lines], [p.shift for p in lines]
        if (scale == 1).all() and not shift.any():
            ctx.views[out] = view
            return True
        target = ctx.add(Affine(scale, shift), view.tensor, node, out)
        ctx.rounding[ctx.nodes[-1].name] = np.abs(floats(shift))
    if all(curve.is_nonnegative for curve in made):
        ctx.nonnegative.add(target)
    ctx.views[out] = View(target, view.dims)
    return True


def _selects(ctx: Context, node: OnnxNode) -> bool:
    """Whether the condition of a Where is a comparison."""
    name = node.inputs[0]
    if name in ctx.pending:
        return all(curve.is_mask for curve in ctx.pending[name].curves)
    return name in ctx.views and ctx.views[name].tensor in ctx.bits


def _keeps(node: OnnxNode, read: Pending) -> bool:
    """Whether a Cast changes no number: to floats, or of a mask."""
    floating = int(node.attributes["to"]) in (1, 10, 11, 16)
    return floating or all(curve.is_mask for curve in read.curves)


def _common(ctx: Context, tensors: Sequence[str]) -> list[str]:
    """The tensors that all of ``tensors`` are functions of, the nearest first.

    Functions of bits are none of them: signs themselves may be spelled with those.
    """
    paths = [_path(ctx, tensor) for tensor in tensors]
    names = list(paths[0])
    signs = [i for i, name in enumerate(names) if isinstance(paths[0][name], Binarize)]
    return [t for t in names[max(signs, default=-1) + 1 :] if all(t in path for path in paths)]


def _path(ctx: Context, tensor: str) -> dict[str, Op | None]:
    """A tensor and those it is a function of, each with the operation that made it."""
    found: dict[str, Op | None] = {}
    while len(found) < _FURTHEST:
        made = ctx.producers.get(tensor)
        fits = made is not None and isinstance(made.op, (Elementwise, Binarize))
        if made is not None and isinstance(made.op, Affine) and made.op.row_class:
            fits = False  # it differs from pixel to pixel
        found[tensor] = made.op if made is not None and fits else None
        if made is None or not fits:
            break
        tensor = made.inputs[0]
    return found


def _chain(ctx: Context, tensor: str, base: str) -> list[Op]:
    """The operations from ``base`` to ``tensor``."""
    path = _path(ctx, tensor)
    names = list(path)
    return [op for name in names[: names.index(base)] if (op := path[name]) is not None][::-1]


def _through(ctx: Context, base: str, chain: Sequence[Op], last: Curves | None) -> Curves:
    """What ``chain``, then ``last``, make of ``base``."""
    count = ctx.tensors[base].shape[0]
    found: Curves = (curves.line(1, 0),)
    for op in chain:
        found = _compose(found, _curves(op, count))
    return found if last is None else _compose(found, last)


def _compose(inner: Curves, outer: Curves) -> Curves:
    made = _each([outer, inner], curves.through)
    assert made is not None
    return made


def _curves(op: Op, channels: int) -> Curves:
    if isinstance(op, Binarize):
        low, high = Fraction(op.low), Fraction(op.high)
        return (curves.step(low, high, low if op.strict else high),)
    assert isinstance(op, Elementwise)
    one = isinstance(op, Piecewise) and len(op.functions) == 1
    one = one or (isinstance(op, Affine) and op.uniform)
    return tuple(curves.curve_of(op.pieces(c)) for c in range(1 if one else channels))


def _constant(ctx: Context, node: OnnxNode, view: View, value: np.ndarray, inverse: bool) -> Curves:
    values = ctx.by_channel(view, value, node)
    if inverse and not np.all(values):
        raise ModelError("divides by zero", where=node.where, fix="train or export again")
    return tuple(curves.line(0, 1 / v if inverse else v) for v in exact(values))


def _each(operands: Sequence[Curves], combine: Callable[..., Curve | None]) -> Curves | None:
    """The combination in each channel; None where one is no piecewise linear function."""
    count = max(map(len, operands))
    made = []
    for c in range(count):
        curve = combine(*(found[c if len(found) > 1 else 0] for found in operands))
        if curve is None:
            return None
        made.append(curve)
    return tuple(made[:1] if all(curve == made[0] for curve in made) else made)


def _product(*given: Curve) -> Curve | None:
    made: Curve | None = given[0]
    for curve in given[1:]:
        made = made and curves.product(made, curve)
    return made


def _select(mask: Curve, high: Curve, low: Curve) -> Curve | None:
    """``high`` where the mask is 1, else ``low``."""
    other = curves.through(curves.line(-1, 1), mask)
    parts = curves.product(mask, high), curves.product(other, low)
    return curves.total(parts[0], parts[1]) if parts[0] and parts[1] else None


def _minimum(*given: Curve) -> Curve:
    return curves.negative(reduce(curves.maximum, map(curves.negative, given)))


_COMBINE: dict[str, Callable[..., Curve | None]] = {
    **dict.fromkeys(("Add", "Sum"), lambda *given: reduce(curves.total, given)),
    "Sub": lambda a, b: curves.total(a, curves.negative(b)),
    **dict.fromkeys(("Mul", "Div", "And"), _product),
    "Neg": curves.negative,
    "Where": _select,
    **dict.fromkeys(("Max", "Or"), lambda *given: reduce(curves.maximum, given)),
    "Min": _minimum,
    "Not": lambda mask: curves.through(curves.line(-1, 1), mask),
    **dict.fromkeys(("Cast", "Identity"), lambda curve: curve),
}
