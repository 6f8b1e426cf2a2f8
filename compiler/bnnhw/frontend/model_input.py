"""The model's input: its shape, the integers it holds, and the scale between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.exact import decimal_fraction, exact, floats
from bnnhw.frontend.options import parse_type
from bnnhw.frontend.views import BATCH, View
from bnnhw.ir.graph import InputFormat
from bnnhw.ir.ops import Affine, Tensor
from bnnhw.ir.types import Bit, DType, Integer, Real

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.model_file import OnnxModel
    from bnnhw.frontend.options import LoadOptions

_WIDEST_TABLE = 8


class UndeclaredInputError(ModelError):
    """The model takes floats, and nobody said to which integers they belong."""


def check_declared(ctx: Context) -> None:
    """Raises where the integer type of the input is known neither from the model nor the user."""
    if isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        raise UndeclaredInputError(
            "holds floats, and nothing in the model says to which integers they belong",
            where=f"input '{ctx.model.input_name}'",
            fix="declare them: --input-type bipolar, int8, or uint8 with --input-scale 1/255 ...",
        )


def add_input(ctx: Context, *, channels_last: bool) -> None:
    """Makes the model's input the graph's: its axes, its integers, its declared scale."""
    model, options = ctx.model, ctx.options
    shape = tuple(int(size or 0) for size in model.input_shape[1:])
    element = _declared_type(model, options)
    scale = decimal_fraction(options.input_scale or 1.0)
    offset = decimal_fraction(options.input_offset or 0.0)
    ctx.input_format = InputFormat(
        model.input_name, shape, model.input_dtype.name, channels_last, element,
        float(scale), float(offset), grid=(1, *shape) if len(shape) == 2 else (),
    )  # fmt: skip
    axes: tuple[str, ...] = ("C",) if len(shape) == 1 else ("C", "H", "W")
    if channels_last:
        axes = ("H", "W", "C")
    own = (1, *shape) if len(shape) == 2 else shape
    sizes = dict(zip(axes, own, strict=True))
    tensor = ctx.input_tensor
    ctx.tensors[tensor] = Tensor(
        tuple(sizes[axis] for axis in ("C", "H", "W") if axis in sizes), element
    )
    dims = [((axis,) if sizes[axis] > 1 else ()) for axis in axes]
    view = View(tensor, ((BATCH,), *(dims[1:] if len(shape) == 2 else dims)))
    values = _integers_of(element)
    if values is not None and ctx.model.input_dtype.kind == "f":
        table = values.astype(np.float64) * float(scale) + float(offset)
        ctx.tables[model.input_name] = table.astype(ctx.model.input_dtype)
    elif values is not None:
        ctx.tables[model.input_name] = values.astype(ctx.model.input_dtype)
    if scale != 1 or offset != 0:
        one = exact(np.ones(1))
        channels = ctx.tensors[tensor].shape[0]
        op = Affine(np.repeat(one * scale, channels), np.repeat(one * offset, channels))
        target = ctx.add_source(op, tensor)
        ctx.rounding[ctx.nodes[-1].name] = np.abs(floats(op.shift))
        view = View(target, view.dims)
    ctx.views[model.input_name] = view


def _declared_type(model: OnnxModel, options: LoadOptions) -> DType:
    """The integer type of the input: declared, annotated, or its own; Real while unknown."""
    where = f"input '{model.input_name}'"
    kind = model.input_dtype
    own: DType = Real()
    if kind.kind in "iu" and kind.itemsize <= 2:
        own = Integer(8 * kind.itemsize, kind.kind == "i")
    element = own
    if options.input_type is not None:
        element = parse_type(options.input_type, where="option --input-type")
    elif model.input_name in model.annotations:
        name = model.annotations[model.input_name]
        if not name.upper().startswith(("FLOAT", "SCALED", "FIXED")):
            element = parse_type(name, where=f"{where} (its QONNX annotation)")
    elif isinstance(own, Real) and kind.kind in "iu":
        raise ModelError(
            f"has elements of type {kind}, too wide for the hardware",
            where=where,
            fix="declare the range that images use, e.g. --input-type uint8",
        )
    if isinstance(own, Integer) and not isinstance(element, Real):
        if element.low < own.low or element.high > own.high:
            raise ModelError(
                f"is {own} in the model and cannot hold {element}",
                where="option --input-type",
                fix=f"declare a type that {own} holds, or none",
            )
        if options.input_scale not in (None, 1.0) or options.input_offset not in (None, 0.0):
            raise ModelError(
                f"is {own} in the model, which needs no scale or offset",
                where=where,
                fix="leave --input-scale and --input-offset out",
            )
    return element


def _integers_of(element: DType) -> NDArray[np.generic] | None:
    """All integers of a type of at most 8 bits, from its lowest; None for wider ones."""
    if isinstance(element, Bit):
        return np.arange(element.low, element.high + 1)
    if isinstance(element, Integer) and element.bits <= _WIDEST_TABLE:
        return np.arange(element.low, element.high + 1)
    return None
