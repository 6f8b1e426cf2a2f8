"""Rounding behind the input: Round, Floor, QONNX's Quant, QuantizeLinear and DequantizeLinear.

Each becomes a Round among affine operations and Clips; ``settle_rounding`` makes fixed-point types
of them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.constants import quant_range
from bnnhw.frontend.context import finite
from bnnhw.frontend.convert.ends import quantise_input, quantises_input
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Round, clip
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode

_HALF_EVEN = ("ROUND", "HALF_EVEN")
_WIDEST = 32


def round_half_even(ctx: Context, node: OnnxNode) -> None:
    """Round."""
    _refuse_table(ctx, node)
    ctx.views[node.outputs[0]] = _round(ctx, node, ctx.view(node), half_even=True, last=True)


def floor(ctx: Context, node: OnnxNode) -> None:
    """Floor, which is x - 1/2 rounded half up."""
    _refuse_table(ctx, node)
    view = ctx.affine(ctx.view(node), node, shift=np.asarray(-0.5))
    ctx.views[node.outputs[0]] = _round(ctx, node, view, half_even=False, last=True)


def quant(ctx: Context, node: OnnxNode) -> None:
    """QONNX's Quant, of the input or of a stream."""
    if quantises_input(ctx):
        quantise_input(ctx, node)
        return
    _refuse_table(ctx, node)
    scale, zero = _scale(ctx, node)
    bits = ctx.need_constant(node, 3, "bit width").ravel()
    if len({*bits.tolist()}) != 1 or not 1 <= bits[0] <= _WIDEST or bits[0] != int(bits[0]):
        raise ModelError(
            "has no bit width from 1 to 32", where=node.where, fix="use one bit width for all"
        )
    mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    if mode not in (*_HALF_EVEN, "FLOOR", "HALF_UP"):
        raise ModelError(
            f"rounds by the mode {mode}",
            where=node.where,
            fix="use ROUND, HALF_UP or FLOOR",
        )
    shift = zero - Fraction(1, 2) if mode == "FLOOR" else zero
    view = _line(ctx, node, ctx.view(node), 1 / scale, shift)
    view = _round(ctx, node, view, half_even=mode in _HALF_EVEN)
    view = _limit(ctx, node, view, quant_range(node, int(bits[0])))
    _scale_back(ctx, node, view, scale, zero)


def quantize_linear(ctx: Context, node: OnnxNode) -> None:
    """QuantizeLinear, of the input or of a stream."""
    if quantises_input(ctx):
        quantise_input(ctx, node)
        return
    _refuse_table(ctx, node)
    scale, zero = _scale(ctx, node)
    point = ctx.constant(node.optional(2))
    kind = np.dtype(np.uint8) if point is None else point.dtype
    if kind.kind not in "iu" or node.attributes.get("output_dtype", 0):
        raise ModelError(
            "does not say its integer type by the type of its zero point",
            where=node.where,
            fix="give a zero point of type int8, uint8, int16 or uint16",
        )
    dtype = Integer(8 * kind.itemsize, kind.kind == "i")
    view = _round(ctx, node, _line(ctx, node, ctx.view(node), 1 / scale, zero), half_even=True)
    ctx.views[node.outputs[0]] = _limit(ctx, node, view, (dtype.low, dtype.high), last=True)


def dequantize_linear(ctx: Context, node: OnnxNode) -> None:
    """DequantizeLinear of the integer input or of a QuantizeLinear: (x - zero point) * scale."""
    _scale_back(ctx, node, ctx.view(node), *_scale(ctx, node))


def _scale_back(ctx: Context, node: OnnxNode, view: View, scale: Fraction, zero: Fraction) -> None:
    """The node's result: (integers - zero point) * scale."""
    ctx.views[node.outputs[0]] = _line(ctx, node, view, scale, -zero * scale, last=True)


def _line(
    ctx: Context,
    node: OnnxNode,
    view: View,
    scale: Fraction,
    shift: Fraction,
    *,
    last: bool = False,
) -> View:
    """Scaled and shifted; the node's result if ``last``, as in the two below."""
    one = exact(np.ones(1))
    return ctx.affine_exact(
        view, node, scale=one * scale, shift=one * shift, output=node.outputs[0] if last else None
    )


def _round(
    ctx: Context, node: OnnxNode, view: View, *, half_even: bool, last: bool = False
) -> View:
    output = node.outputs[0] if last else None
    return View(ctx.add(Round(half_even), view.tensor, node, output), view.dims)


def _limit(
    ctx: Context, node: OnnxNode, view: View, limits: tuple[int, int], *, last: bool = False
) -> View:
    output = node.outputs[0] if last else None
    limit = clip(float(limits[0]), float(limits[1]))
    return View(ctx.add(limit, view.tensor, node, output), view.dims)


def _scale(ctx: Context, node: OnnxNode) -> tuple[Fraction, Fraction]:
    """The one scale, positive, and the one zero point."""
    scale = np.unique(finite(ctx.need_constant(node, 1, "scale"), node))
    zero = ctx.constant(node.optional(2))
    points = np.unique(np.zeros(1) if zero is None else finite(zero, node))
    if len(scale) > 1 or len(points) > 1:
        raise ModelError("has several scales", where=node.where, fix="use one for all channels")
    if scale[0] <= 0:
        raise ModelError("has a scale that is not positive", where=node.where, fix="train again")
    return Fraction(exact(scale)[0]), Fraction(exact(points)[0])


def _refuse_table(ctx: Context, node: OnnxNode) -> None:
    """Raises where the node's input has a table: its result gets one too, exactly."""
    if node.inputs[0] in ctx.tables:
        raise unsupported(node)


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    "Round": round_half_even,
    "Floor": floor,
    "Quant": quant,
    "IntQuant": quant,
    "QuantizeLinear": quantize_linear,
    "DequantizeLinear": dequantize_linear,
}
