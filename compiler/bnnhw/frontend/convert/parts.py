"""Some channels of a tensor: Split, Slice, and Pad of channels with zeros.

No operation of the graph takes a tensor apart. A part is known as such until what is made of all
parts is whole again: convolutions of them, concatenated in their order, are a grouped convolution,
and channels padded with zeros and added to concatenated ones add to some of those.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.convert.linear import convolution
from bnnhw.frontend.model_file import decode_node
from bnnhw.frontend.parts import Padded, Part
from bnnhw.frontend.unsupported import channels_reordered, unsupported
from bnnhw.frontend.views import View
from bnnhw.ir.ops import Add, Concat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode

_WINDOW = ("kernel_shape", "strides", "pads", "auto_pad", "dilations", "group")


def split(ctx: Context, node: OnnxNode) -> None:
    """Split of the channels."""
    view = ctx.view(node)
    axis = _axis(node, view, int(node.attributes.get("axis", 0)))
    count = ctx.sizes(view)["C"]
    outputs = [name for name in node.outputs if name]
    given = node.attributes.get("split")
    if given is None and node.optional(1):
        given = np.ravel(ctx.need_constant(node, 1, "sizes")).tolist()
    each = -(-count // len(node.outputs))
    sizes = list(given or [min(each, count - i * each) for i in range(len(node.outputs))])
    if len(sizes) != len(node.outputs) or min(sizes) < 1 or sum(sizes) != count:
        raise ModelError(
            f"splits {count} channels into {sizes}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    ends = np.cumsum([0, *sizes]).tolist()
    for name, start, stop in zip(node.outputs, ends, ends[1:], strict=False):
        if name in outputs:
            _take(ctx, node, name, view, axis, (start, stop))


def slice_(ctx: Context, node: OnnxNode) -> None:
    """Slice of channels, of each one in a range."""
    view = ctx.view(node)
    fields = []
    for index, key in enumerate(("starts", "ends", "axes", "steps"), 1):
        value = node.attributes.get(key)
        if node.optional(index):
            value = np.ravel(ctx.need_constant(node, index, key)).tolist()
        fields.append(value)
    starts, ends, axes, steps = fields
    first = axes[0] if axes else 0
    if starts and ends and steps == [-1] and _turned(ctx, node, view, first, starts, ends):
        return
    if not starts or not ends or any(step != 1 for step in steps or ()):
        raise unsupported(node)
    ranges = zip(axes or range(len(starts)), starts, ends, strict=False)
    shape = ctx.shape(view)
    rank = len(shape)
    cut = []
    for axis, start, stop in ranges:
        at = axis + rank if axis < 0 else axis
        if not 0 <= at < rank:
            raise unsupported(node)
        first, last = (min(max(n + shape[at] if n < 0 else n, 0), shape[at]) for n in (start, stop))
        if (first, last) != (0, shape[at]):
            cut.append((at, first, last))
    if not cut:
        ctx.views[node.outputs[0]] = view
        return
    if len(cut) > 1 or cut[0][2] <= cut[0][1]:
        raise unsupported(node)
    axis, first, last = cut[0]
    _take(ctx, node, node.outputs[0], view, _axis(node, view, axis), (first, last))


def _turned(
    ctx: Context, node: OnnxNode, view: View, axis: int, starts: list[int], ends: list[int]
) -> bool:
    """Makes all channels, the last one first, the node's result; whether it is that."""
    axis += len(view.dims) if axis < 0 else 0
    if not 0 <= axis < len(view.dims):
        return False
    count = ctx.shape(view)[axis]
    places = np.arange(count)[slice(starts[0], ends[0], -1)]
    made = views.picked(view, axis, places, ctx.sizes(view)) if len(places) == count else None
    if made is not None:
        ctx.views[node.outputs[0]] = made
    return made is not None


def _axis(node: OnnxNode, view: View, axis: int) -> int:
    """The dimension of the channels, which must be ``axis``."""
    axis += len(view.dims) if axis < 0 else 0
    if not 0 <= axis < len(view.dims) or view.dims[axis] != ("C",):
        if views.reorders_channels(view):
            raise channels_reordered("takes some", node.where)
        raise unsupported(node)
    return axis


def _take(
    ctx: Context, node: OnnxNode, name: str, view: View, axis: int, channels: tuple[int, int]
) -> None:
    """Makes a range of channels the node's result: what was concatenated, or a part."""
    start, stop = channels
    count = ctx.sizes(view)["C"]
    found = _pieces(ctx, view.tensor, start, stop)
    if (start, stop) == (0, count):
        ctx.views[name] = view
    elif found and stop - start > 1:
        ctx.views[name] = View(_joined(ctx, node, found, name), view.dims)
    else:
        refusal = ModelError(
            f"takes channels {start} to {stop - 1} of {count}; only convolutions may read such "
            "parts, concatenated again in their order",
            where=node.where,
            fix="use a convolution with groups, or one of all channels",
        )
        ctx.parts[name] = Part(view, axis, start, stop, refusal)


def pad_channels(ctx: Context, node: OnnxNode, view: View, axis: int, sides: Sequence[int]) -> None:
    """Channels of zeros before and behind those of ``view``."""
    refusal = ModelError(
        f"pads channels by {tuple(sides)}; only an Add to concatenated channels may read that, "
        "whose parts begin and end with these",
        where=node.where,
        fix="bring the tensor to the other path's channels with a 1x1 convolution",
    )
    ctx.parts[node.outputs[0]] = Padded(view, axis, sides[0], sides[1], refusal)


def with_parts(ctx: Context, node: OnnxNode) -> bool:
    """Makes the result of a node that reads parts; whether it reads any.

    Raises:
        ModelError: nothing is known of what it makes of them.
    """
    given = [ctx.parts[name] for name in node.inputs if name in ctx.parts]
    if not given:
        return False
    first = given[0]
    make = _MAKE.get((type(first), node.op))
    if make is None or not make(ctx, node):
        error = first.refusal
        raise error
    return True


def _rename(ctx: Context, node: OnnxNode) -> bool:
    ctx.parts[node.outputs[0]] = ctx.parts[node.inputs[0]]
    return True


def _transpose(ctx: Context, node: OnnxNode) -> bool:
    part = ctx.parts[node.inputs[0]]
    rank = len(part.view.dims)
    perm = [int(p) for p in node.attributes.get("perm", reversed(range(rank)))]
    if sorted(perm) != list(range(rank)):
        return False
    if isinstance(part, Part) and part.conv is not None:
        order = tuple(part.order[p] for p in perm)
        ctx.parts[node.outputs[0]] = replace(part, order=order)
        return True
    view = View(part.view.tensor, tuple(part.view.dims[p] for p in perm))
    ctx.parts[node.outputs[0]] = replace(part, view=view, axis=perm.index(part.axis))
    return True


def _convolve(ctx: Context, node: OnnxNode) -> bool:
    part = ctx.parts[node.inputs[0]]
    if not isinstance(part, Part) or part.conv is not None or part.axis != 1:
        return False
    order = tuple(range(len(part.view.dims)))
    ctx.parts[node.outputs[0]] = replace(part, conv=node, order=order)
    return True


def _concatenate(ctx: Context, node: OnnxNode) -> bool:
    """Convolutions of all parts, in their order, as one with groups."""
    found = [ctx.parts.get(name) for name in node.inputs]
    parts = [part for part in found if isinstance(part, Part)]
    convs = [part.conv for part in parts if part.conv is not None]
    first, rank = parts[0], len(parts[0].view.dims)
    axis = int(node.attributes.get("axis", 1))
    axis += rank if axis < 0 else 0
    ends = [part.stop for part in parts]
    whole = (
        len(convs) == len(found)
        and all((p.view, p.order) == (first.view, first.order) for p in parts)
        and [part.start for part in parts] == [0, *ends[:-1]]
        and ends[-1] == ctx.sizes(first.view)["C"]
        and len({part.stop - part.start for part in parts}) == 1
        and 0 <= axis < rank
        and first.order[axis] == 1
    )
    if not whole:
        return False
    windows = [[conv.attributes.get(key) for key in _WINDOW] for conv in convs]
    weights = [ctx.need_constant(conv, 1, "weight") for conv in convs]
    if any(w != windows[0] for w in windows) or len({w.shape for w in weights}) > 1:
        return False
    biases = [ctx.need_constant(c, 2, "bias") if c.optional(2) else None for c in convs]
    out = node.outputs[0]
    names = [f"{out}/parts", f"{out}/weights", f"{out}/biases"]
    ctx.views[names[0]] = first.view
    ctx.constants[names[1]] = np.concatenate(weights)
    if any(bias is not None for bias in biases):
        zero = np.zeros(len(weights[0]), weights[0].dtype)
        filled = [zero if bias is None else np.ravel(bias) for bias in biases]
        ctx.constants[names[2]] = np.concatenate(filled)
    else:
        names.pop()
    attributes = {k: v for k, v in convs[0].attributes.items() if k in _WINDOW}
    attributes["group"] = len(convs) * int(attributes.get("group", 1))
    made = helper.make_node("Conv", names, [out], name=convs[0].name, **attributes)
    convolution(ctx, decode_node(made))
    view = ctx.views[out]
    ctx.views[out] = View(view.tensor, tuple(view.dims[i] for i in first.order))
    return True


def _add(ctx: Context, node: OnnxNode) -> bool:
    """Concatenated channels plus some others between zeros: the sum of those that meet."""
    padded = [ctx.parts.get(name) for name in node.inputs]
    one = next(part for part in padded if part is not None)
    if not isinstance(one, Padded) or all(part is not None for part in padded):
        return False
    other = ctx.view(node, 1 if padded[0] is not None else 0)
    shape = list(ctx.shape(one.view))
    shape[one.axis] += one.before + one.behind
    if tuple(shape) != ctx.shape(other) or other.dims[one.axis] != ("C",):
        return False
    rest = [tuple(d for i, d in enumerate(v.dims) if i != one.axis) for v in (other, one.view)]
    if rest[0] != rest[1]:
        return False
    count = ctx.sizes(other)["C"]
    ranges = [(0, one.before), (one.before, count - one.behind), (count - one.behind, count)]
    low, middle, high = (_pieces(ctx, other.tensor, *ends) if ends[0] < ends[1] else []
                         for ends in ranges)  # fmt: skip
    if low is None or middle is None or high is None or not middle:
        return False
    total = ctx.add(Add(), (_joined(ctx, node, middle, None), one.view.tensor), node)
    target = _joined(ctx, node, [*low, total, *high], node.outputs[0])
    if {other.tensor, one.view.tensor} <= ctx.nonnegative:
        ctx.nonnegative.update((total, target))
    ctx.views[node.outputs[0]] = View(target, other.dims)
    return True


def _pieces(ctx: Context, tensor: str, start: int, stop: int) -> list[str] | None:
    """The tensors that were concatenated to channels ``start`` to ``stop``; None if there are none.

    Taken whole where one reaches from there to there, else what it was made of.
    """
    if (start, stop) == (0, ctx.tensors[tensor].shape[0]):
        return [tensor]
    made = ctx.producers.get(tensor)
    if made is None or not isinstance(made.op, Concat):
        return None
    found: list[str] = []
    at = 0
    for name in made.inputs:
        size = ctx.tensors[name].shape[0]
        first, last = max(start - at, 0), min(stop - at, size)
        if first < last:
            inner = _pieces(ctx, name, first, last)
            if inner is None:
                return None
            found += inner
        at += size
    return found


def _joined(ctx: Context, node: OnnxNode, names: Sequence[str], output: str | None) -> str:
    """The tensors, concatenated."""
    if len(names) == 1:
        return names[0]
    target = ctx.add(Concat(), tuple(names), node, output)
    for known in (ctx.nonnegative, ctx.bits):
        if known.issuperset(names):
            known.add(target)
    return target


HANDLERS: dict[str, Callable[[Context, OnnxNode], None]] = {"Split": split, "Slice": slice_}

_MAKE: dict[tuple[type, str], Callable[[Context, OnnxNode], bool]] = {
    (Part, "Identity"): _rename,
    (Padded, "Identity"): _rename,
    (Part, "Transpose"): _transpose,
    (Padded, "Transpose"): _transpose,
    (Part, "Conv"): _convolve,
    (Part, "Concat"): _concatenate,
    (Padded, "Add"): _add,
}
