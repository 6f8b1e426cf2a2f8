"""The reference: exact integer execution of an integer graph. The only golden model.

Every value is exact, whatever it is kept in and whatever computes it: numpy alone, or machine code
of ``kernels`` where numba is installed and there is enough to do (see ``accelerate``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.interpret.fast.accelerate import accelerated, plan_of
from bnnhw.interpret.fast.cores import core_count, cores, one_after_the_other
from bnnhw.interpret.fast.plan import Plan
from bnnhw.interpret.plain import execute_plain, interpret_plain
from bnnhw.ir.ops import BinaryConv, BinaryDense, IntegerConv, IntegerDense, Ints, Op, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.interpret.fast.cores import Spread
    from bnnhw.ir.graph import Graph, Node

    Values = NDArray[np.signedinteger[Any]]

_CACHED_ELEMENTS = 1 << 19
_CACHED_BY_KERNELS = 1 << 17
_WORTH_CORES = 700_000
"""Nanoseconds in kernels that are worth several cores: passing Python's lock around costs much."""


def interpret(graph: Graph, x: Ints) -> Ints:
    """Integer scores [N, ...] of integer inputs [N, C, H, W] or [N, C].

    Works on as many samples at a time as keep its tensors in the cache, on each core.
    """
    _check(graph, x)
    kernels = accelerated(graph, len(x))
    if kernels:
        return _fast_scores(plan_of(graph, kernels), x)
    largest = max(math.prod(tensor.shape) for tensor in graph.tensors.values())
    step = max(1, _CACHED_ELEMENTS // largest)

    def scores(first: int) -> Ints:
        return interpret_plain(graph, x[first : first + step], lambda name: False)[graph.output]

    with cores(worthwhile=len(x) > step) as spread:
        return np.concatenate(spread(scores, range(0, max(1, len(x)), step)))


def interpret_all(
    graph: Graph, x: Ints, keep: Callable[[str], bool] = lambda name: True
) -> dict[str, Ints]:
    """Every tensor's values for integer inputs ``x``; those ``keep`` refuses are dropped early.

    Bits are given as their values: {-1, +1} where bipolar, {0, 1} where unipolar.
    """
    _check(graph, x)
    kernels = accelerated(graph, len(x))
    with cores(worthwhile=kernels is not None) as spread:
        if kernels:
            return Plan(graph, keep, kernels).run(x, spread)
        return interpret_plain(graph, x, keep)


def execute(op: Op, inputs: list[Ints], tensors: list[Tensor]) -> Ints:
    """The values of one operation's output [N, ...]; ``tensors`` describe the inputs."""
    return np.ascontiguousarray(execute_plain(op, list(inputs), tensors), np.int64)


def layer_nodes(graph: Graph) -> list[Node]:
    """The nodes that hold weights, in order."""
    kinds = (BinaryConv, BinaryDense, IntegerConv, IntegerDense)
    return [n for n in graph.nodes if isinstance(n.op, kinds)]


def _check(graph: Graph, x: Ints) -> None:
    expected = graph.tensors[graph.input].shape
    if tuple(x.shape[1:]) != expected:
        raise ModelError(
            f"the input has shape {x.shape[1:]}, the graph takes {expected}",
            fix="give inputs of the graph's own shape",
        )


def _fast_scores(plan: Plan, x: Ints) -> Ints:
    """The output's values, by kernels: a core takes whole samples where all cores have some.

    Else all work on the rows of one sample, which means waiting for each other at every layer.
    """
    worthwhile = plan.cost * len(x) > _WORTH_CORES
    count = core_count() if worthwhile else 1
    most = max(1, _CACHED_BY_KERNELS // plan.largest)
    turns = -(-len(x) // (count * most)) or 1
    step = max(1, -(-len(x) // (count * turns)))
    parts = range(0, max(1, len(x)), step)
    by_sample = len(parts) >= count

    def scores(first: int, within: Spread) -> Ints:
        return plan.run(x[first : first + step], within)[plan.output]

    with cores(worthwhile=worthwhile) as spread:
        if by_sample:
            found = spread(lambda first: scores(first, one_after_the_other), parts)
        else:
            found = [scores(first, spread) for first in parts]
    return np.concatenate(found)
