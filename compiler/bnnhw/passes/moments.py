"""Mean and variance of every tensor of a real-valued graph, without seeing an image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.interpret.real import affine_arrays, evaluated
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Flatten,
    IntegerTable,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Product,
    Quantise,
    Select,
    Smooth,
)
from bnnhw.ir.types import Integer, Real

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats

_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 64) for i in range(64)])
"""Equally likely values of a normal variable."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What is assumed of a tensor's values, per channel ([C] each).

    Attributes:
        mean: mean.
        variance: variance.
        low: no value lies below; -inf where nothing is known.
        high: no value lies above.
    """

    mean: Floats
    variance: Floats
    low: Floats
    high: Floats

    @staticmethod
    def of(mean: Floats, variance: Floats) -> Moments:
        """Without bounds."""
        none = np.full(len(mean), np.inf)
        return Moments(mean, variance, -none, none)


def layers_without_batch_norm(graph: Graph) -> list[Node]:
    """The layers of weights whose sums no BatchNorm tells of; not the one that gives the scores."""
    producers = {node.output: node for node in graph.nodes}
    known: set[str] = set()
    for tensor in graph.statistics:
        node = producers.get(tensor)
        while node is not None and isinstance(node.op, (Affine, Pad)):
            node = producers.get(node.inputs[0])
        if node is not None:
            known.add(node.output)
    kinds = (Conv, Dense, BinaryConv, BinaryDense)
    layers = [i for i, node in enumerate(graph.nodes) if isinstance(node.op, kinds)]
    if layers and not any(isinstance(node.op, Binarize) for node in graph.nodes[layers[-1] :]):
        layers.pop()
    return [graph.nodes[i] for i in layers if graph.nodes[i].output not in known]


def follow(graph: Graph) -> dict[str, Moments]:
    """Moments of every tensor; a BatchNorm's statistics take the place of what came before."""
    found = Followed(graph)
    return {name: found[name] for name in (graph.input, *(n.output for n in graph.nodes))}


class Followed(dict[str, Moments]):
    """The same, of each tensor when it is asked for: what BatchNorms hide takes most of the time.

    Args:
        graph: with real-valued operations.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__({graph.input: _spread(graph, graph.input)})
        self._graph = graph
        self._producers = {node.output: node for node in graph.nodes}

    def __missing__(self, tensor: str) -> Moments:
        waiting = [tensor]
        while waiting:
            name = waiting[-1]
            node, known = self._producers[name], self._graph.statistics.get(name)
            before = [] if known else [source for source in node.inputs if source not in self]
            if before:
                waiting += before
                continue
            if known:
                self[name] = Moments.of(known.mean, known.std**2)
            else:
                self[name] = _step(self._graph, node, [self[source] for source in node.inputs])
            waiting.pop()
        return self[tensor]


def _spread(graph: Graph, name: str) -> Moments:
    """Evenly spread over the whole type of a tensor."""
    tensor = graph.tensors[name]
    assert not isinstance(tensor.dtype, Real)
    ones = np.ones(tensor.shape[0])
    low, high = ones * tensor.dtype.low, ones * tensor.dtype.high
    spread = (high - low) ** 2 / (12 if isinstance(tensor.dtype, Integer) else 4)
    return Moments((low + high) / 2, spread, low, high)


def _step(graph: Graph, node: Node, inputs: list[Moments]) -> Moments:
    op, x = node.op, inputs[0]
    if isinstance(op, Add):
        y = inputs[1]
        return Moments(x.mean + y.mean, x.variance + y.variance, x.low + y.low, x.high + y.high)
    if isinstance(op, Select):
        y = inputs[1]
        mean, apart = (x.mean + y.mean) / 2, np.square(x.mean - y.mean) / 4
        variance = (x.variance + y.variance) / 2 + apart
        return Moments(mean, variance, np.minimum(x.low, y.low), np.maximum(x.high, y.high))
    if isinstance(op, Concat):
        parts = [(m.mean, m.variance, m.low, m.high) for m in inputs]
        return Moments(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    if isinstance(op, Product):
        return _multiplied(x, inputs[1])
    if isinstance(op, ChannelSum):
        # Channels of a pixel are alike: n of them vary like sqrt(n) independent ones.
        spread = x.variance.sum() * np.sqrt(len(x.mean))
        sums = (x.mean.sum(), spread, x.low.sum(), x.high.sum())
        return Moments(*(np.reshape(value, 1) for value in sums))
    if isinstance(op, Affine):
        scale, shift = affine_arrays(op, 3)
        return _scaled(x, scale.ravel(), shift.reshape(len(scale), -1).mean(axis=1))
    if isinstance(op, (Conv, Dense, BinaryConv, BinaryDense)):
        return _weighted(x, np.asarray(op.weight, np.float64))
    if isinstance(op, Binarize):
        ones = np.ones(len(x.mean))
        spread = ((op.high - op.low) / 2) ** 2 * ones
        return Moments((op.low + op.high) / 2 * ones, spread, op.low * ones, op.high * ones)
    if isinstance(op, Piecewise):
        return _bent(op, x)
    if isinstance(op, Quantise):
        step = 2.0**-op.dtype.frac
        least, most = (
            np.maximum(x.low, op.dtype.low * step),
            np.minimum(x.high, op.dtype.high * step),
        )
        return replace(x, low=least, high=most)
    if isinstance(op, MaxPool):
        return _largest(x, op.window.kernel[0] * op.window.kernel[1])
    if isinstance(op, Flatten):
        pixels = int(np.prod(graph.tensors[node.inputs[0]].shape[1:]))
        return Moments(*(np.repeat(v, pixels) for v in (x.mean, x.variance, x.low, x.high)))
    if isinstance(op, AveragePool):
        # Neighbours are alike: n of them vary like sqrt(n) independent ones.
        area = op.window.kernel[0] * op.window.kernel[1]
        return replace(x, variance=x.variance / np.sqrt(area))
    if isinstance(op, Smooth):
        # Of a normal distribution, at evenly many points.
        values = op(x.mean + np.sqrt(x.variance) * _NORMAL[:, None])
        return Moments(values.mean(axis=0), values.var(axis=0), op(x.low), op(x.high))
    if isinstance(op, Lookup):
        ones = np.ones(len(x.mean))
        ends = op.values.min() * ones, op.values.max() * ones
        return Moments(op.values.mean() * ones, op.values.var() * ones, *ends)
    if isinstance(op, (BitMaxPool, Pad)):
        return x
    if isinstance(op, IntegerTable):
        return _spread(graph, node.output)
    raise ModelError(f"no moments of {type(op).__name__} are known", where=node.where, fix=REPORT)


def _scaled(x: Moments, scale: Floats, shift: Floats) -> Moments:
    with np.errstate(invalid="ignore"):
        ends = [np.nan_to_num(end * scale, nan=0.0, posinf=np.inf, neginf=-np.inf) + shift
                for end in (x.low, x.high)]  # fmt: skip
    low, high = np.minimum(*ends), np.maximum(*ends)
    return Moments(x.mean * scale + shift, x.variance * scale**2, low, high)


def _multiplied(x: Moments, y: Moments) -> Moments:
    """A product of independent numbers."""
    variance = x.variance * y.variance + x.variance * y.mean**2 + y.variance * x.mean**2
    with np.errstate(invalid="ignore"):
        ends = [np.nan_to_num(a * b, nan=0.0, posinf=np.inf, neginf=-np.inf)
                for a in (x.low, x.high) for b in (y.low, y.high)]  # fmt: skip
    return Moments(x.mean * y.mean, variance, np.minimum.reduce(ends), np.maximum.reduce(ends))


def _weighted(x: Moments, weight: Floats) -> Moments:
    """A sum of independent terms."""
    flat = weight.reshape(*weight.shape[:2], -1)
    groups = len(x.mean) // weight.shape[1]
    sums, squares = (
        w.reshape(groups, -1, weight.shape[1])
        for w in (np.einsum("oit->oi", flat), np.einsum("oit,oit->oi", flat, flat))
    )
    mean, variance = (v.reshape(groups, -1, 1) for v in (x.mean, x.variance))
    return Moments.of((sums @ mean).ravel(), (squares @ variance).ravel())


def _bent(op: Piecewise, x: Moments) -> Moments:
    """Moments of a function of a normal variable, by the trapezoidal rule over 6 deviations."""
    grid = np.linspace(-6, 6, 241)
    share = np.exp(-(grid**2) / 2)
    share /= share.sum()
    values = x.mean[:, None] + np.sqrt(x.variance)[:, None] * grid
    bent = evaluated(op, np.clip(values, x.low[:, None], x.high[:, None])[None])[0]
    mean = bent @ share
    variance = np.square(bent - mean[:, None]) @ share
    ends = [evaluated(op, v[None])[0] for v in (x.low, x.high, *_knees(op, x))]
    return Moments(mean, variance, np.minimum.reduce(ends), np.maximum.reduce(ends))


def _knees(op: Piecewise, x: Moments) -> list[Floats]:
    """Where pieces meet, within the bounds of each channel."""
    starts, _, _ = op.arrays
    return [np.clip(np.broadcast_to(row, x.low.shape), x.low, x.high) for row in starts[1:]]


def _largest(x: Moments, taps: int) -> Moments:
    """The largest of ``taps`` neighbours, which are as good as half as many independent ones.

    Mean and variance of the maximum of n normal variables by the asymptotic of their quantiles.
    """
    count = max(1.0, (taps + 1) / 2)
    if count == 1:
        return x
    peak = math.sqrt(2 * math.log(count)) * 0.62
    mean = x.mean + peak * np.sqrt(x.variance)
    return replace(x, mean=mean, variance=x.variance / (1 + 0.3 * math.log2(count)))
