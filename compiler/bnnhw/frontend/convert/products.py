"""Products of two live tensors, and the sums over channels that factors are made of.

XNOR-Net multiplies a convolution by K: the mean of |input| over channels, averaged over windows.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.views import BATCH, View
from bnnhw.ir.ops import AveragePool, ChannelSum, Product, Window
from bnnhw.ir.product_ops import by_channel, by_pixel

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.frames import Frame
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Floats


def product(ctx: Context, node: OnnxNode) -> None:
    """Mul of two live tensors, one of which holds a number per pixel or per channel."""
    both = [ctx.view(node), ctx.view(node, 1)]
    rank = max(len(view.dims) for view in both)
    both = [ctx.broadcast_rank(view, rank) for view in both]
    for x, factor in (both, both[::-1]):
        shape, other = (ctx.tensors[view.tensor].shape for view in (x, factor))
        fits = by_pixel(shape, other) or by_channel(shape, other)
        if fits and all(b in (a, ()) for a, b in zip(x.dims, factor.dims, strict=True)):
            tensors = (x.tensor, factor.tensor)
            target = ctx.add(Product(), tensors, node, node.outputs[0])
            if {*tensors} <= ctx.nonnegative:
                ctx.nonnegative.add(target)
            ctx.views[node.outputs[0]] = View(target, x.dims)
            return
    shapes = " and ".join(views.shape_text(ctx.shape(view)) for view in both)
    raise ModelError(
        f"combines two tensors that are computed from the input, of the shapes {shapes}",
        where=node.where,
        fix="one of them must hold a number per pixel, (N, 1, H, W), or per channel, (N, C, 1, 1)",
    )


def reduced(ctx: Context, node: OnnxNode) -> None:
    """ReduceMean and ReduceSum over channels, height or width."""
    view = ctx.view(node)
    rank = len(view.dims)
    given = node.attributes.get("axes")
    if given is None and node.optional(1):
        given = np.ravel(ctx.need_constant(node, 1, "axes")).tolist()
    found = {int(a) + (rank if a < 0 else 0) for a in given or range(rank)}
    axes = {axis for a in found if 0 <= a < rank for axis in view.dims[a]}
    if not found <= set(range(rank)) or BATCH in axes:
        does = "averages" if node.op == "ReduceMean" else "adds up"
        raise ModelError(
            f"{does} over the axes {sorted(found)} of a tensor of shape "
            f"{views.shape_text(ctx.shape(view))}",
            where=node.where,
            fix="reduce channels, height and width only",
        )
    sizes = ctx.sizes(view)
    channels = tuple(axis for axis in view.order if axis not in ("H", "W"))
    reduced_channels = {*channels} & axes
    if reduced_channels and {*channels} - axes:
        raise ModelError(
            f"{'averages' if node.op == 'ReduceMean' else 'adds up'} some of the channels",
            where=node.where,
            fix="reduce all channels, or none",
        )
    keep = bool(node.attributes.get("keepdims", 1))
    dims = [() if a in found else dim for a, dim in enumerate(view.dims)]
    kept = tuple(dim for a, dim in enumerate(dims) if keep or a not in found)
    window = tuple(sizes[axis] if axis in axes else 1 for axis in "HW" if axis in sizes)
    area = math.prod(window)
    scale = 1.0 if node.op == "ReduceMean" else float(area)
    out, last = node.outputs[0], View(view.tensor, kept)
    if reduced_channels:
        last = View(_added_up(ctx, node, view.tensor), kept)
        count = ctx.tensors[view.tensor].shape[0]
        if node.op == "ReduceMean":
            last = _scaled(ctx, node, last, 1, count, None if area > 1 else out)
    if area > 1:
        size = (window[0], window[1])
        pool = AveragePool(Window(size, size))
        target = ctx.add(pool, last.tensor, node, out if scale == 1 else None)
        if last.tensor in ctx.nonnegative:
            ctx.nonnegative.add(target)
        last = View(target, kept)
        if scale != 1:
            last = _scaled(ctx, node, last, int(scale), 1, out)
    ctx.views[out] = last


def is_box(ctx: Context, source: Frame, weight: Floats) -> bool:
    """Whether weights [1, C, ...] add up numbers from 0 on, each as much as the others."""
    first = weight.flat[0]
    alike = len(weight) == 1 and first > 0 and bool((weight == first).all())
    return alike and weight.shape[1] == source.shape[0] and source.tensor in ctx.nonnegative


def box(ctx: Context, node: OnnxNode, source: Frame, weight: Floats, window: Window) -> View:
    """A convolution with equal weights: a sum over channels, an average and a factor."""
    tensor = source.tensor
    if source.shape[0] > 1:
        tensor = _added_up(ctx, node, tensor)
    if window != Window((1, 1)):
        tensor = ctx.add(AveragePool(window), tensor, node)
        ctx.nonnegative.add(tensor)
    view = source.view(tensor, ctx.tensors[tensor].shape)
    area = window.kernel[0] * window.kernel[1]
    made = ctx.affine(view, node, scale=np.asarray(float(weight.flat[0]) * area), output=None)
    ctx.nonnegative.add(made.tensor)
    return made


def _added_up(ctx: Context, node: OnnxNode, tensor: str) -> str:
    target = ctx.add(ChannelSum(), tensor, node)
    if tensor in ctx.nonnegative:
        ctx.nonnegative.add(target)
    return target


def _scaled(
    ctx: Context, node: OnnxNode, view: View, times: int, by: int, output: str | None
) -> View:
    scale = np.array([Fraction(times, by)], object)
    made = ctx.affine_exact(
        view, node, scale=scale, shift=np.array([Fraction(0)], object), output=output
    )
    if view.tensor in ctx.nonnegative:
        ctx.nonnegative.add(made.tensor)
    return made


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    **dict.fromkeys(("ReduceMean", "ReduceSum"), reduced),
}
