"""ONNX pools: maxima and averages over windows and over whole images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.frontend.frames import frame
from bnnhw.frontend.windows import pool_window
from bnnhw.ir.ops import AveragePool, MaxPool, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.frames import Frame
    from bnnhw.frontend.onnx_nodes import OnnxNode


def max_pool(ctx: Context, node: OnnxNode) -> None:
    """MaxPool."""
    if len([o for o in node.outputs if o]) > 1:
        raise ModelError(
            "writes the indices of its maxima", where=node.where, fix="use only its first output"
        )
    source = frame(ctx, node)
    _pool(ctx, node, source, MaxPool(pool_window(node, source)))


def global_max_pool(ctx: Context, node: OnnxNode) -> None:
    """GlobalMaxPool."""
    source = frame(ctx, node)
    _pool(ctx, node, source, MaxPool(_whole(source.shape)))


def average_pool(ctx: Context, node: OnnxNode) -> None:
    """AveragePool; padded taps must count, since hardware divides by the kernel's area."""
    source = frame(ctx, node)
    window = pool_window(node, source, ceil=False)
    if pool_window(node, source) != window:
        raise ModelError(
            "has ceil_mode, and its last windows reach beyond the image: they divide by fewer taps",
            where=node.where,
            fix="set ceil_mode to 0, or choose a kernel and stride that cover the image exactly",
        )
    if any(window.pads) and not node.attributes.get("count_include_pad", 0):
        raise ModelError(
            f"pads by {window.pads} and divides by the number of taps inside the image",
            where=node.where,
            fix="set count_include_pad to 1, or pool without padding",
        )
    _pool(ctx, node, source, AveragePool(window))


def global_average_pool(ctx: Context, node: OnnxNode) -> None:
    """GlobalAveragePool."""
    source = frame(ctx, node)
    _pool(ctx, node, source, AveragePool(_whole(source.shape)))


def _whole(shape: tuple[int, ...]) -> Window:
    return Window((shape[1], shape[2]), (shape[1], shape[2]))


def _pool(ctx: Context, node: OnnxNode, source: Frame, op: MaxPool | AveragePool) -> None:
    """A pool of an image or signal; an average over single pixels is none."""
    if isinstance(op, AveragePool) and op.window == Window((1, 1)):
        ctx.views[node.outputs[0]] = source.alike(source.tensor, source.shape)
        return
    target = _add_pool(ctx, node, source.tensor, op)
    ctx.views[node.outputs[0]] = source.alike(target, ctx.tensors[target].shape)


def _add_pool(ctx: Context, node: OnnxNode, tensor: str, op: MaxPool | AveragePool) -> str:
    target = ctx.add(op, tensor, node, node.outputs[0])
    if tensor in ctx.nonnegative:
        ctx.nonnegative.add(target)
    if tensor in ctx.bits and isinstance(op, MaxPool):
        ctx.bits.add(target)
    return target


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    "MaxPool": max_pool,
    "GlobalMaxPool": global_max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
}
