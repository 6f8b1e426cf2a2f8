"""ONNX operations with weights, and BatchNormalization."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.context import finite
from bnnhw.frontend.convert.products import box, is_box
from bnnhw.frontend.frames import Frame, frame, frame_of
from bnnhw.frontend.unsupported import channels_reordered
from bnnhw.frontend.views import BATCH, View
from bnnhw.frontend.windows import check_padding, window_of
from bnnhw.ir.border_classes import class_sums, shrink
from bnnhw.ir.exact import exact, floats, inverse_root
from bnnhw.ir.graph import Statistics
from bnnhw.ir.op_base import same_magnitudes
from bnnhw.ir.ops import Affine, Conv, Dense, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.op_base import Weights
    from bnnhw.ir.ops import Shape

_WEIGHT_FIX = "weights must be constants; convolutions of two activations are not supported"


def convolution(ctx: Context, node: OnnxNode) -> None:
    """Conv, with an optional bias."""
    if _convolve_vector(ctx, node):
        return
    groups = int(node.attributes.get("group", 1))
    source = frame(ctx, node)
    weight = _numbers(finite(ctx.need_constant(node, 1, "weight"), node))
    if weight.ndim != 2 + len(source.axes):
        raise ModelError(
            f"has weights of {weight.ndim} dimensions for an input of {2 + len(source.axes)}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    kernel = weight.shape[2:]
    declared = node.attributes.get("kernel_shape")
    if declared is not None and tuple(declared) != kernel:
        raise ModelError(
            f"declares a kernel {tuple(declared)}, its weights have {kernel}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    if groups < 1 or weight.shape[1] * groups != source.shape[0]:
        each = f" in each of {groups} groups" if groups != 1 else ""
        raise ModelError(
            f"its weights take {weight.shape[1]} channels{each}, its input has {source.shape[0]}",
            where=node.where,
            fix="the file is damaged, or channels-last data lacks its Transpose",
        )
    if len(weight) % groups:
        raise ModelError(
            f"its {len(weight)} output channels do not split into {groups} groups",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    alone = groups == len(weight) == source.shape[0]  # a depthwise one keeps the order of channels
    if source.order is not None and not alone and groups != 1:
        raise channels_reordered(f"its {groups} groups read", node.where)
    pads, fill = ctx.pads.get(node.inputs[0], ((), 0.0))
    window = window_of(node, kernel, source.padded(pads))
    if pads:
        if fill and any(window.pads):
            raise ModelError(
                f"pads with zeros what is padded with {fill:g} already",
                where=node.where,
                fix="pad once, with one value",
            )
        top, left, bottom, right = (a + b for a, b in zip(window.pads, pads, strict=True))
        window = Window(window.kernel, window.stride, (top, left, bottom, right))
    check_padding(node, window, source)
    bias = ctx.need_constant(node, 2, "bias") if node.optional(2) else None
    if not fill and is_box(ctx, source, weight):
        plain = bias is None or not np.any(bias)
        out = box(ctx, node, source, weight, window)
    else:
        weight = source.weights(ctx.binary_weights(weight, node), each=alone)
        # Thresholds take what is padded with, behind binary weights; integer weights their offset.
        op = Conv(weight, window, groups, fill)
        shift = _padding(op, source.shape, fill) if fill and op.is_binary else None
        plain = (bias is None or not np.any(bias)) and shift is None
        op = op if shift is None else Conv(weight, window, groups)
        target = ctx.add(op, source.tensor, node, node.outputs[0] if plain else None)
        shape = ctx.tensors[target].shape
        out = source.alike(target, shape) if alone else source.view(target, shape)
        if shift is not None:
            last = node.outputs[0] if bias is None else None
            out = View(ctx.add(shift, target, node, last), out.dims)
            size = np.abs(floats(shift.shift)).reshape(-1, len(weight)).max(axis=0)
            ctx.rounding[ctx.nodes[-1].name] = size
    if bias is not None and not plain:
        out = ctx.affine(out, node, shift=source.per_channel(bias), output=node.outputs[0])
    ctx.views[node.outputs[0]] = out


def _numbers(weight: NDArray[Any]) -> Weights:
    """Weights as doubles; binary ones in float32 stay, of which there may be many."""
    small = weight.dtype == np.float32 and weight.ndim > 1 and same_magnitudes(weight)
    return weight if small else weight.astype(np.float64)


def _convolve_vector(ctx: Context, node: OnnxNode) -> bool:
    """A convolution of a flattened image (N, K, 1, 1) as a fully connected layer, where it is one.

    Of the kernel, the one tap counts that sees the pixel.
    """
    view = ctx.view(node)
    flat = len(view.dims) in (3, 4) and view.batch_first and not any(view.dims[2:])
    if not flat or frame_of(view, ctx.tensors[view.tensor].shape) or node.inputs[0] in ctx.pads:
        return False
    weight = finite(ctx.need_constant(node, 1, "weight"), node).astype(np.float64)
    features = ctx.shape(view)[1]
    grouped = int(node.attributes.get("group", 1)) != 1
    if weight.ndim != len(view.dims) or weight.shape[1] != features or grouped:
        return False
    image = Frame(view.tensor, (features, 1, 1), ("H", "W") if weight.ndim == 4 else ("W",))
    window = window_of(node, weight.shape[2:], image)
    check_padding(node, window, image)
    if window.output_size(1, 1) != (1, 1):
        return False
    taps = image.weights(weight)[:, :, window.pads[0], window.pads[1]]
    bias = ctx.need_constant(node, 2, "bias") if node.optional(2) else np.zeros(1)
    vector = View(view.tensor, view.dims[:2])
    made = _dense_view(ctx, node, vector, taps, exact(finite(bias, node)), Fraction(1))
    ctx.views[node.outputs[0]] = View(made.tensor, (*made.dims, *view.dims[2:]))
    return True


def _padding(op: Conv, image: Shape, fill: float) -> Affine:
    """What padded taps of weights +-alpha add if they are ``fill`` and not 0, exactly."""
    channels = len(op.weight)
    sums = exact(np.sign(op.weight).sum(axis=1))
    alpha = exact(np.abs(op.weight).reshape(channels, -1)[:, 0]) * Fraction(fill)
    by_tap = sums * alpha.reshape(-1, 1, 1)
    inside, rows, columns = class_sums(by_tap, op.window, (image[1], image[2]))
    shift = by_tap.reshape(channels, -1).sum(axis=1) - inside
    shift, rows, columns = shrink(shift, rows, columns)
    if shift.shape[:2] == (1, 1):
        shift, rows, columns = shift[0, 0], (), ()
    return Affine(exact(np.ones(channels)), shift, rows, columns)


def gemm(ctx: Context, node: OnnxNode) -> None:
    """Gemm: alpha * A' * B' + beta * C with B constant."""
    if ctx.live_inputs(node) != [0]:
        raise ModelError(
            "multiplies with a matrix that is computed from the input",
            where=node.where,
            fix=_WEIGHT_FIX,
        )
    if node.attributes.get("transA", 0):
        raise ModelError("transposes its input", where=node.where, fix="set transA to 0")
    weight = finite(ctx.need_constant(node, 1, "weight"), node).astype(np.float64)
    if weight.ndim != 2:
        raise ModelError(f"has weights of shape {weight.shape}", where=node.where, fix="use 2-D")
    if not node.attributes.get("transB", 0):
        weight = weight.T
    alpha, beta = (float(node.attributes.get(k, 1.0)) for k in ("alpha", "beta"))
    bias = ctx.constant(node.optional(2))
    if bias is not None and np.any(bias) and beta:
        finite(bias, node)
        shift = exact(bias) * Fraction(beta)
    else:
        shift = exact(np.zeros(1))
    _dense(ctx, node, weight, shift, Fraction(alpha))


def matmul(ctx: Context, node: OnnxNode) -> None:
    """MatMul of a live tensor by a constant matrix, on either side."""
    live = ctx.live_inputs(node)
    if len(live) != 1:
        raise ModelError(
            "multiplies two tensors that are computed from the input (attention?)",
            where=node.where,
            fix=_WEIGHT_FIX,
        )
    weight = finite(ctx.need_constant(node, 1 - live[0], "weight"), node).astype(np.float64)
    rank = weight.ndim  # dimensions of size 1 in front of the matrix come before the batch, too
    if weight.ndim > 2 and weight.size == weight.shape[-1] * weight.shape[-2]:
        weight = weight.reshape(weight.shape[-2:])
    if weight.ndim != 2:
        raise ModelError(f"has weights of shape {weight.shape}", where=node.where, fix="use 2-D")
    zero = exact(np.zeros(1))
    if live[0] == 0:
        _dense(ctx, node, weight.T, zero, Fraction(1))
        ctx.views[node.outputs[0]] = ctx.broadcast_rank(ctx.views[node.outputs[0]], rank)
        return
    view = ctx.view(node, 1)
    if len(view.dims) != 2 or view.dims[1] != (BATCH,):
        raise ModelError(
            "multiplies weights by a tensor whose last dimension is not the batch",
            where=node.where,
            fix="put the activations first: MatMul(x, W)",
        )
    turned = View(view.tensor, (view.dims[1], view.dims[0]))
    made = _dense_view(ctx, node, turned, weight, zero, Fraction(1))
    turned = View(made.tensor, (made.dims[1], made.dims[0]))
    ctx.views[node.outputs[0]] = ctx.broadcast_rank(turned, rank)


def _dense(
    ctx: Context,
    node: OnnxNode,
    weight: NDArray[np.float64],
    shift: NDArray[np.object_],
    scale: Fraction,
) -> None:
    view = ctx.view(node)
    ctx.views[node.outputs[0]] = _dense_view(ctx, node, view, weight, shift, scale)


def _dense_view(
    ctx: Context,
    node: OnnxNode,
    view: View,
    weight: NDArray[np.float64],
    shift: NDArray[np.object_],
    scale: Fraction,
) -> View:
    """A fully connected layer (weights [out, in]) over the last dimension of ``view``."""
    sizes = ctx.sizes(view)
    features = ctx.shape(view)[-1]
    if weight.shape[1] != features:
        raise ModelError(
            f"its weights take {weight.shape[1]} inputs, its input has {features}",
            where=node.where,
            fix="the file is damaged, or was exported for another image size",
        )
    shape = ctx.tensors[view.tensor].shape
    weight = ctx.binary_weights(weight, node)
    plain = not np.any(shift) and scale == 1
    output = node.outputs[0] if plain else None
    if view.batch_first and view.order == view.dims[-1]:
        ordered = views.weights_in_graph_order(view, weight, sizes)
        tensor = ctx.add_flatten(view.tensor, node) if len(shape) == 3 else view.tensor
        target = ctx.add(Dense(ordered), tensor, node, output)
        dims = (*view.dims[:-1], ("C",) if len(weight) > 1 else ())
    elif len(shape) == 3 and view.batch_first and view.dims[-1] == (("C",) if features > 1 else ()):
        window = Window((1, 1))
        target = ctx.add(Conv(weight[:, :, None, None], window), view.tensor, node, output)
        dims = (*view.dims[:-1], ("C",) if len(weight) > 1 else ())
    else:
        raise ModelError(
            f"is applied to dimension {len(view.dims) - 1} of a tensor of shape "
            f"{ctx.shape(view)[1:]} a sample",
            where=node.where,
            fix="flatten the image first, or use a 1x1 convolution",
        )
    made = View(target, dims)
    if plain:
        return made
    return ctx.affine_exact(
        made, node, scale=exact(np.ones(1)) * scale, shift=shift, output=node.outputs[0]
    )


def batch_normalization(ctx: Context, node: OnnxNode) -> None:
    """BatchNormalization in inference: gain * (x - mean) / sqrt(variance + epsilon) + bias."""
    if node.attributes.get("training_mode", 0) or len([o for o in node.outputs if o]) > 1:
        raise ModelError(
            "is in training mode",
            where=node.where,
            fix="export the model in evaluation mode (model.eval())",
        )
    view = ctx.view(node)
    names = ("gain", "bias", "mean", "variance")
    values = [finite(ctx.need_constant(node, 1 + i, n), node).ravel() for i, n in enumerate(names)]
    channels = ctx.shape(view)[1] if len(view.dims) > 1 else 0
    for name, value in zip(names, values, strict=True):
        if value.size != channels:
            raise ModelError(
                f"its {name} has {value.size} elements, its input {channels} channels",
                where=node.where,
                fix="the file is damaged; export the model again",
            )
    epsilon = Fraction(float(node.attributes.get("epsilon", 1e-5)))
    gain, bias, mean, variance = (exact(v) for v in values)
    squares = variance + epsilon
    if any(v <= 0 for v in squares):
        raise ModelError(
            f"has a variance of {float(min(variance)):g}",
            where=node.where,
            fix="a variance plus epsilon must be positive; train or export again",
        )
    scale = gain * np.array([inverse_root(v) for v in squares], object)
    centre = mean * scale
    per_channel = (1, -1, *(1,) * (len(view.dims) - 2))
    made = ctx.affine_exact(
        view,
        node,
        scale=scale.reshape(per_channel),
        shift=(bias - centre).reshape(per_channel),
        magnitude=(np.abs(bias) + np.abs(centre)).reshape(per_channel),
        output=node.outputs[0],
    )
    if ctx.tensors[made.tensor].shape[0] == len(gain):
        told = (floats(values).reshape(per_channel) for values in (bias, np.abs(gain)))
        placed = (views.in_graph_order(made, values, ctx.sizes(made)) for values in told)
        ctx.statistics[made.tensor] = Statistics(
            *(np.asarray(values.ravel(), np.float64) for values in placed)
        )
    ctx.views[node.outputs[0]] = made


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {
    "Conv": convolution,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_normalization,
}
