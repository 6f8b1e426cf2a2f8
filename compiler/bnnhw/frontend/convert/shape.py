"""ONNX operations that only move, reshape or rename: they change the view, not the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.regrid import regrid_input
from bnnhw.frontend.unsupported import channels_reordered
from bnnhw.frontend.views import View
from bnnhw.ir.ops import Concat

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode


def identity(ctx: Context, node: OnnxNode) -> None:
    """Identity, Dropout in inference: the same tensor under another name."""
    ctx.views[node.outputs[0]] = ctx.view(node)


def dropout(ctx: Context, node: OnnxNode) -> None:
    """Dropout; an error where the model was exported in training mode."""
    training = ctx.constant(node.optional(2))
    if node.optional(2) and (training is None or bool(training)):
        raise ModelError(
            "is active", where=node.where, fix="export the model in evaluation mode (model.eval())"
        )
    identity(ctx, node)


def cast(ctx: Context, node: OnnxNode) -> None:
    """Cast: to a float type nothing changes; bits stay bits; other casts would truncate."""
    to = int(node.attributes["to"])
    view = ctx.view(node)
    floating = to in (1, 10, 11, 16)
    table = ctx.tables.get(node.inputs[0])
    integral = table is not None and np.array_equal(table, np.rint(table.astype(np.float64)))
    if not floating and view.tensor not in ctx.bits and not integral:
        raise ModelError(
            "truncates real values to integers",
            where=node.where,
            fix="cast only constants, the input, or the results of comparisons",
        )
    if to == 9 and view.tensor not in ctx.bits:
        raise ModelError(
            "turns numbers into booleans", where=node.where, fix="compare with > or >= instead"
        )
    ctx.views[node.outputs[0]] = view


def transpose(ctx: Context, node: OnnxNode) -> None:
    """Transpose."""
    view = ctx.view(node)
    rank = len(view.dims)
    perm = [int(p) for p in node.attributes.get("perm", reversed(range(rank)))]
    if sorted(perm) != list(range(rank)):
        raise ModelError(f"has the permutation {perm}", where=node.where, fix="export again")
    ctx.views[node.outputs[0]] = View(view.tensor, tuple(view.dims[p] for p in perm))


def flatten(ctx: Context, node: OnnxNode) -> None:
    """Flatten."""
    view = ctx.view(node)
    axis = int(node.attributes.get("axis", 1))
    axis += len(view.dims) if axis < 0 else 0
    shape = ctx.shape(view)
    target = (int(np.prod(shape[:axis])), int(np.prod(shape[axis:])))
    _reshape(ctx, node, target)


def reshape(ctx: Context, node: OnnxNode) -> None:
    """Reshape."""
    target = [int(v) for v in np.ravel(ctx.need_constant(node, 1, "target shape"))]
    zero = bool(node.attributes.get("allowzero", 0))
    try:
        sizes = views.resolve_target(target, ctx.shape(ctx.view(node)), allow_zero=zero)
    except ModelError as error:
        raise ModelError(error.what, where=node.where, fix=error.fix) from error
    _reshape(ctx, node, sizes)


def _reshape(ctx: Context, node: OnnxNode, target: tuple[int, ...]) -> None:
    view = ctx.view(node)
    made: View | None
    try:
        made = views.reshape(view, target, ctx.sizes(view))
    except ModelError as error:
        made = regrid_input(ctx, view, target) or views.grouped(view, target, ctx.sizes(view))
        if made is None:
            raise ModelError(error.what, where=node.where, fix=error.fix) from error
    ctx.views[node.outputs[0]] = made


def gather(ctx: Context, node: OnnxNode) -> None:
    """Gather of all channels in another order, or of a flattened tensor's elements in a transposed.

    PyTorch spells ``x[:, [2, 1, 0]]`` the first way, and ``as_strided`` the second.
    """
    view, indices = ctx.view(node), ctx.constant(node.optional(1))
    made = None
    if indices is not None and indices.dtype.kind in "iu":
        sizes, places = ctx.sizes(view), indices.astype(np.int64)
        axis = int(node.attributes.get("axis", 0))
        axis += len(view.dims) if axis < 0 else 0
        made = views.picked(view, axis, places, sizes) or views.gathered(view, places, sizes)
    if made is None:
        raise ModelError(
            "picks elements of a tensor; only all channels may be picked, each once",
            where=node.where,
            fix="pick all channels, by constant indices; an as_strided of PyTorch is read where it "
            "transposes one image",
        )
    ctx.views[node.outputs[0]] = made


def squeeze(ctx: Context, node: OnnxNode) -> None:
    """Squeeze."""
    view = ctx.view(node)
    axes = _axes(ctx, node)
    shape = ctx.shape(view)
    rank = len(shape)
    if axes is None:
        axes = [i for i, size in enumerate(shape) if size == 1 and i > 0]
    axes = [a + rank if a < 0 else a for a in axes]
    if any(not 0 <= a < rank or shape[a] != 1 or view.dims[a] for a in axes):
        raise ModelError(
            f"squeezes axes {axes} of a tensor of shape {views.shape_text(shape)}",
            where=node.where,
            fix="squeeze only axes of size 1, and not the batch",
        )
    dims = tuple(dim for i, dim in enumerate(view.dims) if i not in axes)
    ctx.views[node.outputs[0]] = View(view.tensor, dims)


def unsqueeze(ctx: Context, node: OnnxNode) -> None:
    """Unsqueeze."""
    view = ctx.view(node)
    axes = _axes(ctx, node) or []
    rank = len(view.dims) + len(axes)
    where = {a + rank if a < 0 else a for a in axes}
    if len(where) != len(axes) or not where <= set(range(rank)):
        raise ModelError(
            f"unsqueezes axes {axes} of a tensor of {len(view.dims)} dimensions",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    rest = iter(view.dims)
    dims = tuple(() if i in where else next(rest) for i in range(rank))
    ctx.views[node.outputs[0]] = View(view.tensor, dims)


def concat(ctx: Context, node: OnnxNode) -> None:
    """Concat of live tensors along their channels."""
    if len(ctx.live_inputs(node)) < len(node.inputs):
        raise ModelError(
            "concatenates a constant with what is computed from the input",
            where=node.where,
            fix="concatenate activations only",
        )
    found = [ctx.view(node, i) for i in range(len(node.inputs))]
    if len(found) == 1:
        ctx.views[node.outputs[0]] = found[0]
        return
    rank = len(found[0].dims)
    axis = int(node.attributes.get("axis", 1))
    axis += rank if axis < 0 else 0
    shapes = [ctx.shape(view) for view in found]
    if any(len(view.dims) != rank for view in found) or not 0 <= axis < rank:
        raise ModelError(
            f"concatenates the shapes {' and '.join(map(views.shape_text, shapes))}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    if any(map(views.reorders_channels, found)):
        raise channels_reordered("concatenates", node.where)
    ranks = {len(ctx.tensors[view.tensor].shape) for view in found}
    pixels = max(int(np.prod(ctx.tensors[view.tensor].shape[1:])) for view in found)
    flat = any(len(dim) > 1 for view in found for dim in view.dims) or len(ranks) > 1
    if flat and pixels > 1:
        raise ModelError(
            "concatenates flattened images: their pixels come in another order",
            where=node.where,
            fix="concatenate the images' channels before they are flattened",
        )
    if flat:
        found = [ctx.flatten(view, node) for view in found]
    others = {tuple(s for i, s in enumerate(shape) if i != axis) for shape in shapes}
    dims = {tuple(dim for i, dim in enumerate(view.dims) if i != axis) for view in found}
    if len(others) > 1 or len(dims) > 1 or {view.dims[axis] for view in found} - {("C",), ()}:
        raise ctx.layout_error(
            f"concatenates the shapes {' and '.join(map(views.shape_text, shapes))} along axis "
            f"{axis}, which is not the channels of images of one size",
            node,
        )
    tensors = tuple(view.tensor for view in found)
    target = ctx.add(Concat(), tensors, node, node.outputs[0])
    for known in (ctx.nonnegative, ctx.bits):
        if known.issuperset(tensors):
            known.add(target)
    made = list(found[0].dims)
    made[axis] = ("C",)
    ctx.views[node.outputs[0]] = View(target, tuple(made))


def _axes(ctx: Context, node: OnnxNode) -> list[int] | None:
    if "axes" in node.attributes:
        return [int(a) for a in node.attributes["axes"]]
    if node.optional(1):
        return [int(a) for a in np.ravel(ctx.need_constant(node, 1, "axes"))]
    return None


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    "Identity": identity,
    "Dropout": dropout,
    "Cast": cast,
    "Transpose": transpose,
    "Flatten": flatten,
    "Reshape": reshape,
    "Gather": gather,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
}
