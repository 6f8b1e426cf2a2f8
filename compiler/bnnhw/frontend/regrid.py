"""Models that reshape their own input: a signal, or a vector that becomes an image."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.ir.ops import Affine, Binarize, Lookup, limits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.views import View
    from bnnhw.ir.ops import Op, Shape


def regrid_input(ctx: Context, view: View, target: Sequence[int]) -> View | None:
    """Gives the graph's input another shape where the model reshapes its own input.

    Only while everything so far is element by element with one constant for all; else None.
    """
    form = ctx.input_format
    if form is None or form.grid or len(target) not in (3, 4) or target[0] != ctx.batch:
        return None
    if not view.batch_first or view.order != _natural_order(ctx.tensors[view.tensor].shape):
        return None
    channels = ctx.tensors[view.tensor].shape[0]
    if any(not _elementwise(n.op, channels) for n in ctx.nodes) or form.channels_last:
        return None
    grid = tuple(int(v) for v in target[1:])
    if len(grid) == 2:  # a signal is an image of height 1
        grid = (grid[0], 1, grid[1])
    if math.prod(grid) != math.prod(form.shape):
        return None
    shapes = {name: ctx.shape(known) for name, known in ctx.views.items()}
    ctx.input_format = replace(form, grid=grid)
    for name, tensor in ctx.tensors.items():
        ctx.tensors[name] = replace(tensor, shape=grid)
    ctx.nodes = [replace(n, op=_resized(n.op, grid[0])) for n in ctx.nodes]
    for made in ctx.nodes:
        if made.name in ctx.rounding:
            ctx.rounding[made.name] = np.repeat(ctx.rounding[made.name][:1], grid[0])
    for name, known in ctx.views.items():
        whole = views.natural_view(known.tensor, grid)
        with contextlib.suppress(ModelError):  # its own dimensions are no whole axes any more
            ctx.views[name] = views.reshape(whole, shapes[name], ctx.sizes(whole))
    whole = views.natural_view(view.tensor, grid)
    return views.reshape(whole, target, ctx.sizes(whole))


def _natural_order(shape: Shape) -> tuple[str, ...]:
    """The axes of size greater than 1 of a graph tensor, in its order."""
    return views.natural_view("", shape).order


def _elementwise(op: Op, channels: int) -> bool:
    """Whether ``op`` treats every element alike, whatever its position."""
    if isinstance(op, Affine):
        return op.uniform and channels > 0
    return isinstance(op, (Binarize, Lookup)) or limits_of(op) is not None


def _resized(op: Op, channels: int) -> Op:
    """An element-wise operation for another number of channels."""
    if isinstance(op, Affine):
        return Affine(
            np.repeat(op.scale.flat[:1], channels), np.repeat(op.shift.flat[:1], channels)
        )
    return op
