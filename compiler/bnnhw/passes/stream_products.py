"""Sums over channels and products of streams, while streams are lowered.

Of integers that mean q * scale a product is exact: the scales of both sides multiply and wait. So a
binary layer's sums are multiplied as they are. Factors are rounded to 8 bits first, as activations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import full
from bnnhw.ir.ops import Affine, ChannelSum, IntegerTable, Product, Smooth, Tensor
from bnnhw.ir.types import Integer, Real
from bnnhw.passes.options import ACTIVATION_BITS
from bnnhw.passes.piecewise import compose
from bnnhw.passes.stream_maker import StreamMaker
from bnnhw.passes.stream_values import Value

if TYPE_CHECKING:
    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Exacts

_MOST_PIECES = 3
"""Of a FixedAffine."""
_REACH = 1 << 24
"""Of products: a DSP48E1 then multiplies them again, by what follows."""


class ProductMaker(StreamMaker):
    """Lowers ChannelSum, Product and Smooth."""

    def _smooth(self, node: Node, op: Smooth) -> Value:
        """A table of 8 bits by 8 bits."""
        name = node.inputs[0]
        x = self._numbers(self.values[name])
        if x.stream is None or x.stream.bits > ACTIVATION_BITS:
            x = self._as_activation(name, _earliest(x), equal=False)
        assert x.stream is not None
        signed = op.low < 0
        dtype = Integer(ACTIVATION_BITS, signed, ACTIVATION_BITS - signed)
        steps = np.arange(x.stream.low, x.stream.high + 1).astype(np.float64)
        real = (steps + float(x.stream.lift)) * 2.0**-x.stream.frac
        values = np.rint(op(real) * 2.0**dtype.frac)
        table = np.clip(values, dtype.low, dtype.high).astype(np.int64)
        self._made.emit(node, IntegerTable(table, dtype), x.tensor)
        return self._stream(node, dtype)

    def _channel_sum(self, node: Node) -> Value:
        name = node.inputs[0]
        x = self._numbers(self.values[name])
        if not _is_narrow(x):
            x = self._as_activation(name, _earliest(x), equal=False)
        channels = x.shape[0]
        self._made.emit(node, ChannelSum(), x.tensor)
        assert isinstance(x.dtype, Integer)
        tensor = ChannelSum().infer(Tensor(x.shape, x.dtype))
        assert isinstance(tensor.dtype, Integer)
        ops = x.ops
        if ops:
            assert isinstance(ops[0], Affine)
            ops = (Affine(ops[0].scale[:1], channels * ops[0].shift[:1]),)
        return Value(node.output, ops, tensor.dtype.reach, tensor.shape, tensor.dtype, node)

    def _product(self, node: Node) -> Value:
        """The exact product of what scales alone are waiting on."""
        first, second = node.inputs
        factor = self._numbers(self.values[second])
        if not (_is_narrow(factor) and only_scaled(factor)):
            factor = self._as_activation(second, _earliest(factor), equal=False)
        factor = self._on_steps(second, factor)
        x = self._numbers(self.values[first])
        x = x.exact if x.exact is not None and _may_multiply(x.exact, factor) else x
        if not _may_multiply(x, factor):
            x = self._on_steps(first, self._as_stream(first, x))
        self._made.emit(node, Product(), x.tensor, factor.tensor)
        shape = self._graph.tensors[node.output].shape
        scale = _scale(x) * np.resize(_scale(factor), shape[0])
        ops = (Affine(scale, full(shape[0], 0)),)
        return Value(node.output, ops, x.reach * factor.reach, shape, Real(), node)

    def _on_steps(self, name: str, x: Value) -> Value:
        """A stream whose numbers stand for middles of steps with twice as many steps."""
        if x.stream is None or not x.stream.halves:
            return x
        return self._retyped(name, x, Integer(x.stream.bits + 1, True, x.stream.frac + 1))


def _earliest(x: Value) -> Value:
    """What ``x`` was before it was rounded, where one unit can do all that waits there."""
    if x.exact is None:
        return x
    exact = x.exact
    most = max(len(compose(exact.ops, channel)) for channel in range(exact.shape[0]))
    return exact if most <= _MOST_PIECES else x


def only_scaled(x: Value) -> bool:
    """Whether integers mean what they are times a factor per channel."""
    if x.rest is not None or len(x.ops) > 1:
        return False
    return all(isinstance(o, Affine) and not o.row_class and not o.shift.any() for o in x.ops)


def pools_as_it_is(x: Value, taps: int) -> bool:
    """Whether sums of ``taps`` integers are taken of ``x`` before it is rounded.

    Of a single channel wide integers cost little.
    """
    single = x.shape[0] == 1 and isinstance(x.dtype, Integer)
    return single and only_scaled(x) and x.reach * taps < _REACH


def pooled(node: Node, x: Value, shape: tuple[int, ...], taps: int) -> Value:
    """What a sum of ``taps`` of such integers means, if the model takes their mean."""
    ops = (Affine(_scale(x) / taps, full(shape[0], 0)),)
    return replace(x, tensor=node.output, ops=ops, reach=x.reach * taps, shape=shape,
                   dtype=Real(), source=node, stream=None, given=False, exact=None)  # fmt: skip


def _is_narrow(x: Value) -> bool:
    """Whether ``x`` is integers of few bits, scaled and shifted alike in all channels."""
    few = isinstance(x.dtype, Integer) and x.dtype.bits <= ACTIVATION_BITS
    return few and len(x.ops) < 2 and all(isinstance(o, Affine) and o.uniform for o in x.ops)


def _may_multiply(x: Value, factor: Value) -> bool:
    return only_scaled(x) and x.reach * factor.reach < _REACH


def _scale(x: Value) -> Exacts:
    if not x.ops:
        return full(x.shape[0], 1)
    assert isinstance(x.ops[0], Affine)
    return x.ops[0].scale
