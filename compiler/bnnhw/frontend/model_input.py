"""The model's input: its shape, the integers it holds, and the scale between the two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.limits import MAX_ELEMENTS, check_elements, check_image
from bnnhw.frontend.options import parse_type
from bnnhw.frontend.views import BATCH, View
from bnnhw.ir.exact import decimal_fraction, floats
from bnnhw.ir.graph import InputFormat
from bnnhw.ir.ops import Affine, Tensor
from bnnhw.ir.types import Bit, DType, Integer, Real

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxModel
    from bnnhw.frontend.options import LoadOptions
    from bnnhw.ir.ops import Exacts

_WIDEST_TABLE = 8


class UndeclaredInputError(ModelError):
    """The model takes floats, and nobody said to which integers they belong."""


def check_declared(ctx: Context) -> None:
    """Raises where the integer type of the input is known neither from the model nor the user."""
    if isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        raise UndeclaredInputError(
            "holds floats, and nothing in the model says to which integers they belong",
            where=f"input '{ctx.model.input_name}'",
            fix="declare them: --input-mean and --input-std of pixels, or --input-type bipolar, "
            "int8, or uint8 with --input-scale 1/255 ...",
        )


Layout = Literal["first", "last", "signal", "signal last"]
"""Where the channels are: of (N, C, H, W) or (N, C) first, of (N, H, W, C) last; and likewise of
signals (N, C, L) and (N, L, C), which may as well be grey images (N, H, W), "first"."""


def layouts(shape: Sequence[int | None], options: LoadOptions) -> tuple[Layout, ...]:
    """The layouts that an input of this shape (the batch included) may have, likely ones first."""
    if len(shape) == 3:
        by_channel = (options.input_scale, options.input_offset)
        signals = any(isinstance(values, tuple) for values in by_channel)
        return ("signal", "signal last") if signals else ("first", "signal", "signal last")
    if len(shape) < 4:
        return ("first",)
    last = shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)
    return ("last", "first") if last else ("first", "last")


def add_input(ctx: Context, layout: Layout) -> None:
    """Makes the model's input the graph's: its axes, its integers, its declared scale."""
    model, options = ctx.model, ctx.options
    shape = tuple(int(size or 0) for size in model.input_shape[1:])
    check_elements(shape, f"input '{model.input_name}'")
    _check_batch(model)
    element = _declared_type(model, options)
    declared = (options.input_scale or 1.0, options.input_offset or 0.0)
    channels_last = layout in ("last", "signal last")
    _check_channels(shape, options, layout)
    grid, dims = _axes(shape, layout)
    ctx.input_format = InputFormat(
        model.input_name, shape, model.input_dtype.name, channels_last, element,
        *declared, grid=grid if len(shape) == 2 else (),
    )  # fmt: skip
    tensor = ctx.input_tensor
    ctx.tensors[tensor] = Tensor(grid, element)
    view = View(tensor, ((BATCH,), *dims))
    check_image(ctx.tensors[tensor].shape, f"input '{model.input_name}'")
    values = _integers_of(element)
    scale, offset = declared
    if values is not None and not isinstance(scale, tuple) and not isinstance(offset, tuple):
        table = values.astype(np.float64) * scale + offset
        ctx.tables[model.input_name] = table.astype(ctx.model.input_dtype)
    if declared != (1.0, 0.0):
        channels = ctx.tensors[tensor].shape[0]
        op = Affine(_fractions(scale, channels), _fractions(offset, channels))
        target = ctx.add_source(op, tensor)
        ctx.rounding[ctx.nodes[-1].name] = np.abs(floats(op.shift))
        view = View(target, view.dims)
    ctx.views[model.input_name] = view


def _fractions(values: float | tuple[float, ...], channels: int) -> Exacts:
    """Declared numbers as fractions, one per channel."""
    listed = values if isinstance(values, tuple) else (values,) * channels
    result = np.empty(channels, object)
    result[:] = [decimal_fraction(float(value)) for value in listed]
    return result


def _check_batch(model: OnnxModel) -> None:
    """Raises ModelError where the model takes so many images at a time that none can be checked."""
    batch = model.input_shape[0] or 1
    count = math.prod(size or 1 for size in model.input_shape)
    if batch > 1 and count > 2 * MAX_ELEMENTS:
        raise ModelError(
            f"takes {batch} images at a time, {count} elements; the limit is {2 * MAX_ELEMENTS}",
            where=f"input '{model.input_name}'",
            fix="export the model with a batch of 1, or with a dynamic one",
        )


def _axes(
    shape: tuple[int, ...], layout: Layout
) -> tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]:
    """The graph's shape of an input, and the graph's axis behind each of its own dimensions."""
    grid: tuple[int, ...] = shape
    axes = "CHW"[: len(shape)]
    if layout == "signal":
        grid, axes = (shape[0], 1, shape[1]), "CW"
    elif layout == "signal last":
        grid, axes = (shape[1], 1, shape[0]), "WC"
    elif len(shape) == 2:
        grid, axes = (1, *shape), "HW"
    elif layout == "last":
        grid, axes = (shape[2], shape[0], shape[1]), "HWC"
    return grid, tuple((axis,) if size > 1 else () for axis, size in zip(axes, shape, strict=True))


def _check_channels(shape: tuple[int, ...], options: LoadOptions, layout: Layout) -> None:
    """Numbers per channel must be as many as the input has channels."""
    images = len(shape) == 3 or layout != "first"
    channels = shape[-1 if layout in ("last", "signal last") else 0] if images else 1
    for option in ("scale", "offset"):
        values = getattr(options, f"input_{option}")
        if isinstance(values, tuple) and len(values) != channels:
            raise ModelError(
                f"has {len(values)} numbers, the input {channels} channels",
                where=f"option --input-{option}",
                fix="give one number for all channels, or one for each",
            )


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
