"""Real-valued streams become fixed-point numbers: residual networks get integer operations.

Front to back, each real tensor becomes an integer tensor and a list of element-wise operations that
wait. A sign takes them into its threshold, a layer with integer weights into its weights (the
input's normalisation) or its operands' scale. Anything else - an addition, a pool, a second
consumer, the output - takes them into a FixedAffine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import floats, full
from bnnhw.ir.graph import Node, OutputMap
from bnnhw.ir.op_base import only_signs
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Elementwise,
    FixedAdd,
    FixedSelect,
    Flatten,
    IntegerTable,
    MaxPool,
    Pad,
    Product,
    Quantise,
    Select,
    Smooth,
)
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.elementwise import flattened, one_scale, repeated, tiled
from bnnhw.passes.fixed_point import largest
from bnnhw.passes.integer_layers import integer_layer
from bnnhw.passes.mixed import is_mixed
from bnnhw.passes.options import FEW_BITS, PassOptions
from bnnhw.passes.stream_notes import check_precision, described, real_on_bits
from bnnhw.passes.stream_pools import PoolMaker
from bnnhw.passes.stream_select import (
    is_scaled,
    joint_scale,
    thresholds_of,
    waits,
    whole_steps,
)
from bnnhw.passes.stream_signs import (
    common_halves,
    emit_turning,
    is_exact,
    sign_behind,
    turns_back,
)
from bnnhw.passes.stream_values import (
    Value,
    common_type,
    joined_bits,
    normalisation,
    requantised,
    scaled_input_type,
)

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph

_DEFAULT = PassOptions()


def lower_streams(graph: Graph, options: PassOptions = _DEFAULT) -> Graph:
    """The graph whose only real-valued operations are binary layers and what precedes signs.

    Raises:
        ModelError: names the node that no integer operation can stand for, or an unknown name in
            ``options``.
    """
    if not is_mixed(graph):
        if options.precision:
            raise ModelError(
                f"there is nothing whose width '{next(iter(options.precision))}' could set: all "
                "layers are binary, and no stream is real-valued",
                where="option --precision",
                fix="leave it out",
            )
        return graph
    if all(node.op.level != "real" for node in graph.nodes):
        return graph
    return Lowering(graph, options).run()


class Lowering(PoolMaker):
    """One run of the pass, with what it chose on its way."""

    def run(self) -> Graph:
        """The graph of ``lower_streams``."""
        graph, options = self._graph, self._options
        start = graph.tensors[graph.input]
        assert not isinstance(start.dtype, Real)
        first = Value(graph.input, (), start.dtype.reach, start.shape, start.dtype)
        self.values[graph.input] = first
        for node in graph.nodes:
            try:
                value = self._convert(node)
                if self._needs_stream(node, value):
                    value = replace(self._as_stream(node.output, value), exact=value)
            except ModelError as error:
                where = error.where or node.where
                raise ModelError(error.what, where=where, fix=error.fix) from error
            self.values[node.output] = value
        output, mapped = self._scores()
        nodes = self._made.read(output)
        check_precision(graph, options, self.types, self.values, nodes)
        decided = described(graph, options, self.types, nodes)
        notes = (*graph.notes, *real_on_bits(graph), decided)
        return graph.with_nodes(nodes, output=output, output_map=mapped, notes=notes)

    def _convert(self, node: Node) -> Value:
        x, op = self.values[node.inputs[0]], node.op
        shape = self._graph.tensors[node.output].shape
        if isinstance(op, Elementwise):
            return x.then(op, node)
        if isinstance(op, Quantise):
            return self._quantise(node, x, op.dtype)
        if isinstance(op, Add):
            return self._add(node)
        if isinstance(op, Concat):
            return self._concat(node)
        if isinstance(op, Select):
            return self._select(node)
        if isinstance(op, ChannelSum):
            return self._channel_sum(node)
        if isinstance(op, Product):
            return self._product(node)
        if isinstance(op, Smooth):
            return self._smooth(node, op)
        if isinstance(op, Binarize):
            return self._binarize(node, x)
        if isinstance(op, (Conv, Dense)):
            return self._layer(node, x)
        if isinstance(op, MaxPool):
            return self._max_pool(node, x)
        if isinstance(op, AveragePool):
            return self._average_pool(node, x)
        if isinstance(op, Pad):
            return self._pad(node, op, x)
        if isinstance(op, Flatten):
            pixels = int(np.prod(x.shape[1:]))
            ops = tuple(repeated(o, pixels) for o in x.ops)
            rest = x.rest and flattened(x.rest, x.shape)
            x = x.as_input(self._made.emit_before(node, op, x), shape)
            return replace(x, ops=ops, rest=rest)
        if isinstance(op, (IntegerTable, BitMaxPool)) and not x.ops:
            self._made.emit(node, op, x.tensor)
            dtype = op.dtype if isinstance(op, IntegerTable) else x.dtype
            assert not isinstance(dtype, Real)
            return Value(node.output, (), dtype.reach, shape, dtype, node)
        raise ModelError(
            f"the operation {op.called} has no hardware in a network with real streams",
            fix="put a sign, BatchNorm or ReLU there, and tables of the input at its start",
        )

    def _quantise(self, node: Node, x: Value, dtype: Integer) -> Value:
        """``x`` in the type that the model rounds it to; an addition saturates to it itself."""
        few, exact = dtype.bits <= FEW_BITS, x.exact
        if few and exact is not None and not (exact.rest and exact.rest.row_class):
            x = exact  # a sign of several steps: it sees no rounding that it need not see
        if x.stream != dtype:
            x = self._fixed(x, dtype, node.output, given=True)
        return replace(x, given=True, exact=None)

    def _add(self, node: Node) -> Value:
        values = [self.values[name] for name in node.inputs]
        given = all(value.given and value.stream for value in values)
        if given:
            streams = [value.stream for value in values if value.stream]
            dtype, common = self._sum_type(node, streams), common_type(streams)
            sign = None
        else:
            dtype = common = self.types.stream(node.output)
            sign = sign_behind(self._links, node.output)
        terms: list[Value] = []
        halves = sum(v.stream.halves for v in values if v.stream and v.stream.plain == common)
        for name, value in zip(node.inputs, values, strict=True):
            if value.stream is None or value.stream.plain != common:
                # One term alone stands for the middles of its steps: no sum is 0 then.
                odd = sign is not None and halves % 2 == 0 and not is_exact(value, common)
                halves += odd
                value = self._retyped(name, value, replace(common, halves=int(odd)), sign)
            terms.append(value)
        dtype = replace(dtype, halves=halves)
        self._made.emit(node, FixedAdd(dtype, limits=given), *(v.tensor for v in terms))
        return replace(self._stream(node, dtype), given=given)

    def _concat(self, node: Node) -> Value:
        """Parts of one type: bits as they are, streams in one that holds the numbers of all."""
        values = [self.values[name] for name in node.inputs]
        shape = self._graph.tensors[node.output].shape
        joined = joined_bits(values)
        if joined is not None:
            self._made.emit(node, Concat(), *(value.tensor for value in values))
            return replace(joined, tensor=node.output, shape=shape, source=node)
        first, count = values[0], len(values)
        if len({*node.inputs}) == 1 and isinstance(first.dtype, Integer) and not first.stream:
            self._made.emit(node, Concat(), *(first.tensor for _ in values))
            made = first.as_input(node.output, shape)
            return replace(made, ops=tuple(tiled(op, count) for op in first.ops), source=node)
        terms, dtype, given = self._of_one_type(node, values)
        self._made.emit(node, Concat(), *(terms[name].tensor for name in node.inputs))
        return replace(self._stream(node, dtype), given=given)

    def _of_one_type(
        self, node: Node, values: list[Value]
    ) -> tuple[dict[str, Value], Integer, bool]:
        """What a node reads, by name, as streams of one type; the type; whether the model gives it.

        The type holds the numbers of all.
        """
        values = [self._numbers(value) for value in values]
        given = all(value.given and value.stream for value in values)
        streams = [value.stream for value in values if value.stream]
        dtype = common_type(streams) if given else self.types.stream(node.output)
        sign = None if given else sign_behind(self._links, node.output)
        if not given:
            dtype = replace(dtype, halves=common_halves(values, dtype, sign))
        if dtype.halves < 0:  # they stand for numbers on and between the steps
            dtype = Integer(dtype.bits + 1, True, dtype.frac + 1)
        terms: dict[str, Value] = {}
        for name, value in zip(node.inputs, values, strict=True):
            if name not in terms:
                as_it_is = value.stream == dtype
                terms[name] = value if as_it_is else self._retyped(name, value, dtype, sign)
        return terms, dtype, given

    def _select(self, node: Node) -> Value:
        """Integers of one step are chosen as they are, others once they are streams of one type."""
        assert isinstance(node.op, Select)
        a, b = (self.values[name] for name in node.inputs)
        joint = joint_scale(a, b)
        if joint is None:
            terms, dtype, given = self._of_one_type(node, [a, b])
            a, b = (terms[name] for name in node.inputs)
            op = FixedSelect(*thresholds_of(node.op, a), (1, 1), dtype)
            self._made.emit(node, op, a.tensor, b.tensor)
            return replace(self._stream(node, dtype), given=given)
        factors, step = joint
        reach = max(factor * value.reach for factor, value in zip(factors, (a, b), strict=True))
        op = FixedSelect(*thresholds_of(node.op, a), factors, Integer.spanning(-reach, reach))
        self._made.emit(node, op, a.tensor, b.tensor)
        return Value(node.output, (step,), reach, a.shape, Real(), node)

    def _sum_type(self, node: Node, streams: list[Integer]) -> Integer:
        """What the model rounds a sum to, if that only saturates; else what holds every sum."""
        common, after = common_type(streams), self._links.after(node)
        if after is not None and isinstance(after.op, Quantise):
            dtype = after.op.dtype
            if dtype.signed and dtype.frac == common.frac:
                return dtype
        return replace(common, bits=common.bits + 1)

    def _binarize(self, node: Node, x: Value) -> Value:
        """A sign of what came before any rounding."""
        sign = node.op
        assert isinstance(sign, Binarize)
        if x.exact is not None:
            x = x.exact
            if x.rest and x.rest.row_class:
                # No unit behind a fork has a threshold for each pixel; less than half a step.
                x = replace(x, rest=None)
        if turns_back(x) and x.rest and x.rest.row_class:
            # One integer has one side only where all pixels are alike.
            x = self._as_stream(node.inputs[0], x, sign)
        if turns_back(x):
            emit_turning(self._made, node, x)
        else:
            tensor = x.tensor
            for i, op in enumerate(x.chain):
                name = self._made.fresh(f"{node.name}_in{i or ''}")
                self._made.nodes.append(Node(name, op, (tensor,), f"{name}:out", node.source))
                tensor = f"{name}:out"
            self._made.emit(node, sign, tensor)
        shape = self._graph.tensors[node.output].shape
        return Value(node.output, (), 1, shape, Bit(sign.low < 0), node)

    def _layer(self, node: Node, x: Value) -> Value:
        op = node.op
        assert isinstance(op, (Conv, Dense))
        shape = self._graph.tensors[node.output].shape
        binary = only_signs(op.weight)
        if not binary:
            x = self._numbers(x)
        steps = whole_steps(x) if binary else None
        if steps is not None:
            name = self._made.fresh(f"{node.name}_steps")
            table = self._made.append(Node(name, steps[0], (x.tensor,), f"{name}:out", node.source))
            dtype = steps[0].dtype
            x = Value(table.output, (steps[1],), dtype.reach, x.shape, dtype, table)
        finer = scaled_input_type(x) if binary else None
        if finer is not None:
            x = self._retyped(node.inputs[0], x, finer)
        if isinstance(x.dtype, Bit) and x.ops:
            raise ModelError(
                "reads bits that are scaled or shifted otherwise than its weights can carry",
                fix="use signs of {-1, +1} or {0, 1}, with one scale",
            )
        scale, shift = normalisation(x)
        if not isinstance(x.dtype, Bit) and scale is None and finer is None:
            x = self._as_activation(node.inputs[0], x, equal=not binary)
            scale, shift = normalisation(x)
        taps = int(np.prod(op.weight.shape[1:]))
        plain = isinstance(x.dtype, Bit) or (not x.ops and binary)
        exact = is_scaled(x) and (x.stream is None or not x.stream.halves)
        if plain or (binary and exact):
            self._made.emit(node, op, x.tensor)
            ops = x.ops
            if ops:
                assert isinstance(ops[0], Affine)
                ops = (Affine(full(shape[0], ops[0].scale[0]), full(shape[0], 0)),)
            return Value(node.output, ops, x.reach * taps, shape, Real(), node)
        assert scale is not None
        assert shift is not None
        bits = self._options.weight_bits(node.name)
        rough = self._options.rough
        made = integer_layer(op, x.shape, bits, scale=scale, shift=shift, rough=rough)
        self._made.emit(node, made.op, x.tensor)
        span = made.op.infer(replace(self._graph.tensors[node.inputs[0]], dtype=x.dtype)).dtype
        assert isinstance(span, Integer)
        value = Value(node.output, (made.scale,), span.reach, shape, Real(), node)
        return replace(value, rest=made.rest)

    def _needs_stream(self, node: Node, value: Value) -> bool:
        """Whether a tensor has several consumers and is not integers as it stands."""
        if node.output == self._graph.output or not self._links.is_boundary(node.output):
            return False
        wide = bool(value.ops) or isinstance(value.dtype, Real)
        return value.stream is None and wide and not waits(value)

    def _scores(self) -> tuple[str, OutputMap]:
        """The output tensor, and the map to the model's output with one scale for all classes."""
        name, mapped = self._graph.output, self._graph.output_map
        value = self.values[name]
        if isinstance(value.dtype, Bit):
            raise ModelError(
                "ends the network with bits; its last layer must give scores",
                where=self._graph.nodes[-1].where,
                fix="leave out the sign after the last layer (bits are the scores' signs)",
            )
        if not one_scale(value.ops):
            dtype = self.types.scores(name, largest(value.ops, value.shape[0], value.reach))
            written = name in {node.output for node in self._made.nodes}
            tensor = requantised(name, dtype.bits) if written else name
            value = self._fixed(value, dtype, tensor)
        if not value.ops:
            return value.tensor, mapped
        (affine,) = value.ops
        assert isinstance(affine, Affine)
        scale, shift = floats(affine.scale[:1]), floats(affine.shift[:1])
        return value.tensor, replace(mapped, scale=scale, bias=shift)
