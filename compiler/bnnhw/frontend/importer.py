"""From the nodes of an ONNX file to a graph of real-valued operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import ModelError
from bnnhw.frontend import (
    constants,
    convert_elementwise,
    convert_ends,
    convert_linear,
    convert_shape,
    convert_sign,
    tables,
    views,
)
from bnnhw.frontend.context import Context, LayoutError
from bnnhw.frontend.exact import decimal_fraction, exact, floats
from bnnhw.frontend.model_file import QUANT_DOMAINS
from bnnhw.frontend.options import LoadOptions, parse_type
from bnnhw.frontend.settle_signs import settle_signs
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import BATCH, DYNAMIC_BATCH, View
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap
from bnnhw.ir.ops import Affine, Floats, Tensor
from bnnhw.ir.types import Bit, DType, Integer, Real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.frontend.model_file import OnnxModel, OnnxNode

_HANDLERS = {
    **convert_shape.HANDLERS,
    **convert_linear.HANDLERS,
    **convert_elementwise.HANDLERS,
    **convert_sign.HANDLERS,
    **convert_ends.HANDLERS,
}
Array = NDArray[np.generic]
_CARRY_PADS = ("Conv", "Transpose", "Identity", "Cast")
_WIDEST_TABLE = 8


@dataclass(frozen=True)
class Imported:
    """A graph and what is needed to compare it with the model tensor by tensor.

    Attributes:
        graph: real-valued operations allowed.
        views: for ONNX tensors, the graph tensor each is a view of.
        rounding: for Affine nodes, the sum of magnitudes of the terms of the shift.
        scores: ONNX name of the tensor that holds the scores (an operation such as Softmax
            after it is left out).
    """

    graph: Graph
    views: Mapping[str, View]
    rounding: Mapping[str, Floats]
    scores: str


def import_model(model: OnnxModel, options: LoadOptions) -> Imported:
    """The real-valued graph of ``model``; raises ModelError naming the node that prevents it."""
    shape = model.input_shape
    last_first = len(shape) == 4 and shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)
    orders = (True, False) if last_first else (False, True)
    try:
        return _import(model, options, channels_last=orders[0])
    except LayoutError as error:
        if len(shape) != 4:
            raise
        try:
            return _import(model, options, channels_last=orders[1])
        except LayoutError:
            raise error from None


def _import(model: OnnxModel, options: LoadOptions, *, channels_last: bool) -> Imported:
    batch = model.input_shape[0]
    ctx = Context(model, options, DYNAMIC_BATCH if batch is None else batch)
    _add_input(ctx, channels_last=channels_last)
    for node in model.nodes:
        _convert(ctx, node)
    return _finish(ctx)


def _add_input(ctx: Context, *, channels_last: bool) -> None:
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


def _integers_of(element: DType) -> Array | None:
    """All integers of a type of at most 8 bits, from its lowest; None for wider ones."""
    if isinstance(element, Bit):
        return np.arange(element.low, element.high + 1)
    if isinstance(element, Integer) and element.bits <= _WIDEST_TABLE:
        return np.arange(element.low, element.high + 1)
    return None


def _convert(ctx: Context, node: OnnxNode) -> None:
    known_domain = node.domain in ("", *QUANT_DOMAINS) or node.op in ("BipolarQuant", "Quant")
    if not known_domain:
        raise unsupported(node)
    given = [name for name in node.inputs if name]
    if any(a for a in node.attributes.values() if type(a).__name__ == "GraphProto"):
        raise unsupported(node)
    if all(name in ctx.constants for name in given):
        inputs = [ctx.constants[name] if name else None for name in node.inputs]
        if node.op in ("ConstantOfShape", "Expand"):
            inputs[-1] = _one_sample(inputs[-1])
        results = constants.evaluate(node, inputs, ctx.model.opset)
        ctx.constants.update(zip(node.outputs, results, strict=False))
        return
    if node.op in ("Shape", "Size"):
        shape = np.asarray(ctx.shape(ctx.view(node)), np.int64)
        end = node.attributes.get("end")
        part = shape[int(node.attributes.get("start", 0)) : None if end is None else int(end)]
        ctx.constants[node.outputs[0]] = part if node.op == "Shape" else np.asarray(np.prod(shape))
        return
    padded = ctx.pads.get(node.inputs[0])
    if padded and node.op not in _CARRY_PADS:
        raise ModelError(
            "reads a padded image; a Pad is supported before a convolution only",
            where=node.where,
            fix="pad in the convolution, or directly before it",
        )
    handler = _HANDLERS.get(node.op)
    table = tables.lookup_table(ctx, node)
    if handler is None:
        tables.lookup(ctx, node)
        return
    count = len(ctx.nodes)
    try:
        handler(ctx, node)
    except ModelError:
        if table is None:
            raise
        for made in ctx.nodes[count:]:
            del ctx.tensors[made.output]
        del ctx.nodes[count:]
        tables.lookup(ctx, node)
        return
    if padded and node.op != "Conv":
        ctx.pads[node.outputs[0]] = padded
    if node.op in convert_shape.HANDLERS and node.inputs[0] in ctx.tables and table is None:
        ctx.tables[node.outputs[0]] = ctx.tables[node.inputs[0]]
    if table is not None:
        _track_table(ctx, node, table, count)


def _one_sample(shape: Array | None) -> Array | None:
    """The target shape of a constant for a batch of 1: constants broadcast along the batch."""
    return shape if shape is None else np.where(shape == DYNAMIC_BATCH, 1, shape)


def _track_table(ctx: Context, node: OnnxNode, table: Array, count: int) -> None:
    """Keeps the table of what was just made; replaces an affine operation that it contradicts.

    Integer arithmetic in the model may wrap or truncate, where fractions do not.
    """
    ctx.tables[node.outputs[0]] = table
    if len(ctx.nodes) != count + 1:
        return
    op = ctx.nodes[-1].op
    if not isinstance(op, Affine) or len({*op.scale.flat}) > 1 or len({*op.shift.flat}) > 1:
        return
    live = ctx.live_inputs(node)[0]
    source = ctx.tables[node.inputs[live]].astype(np.float64)
    scale, shift = float(op.scale.flat[0]), float(op.shift.flat[0])
    error = np.abs(source * scale + shift - table.astype(np.float64)).max(initial=0)
    if error > 1e-5 * (np.abs(source * scale).max(initial=0) + abs(shift)):
        view = ctx.views[node.inputs[live]]
        del ctx.tensors[ctx.nodes.pop().output]
        tables.add_lookup(ctx, node, view, table)


def _finish(ctx: Context) -> Imported:
    model = ctx.model
    name = model.output_name
    view = ctx.views.get(name)
    if view is None:
        raise ModelError(
            "is a constant, whatever the input",
            where=f"output '{name}'",
            fix="the file is damaged; export the model again",
        )
    if not view.batch_first:
        raise ModelError(
            "does not have the batch as its first dimension",
            where=f"output '{name}'",
            fix="keep the batch first",
        )
    tensor = ctx.tensors[view.tensor]
    if view.order != views.natural_view("", tensor.shape).order:
        raise ModelError(
            "is transposed against (N, C, H, W)",
            where=f"output '{name}'",
            fix="leave the last Transpose out",
        )
    if isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        raise ModelError(
            "holds floats, and nothing in the model says to which integers they belong",
            where=f"input '{model.input_name}'",
            fix="declare them: --input-type bipolar, int8, or uint8 with --input-scale 1/255 ...",
        )
    assert ctx.input_format is not None
    shape = ctx.shape(view)[1:]
    graph = Graph(
        name=model.name,
        input=ctx.input_tensor,
        output=view.tensor,
        nodes=(),
        tensors={ctx.input_tensor: ctx.tensors[ctx.input_tensor]},
        input_format=ctx.input_format,
        output_map=OutputMap(name, shape, np.ones(1), np.zeros(1)),
        notes=tuple(ctx.notes),
    ).with_nodes(settle_signs(_live_nodes(ctx, view.tensor)))
    return Imported(graph, ctx.views, ctx.rounding, ctx.scores or name)


def _live_nodes(ctx: Context, output: str) -> list[Node]:
    wanted, kept = {output}, []
    for node in reversed(ctx.nodes):
        if node.output in wanted:
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]
