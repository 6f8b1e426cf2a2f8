"""Where accumulators and sums lie beside the thresholds that make bits of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.fast.accelerate import multiply_accumulates
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.ops import Threshold

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Ints

BINS = 32
_INPUTS = 8
_PRODUCTS = 2_000_000_000
_ELEMENTS = 20_000_000
"""Of all inputs together: what a second or two are enough for."""


@dataclass(frozen=True)
class Histogram:
    """Integers that one threshold unit reads, and its thresholds.

    Attributes:
        name: of the threshold's node.
        inputs: number of the network's inputs that they come from.
        low: the lower edge of the first bin.
        high: the upper edge of the last bin.
        counts: integers in each bin.
        thresholds: thresholds in each bin, one a channel; those beyond are in the outermost.
        constant: channels whose bit was the same everywhere.
        channels: all channels.
    """

    name: str
    inputs: int
    low: int
    high: int
    counts: tuple[int, ...]
    thresholds: tuple[int, ...]
    constant: int
    channels: int


def inputs_for_histograms(graph: Graph) -> int:
    """How many inputs can be looked at in a second or two."""
    elements = sum(math.prod(tensor.shape) for tensor in graph.tensors.values())
    products = max(1, multiply_accumulates(graph))
    return max(1, min(_INPUTS, _PRODUCTS // products, _ELEMENTS // elements))


def threshold_histograms(graph: Graph, x: Ints) -> list[Histogram]:
    """A histogram of each threshold's input, in the graph's order, for integer inputs [N, ...]."""
    nodes = [node for node in graph.nodes if isinstance(node.op, Threshold)]
    watched = {name for node in nodes for name in (node.inputs[0], node.output)}
    values = interpret_all(graph, x, lambda name: name in watched)
    return [_histogram(graph, node, values, len(x)) for node in nodes]


def _histogram(graph: Graph, node: Node, values: dict[str, Ints], inputs: int) -> Histogram:
    assert isinstance(node.op, Threshold)
    shape = graph.tensors[node.inputs[0]].shape
    table = node.op.table(shape)
    middle = table if table.ndim == 1 else table[:, table.shape[1] // 2, table.shape[2] // 2]
    x, bits = values[node.inputs[0]], values[node.output]
    low, high = int(x.min()), int(x.max())
    width = max(1, math.ceil((high - low + 1) / BINS))
    count = math.ceil((high - low + 1) / width)
    edges = low + width * np.arange(count + 1)
    inside = np.clip(middle, low, edges[-1] - 1)
    by_channel = np.moveaxis(bits, 1, 0).reshape(bits.shape[1], -1)
    constant = int((by_channel.min(axis=1) == by_channel.max(axis=1)).sum())
    return Histogram(
        node.name,
        inputs,
        low,
        int(edges[-1]),
        tuple(np.histogram(x, edges)[0].tolist()),
        tuple(np.histogram(inside, edges)[0].tolist()),
        constant,
        bits.shape[1],
    )
