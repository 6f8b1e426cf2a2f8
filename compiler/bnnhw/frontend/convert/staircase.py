"""Nested Where of comparisons of one tensor: numbers of a few bits, spelled as a staircase.

``Where(x > 0, Where(x > t, 1, 1/3), Where(x > -t, -1/3, -1))`` is a rounding to steps of one size,
where thresholds and values each are equally far apart.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from bnnhw.frontend.stairs import Stairs
from bnnhw.ir.exact import full
from bnnhw.ir.ops import Affine, Binarize, Round, clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode

_SAME = Fraction(1, 1 << 20)
"""By how much of a step float32 may put thresholds and values elsewhere."""
_MOST = 16
"""Steps of a staircase."""


def of_bits(ctx: Context, tensor: str) -> Stairs | None:
    """A comparison of a tensor with one number, scaled and shifted or not; None for others."""
    made = {node.output: node for node in ctx.nodes}
    node, chain = made.get(tensor), list[Affine]()
    while node is not None and isinstance(node.op, Affine) and node.op.uniform:
        chain.insert(0, node.op)
        node = made.get(node.inputs[0])
    if node is None or not isinstance(node.op, Binarize) or node.op.zero_is_zero:
        return None
    low, high = Fraction(node.op.low), Fraction(node.op.high)
    for op in chain:
        low, high = (v * op.scale.flat[0] + op.shift.flat[0] for v in (low, high))
    margin, source = made.get(node.inputs[0]), node.inputs[0]
    scale, shift = Fraction(1), Fraction(0)
    before = margin.op if margin is not None else None
    if margin and isinstance(before, Affine) and before.uniform:
        gain = Fraction(before.scale.flat[0])
        if abs(gain) == 1:
            scale, shift, source = gain, before.shift.flat[0], margin.inputs[0]
    closed = not node.op.strict
    if scale < 0:
        low, high, closed = high, low, not closed
    return Stairs(source, (-shift / scale,), closed, (low, high))


def joined(condition: Stairs, taken: Stairs | Fraction, left: Stairs | Fraction) -> Stairs | None:
    """``taken`` where a comparison holds, else ``left``; None where they are of other tensors."""
    (threshold,) = condition.thresholds
    above, below = (taken, left) if condition.values[1] > condition.values[0] else (left, taken)
    parts = [part for part in (above, below) if isinstance(part, Stairs)]
    if any((p.tensor, p.closed) != (condition.tensor, condition.closed) for p in parts):
        return None
    lower = [] if isinstance(below, Fraction) else [t for t in below.thresholds if t < threshold]
    upper = [] if isinstance(above, Fraction) else [t for t in above.thresholds if t > threshold]
    first = [below] if isinstance(below, Fraction) else below.values[: len(lower) + 1]
    last = [above] if isinstance(above, Fraction) else above.values[-len(upper) - 1 :]
    thresholds = (*lower, threshold, *upper)
    return Stairs(condition.tensor, thresholds, condition.closed, (*first, *last))


def add_stairs(ctx: Context, node: OnnxNode, stairs: Stairs, output: str) -> str | None:
    """Makes graph nodes of a staircase; None where its steps are of different sizes."""
    count = len(stairs.thresholds)
    step, rise = _gap(stairs.thresholds), _gap(stairs.values)
    if count < 2 or count >= _MOST or step is None or rise is None:
        return None
    channels = ctx.tensors[stairs.tensor].shape[0]
    # Thresholds up to x, or, where x itself is no longer below, those beyond it: floor(u + 1).
    sign, start = (1, stairs.thresholds[0]) if stairs.closed else (-1, stairs.thresholds[-1])
    origin, gain = (stairs.values[0], rise) if stairs.closed else (stairs.values[-1], -rise)
    half = Fraction(1, 2)
    scale, shift = sign / step, half - sign * start / step
    tensor = ctx.add(Affine(full(channels, scale), full(channels, shift)), stairs.tensor, node)
    tensor = ctx.add(Round(), tensor, node)
    tensor = ctx.add(clip(0.0, float(count)), tensor, node)
    return ctx.add(Affine(full(channels, gain), full(channels, origin)), tensor, node, output)


def _gap(values: Sequence[Fraction]) -> Fraction | None:
    """The one distance of neighbours, about; None where they are no equal steps."""
    if len(values) < 2:
        return None
    mean = (values[-1] - values[0]) / (len(values) - 1)
    apart = any(abs(b - a - mean) > _SAME * abs(mean) for a, b in pairwise(values))
    return None if apart or not mean else mean
