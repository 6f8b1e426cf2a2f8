"""What element-wise operations and pools make of the two values of a bit, channel by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import full
from bnnhw.ir.ops import (
    Affine,
    Binarize,
    BitMaxPool,
    Flatten,
    IntegerTable,
    MaxPool,
    Pad,
    Piecewise,
    Quantise,
)
from bnnhw.ir.pieces import value
from bnnhw.ir.types import Bit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Exacts, Op

BENT = (Binarize, Piecewise, Quantise)
_ROUNDING = Fraction(1, 1 << 250)
"""Relative error below which a difference is 0 but for the approximation of a square root."""


@dataclass(frozen=True, eq=False)
class Bits:
    """A tensor that is a function of bits.

    Attributes:
        root: the tensor of bits.
        values: the smaller and the larger value of the root's bits.
        steps: pools of bits, pads and flattens from the root on, in order.
        low: what the smaller value has become behind the steps, per channel.
        high: likewise the larger one.
        tensors: the tensors passed, the root first, without this one.
        pixels: elements of a channel that a flatten made channels of their own.
    """

    root: str
    values: tuple[Fraction, Fraction]
    steps: tuple[Node, ...]
    low: Exacts
    high: Exacts
    tensors: tuple[str, ...] = ()
    pixels: int = 1

    @property
    def is_root(self) -> bool:
        """Whether the values are the root's in all channels."""
        return bool((self.low == self.values[0]).all() and (self.high == self.values[1]).all())

    def in_terms_of_root(self) -> tuple[Exacts, Exacts]:
        """Scale and shift that make these values of the root's, pooled and flattened."""
        scale = (self.high - self.low) / (self.values[1] - self.values[0])
        return scale, self.low - scale * self.values[0]


def followed(graph: Graph) -> Iterator[tuple[Node, Bits, Bits]]:
    """The nodes that read a function of bits and give one: what they read, what they give."""
    known: dict[str, Bits] = {}
    dtype = graph.tensors[graph.input].dtype
    if isinstance(dtype, Bit):
        known[graph.input] = _root(graph, graph.input, dtype.low, dtype.high)
    for node in graph.nodes:
        before = known.get(node.inputs[0])
        after = None if before is None else _through(graph, node, before)
        if before is not None and after is not None:
            yield node, before, after
            known[node.output] = after
        if isinstance(node.op, Binarize):
            known[node.output] = _root(graph, node.output, node.op.low, node.op.high)
        elif isinstance(node.op, IntegerTable) and isinstance(node.op.dtype, Bit):
            known[node.output] = _root(graph, node.output, node.op.dtype.low, node.op.dtype.high)


def _root(graph: Graph, tensor: str, *values: float) -> Bits:
    channels = graph.tensors[tensor].shape[0]
    low, high = (Fraction(v) for v in sorted(values))
    return Bits(tensor, (low, high), (), full(channels, low), full(channels, high))


def _through(graph: Graph, node: Node, bits: Bits) -> Bits | None:
    """What ``node`` makes of ``bits``; None where the result is no function of one bit."""
    op = node.op
    bits = replace(bits, tensors=(*bits.tensors, node.inputs[0]))
    if isinstance(op, (MaxPool, BitMaxPool)):
        falls = np.asarray(bits.high < bits.low, bool)
        minimum = falls ^ op.minimum if isinstance(op, BitMaxPool) else falls
        pool = replace(node, op=BitMaxPool(op.window, minimum))
        return replace(bits, steps=(*bits.steps, pool))
    if isinstance(op, Pad):
        return replace(bits, steps=(*bits.steps, node))
    if isinstance(op, Flatten):
        pixels = int(np.prod(graph.tensors[node.inputs[0]].shape[1:]))
        low, high = (np.repeat(v, pixels) for v in (bits.low, bits.high))
        steps = (*bits.steps, node)
        return replace(bits, steps=steps, low=low, high=high, pixels=bits.pixels * pixels)
    if not isinstance(op, (Affine, *BENT)) or (isinstance(op, Affine) and op.row_class):
        return None
    low, high = (_apply(op, values) for values in (bits.low, bits.high))
    return replace(bits, low=low, high=high)


def _apply(op: Op, values: Exacts) -> Exacts:
    """An element-wise operation of one exact number per channel."""
    if isinstance(op, Affine) and all(x is values[0] for x in values) and op.uniform:
        return full(len(values), _value(op, 0, values[0]))
    result = np.empty(len(values), object)
    result[:] = [_value(op, channel, x) for channel, x in enumerate(values)]
    return result


def _value(op: Op, channel: int, x: Fraction) -> Fraction:
    if isinstance(op, Affine):
        shift = op.shift[channel]
        y = op.scale[channel] * x + shift
        return Fraction(0) if abs(y) < _ROUNDING * abs(shift) else Fraction(y)
    if isinstance(op, Piecewise):
        return value(op.pieces(channel), x)
    if isinstance(op, Quantise):
        step = Fraction(2) ** -op.dtype.frac
        steps = math.floor(x / step + Fraction(1, 2))
        return min(max(steps, op.dtype.low), op.dtype.high) * step
    assert isinstance(op, Binarize)
    return Fraction(op.high if (x > 0 if op.strict else x >= 0) else op.low)
