"""Affine operations and signs become integer thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.border_classes import shrink
from bnnhw.ir.ops import (
    Affine,
    Binarize,
    Conv,
    Dense,
    Elementwise,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerMaxPool,
    Pad,
    Piecewise,
    Product,
    Threshold,
)
from bnnhw.ir.types import Bit, Real
from bnnhw.passes.elementwise import monotone
from bnnhw.passes.integer_layers import with_thresholds
from bnnhw.passes.options import PassOptions
from bnnhw.passes.rewrite import Links, fresh_name, splice, with_op
from bnnhw.passes.sign_predicates import Predicate, Side, predicate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Ints, Op

_BEFORE_SIGN = (Elementwise, Binarize)
_ROUNDED = (FixedAffine, FixedAdd, IntegerMaxPool)
"""Streams of numbers rounded to steps: 0 there hardly ever is a 0 of the model."""
_DEFAULT = PassOptions()


def lower_signs(graph: Graph, options: PassOptions = _DEFAULT) -> Graph:
    """The graph with a Threshold for every sign and what stands before it.

    bit = (acc >= T); a negative gain negates the channel's weights, or inverts the bit where no
    layer precedes. Thresholds outside the accumulator's range are clamped to its ends. In
    a hurry (``rough``), they are all at its low end where none can be an error.
    """
    while True:
        sign = next((n for n in graph.nodes if isinstance(n.op, Binarize)), None)
        if sign is None:
            return graph
        graph = _lower(graph, _last_sign(Links(graph), sign), rough=options.rough)


def _last_sign(links: Links, sign: Node) -> Node:
    """The last of the signs that turn each other's bits, each the only reader of the one before."""
    after = links.after(sign)
    while after is not None and isinstance(after.op, _BEFORE_SIGN):
        if isinstance(after.op, Binarize):
            sign = after
        after = links.after(after)
    return sign


def _lower(graph: Graph, sign: Node, *, rough: bool) -> Graph:
    assert isinstance(sign.op, Binarize)
    links = Links(graph)
    path = _path_to(links, sign)
    chain = [node.op for node in path[:-1]]
    start = path[0].inputs[0]
    producer = links.producer(start)
    alone = not links.is_boundary(start)
    layer = producer if producer and isinstance(producer.op, (Conv, Dense)) else None
    tensor = graph.tensors[start]
    flattened = producer
    while flattened is not None and isinstance(flattened.op, (Flatten, Pad)):
        flattened = links.source(flattened)
    low, high = _range(graph, flattened, sign)
    step = _step(graph, flattened)
    grids = [op for op in chain if isinstance(op, Affine) and op.row_class]
    rows = grids[0].row_class if grids else ()
    columns = grids[0].column_class if grids else ()
    shape = (max(rows, default=0) + 1, max(columns, default=0) + 1, tensor.shape[0])
    found = _Found.empty(shape)
    found.thresholds[...] = low
    for channel in range(0 if rough and _has_thresholds(chain) else shape[2]):
        for r in range(shape[0]):
            for c in range(shape[1]):
                predicate = predicate_of(sign.op, chain, (r, c, channel))
                found.set((r, c, channel), predicate, range(low, high + 1, step))
    if layer is not None and alone:
        graph, found = _negate_weights(graph, layer, found)
    thresholds: Ints = found.thresholds
    if rows:
        thresholds, rows, columns = shrink(thresholds, rows, columns)  # type: ignore[assignment]
        if thresholds.shape[:2] == (1, 1):
            rows, columns = (), ()
    if rows and alone and producer is not None and isinstance(producer.op, IntegerConv):
        moved, thresholds = with_thresholds(producer.op, thresholds, rows, columns)
        graph = splice(graph, [producer], [with_op(producer, moved)])
        rows, columns = (), ()
    invert = found.invert if found.invert.any() else np.zeros(0, bool)
    op = Threshold(thresholds, rows, columns, invert, sign.op.low < 0)
    base = layer.name if layer is not None else "input" if producer is None else sign.name
    name = fresh_name(graph, f"{base}_threshold")
    rounded = producer is not None and isinstance(producer.op, _ROUNDED)
    first = next(op for op in (*chain, sign.op) if isinstance(op, Binarize))
    if first.zero_is_zero and found.ties.any() and not rounded:
        graph = _note_ties(graph, layer or sign, first, int(found.ties.any(axis=(0, 1)).sum()))
    return splice(graph, path, [with_op(sign, op, name)])


def _has_thresholds(chain: Sequence[Op]) -> bool:
    """Whether a sign behind ``chain`` has a threshold in every channel, whatever it is."""
    return all(isinstance(op, (Affine, Piecewise)) and monotone(op) for op in chain)


def _path_to(links: Links, sign: Node) -> list[Node]:
    """The sign and the operations before it that it alone reads and that become its threshold."""
    path = [sign]
    before = links.before(sign)
    while before is not None and isinstance(before.op, _BEFORE_SIGN):
        path.insert(0, before)
        before = links.before(before)
    return path


@dataclass
class _Found:
    """Thresholds [rows, columns, C], inversions [C], and where an integer lies on the point."""

    thresholds: Ints
    invert: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    decided: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    ties: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    @staticmethod
    def empty(shape: tuple[int, int, int]) -> _Found:
        return _Found(
            np.zeros(shape, np.int64),
            np.zeros(shape[2], bool),
            np.zeros(shape[2], bool),
            np.zeros(shape, bool),
        )

    def set(self, at: tuple[int, int, int], predicate: Predicate, reachable: range) -> None:
        channel, low, high = at[2], reachable[0], reachable[-1]
        if predicate.side in (Side.ALL, Side.NONE):
            always = (predicate.side is Side.ALL) ^ bool(self.invert[channel])
            self.thresholds[at] = low if always else high + 1
            return
        threshold, inverted = predicate.first_integer()
        if inverted and not self.decided[channel]:
            # Constants set so far in other classes of this channel turn with it.
            earlier = self.thresholds[:, :, channel]
            earlier[...] = np.where(earlier == low, high + 1, low)
        self.invert[channel], self.decided[channel] = inverted, True
        self.thresholds[at] = min(max(threshold, low), high + 1)
        point = predicate.point
        self.ties[at] = point.denominator == 1 and int(point) in reachable


def _range(graph: Graph, producer: Node | None, sign: Node) -> tuple[int, int]:
    """Smallest and largest integer that the threshold can meet."""
    found = _span(graph, producer)
    if found is None:
        raise ModelError(
            "takes the sign of real values", where=sign.where, fix="put it behind a binary layer"
        )
    return found


def _span(graph: Graph, producer: Node | None) -> tuple[int, int] | None:
    """Ends of an operation's result, of layers that are still real too; None where unknown."""
    dtype = graph.tensors[graph.input if producer is None else producer.output].dtype
    if not isinstance(dtype, Real):
        return dtype.low, dtype.high
    assert producer is not None
    if isinstance(producer.op, (Conv, Dense)):
        dtype = graph.tensors[producer.inputs[0]].dtype
        if isinstance(dtype, Real):
            return None
        reach = dtype.reach * int(np.prod(producer.op.weight.shape[1:]))
        return -reach, reach
    if not isinstance(producer.op, Product):
        return None
    producers = {node.output: node for node in graph.nodes}
    parts = [_span(graph, producers.get(name)) for name in producer.inputs]
    ends = [part for part in parts if part is not None]
    if len(ends) < len(parts):
        return None
    found = [a * b for a in ends[0] for b in ends[1]]
    return min(found), max(found)


def _step(graph: Graph, producer: Node | None) -> int:
    """2 where all numbers have one parity: bits of -1 and +1, and sums of them; else 1."""
    if producer is None or not isinstance(producer.op, (Conv, Dense)):
        name = graph.input if producer is None else producer.output
        return 2 if graph.tensors[name].dtype == Bit(True) else 1
    padded = isinstance(producer.op, Conv) and any(producer.op.window.pads)
    return 2 if graph.tensors[producer.inputs[0]].dtype == Bit(True) and not padded else 1


def _negate_weights(graph: Graph, layer: Node, found: _Found) -> tuple[Graph, _Found]:
    """-acc > -T for the channels that are inverted: acc < T is -acc >= 1 - T."""
    if not found.invert.any():
        return graph, found
    assert isinstance(layer.op, (Conv, Dense))
    signs = np.where(found.invert, np.int8(-1), np.int8(1))
    weight = layer.op.weight * signs.reshape(-1, *(1,) * (layer.op.weight.ndim - 1))
    made = replace(layer.op, weight=weight)
    turned = np.where(found.invert, 1 - found.thresholds, found.thresholds)
    graph = splice(graph, [layer], [with_op(layer, made)])
    return graph, replace(found, thresholds=turned, invert=np.zeros_like(found.invert))


def _note_ties(graph: Graph, where: Node, sign: Binarize, channels: int) -> Graph:
    bit = 0 if sign.strict else 1
    note = (
        f"'{where.name}': the Sign behind it meets exactly 0 for some sums in {channels} channels; "
        f"that is taken as bit {bit} (--sign-zero {'minus' if sign.strict else 'plus'})"
    )
    return replace(graph, notes=(*graph.notes, note))
