"""How often the rounding of a stream turns the signs that read it, estimated before it is chosen.

A sign turns where its argument lies nearer to its threshold than the error of rounding. For an
error that leans to no side and is small beside the spread of the argument, that happens to a share

    E|error| * p(threshold)

of the values of a channel, p being their density. Steps of D whose errors are spread evenly, n of
them added up, give E|error| = sqrt(2 / pi) * D * sqrt(n / 12).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import (
    Add,
    Binarize,
    Concat,
    Elementwise,
    Flatten,
    MaxPool,
    Pad,
    Piecewise,
    Quantise,
    Select,
)
from bnnhw.ir.pieces import line
from bnnhw.passes.options import FEW_BITS
from bnnhw.passes.rewrite import Links
from bnnhw.passes.sign_predicates import Side, predicate_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats, Op
    from bnnhw.passes.calibrate import Range

_HALF = 0.5
"""No error turns more: a sign of noise."""


@dataclass(frozen=True, eq=False)
class SignArgument:
    """A stream that a sign reads.

    Attributes:
        tensor: the sum, concatenation or pool whose numbers the sign reads, but for element-wise
            operations.
        points: [C], where the sign turns; nan where it is constant.
        roundings: errors of rounding that have added up in it, about.
    """

    tensor: str
    points: Floats
    roundings: float

    def turned(self, step: float, found: Range) -> float:
        """Share of signs turned by steps of ``step``; 0 where no channel's spread is known."""
        if not found.channels:
            return 0.0
        mean, std = np.array(found.channels).T
        std = np.maximum(std, 1e-30)
        density = np.exp(-(((self.points - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
        error = math.sqrt(2 / math.pi * self.roundings / 12) * step
        return float(np.minimum(_HALF, error * np.nan_to_num(density)).mean())


def sign_arguments(graph: Graph) -> list[SignArgument]:
    """Of every sign that reads sums or pools of streams."""
    links = Links(graph)
    roundings: dict[str, float] = {}
    for node in graph.nodes:
        terms = [roundings.get(name, 0.0) for name in node.inputs]
        if isinstance(node.op, (Add, MaxPool)):
            # What is rounded nowhere else is rounded here.
            roundings[node.output] = sum(max(term, 1.0) for term in terms)
        elif isinstance(node.op, (Concat, Select)):
            roundings[node.output] = max(*terms, 1.0)
        elif isinstance(node.op, (Elementwise, Flatten, Pad)):
            again = links.is_boundary(node.output) and terms[0] > 0
            roundings[node.output] = terms[0] + again
    return [
        argument
        for node in graph.nodes
        for sign in _signs(node)
        if (argument := _argument(graph, links, node, roundings, sign))
    ]


def _signs(node: Node) -> list[tuple[Binarize, list[Op]]]:
    """A sign; or what rounds to few bits as the signs of which it is the sum."""
    if isinstance(node.op, Binarize):
        return [(node.op, [])]
    if not isinstance(node.op, Quantise) or node.op.dtype.bits > FEW_BITS:
        return []
    dtype = node.op.dtype
    half, step = Fraction(1, 2), Fraction(2) ** -dtype.frac
    return [
        (Binarize(strict=False), [Piecewise((line(Fraction(1), -(n - half) * step),), "step")])
        for n in range(dtype.low + 1, dtype.high + 1)
    ]


def _argument(
    graph: Graph,
    links: Links,
    node: Node,
    roundings: Mapping[str, float],
    sign: tuple[Binarize, list[Op]],
) -> SignArgument | None:
    tensor, chain = stream_read(links, node)
    if not roundings.get(tensor):
        return None
    op, last = sign
    points = [_point(op, [*chain, *last], c) for c in range(graph.tensors[tensor].shape[0])]
    return SignArgument(tensor, np.array(points), roundings[tensor])


def stream_read(links: Links, sign: Node) -> tuple[str, list[Op]]:
    """The sum or pool whose numbers a sign reads ("" for none), and the operations in between."""
    chain: list[Op] = []
    node = links.source(sign)
    while node is not None and isinstance(node.op, (Elementwise, Pad)):
        if not isinstance(node.op, Pad):
            chain.insert(0, node.op)
        node = links.source(node)
    if node is None or not isinstance(node.op, (Add, Concat, MaxPool)):
        return "", []
    return node.output, chain


def _point(sign: Binarize, chain: list[Op], channel: int) -> float:
    try:
        predicate = predicate_of(sign, chain, (0, 0, channel))
    except ModelError:
        return 0.0  # it turns twice, once near 0
    return math.nan if predicate.side in (Side.ALL, Side.NONE) else float(predicate.point)
