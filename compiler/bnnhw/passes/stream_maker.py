"""Makes fixed-point streams of real tensors, while streams are lowered."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import exact, full
from bnnhw.ir.graph import Node
from bnnhw.ir.ops import Affine, Binarize, FixedAffine, IntegerTable
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes.clamps import split_clamp
from bnnhw.passes.fixed_point import fixed_affine, rough_affine
from bnnhw.passes.made_nodes import MadeNodes
from bnnhw.passes.options import ACTIVATION_BITS, PassOptions
from bnnhw.passes.rewrite import Links
from bnnhw.passes.stream_notes import ranges_of
from bnnhw.passes.stream_signs import is_exact
from bnnhw.passes.stream_types import StreamTypes
from bnnhw.passes.stream_values import Value, requantised

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints, Shape


class StreamMaker:
    """What a lowering has made so far, and how it makes streams of what waits.

    Attributes:
        types: of all streams.
        values: what has become of each real tensor.
    """

    def __init__(self, graph: Graph, options: PassOptions) -> None:
        options.check(graph)
        self._graph, self._options = graph, options
        self.types = StreamTypes(graph, lambda: ranges_of(graph, options), options)
        self._links = Links(graph)
        self._made = MadeNodes()
        self.values: dict[str, Value] = {}
        self._narrow: dict[str, Value] = {}

    def _as_stream(self, name: str, value: Value, sign: Binarize | None = None) -> Value:
        """``value`` as fixed-point numbers: of the model's type, or that of its tensor's group.

        Rounded so that they keep their sign where a ``sign`` reads them.
        """
        value = self._numbers(value)
        if value.given and value.stream is not None:
            return value
        dtype = self.types.stream(name)
        if value.stream is not None and value.stream.plain == dtype:
            return value
        halves = int(sign is not None and not is_exact(value, dtype))
        return self._retyped(name, value, replace(dtype, halves=halves), sign)

    def _retyped(
        self, name: str, value: Value, dtype: Integer, sign: Binarize | None = None
    ) -> Value:
        """``value`` of another type, in a tensor named after ``name``; see _fixed."""
        written = name in {self._graph.input, *(n.output for n in self._made.nodes)}
        return self._fixed(value, dtype, requantised(name, dtype.bits) if written else name, sign)

    def _as_activation(self, name: str, value: Value, *, equal: bool) -> Value:
        """``value`` as at most 8 bits, which integer layers read.

        With ``equal``, channels of small values are enlarged, which the layer's weights undo.
        """
        if value.stream is not None and value.stream.bits <= ACTIVATION_BITS:
            return value
        if name not in self._narrow:
            dtype = self.types.activation(name)
            octaves = self.types.exponents(name) if equal else np.zeros(0, np.int64)
            self._narrow[name] = self._enlarged(
                value, dtype, requantised(name, dtype.bits), octaves
            )
        return self._narrow[name]

    def _enlarged(self, value: Value, dtype: Integer, tensor: str, octaves: Ints) -> Value:
        """``value`` times 2^octaves per channel as fixed-point numbers."""
        if not octaves.size:
            return self._fixed(value, dtype, tensor)
        factors = exact(2.0**octaves)
        none = full(value.shape[0], 0)
        assert value.source is not None
        made = self._fixed(value.then(Affine(factors, none), value.source), dtype, tensor)
        last = self._made.nodes[-1]
        assert isinstance(last.op, FixedAffine)
        self._made.nodes[-1] = replace(last, op=replace(last.op, exponents=octaves))
        back = Affine(Fraction(2) ** -dtype.frac / factors, none)
        return replace(made, ops=(back,), source=self._made.nodes[-1], stream=None)

    def _fixed(
        self,
        value: Value,
        dtype: Integer,
        tensor: str,
        sign: Binarize | None = None,
        *,
        given: bool = False,
    ) -> Value:
        """Appends the FixedAffine that does all that waits; it writes ``tensor``.

        The model itself may round to ``dtype`` (``given``). Where that stands for middles of steps,
        an exact 0 goes to the side where ``sign`` puts it.
        """
        value = self._numbers(value)
        down = bool(dtype.halves and sign and sign.strict)
        ops, clamp = split_clamp(value.ops, value.shape[0], dtype)
        source, size = value.source, (value.shape[0], value.reach)
        at = source.where if source else None
        op = None
        if self._options.rough and not given:
            op = rough_affine(ops, *size, dtype)
        if op is None:
            op = fixed_affine(ops, *size, dtype, zero_down=down, given=given, where=at)
        name = source.name if source else "input"
        taken = source is None or name in self._made.names
        where, name = source.source if source else "", self._made.fresh(name + "_fixed" * taken)
        written = tensor if clamp is None else f"{name}:unlimited"
        node = self._made.append(Node(name, op, (value.tensor,), written, where))
        if clamp is not None:
            limit = self._made.fresh(f"{name}_limit")
            node = self._made.append(Node(limit, clamp, (written,), tensor, where))
        return replace(self._stream(node, dtype, value.shape), source=node)

    def _numbers(self, value: Value) -> Value:
        """Bits as the numbers that they stand for, which rounds nothing; others as they are."""
        if not isinstance(value.dtype, Bit):
            return value
        dtype, base = Integer.spanning(value.dtype.low, 1), value.source
        name = self._made.fresh(f"{base.name if base else 'input'}_numbers")
        op, where = IntegerTable(np.arange(value.dtype.low, 2), dtype), base.source if base else ""
        node = self._made.append(Node(name, op, (value.tensor,), f"{name}:out", where))
        if value.ops:
            return replace(value, tensor=node.output, dtype=dtype)
        return replace(self._stream(node, dtype, value.shape), given=True)

    def _stream(self, node: Node, dtype: Integer, shape: Shape | None = None) -> Value:
        shape = shape or self._graph.tensors[node.output].shape
        step = Fraction(2) ** -dtype.frac
        back = Affine(full(shape[0], step), full(shape[0], dtype.lift * step))
        return Value(node.output, (back,), dtype.reach, shape, dtype, node, dtype)
