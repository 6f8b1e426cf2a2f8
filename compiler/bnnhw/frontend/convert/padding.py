"""Pad: constants, which a convolution takes over, and pixels of the image itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.context import LayoutError
from bnnhw.frontend.convert import parts
from bnnhw.frontend.frames import frame
from bnnhw.frontend.views import View, shape_text
from bnnhw.ir.ops import EDGE, REFLECT, Pad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode


def pad(ctx: Context, node: OnnxNode) -> None:
    """Pad in height and width.

    A convolution behind it takes constants over; pixels of the image itself are an operation.
    """
    mode = str(node.attributes.get("mode", "constant"))
    view = ctx.view(node)
    each = _amounts(ctx, node, len(view.dims))
    value = node.attributes.get("value", 0.0)
    if node.optional(2):
        value = float(ctx.need_constant(node, 2, "value").ravel()[0])
    named = _axes_of(ctx, view, each)
    if mode in (REFLECT, EDGE) and any(map(any, each)):
        # Along the axes that windows read; channels-last images are no frame, and named as above.
        with contextlib.suppress(ModelError):
            read = frame(ctx, node)
            view, named = read.alike(read.tensor, read.shape), ["N", "C", *read.axes]
    shape = ctx.shape(view)
    padded = [axis for axis, sizes in enumerate(each) if any(sizes)]
    if [named[axis] for axis in padded] == ["C"] and mode == "constant" and value == 0:
        sizes = each[padded[0]]
        if min(sizes) >= 0:
            parts.pad_channels(ctx, node, view, padded[0], sizes)
            return
    sides: dict[str, tuple[int, int]] = {}
    for axis in padded:
        before, after = each[axis]
        single = named[axis]
        if single not in ("H", "W") or before < 0 or after < 0:
            what = f"pads dimension {axis} of {shape_text(shape)} by ({before}, {after})"
            fix = "pad height and width only, by amounts >= 0"
            if single == "C" and mode == "constant" and min(before, after) >= 0:
                # In another order of axes, it may be these.
                raise LayoutError(what, where=node.where, fix=fix)
            raise ModelError(what, where=node.where, fix=fix)
        sides[single] = (before, after)
    top, bottom = sides.get("H", (0, 0))
    left, right = sides.get("W", (0, 0))
    ctx.views[node.outputs[0]] = view
    if not sides:
        return
    if mode in (REFLECT, EDGE):
        _add_pad(ctx, node, view, named, Pad(mode, (top, left, bottom, right)))
    elif mode == "constant" and np.isfinite(value):
        ctx.pads[node.outputs[0]] = (top, left, bottom, right), float(value)
    else:
        raise ModelError(
            f"pads with {value if mode == 'constant' else mode}; constants, reflect and edge are "
            "supported",
            where=node.where,
            fix="pad with zeros or another constant such as 1 or -1, by reflection, or with the "
            "edge's pixels",
        )


def _amounts(ctx: Context, node: OnnxNode, rank: int) -> list[tuple[int, int]]:
    """Before and after, for each dimension: an attribute or an input, of all axes or of some."""
    amounts = node.attributes.get("pads")
    if amounts is None:
        amounts = np.ravel(ctx.need_constant(node, 1, "pads")).tolist()
    axes = list(range(rank))
    if node.optional(3):
        axes = [int(axis) for axis in np.ravel(ctx.need_constant(node, 3, "axes"))]
        axes = [axis + rank if axis < 0 else axis for axis in axes]
    if len(amounts) != 2 * len(axes) or len({*axes}) < len(axes) or not {*axes} <= {*range(rank)}:
        raise ModelError(
            f"pads a tensor of {rank} dimensions by {len(amounts)} amounts along the axes {axes}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    by_axis = dict(zip(axes, np.reshape(amounts, (2, -1)).T.tolist(), strict=True))
    return [(int(a), int(b)) for a, b in (by_axis.get(axis, (0, 0)) for axis in range(rank))]


def _add_pad(ctx: Context, node: OnnxNode, view: View, named: Sequence[str], op: Pad) -> None:
    """The operation, and the view of its result: an axis of size 1 may have grown."""
    target = ctx.add(op, view.tensor, node, node.outputs[0])
    for known in (ctx.nonnegative, ctx.bits):
        if view.tensor in known:
            known.add(target)
    top, left, bottom, right = op.pads
    grown = {"H": top + bottom, "W": left + right}
    dims = ((name,) if grown.get(name) else dim for name, dim in zip(named, view.dims, strict=True))
    ctx.views[node.outputs[0]] = View(target, tuple(dims))


def _axes_of(ctx: Context, view: View, each: Sequence[tuple[int, int]]) -> list[str]:
    """The graph's axis behind each dimension; "?" where it is none alone.

    Axes of size 1 are in no view. Behind dimensions of size 1 are height and width in this order
    if there are channels; padded differently, they must not be taken for each other.
    """
    named = [dim[0] if len(dim) == 1 else "?" for dim in view.dims]
    hidden = [i for i, dim in enumerate(view.dims) if not dim]
    sizes = ctx.sizes(view)
    missing = [axis for axis in ("H", "W") if sizes.get(axis) == 1]
    if len(view.dims) == 3 and len(missing) == 2:
        missing = ["W"]  # of a signal
    alike = len({each[i] for i in hidden}) == 1
    if "C" in view.order and len(hidden) == len(missing) and alike:
        for i, axis in zip(hidden, missing, strict=True):
            named[i] = axis
    return named


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {"Pad": pad}
