"""From the nodes of an ONNX file to a graph of real-valued operations."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import ModelError, defects_at
from bnnhw.frontend import constants, views
from bnnhw.frontend.branches import settle_branches
from bnnhw.frontend.cancel import cancel
from bnnhw.frontend.context import Context, LayoutError
from bnnhw.frontend.convert import (
    elementwise,
    linear,
    padding,
    parts,
    pointwise,
    pools,
    products,
    rounding,
    scores,
    shape,
    sign,
    tables,
)
from bnnhw.frontend.input_sign import take_sign_of_input
from bnnhw.frontend.model_file import QUANT_DOMAINS
from bnnhw.frontend.model_input import add_input, check_declared, layouts
from bnnhw.frontend.settle_rounding import half_even, settle_rounding
from bnnhw.frontend.settle_signs import settle_signs, settle_signs_of_bits
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import DYNAMIC_BATCH, View
from bnnhw.ir.graph import Graph, Node, OutputMap
from bnnhw.ir.ops import Affine, Floats
from bnnhw.ir.types import Real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.frontend.onnx_nodes import OnnxModel, OnnxNode
    from bnnhw.frontend.options import LoadOptions

_HANDLERS = {
    **shape.HANDLERS,
    **linear.HANDLERS,
    **pools.HANDLERS,
    **products.HANDLERS,
    **elementwise.HANDLERS,
    **sign.HANDLERS,
    **padding.HANDLERS,
    **scores.HANDLERS,
    **rounding.HANDLERS,
    **parts.HANDLERS,
}
Array = NDArray[np.generic]
_CARRY_PADS = ("Conv", "Transpose", "Identity", "Cast")


@dataclass(frozen=True)
class Imported:
    """A graph and what is needed to compare it with the model tensor by tensor.

    Attributes:
        graph: real-valued operations allowed.
        views: for ONNX tensors, the graph tensor each is a view of.
        rounding: for Affine nodes, the sum of magnitudes of the terms of the shift.
        scores: ONNX name of the tensor that holds the scores (an operation such as Softmax
            after it is left out).
        weights: by ONNX name of a layer's result: weights [Cout, ...] in which the user's choice
            replaced signs of 0.
        deviation: largest difference of weights from the model's, relative to alpha, where rounding
            was taken out of them.
    """

    graph: Graph
    views: Mapping[str, View]
    rounding: Mapping[str, Floats]
    scores: str
    weights: Mapping[str, Floats] = field(default_factory=dict)
    deviation: float = 0.0


def import_model(model: OnnxModel, options: LoadOptions) -> Imported:
    """The real-valued graph of ``model``; raises ModelError naming the node that prevents it."""
    found = _import(model, options)
    if isinstance(found, Imported):
        return found
    raise found[1] from None


def import_partly(model: OnnxModel, options: LoadOptions) -> tuple[Graph, ModelError | None]:
    """As much of ``model`` as can be read, and the error that ended it; None where all could be.

    A part ends with what was read last.

    Raises:
        ModelError: not even the input can be what ``options`` say.
    """
    found = _import(model, options)
    if isinstance(found, Imported):
        return found.graph, None
    ctx, error = found
    output = ctx.nodes[-1].output if ctx.nodes else ctx.input_tensor
    if output not in ctx.tensors:  # what the user declares of the input is wrong
        raise error from None
    return _graph(ctx, output, ctx.nodes, ctx.tensors[output].shape), error


def _import(model: OnnxModel, options: LoadOptions) -> Imported | tuple[Context, ModelError]:
    """The import with the layout of the input that the model reads."""
    simplified = cancel(model)
    failures: list[tuple[Context, ModelError]] = []
    for layout in layouts(model.input_shape, options):
        batch = model.input_shape[0]
        ctx = Context(simplified.model, options, DYNAMIC_BATCH if batch is None else batch)
        ctx.notes += simplified.notes
        converted = False
        try:
            add_input(ctx, layout)
            for node in ctx.model.nodes:
                with defects_at(node.where):
                    _convert(ctx, node)
            converted = True
            return _finish(ctx)
        except ModelError as error:
            failures.append((ctx, error))
            # Any layout that can be read is right. Of none, the others would fail alike.
            if len(model.input_shape) != 3 and (converted or not ctx.views):
                break
    if len(model.input_shape) == 3:  # (N, H, W), (N, C, L) or (N, L, C): the one that went furthest
        return max(failures, key=lambda failure: len(failure[0].views))
    # Another order of axes is no reason where the likely one meets another; then the one that
    # went furthest tells most.
    return max(
        failures,
        key=lambda failure: (not isinstance(failure[1], LayoutError), len(failure[0].views)),
    )


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
        results = constants.evaluate(node, inputs, ctx.model.opset, ctx.folded)
        ctx.constants.update(zip(node.outputs, results, strict=False))
        return
    if node.op in ("Shape", "Size"):
        sizes = np.asarray(ctx.shape(ctx.view(node)), np.int64)
        end = node.attributes.get("end")
        part = sizes[int(node.attributes.get("start", 0)) : None if end is None else int(end)]
        ctx.constants[node.outputs[0]] = part if node.op == "Shape" else np.asarray(np.prod(sizes))
        return
    if ctx.scores is not None:
        scores.leave_out_too(ctx, node)
        return
    padded = next((ctx.pads[name] for name in given if name in ctx.pads), None)
    if padded and node.op not in _CARRY_PADS:
        raise ModelError(
            "reads a padded image; a Pad with a constant is supported before a convolution only",
            where=node.where,
            fix="pad in the convolution, or directly before it",
        )
    if parts.with_parts(ctx, node):
        return
    handler = _HANDLERS.get(node.op)
    table = tables.lookup_table(ctx, node)
    if table is None and (sign.steps(ctx, node) or pointwise.pointwise(ctx, node)):
        return
    joined = table is not None and len({node.inputs[i] for i in ctx.live_inputs(node)}) > 1
    if handler is None or joined:
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
    if node.op in shape.HANDLERS and node.inputs[0] in ctx.tables and table is None:
        ctx.tables[node.outputs[0]] = ctx.tables[node.inputs[0]]
    if table is not None:
        _track_table(ctx, node, table, count)


def _one_sample(shape: Array | None) -> Array | None:
    """The target shape of a constant for a batch of 1: constants broadcast along the batch."""
    if shape is None or shape.dtype != np.int64:  # as ONNX has shapes
        return shape
    return np.where(shape == DYNAMIC_BATCH, 1, shape)


def _track_table(ctx: Context, node: OnnxNode, table: Array, count: int) -> None:
    """Keeps the table of what was just made; replaces an affine operation that it contradicts.

    Integer arithmetic in the model may wrap or truncate, where fractions do not.
    """
    ctx.tables[node.outputs[0]] = table
    if len(ctx.nodes) != count + 1:
        return
    op = ctx.nodes[-1].op
    if not isinstance(op, Affine) or not op.uniform:
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
    unfinished = ctx.pending.get(name) or ctx.parts.get(name)
    if unfinished is not None:
        error = unfinished.refusal
        raise error
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
        if views.reorders_channels(view):
            raise ModelError(
                "has its channels in another order than they are computed in",
                where=f"output '{name}'",
                fix="leave the last Reshape and Transpose, or Gather, out: reorder the scores on "
                "the host",
            )
        raise ModelError(
            "is transposed against (N, C, H, W)",
            where=f"output '{name}'",
            fix="leave the last Transpose out",
        )
    _take_sign(ctx, view.tensor)
    check_declared(ctx)
    ctx.notes += _notes_on_weights(ctx)
    nodes = settle_signs(_live_nodes(ctx, view.tensor), view.tensor)
    nodes = settle_rounding(nodes, view.tensor, ctx.tensors)
    ctx.notes += _notes_on_rounding(nodes)
    graph = settle_signs_of_bits(_graph(ctx, view.tensor, nodes, ctx.shape(view)[1:]))
    graph = settle_branches(graph, ctx.rounding)
    changed = {name: found.weight for name, found in ctx.binarised.items() if found.zeros}
    apart = max((found.deviation for found in ctx.binarised.values()), default=0.0)
    return Imported(graph, ctx.views, ctx.rounding, ctx.scores or name, changed, apart)


def _take_sign(ctx: Context, output: str) -> None:
    """Makes a sign of an undeclared input the graph's input; it may be spelled as a rounding."""
    if not isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        return
    ctx.nodes = settle_signs(_live_nodes(ctx, output), output)  # what follows may decide its zero
    take_sign_of_input(ctx, ctx.nodes)
    if isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        with contextlib.suppress(ModelError):  # that the input is not declared comes first
            ctx.nodes = settle_rounding(ctx.nodes, output, ctx.tensors)
            take_sign_of_input(ctx, ctx.nodes)


def _notes_on_weights(ctx: Context) -> list[str]:
    found = list(ctx.binarised.values())
    notes = []
    deviation = max((one.deviation for one in found), default=0)
    if deviation:
        count = sum(one.deviation > 0 for one in found)
        notes.append(
            f"the weights of {count} layers are +-alpha per output channel but for the rounding of "
            f"float32 sums (by at most {deviation:.1g} of alpha): taken as exactly that, first at "
            f"{ctx.first_binarised}"
        )
    zeros = sum(one.zeros for one in found)
    if zeros:
        total = sum(one.weight.size for one in found if one.zeros)
        notes.append(
            f"{zeros} of {total} binary weights are sign(0), which is no bit: taken as "
            f"{'-' if ctx.options.sign_zero == 'minus' else '+'}alpha (--sign-zero)"
        )
    return notes


def _notes_on_rounding(nodes: Sequence[Node]) -> list[str]:
    found = half_even(nodes)
    if not found:
        return []
    return [
        f"{len(found)} roundings take halves to the even neighbour in the model, up in hardware; "
        f"first at {found[0].where}"
    ]


def _graph(
    ctx: Context, output: str, nodes: Sequence[Node], output_shape: tuple[int, ...]
) -> Graph:
    assert ctx.input_format is not None
    written = {ctx.input_tensor, *(node.output for node in nodes)}
    return Graph(
        name=ctx.model.name,
        input=ctx.input_tensor,
        output=output,
        nodes=(),
        tensors={ctx.input_tensor: ctx.tensors[ctx.input_tensor]},
        input_format=ctx.input_format,
        output_map=OutputMap(ctx.model.output_name, output_shape, np.ones(1), np.zeros(1)),
        notes=tuple(ctx.notes),
        statistics={name: s for name, s in ctx.statistics.items() if name in written},
    ).with_nodes(nodes)


def _live_nodes(ctx: Context, output: str) -> list[Node]:
    wanted, kept = {output}, []
    for node in reversed(ctx.nodes):
        if node.output in wanted:
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]
