"""Pools of streams, and pads with their own pixels, while streams are lowered."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.ir.exact import full
from bnnhw.ir.op_base import only_signs
from bnnhw.ir.ops import Affine, AveragePool, Conv, IntegerMaxPool, MaxPool, SumPool
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.elementwise import rises
from bnnhw.passes.stream_products import ProductMaker, pooled, pools_as_it_is
from bnnhw.passes.stream_signs import sign_behind
from bnnhw.passes.stream_values import Value, normalisation

if TYPE_CHECKING:
    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Pad


class PoolMaker(ProductMaker):
    """Lowers MaxPool, AveragePool and Pad."""

    def _max_pool(self, node: Node, x: Value) -> Value:
        assert isinstance(node.op, MaxPool)
        pool = IntegerMaxPool(node.op.window)
        if isinstance(x.dtype, Integer) and all(rises(op) for op in x.ops):
            shape = self._graph.tensors[node.output].shape
            return x.as_input(self._made.emit_before(node, pool, x), shape)
        stream = self._as_stream(node.inputs[0], x, sign_behind(self._links, node.output))
        assert stream.stream is not None
        self._made.emit(node, pool, stream.tensor)
        return self._stream(node, stream.stream)

    def _pad(self, node: Node, op: Pad, x: Value) -> Value:
        """Narrow integers are padded as they are; others as what the reader makes of them."""
        reader = self._links.after(node)
        layer = reader.op if reader is not None and isinstance(reader.op, Conv) else None
        if layer is not None and not only_signs(layer.weight) and not isinstance(x.dtype, Bit):
            if normalisation(x)[0] is None:
                x = self._as_activation(node.inputs[0], x, equal=True)
        elif isinstance(x.dtype, Real):
            x = self._as_stream(node.inputs[0], x, sign_behind(self._links, node.output))
        shape = self._graph.tensors[node.output].shape
        return x.as_input(self._made.emit_before(node, op, x), shape)

    def _average_pool(self, node: Node, x: Value) -> Value:
        assert isinstance(node.op, AveragePool)
        window = node.op.window
        area = window.kernel[0] * window.kernel[1]
        shape = self._graph.tensors[node.output].shape
        if pools_as_it_is(x, area):
            self._made.emit(node, SumPool(window), x.tensor)
            return pooled(node, x, shape, area)
        x = self._as_stream(node.inputs[0], x)
        assert x.stream is not None
        if x.stream.halves and any(window.pads):
            # Padding is 0, no middle of a step: with twice as many steps every middle is on one.
            finer = Integer(x.stream.bits + 1, True, x.stream.frac + 1)
            x = self._retyped(node.inputs[0], x, finer)
        assert x.stream is not None
        self._made.emit(node, SumPool(window), x.tensor)
        step = Fraction(2) ** -x.stream.frac
        ops = (Affine(full(shape[0], step / area), full(shape[0], x.stream.lift * step)),)
        return Value(node.output, ops, x.reach * area, shape, Real(), node)
