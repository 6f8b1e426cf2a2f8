"""Comparison of an integer graph with the real graph it was made from, tensor by tensor.

Every tensor of bits or of fixed-point numbers that both graphs have is computed anew by the real
operations from the integer graph's own values of the tensors before it. So errors do not build up,
and each integer operation is held to its own bound: half a step, what the rounding of its constants
adds, and nothing for additions, pools and signs. Layers with integer weights are compared with the
real layer by those weights as rounded, which are checked on their own to be the nearest ones, or
where images are read, one of the two nearest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import VerificationError
from bnnhw.interpret.interpreter import execute
from bnnhw.interpret.real import affine_arrays, execute_real_node
from bnnhw.ir.ops import (
    Affine,
    Binarize,
    Concat,
    Conv,
    Dense,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Quantise,
    Smooth,
    by_input,
)
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.fixed_point import reads_images, rounding_bound
from bnnhw.passes.rewrite import Links, sign_of, turns
from bnnhw.passes.stream_values import real_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats, Ints, Op

_EXACT = 1e-9
_DEFECT = "nothing was written; this is a defect of the compiler: report it with the model"


@dataclass
class StreamCheck:
    """What was compared.

    Attributes:
        tensors: number of tensors compared.
        elements: number of their elements, over all inputs.
        saturated: by tensor, how many elements lie beyond its type.
        largest: largest error of a fixed-point number, relative to its bound.
    """

    tensors: int = 0
    elements: int = 0
    saturated: dict[str, int] = field(default_factory=dict)
    largest: float = 0.0


def check_streams(real: Graph, graph: Graph, q: Ints) -> StreamCheck:
    """Compares the integer ``graph`` with the ``real`` graph on integer inputs ``q``.

    Raises:
        VerificationError: names the first node whose result is beyond its bound.
    """
    plan = _Plan(real, graph)
    result = StreamCheck(tensors=len(plan.targets))
    for first in range(len(q)):
        _Run(plan, result).run(q[first : first + 1])
    return result


class _Plan:
    """Which tensors are compared, and from which others they follow."""

    def __init__(self, real: Graph, graph: Graph) -> None:
        self.real, self.graph = real, graph
        self.links, self.real_links = Links(graph), Links(real)
        self.known: set[str] = set()
        for node in graph.nodes:
            if self._has_meaning(node):
                self.known.add(node.output)
        self.targets = [n for n in graph.nodes if n.output in self.known or self._is_output(n)]
        self.starts = {n.output: self._starts_of(n) for n in self.targets}
        self.last = {b: i for i, n in enumerate(self.targets) for b in self.starts[n.output]}
        self.rounded: dict[str, Node] = {}
        self.steps: dict[str, tuple[str, Floats]] = {}
        for node in graph.nodes:
            if isinstance(node.op, (IntegerConv, IntegerDense)):
                layer, step = self._rounded(node)
                self.rounded[layer.output] = layer
                self.steps[node.output] = layer.output, step

    def unrounded(self, tensor: str) -> str:
        """The real tensor itself, or the one that the model rounds to it."""
        node = self.real_links.producer(tensor)
        return node.inputs[0] if node is not None and isinstance(node.op, Quantise) else tensor

    def _has_meaning(self, node: Node) -> bool:
        name = real_name(node.output)
        if name not in self.real.tensors:
            return False
        dtype = self.graph.tensors[node.output].dtype
        if isinstance(dtype, Bit):
            return sign_of(self.real_links, name) is not None
        if isinstance(node.op, (Flatten, IntegerMaxPool)):
            source = self.links.source(node)
            return source is not None and self._has_meaning(source)
        if isinstance(node.op, (Concat, FixedSelect)):
            return all(name in self.known for name in node.inputs)
        return isinstance(node.op, (FixedAffine, FixedAdd)) or self._is_smooth(node)

    def _is_smooth(self, node: Node) -> bool:
        """Whether a node is the table of a smooth function."""
        real = self.real_links.producer(real_name(node.output))
        table = isinstance(node.op, IntegerTable)
        return table and real is not None and isinstance(real.op, Smooth)

    def _is_output(self, node: Node) -> bool:
        return node.output == self.graph.output

    def _starts_of(self, target: Node) -> list[str]:
        found: dict[str, None] = {}
        stack = list(target.inputs)
        while stack:
            name = stack.pop()
            node = self.links.producer(name)
            if node is None or name in self.known:
                found[name] = None
            else:
                stack += node.inputs
        return list(found)

    def _rounded(self, node: Node) -> tuple[Node, Floats]:
        """The real layer with the weights of the integer layer, after checking these.

        And what a step of the integer layer's sums means in each channel of the real one's.
        """
        assert isinstance(node.op, (IntegerConv, IntegerDense))
        layer = self.real_links.producer(real_name(node.output))
        if layer is None or not isinstance(layer.op, (Conv, Dense)):
            # What followed vanished, and the layer writes the tensor behind it.
            layer = next((n for n in self.real.nodes if n.name == node.name), None)
        if layer is None or not isinstance(layer.op, (Conv, Dense)):
            raise VerificationError("is no layer of the model", where=_where(node), fix=_DEFECT)
        weight, grid = layer.op.weight, node.op.weight
        outputs = (-1, *(1,) * (weight.ndim - 1))
        gain = by_input(self._gain(layer, self._starts_of(node)), weight)
        scaled = weight * gain
        largest, top = (np.abs(w).reshape(len(w), -1).max(axis=1) for w in (scaled, grid))
        step = np.where(largest > 0, largest / np.maximum(top, 1), 1.0).reshape(outputs)
        most = (1.0 if reads_images(weight) else 0.5) + 1e-6
        if grid.shape != weight.shape or (np.abs(grid - scaled / step) > most).any():
            raise VerificationError(
                "its integer weights are not near the model's",
                where=_where(node),
                fix=_DEFECT,
            )
        nearest = np.where(gain != 0, grid * step / np.where(gain != 0, gain, 1.0), weight)
        return replace(layer, op=replace(layer.op, weight=nearest)), step.reshape(-1)

    def _gain(self, layer: Node, starts: list[str]) -> Floats:
        """The factor per channel between what the integer layer reads and what the real one does.

        Affine operations between the two went into the weights.
        """
        channels = self.real.tensors[layer.inputs[0]].shape[0]
        gain, pixels, copies = np.ones(channels), 1, 1
        reached = {real_name(name) for name in starts}
        tensor = layer.inputs[0]
        while tensor not in reached and (node := self.real_links.producer(tensor)) is not None:
            if isinstance(node.op, Flatten):
                pixels *= int(np.prod(self.real.tensors[node.inputs[0]].shape[1:]))
            elif isinstance(node.op, Concat) and len({*node.inputs}) == 1:
                copies *= len(node.inputs)
            elif isinstance(node.op, Affine):
                scale = np.tile(affine_arrays(node.op, 1)[0], copies)
                gain = gain * np.repeat(scale, pixels)
            tensor = node.inputs[0]
        before = self.links.producer(starts[0]) if len(starts) == 1 else None
        if before is not None:
            gain = gain / channel_factors(before.op, 1)
        return gain


class _Run:
    """One input."""

    def __init__(self, plan: _Plan, result: StreamCheck) -> None:
        self._plan, self._result = plan, result
        self._real_values: dict[str, Floats] = {}

    def run(self, q: Ints) -> None:
        graph = self._plan.graph
        values = {graph.input: q}
        self._real_values[graph.input] = q.astype(np.float64)
        last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
        order = {node.output: i for i, node in enumerate(self._plan.targets)}
        for i, node in enumerate(graph.nodes):
            types = [graph.tensors[name] for name in node.inputs]
            values[node.output] = execute(node.op, [values[n] for n in node.inputs], types)
            if node.output in order:
                self._compare(node, values[node.output])
                self._forget(order[node.output])
            for name in {*node.inputs}:
                if last_use[name] == i:
                    del values[name]

    def _forget(self, position: int) -> None:
        for name in list(self._real_values):
            if self._plan.last.get(name, -1) <= position and name in self._plan.last:
                del self._real_values[name]

    def _compare(self, node: Node, y: Ints) -> None:
        graph = self._plan.graph
        name = real_name(node.output)
        start = {real_name(b): self._real_values[b] for b in self._plan.starts[node.output]}
        self._result.elements += y.size
        dtype = graph.tensors[node.output].dtype
        if isinstance(dtype, Bit):
            self._compare_bits(node, y, start)
        elif node.output not in self._plan.known:
            self._compare_scores(node, y, start)
        else:
            assert isinstance(dtype, Integer)
            source = name if name in start else self._plan.unrounded(name)
            lift = float(dtype.lift)
            steps = 2.0**dtype.frac * channel_factors(node.op, y.ndim)
            self._compare_fixed(node, y, self._evaluate(source, start) * steps - lift, dtype)
            self._real_values[node.output] = np.asarray((y + lift) / steps, np.float64)

    def _compare_bits(self, node: Node, y: Ints, start: dict[str, Floats]) -> None:
        found = sign_of(self._plan.real_links, real_name(node.output))
        assert found is not None
        sign, scaled = found
        assert isinstance(sign.op, Binarize)
        margin = self._evaluate(sign.inputs[0], start)
        bits = (y > 0) ^ turns(sign, scaled)  # bit 1 is the larger value
        want = margin >= 0 if not sign.op.strict else margin > 0
        size = np.abs(margin).max(initial=1.0)
        wrong = (bits != want) & (np.abs(margin) > _EXACT * size)
        if wrong.any():
            for moved in self._moved_margins(node, sign, start):
                wrong &= bits != (moved >= 0)
        self._refuse(node, wrong, "signs differ from the real operations'")
        values: Floats = np.where(bits, sign.op.high, sign.op.low).astype(np.float64)
        for affine in scaled:
            values = execute_real_node(affine, [values], self._plan.real.tensors)
        self._real_values[node.output] = values

    def _moved_margins(self, node: Node, sign: Node, start: dict[str, Floats]) -> Iterator[Floats]:
        """What the sign reads half a step of its layer's sums to either side.

        Their offset is rounded where others read them too: no threshold can take what is lost.
        """
        layer = self._plan.links.producer(node.inputs[0])
        if layer is None or not isinstance(layer.op, (IntegerConv, IntegerDense)):
            return
        if not self._plan.links.is_boundary(layer.output) or not layer.op.offset.any():
            return
        tensor, step = self._plan.steps[layer.output]
        sums = start[tensor]
        half = 0.5 * step.reshape(1, -1, *(1,) * (sums.ndim - 2))
        known = {real_name(b): self._real_values[b] for b in self._plan.starts[node.output]}
        for side in (-half, half):
            yield self._evaluate(sign.inputs[0], {**known, tensor: sums + side})

    def _compare_fixed(self, node: Node, y: Ints, want: Floats, dtype: Integer) -> None:
        bound: float | Floats = _EXACT * float(np.abs(want).max(initial=1.0))
        if isinstance(node.op, FixedAffine):
            bound = bound + self._bound(node, node.op, y.ndim)
        if isinstance(node.op, IntegerTable):
            bound = bound + 0.5
        limited = np.clip(want, dtype.low, dtype.high)
        beyond = int(((want < dtype.low - 0.5) | (want > dtype.high + 0.5)).sum())
        if beyond:
            count = self._result.saturated.get(node.output, 0)
            self._result.saturated[node.output] = count + beyond
        error = np.abs(y - limited) / bound
        if isinstance(node.op, FixedAffine):
            self._result.largest = max(self._result.largest, float(error.max(initial=0)))
        self._refuse(node, error > 1, "fixed-point numbers are beyond the bound on their rounding")

    def _bound(self, node: Node, op: FixedAffine, rank: int) -> Floats:
        """In steps of the result, per channel: of constants and of an integer layer's start."""
        dtype = self._plan.graph.tensors[node.inputs[0]].dtype
        assert not isinstance(dtype, Real)
        source = self._plan.links.source(node)
        gain = np.abs(op.multiplier).max(axis=0) / 2.0**op.shift
        bound = rounding_bound(op, dtype.reach) + np.zeros_like(gain)
        if source is not None and isinstance(source.op, (IntegerConv, IntegerDense)):
            bound = bound + 0.5 * bool(source.op.offset.any()) * gain
        elif (
            source is not None
            and isinstance(source.op, FixedAffine)
            and source.output not in self._plan.known
        ):
            assert op.shift == 0  # it limits integers, and rounds nothing
            return self._bound(source, source.op, rank)
        return np.asarray(bound.reshape(1, -1, *(1,) * (rank - 2)), np.float64)

    def _compare_scores(self, node: Node, y: Ints, start: dict[str, Floats]) -> None:
        """Scores that are a layer's accumulators: the output map says what they mean."""
        real, graph = self._plan.real, self._plan.graph
        got = graph.output_map.apply(y)
        want = real.output_map.apply(self._evaluate(real.output, start))  # type: ignore[arg-type]
        half = 0.5 * float(np.abs(graph.output_map.scale).max())
        rounds = isinstance(node.op, (IntegerConv, IntegerDense)) and bool(node.op.offset.any())
        bound = half * rounds + _EXACT * np.abs(want).max(initial=1.0)
        self._refuse(node, np.abs(got - want) > bound, "scores differ from the real operations'")

    def _evaluate(self, tensor: str, known: dict[str, Floats]) -> Floats:
        """A real tensor's values that follow from those in ``known``, which it extends."""
        if tensor not in known:
            node = self._plan.real_links.producer(tensor)
            if node is None:
                raise VerificationError(
                    f"'{tensor}' does not follow from what is compared", fix=_DEFECT
                )
            node = self._plan.rounded.get(tensor, node)
            inputs = [self._evaluate(name, known) for name in node.inputs]
            known[tensor] = execute_real_node(node, inputs, self._plan.real.tensors)
        return known[tensor]

    def _refuse(self, node: Node, wrong: Floats | np.ndarray, what: str) -> None:
        if not wrong.any():
            return
        channel = int(np.argwhere(wrong)[0][1])
        raise VerificationError(
            f"{int(wrong.sum())} of {wrong.size} {what}, first in channel {channel}",
            where=_where(node),
            fix=_DEFECT,
        )


def channel_factors(op: Op, rank: int) -> Floats:
    """What an operation enlarges each channel by, to broadcast over results of ``rank`` axes."""
    if not isinstance(op, FixedAffine) or not op.exponents.size:
        return np.ones(1)
    return np.asarray((2.0**op.exponents).reshape(-1, *(1,) * max(0, rank - 2)))


def _where(node: Node) -> str:
    return f"{node.where} ('{node.name}' of the integer graph)"
