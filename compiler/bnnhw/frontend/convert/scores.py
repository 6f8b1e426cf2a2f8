"""What a model does to its scores: operations that keep the order of the classes are left out.

The results are the scores before the first of them. Whatever would change which class is best, or
leave no order, is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend.convert.elementwise import smooth
from bnnhw.frontend.unsupported import unsupported
from bnnhw.frontend.views import BATCH, shape_text
from bnnhw.ir.real_ops import SMOOTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode

_RISING = ("Sigmoid", "Tanh", "Exp", "Log", "Softplus")
_SHAPES = ("Identity", "Squeeze", "Unsqueeze", "Flatten", "Reshape", "Cast")
_SCALES = ("Mul", "Div", "Add", "Sub")
_CHOICES = ("ArgMax", "TopK")
_SOFTMAX = ("Softmax", "LogSoftmax")
_AFTER_SCORES = {*_RISING, *_SHAPES, *_SCALES, *_CHOICES, *_SOFTMAX}
_FLOATS = (1, 10, 11, 16)
"""ONNX's numbers of float, float16, double and bfloat16."""
_SOFTMAX_OF_AN_AXIS = 13
"""Opset from which Softmax is taken over one axis; before, over all from it on."""
_CHOICE = "the results are the scores; ask for the class with --top-k 1"
_SCORES = "the results are the scores before it"


def leave_out(ctx: Context, node: OnnxNode) -> None:
    """The first operation on the scores, at the model's output: left out; elsewhere as it is."""
    nodes = ctx.model.nodes
    later = nodes[[n is node for n in nodes].index(True) + 1 :]
    live = [n for n in later if not all(name in ctx.constants for name in n.inputs if name)]
    if any(n.op not in _AFTER_SCORES for n in live) or BATCH in ctx.view(node).order:
        if node.op in SMOOTH:
            smooth(ctx, node)
            return
        raise unsupported(node)
    _check(ctx, node)
    ctx.notes.append(
        f"{node.where} at the output is left out: {_CHOICE if node.op in _CHOICES else _SCORES}"
    )
    ctx.scores = node.inputs[0]
    _pass_on(ctx, node)


def leave_out_too(ctx: Context, node: OnnxNode) -> None:
    """An operation behind one that was left out."""
    _check(ctx, node)
    if node.op in _CHOICES:
        ctx.notes.append(f"{node.where} at the output is left out: {_CHOICE}")
    ctx.chosen = ctx.chosen or node.op in _CHOICES
    _pass_on(ctx, node)


def _pass_on(ctx: Context, node: OnnxNode) -> None:
    view = ctx.view(node, ctx.live_inputs(node)[0])
    ctx.views.update((name, view) for name in node.outputs if name)
    ctx.chosen = ctx.chosen or node.op in _CHOICES


def _check(ctx: Context, node: OnnxNode) -> None:
    """Raises where the order of the classes does not pass."""
    if node.op in _SOFTMAX:
        _check_softmax(ctx, node)
    elif node.op in _CHOICES:
        _check_choice(ctx, node)
    elif node.op in _SCALES:
        _check_scale(ctx, node)
    elif node.op == "Cast" and not ctx.chosen and node.attributes.get("to") not in _FLOATS:
        raise _changes(node, "rounds the scores")


def _check_softmax(ctx: Context, node: OnnxNode) -> None:
    dims = ctx.view(node).dims
    flattens = ctx.model.opset < _SOFTMAX_OF_AN_AXIS
    axis = int(node.attributes.get("axis", 1 if flattens else -1))
    axis += len(dims) if axis < 0 else 0
    over = dims[axis:] if flattens else dims[axis : axis + 1]
    if axis == 0 or not any("C" in dim for dim in over):
        shape = shape_text(ctx.shape(ctx.view(node)))
        raise _changes(node, f"is taken over dimension {axis} of {shape}, which are no classes")


def _check_choice(ctx: Context, node: OnnxNode) -> None:
    dims = ctx.view(node).dims
    axis = int(node.attributes.get("axis", 0 if node.op == "ArgMax" else -1))
    axis += len(dims) if axis < 0 else 0
    if not 0 <= axis < len(dims) or "C" not in dims[axis]:
        raise ModelError(
            f"takes the maximum over dimension {axis}",
            where=node.where,
            fix="take it over the classes, or leave it out and ask for --top-k 1",
        )
    if node.op == "TopK":
        count = ctx.need_constant(node, 1, "number of classes")
        if count.size != 1 or int(count.ravel()[0]) != 1 or not node.attributes.get("largest", 1):
            raise unsupported(node)


def _check_scale(ctx: Context, node: OnnxNode) -> None:
    """One positive factor, or one number added, keeps the order; a choice must stay as it is."""
    live = ctx.live_inputs(node)
    value = ctx.constant(node.inputs[1 - live[0]]) if len(live) == 1 else None
    if value is None or not np.isfinite(value).all() or len(np.unique(value)) != 1:
        raise _changes(node, "does not treat all classes alike")
    scales = node.op in ("Mul", "Div")
    turns = (scales and value.flat[0] <= 0) or (node.op in ("Sub", "Div") and live[0] == 1)
    if turns:
        raise _changes(node, "turns the order of the classes")


def _changes(node: OnnxNode, what: str) -> ModelError:
    return ModelError(
        f"{what}: which class is best would not be known from the scores",
        where=node.where,
        fix="end the model with its scores, or with what keeps the order of the classes: a Softmax "
        "over them, a Sigmoid, a positive factor",
    )


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = dict.fromkeys(
    (*_SOFTMAX, *SMOOTH, *_CHOICES), leave_out
)
