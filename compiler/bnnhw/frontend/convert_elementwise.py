"""ONNX operations that work element by element, sign and its other spellings included."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import constants
from bnnhw.frontend.context import finite
from bnnhw.frontend.exact import exact
from bnnhw.frontend.views import View
from bnnhw.ir.ops import Binarize, Clip, Lookup, Relu

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.model_file import OnnxNode

_SWAPPED = {
    "Greater": "Less",
    "Less": "Greater",
    "GreaterOrEqual": "LessOrEqual",
    "LessOrEqual": "GreaterOrEqual",
}


def arithmetic(ctx: Context, node: OnnxNode) -> None:
    """Add, Sub, Mul, Div with one constant operand."""
    live = ctx.live_inputs(node)
    if len(live) == 2:
        _refuse_two(node)
    view = ctx.view(node, live[0])
    value = finite(ctx.need_constant(node, 1 - live[0], "other operand"), node)
    view = ctx.broadcast_rank(view, value.ndim)
    out = node.outputs[0]
    if node.op == "Add":
        made = ctx.affine(view, node, shift=value, output=out)
    elif node.op == "Sub" and live[0] == 0:
        made = ctx.affine_exact(
            view, node, scale=exact(np.ones(1)), shift=-exact(value), output=out
        )
    elif node.op == "Sub":
        made = ctx.affine(view, node, scale=np.asarray(-1), shift=value, output=out)
    elif node.op == "Mul":
        made = ctx.affine(view, node, scale=value, output=out)
    elif live[0] == 0:
        if not np.all(value):
            raise ModelError("divides by zero", where=node.where, fix="train or export again")
        made = ctx.affine_exact(
            view, node, scale=1 / exact(value), shift=exact(np.zeros(1)), output=out
        )
    else:
        raise unsupported(node)
    ctx.views[out] = made


def _refuse_two(node: OnnxNode) -> None:
    if node.op in ("Add", "Sum"):
        raise ModelError(
            "adds two tensors that are computed from the input: residual networks are not "
            "supported yet",
            where=node.where,
            fix="use a network without skip connections",
        )
    raise ModelError(
        "combines two tensors that are computed from the input",
        where=node.where,
        fix="only one path from input to output is supported",
    )


def negate(ctx: Context, node: OnnxNode) -> None:
    """Neg."""
    view = ctx.view(node)
    ctx.views[node.outputs[0]] = ctx.affine(
        view, node, scale=np.asarray(-1), output=node.outputs[0]
    )


def power(ctx: Context, node: OnnxNode) -> None:
    """Pow by 1; other powers only where the input's table takes them."""
    exponent = ctx.constant(node.optional(1))
    if exponent is None or not np.all(exponent == 1):
        raise unsupported(node)
    ctx.views[node.outputs[0]] = ctx.view(node)


def relu(ctx: Context, node: OnnxNode) -> None:
    """Relu."""
    view = ctx.view(node)
    target = ctx.add(Relu(), view.tensor, node, node.outputs[0])
    ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def clip(ctx: Context, node: OnnxNode) -> None:
    """Clip, its bounds attributes (before opset 11) or inputs."""
    view = ctx.view(node)
    bounds = []
    for index, key, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        value = node.attributes.get(key, default)
        if node.optional(index):
            bound = ctx.need_constant(node, index, f"{key} bound")
            if bound.size != 1:
                raise ModelError(f"has several {key} bounds", where=node.where, fix="use one")
            value = bound.ravel()[0]
        bounds.append(float(value))
    _clip(ctx, node, view, bounds[0], bounds[1])


def hard_sigmoid(ctx: Context, node: OnnxNode) -> None:
    """HardSigmoid: min(max(alpha * x + beta, 0), 1)."""
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    view = ctx.affine(ctx.view(node), node, scale=np.asarray(alpha), shift=np.asarray(beta))
    _clip(ctx, node, view, 0.0, 1.0)


def _clip(ctx: Context, node: OnnxNode, view: View, low: float, high: float) -> None:
    if not low <= high:
        raise ModelError(f"clips to [{low:g}, {high:g}]", where=node.where, fix="order the bounds")
    target = ctx.add(Clip(low, high), view.tensor, node, node.outputs[0])
    if low >= 0:
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def sign(ctx: Context, node: OnnxNode) -> None:
    """Sign: bipolar, its value at 0 as the user chose; after ReLU it is {0, 1}."""
    view = ctx.view(node)
    if view.tensor in ctx.nonnegative:
        op = Binarize(strict=True, low=0.0, high=1.0)
    else:
        op = Binarize(strict=ctx.options.sign_zero == "minus", zero_is_zero=True)
    target = ctx.add(op, view.tensor, node, node.outputs[0])
    ctx.views[node.outputs[0]] = View(target, view.dims)


def bipolar_quant(ctx: Context, node: OnnxNode) -> None:
    """QONNX's BipolarQuant: +scale where x >= 0, else -scale."""
    view = ctx.view(node)
    scale = finite(ctx.need_constant(node, 1, "scale"), node)
    if scale.size == 1 and float(scale.ravel()[0]) == 1.0:
        target = ctx.add(Binarize(strict=False), view.tensor, node, node.outputs[0])
        ctx.views[node.outputs[0]] = View(target, view.dims)
        return
    target = ctx.add(Binarize(strict=False), view.tensor, node)
    ctx.views[node.outputs[0]] = ctx.affine(
        View(target, view.dims), node, scale=scale, output=node.outputs[0]
    )


def compare(ctx: Context, node: OnnxNode) -> None:
    """Greater, GreaterOrEqual, Less, LessOrEqual with a constant: {0, 1}."""
    live = ctx.live_inputs(node)
    if len(live) == 2:
        _refuse_two(node)
    op = node.op if live[0] == 0 else _SWAPPED[node.op]
    value = ctx.need_constant(node, 1 - live[0], "other operand")
    view = ctx.broadcast_rank(ctx.view(node, live[0]), value.ndim)
    turned = op in ("Less", "LessOrEqual")
    if turned or np.any(value):
        view = ctx.affine_exact(
            view,
            node,
            scale=exact(np.asarray(-1 if turned else 1)),
            shift=exact(finite(value, node)) * (1 if turned else -1),
        )
    strict = op in ("Greater", "Less")
    target = ctx.add(Binarize(strict, 0.0, 1.0), view.tensor, node, node.outputs[0])
    ctx.bits.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def logical_not(ctx: Context, node: OnnxNode) -> None:
    """Not, of a comparison."""
    view = _need_bits(ctx, node, 0)
    made = ctx.affine(view, node, scale=np.asarray(-1), shift=np.asarray(1), output=node.outputs[0])
    ctx.bits.add(made.tensor)
    ctx.views[node.outputs[0]] = made


def where(ctx: Context, node: OnnxNode) -> None:
    """Where of a comparison and two constants: high where it holds, else low."""
    fixed = ctx.zero_repairs.get(node.inputs[0])
    if fixed is not None:
        _repair_zero(ctx, node, fixed)
        return
    view = _need_bits(ctx, node, 0)
    high = finite(ctx.need_constant(node, 1, "value where true"), node)
    low = finite(ctx.need_constant(node, 2, "value where false"), node)
    view = ctx.broadcast_rank(view, max(high.ndim, low.ndim))
    high_exact, low_exact = exact(high), exact(low)
    ctx.views[node.outputs[0]] = ctx.affine_exact(
        view,
        node,
        scale=high_exact - low_exact,
        shift=low_exact + 0 * high_exact,
        output=node.outputs[0],
    )


def equal(ctx: Context, node: OnnxNode) -> None:
    """Equal to zero: only to say what Sign(0) is, as in Where(x == 0, 1, Sign(x))."""
    live = ctx.live_inputs(node)
    value = ctx.constant(node.inputs[1 - live[0]]) if len(live) == 1 else None
    if value is None or np.any(value):
        raise unsupported(node)
    ctx.zero_repairs[node.outputs[0]] = node.inputs[live[0]]


def _repair_zero(ctx: Context, node: OnnxNode, compared: str) -> None:
    """Where(x == 0, +-1, Sign(x)) and Where(Sign(x) == 0, +-1, Sign(x))."""
    value, rest = ctx.constant(node.optional(1)), node.optional(2)
    view = ctx.views.get(rest or "")
    made = next((n for n in ctx.nodes if view and n.output == view.tensor), None)
    fits = (
        value is not None
        and view is not None
        and made is not None
        and isinstance(made.op, Binarize)
        and made.op.zero_is_zero
        and ctx.views[compared].tensor in (made.output, made.inputs[0])
        and bool(np.all(value == 1) or np.all(value == -1))
    )
    if not fits or made is None or value is None or view is None:
        raise ModelError(
            "selects between values in a way that is no sign",
            where=node.where,
            fix="spell the sign as Where(x > 0, 1, -1) or Where(x >= 0, 1, -1)",
        )
    strict = bool(np.all(value == -1))
    target = ctx.add(Binarize(strict=strict), made.inputs[0], node, node.outputs[0])
    ctx.views[node.outputs[0]] = View(target, view.dims)


def dequantize(ctx: Context, node: OnnxNode) -> None:
    """DequantizeLinear of the integer input: (x - zero point) * scale."""
    view = ctx.view(node)
    if node.inputs[0] != ctx.model.input_name:
        raise unsupported(node)
    scale = exact(finite(ctx.need_constant(node, 1, "scale"), node))
    zero = ctx.constant(node.optional(2))
    offset = exact(np.zeros(1) if zero is None else zero)
    if scale.size > 1 or offset.size > 1:
        raise ModelError("has several scales", where=node.where, fix="use one for all channels")
    factor, point = Fraction(scale.flat[0]), Fraction(offset.flat[0])
    ctx.views[node.outputs[0]] = ctx.affine_exact(
        view,
        node,
        scale=exact(np.ones(1)) * factor,
        shift=exact(np.ones(1)) * (-point * factor),
        output=node.outputs[0],
    )


def lookup(ctx: Context, node: OnnxNode) -> None:
    """Any element-wise operation on a function of the narrow integer input: a table."""
    table = lookup_table(ctx, node)
    if table is None:
        raise unsupported(node)
    view = ctx.view(node, ctx.live_inputs(node)[0])
    add_lookup(ctx, node, view, table)


def add_lookup(ctx: Context, node: OnnxNode, view: View, table: NDArray[np.generic]) -> None:
    """Makes ``table`` of the graph's input the node's result."""
    if not np.isfinite(table.astype(np.float64)).all():
        raise ModelError(
            "is infinite or not a number for some input value",
            where=node.where,
            fix="avoid divisions by zero and logarithms of values <= 0 in the preprocessing",
        )
    source = ctx.input_tensor
    if ctx.tensors[view.tensor].shape != ctx.tensors[source].shape:
        source = ctx.add_flatten(source, node)
    target = ctx.add(Lookup(table.astype(np.float64)), source, node, node.outputs[0])
    if table.dtype.kind == "b":
        ctx.bits.add(target)
    if not np.any(table.astype(np.float64) < 0):
        ctx.nonnegative.add(target)
    ctx.views[node.outputs[0]] = View(target, view.dims)


def lookup_table(ctx: Context, node: OnnxNode) -> NDArray[np.generic] | None:
    """The node's result for every input integer, as the model itself computes it; None if unknown.

    None where the node is not element-wise, reads no table, or uses differing constants.
    """
    live = ctx.live_inputs(node)
    if node.op not in TABLE_OPS or len({node.inputs[i] for i in live}) != 1:
        return None
    table = ctx.tables.get(node.inputs[live[0]])
    if table is None:
        return None
    inputs: list[NDArray[np.generic] | None] = []
    for index, name in enumerate(node.inputs):
        if index in live:
            inputs.append(table)
            continue
        value = ctx.constant(name)
        if value is not None and value.size > 1:
            return None
        inputs.append(None if value is None else value.reshape(()))
    results = constants.evaluate(node, inputs, ctx.model.opset)
    return results[0] if results[0].shape == table.shape else None


def unsupported(node: OnnxNode) -> ModelError:
    """The error for an operation without hardware."""
    domain = f"{node.domain}." if node.domain else ""
    reason, fix = _REASONS.get(node.op, ("is not supported", None))
    return ModelError(
        f"the operation {domain}{node.op} {reason}",
        where=node.where,
        fix=fix
        or "supported are Conv, Gemm, MatMul, BatchNormalization, sign, MaxPool, reshapes "
        "and per-channel arithmetic; on an 8-bit input any element-wise operation",
    )


_RESIDUAL = (
    "joins paths; residual and branching networks are not supported yet",
    "use one path from input to output",
)
_RECURRENT = ("is recurrent; only feed-forward networks are supported", "unroll or replace it")
_REALS = (
    "makes a real-valued layer, for which no binary hardware exists",
    "put a sign before every layer with weights",
)
_NORM = ("depends on the statistics of each image", "use BatchNormalization")
_INTEGERS = (
    "is a multi-bit integer layer; weights and activations must be binary",
    "binarise it, or export the model in floats with +-1 weights",
)
_REASONS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("Concat", "Split", "Sum", "Mean", "Max", "Min"), _RESIDUAL),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Loop", "If", "Scan"), _RECURRENT),
    **dict.fromkeys(
        (
            "Sigmoid",
            "Tanh",
            "LeakyRelu",
            "PRelu",
            "Elu",
            "Selu",
            "Gelu",
            "Erf",
            "Exp",
            "Softplus",
            "HardSwish",
            "Mish",
            "Celu",
            "ThresholdedRelu",
        ),
        _REALS,
    ),
    **dict.fromkeys(
        (
            "InstanceNormalization",
            "LayerNormalization",
            "GroupNormalization",
            "LRN",
            "LpNormalization",
            "MeanVarianceNormalization",
        ),
        _NORM,
    ),
    **dict.fromkeys(("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"), _INTEGERS),
    "ConvTranspose": ("is not supported", "use Conv"),
    "Quant": (
        "makes activations of several bits; they must be binary",
        "use BipolarQuant, or a Quant only on the input",
    ),
    "QuantizeLinear": (
        "makes activations of several bits; they must be binary",
        "binarise activations with a sign; quantise only the input",
    ),
    "Softmax": ("is supported at the model's output only", "move it to the end"),
    "TopK": (
        "is not part of the network here",
        "export the scores and ask for the best with --top-k",
    ),
}
_REASONS["IntQuant"] = _REASONS["Quant"]
_REASONS["LogSoftmax"] = _REASONS["Softmax"]

TABLE_OPS = frozenset(
    [
        "Abs",
        "Add",
        "BipolarQuant",
        "Cast",
        "Ceil",
        "Clip",
        "Cos",
        "DequantizeLinear",
        "Div",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Floor",
        "Gelu",
        "Greater",
        "GreaterOrEqual",
        "HardSigmoid",
        "HardSwish",
        "IntQuant",
        "LeakyRelu",
        "Less",
        "LessOrEqual",
        "Log",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "Pow",
        "Quant",
        "QuantizeLinear",
        "Reciprocal",
        "Relu",
        "Round",
        "Selu",
        "Sigmoid",
        "Sign",
        "Sin",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Sub",
        "Tanh",
        "Where",
        "BitShift",
        "And",
        "Or",
        "Xor",
    ]
)

HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum"), arithmetic),
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual"), compare),
    "Neg": negate,
    "Pow": power,
    "Relu": relu,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "Sign": sign,
    "BipolarQuant": bipolar_quant,
    "Not": logical_not,
    "Where": where,
    "Equal": equal,
    "DequantizeLinear": dequantize,
}


def _need_bits(ctx: Context, node: OnnxNode, index: int) -> View:
    view = ctx.views.get(node.inputs[index])
    if view is None or view.tensor not in ctx.bits:
        raise ModelError(
            "selects by something that is no comparison of the input with a constant",
            where=node.where,
            fix="spell the sign as Where(x > 0, 1, -1) or Where(x >= 0, 1, -1)",
        )
    return view
