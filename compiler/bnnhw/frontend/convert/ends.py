"""Quantisation of the input, at the start of a model."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.constants import quant_range
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Tensor
from bnnhw.ir.types import Bit, Integer, Real

if TYPE_CHECKING:
    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode


def quantises_input(ctx: Context) -> bool:
    """Whether a quantiser here is the input's: real, and scaled and shifted at most so far."""
    real = isinstance(ctx.tensors[ctx.input_tensor].dtype, Real)
    return real and all(isinstance(n.op, Affine) for n in ctx.nodes) and len(ctx.nodes) <= 8


def quantise_input(ctx: Context, node: OnnxNode) -> None:
    """QuantizeLinear or QONNX Quant of a float input: its integers become the graph's input."""
    view = ctx.view(node)
    tensor = ctx.tensors[ctx.input_tensor]
    form = ctx.input_format
    if form is None or not quantises_input(ctx):
        raise unsupported(node)
    scale, zero = Fraction(1), Fraction(0)
    for made in ctx.nodes:
        assert isinstance(made.op, Affine)
        if not made.op.uniform:
            raise ModelError(
                "quantises an input that was scaled per channel",
                where=node.where,
                fix="use one scale and one mean for all channels before the quantiser",
            )
        factor, shift = made.op.scale.flat[0], made.op.shift.flat[0]
        scale, zero = scale * factor, zero * factor + shift
    later = ctx.model.nodes[[n is node for n in ctx.model.nodes].index(True) + 1 :]
    if any(name in ctx.views for n in later for name in n.inputs):
        raise ModelError(
            "quantises an input that is read elsewhere too",
            where=node.where,
            fix="quantise once, directly behind the input",
        )
    step, point, element = _quantiser(ctx, node)
    if scale <= 0 or step <= 0:
        raise unsupported(node)
    ctx.input_format = replace(
        form,
        element=element,
        rounds=True,
        scale=float(step / scale),
        offset=float((-point * step - zero) / scale),
    )
    ctx.nodes.clear()
    ctx.tensors[ctx.input_tensor] = Tensor(tensor.shape, element)
    source = View(ctx.input_tensor, view.dims)
    values = np.arange(element.low, element.high + 1)
    one = exact(np.ones(1))
    integer_out = node.op == "QuantizeLinear"
    factor = Fraction(1) if integer_out else step
    shift = Fraction(0) if integer_out else -point * step
    made_view = ctx.affine_exact(
        source, node, scale=one * factor, shift=one * shift, output=node.outputs[0]
    )
    if isinstance(element, Bit) or element.bits <= 8:
        real = ((values - float(point)) * float(step)).astype(np.float32)
        ctx.tables[node.outputs[0]] = values if integer_out else real
    ctx.views[node.outputs[0]] = made_view


def _quantiser(ctx: Context, node: OnnxNode) -> tuple[Fraction, Fraction, Integer | Bit]:
    """Step, zero point and integer type."""
    scale = exact(ctx.need_constant(node, 1, "scale"))
    zero = ctx.constant(node.optional(2))
    point = exact(np.zeros(1) if zero is None else zero)
    if scale.size != 1 or point.size != 1:
        raise ModelError(
            "quantises per channel", where=node.where, fix="use one scale for the whole input"
        )
    if node.op == "QuantizeLinear":
        signed = zero is not None and zero.dtype.kind == "i"
        bits = 8 if zero is None else 8 * zero.dtype.itemsize
        element: Integer | Bit = Integer(bits, signed)
    else:
        bits = int(ctx.need_constant(node, 3, "bit width").ravel()[0])
        low, high = quant_range(node, bits)
        element = Bit(bipolar=False) if (low, high) == (0, 1) else Integer(bits, low < 0)
        if (low, high) != (element.low, element.high) or bits > 16 or low == high:
            raise ModelError(
                f"quantises the input to [{low}, {high}], which is no whole integer type",
                where=node.where,
                fix="declare what images hold instead, e.g. --input-type uint8 "
                "--input-scale 1/255: the quantiser then becomes a table",
            )
        if str(node.attributes.get("rounding_mode", "ROUND")).upper() not in ("ROUND", "HALF_EVEN"):
            raise unsupported(node)
    return Fraction(scale.flat[0]), Fraction(point.flat[0]), element
