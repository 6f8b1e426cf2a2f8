"""Operations at the start of a model: padding and quantisation of the input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.constants import quant_range
from bnnhw.frontend.context import LayoutError
from bnnhw.frontend.convert import parts
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import View, shape_text
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Tensor
from bnnhw.ir.types import Bit, Integer, Real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode


def pad(ctx: Context, node: OnnxNode) -> None:
    """Pad with a constant in height and width; the convolution after it takes it over."""
    mode = str(node.attributes.get("mode", "constant"))
    view = ctx.view(node)
    amounts = node.attributes.get("pads")
    if amounts is None:
        amounts = np.ravel(ctx.need_constant(node, 1, "pads")).tolist()
    value = node.attributes.get("value", 0.0)
    if node.optional(2):
        value = float(ctx.need_constant(node, 2, "value").ravel()[0])
    if node.optional(3) or len(amounts) != 2 * len(view.dims):
        raise ModelError("pads selected axes", where=node.where, fix="give pads for all axes")
    sides: dict[str, tuple[int, int]] = {}
    shape = ctx.shape(view)
    each = [(int(a), int(b)) for a, b in np.reshape(amounts, (2, -1)).T]
    named = _axes_of(ctx, view, each)
    padded = [axis for axis, sizes in enumerate(each) if any(sizes)]
    if [named[axis] for axis in padded] == ["C"] and mode == "constant" and value == 0:
        sizes = each[padded[0]]
        if min(sizes) >= 0:
            parts.pad_channels(ctx, node, view, padded[0], sizes)
            return
    for axis, (before, after) in enumerate(each):
        if before or after:
            single = named[axis]
            if single not in ("H", "W") or before < 0 or after < 0:
                what = f"pads dimension {axis} of {shape_text(shape)} by ({before}, {after})"
                fix = "pad height and width only, by amounts >= 0"
                if single == "C" and min(before, after) >= 0:  # in another order, it may be these
                    raise LayoutError(what, where=node.where, fix=fix)
                raise ModelError(what, where=node.where, fix=fix)
            sides[single] = (before, after)
    if sides and (mode != "constant" or not np.isfinite(value)):
        raise ModelError(
            f"pads with {value if mode == 'constant' else mode}; only constants are supported",
            where=node.where,
            fix="pad with zeros, or with another constant such as 1 or -1",
        )
    top, bottom = sides.get("H", (0, 0))
    left, right = sides.get("W", (0, 0))
    ctx.views[node.outputs[0]] = view
    if sides:
        ctx.pads[node.outputs[0]] = (top, left, bottom, right), float(value)


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


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    "Pad": pad,
}
