"""When the interpreter uses kernels of machine code, which numba compiles.

numba is optional, and takes a third of a second to import; its compiler takes seconds, once on a
machine. So kernels are loaded only where the work of this process would take numpy longer.
"""

from __future__ import annotations

import math
import weakref
from functools import cache
from typing import TYPE_CHECKING

from bnnhw.interpret.fast.check import agrees
from bnnhw.interpret.fast.plan import Plan
from bnnhw.ir.ops import BinaryConv, BinaryDense, IntegerConv, IntegerDense

if TYPE_CHECKING:
    from types import ModuleType

    from bnnhw.ir.graph import Graph

_WORTH_LOADING = 40_000_000_000
"""Multiply-accumulates that take numpy about a second."""


class _Process:
    """What this process has done so far.

    Attributes:
        work: multiply-accumulates that it was asked for, until that was enough.
        plans: by identity of the graph, which a plan must not keep alive.
    """

    def __init__(self) -> None:
        self.work = 0
        self.plans: dict[int, tuple[weakref.ref[Graph], Plan]] = {}


@cache
def _process() -> _Process:
    return _Process()


def accelerated(graph: Graph, samples: int) -> ModuleType | None:
    """The kernels, where numba is there and this process's work is worth it."""
    process = _process()
    if process.work < _WORTH_LOADING:
        process.work += samples * multiply_accumulates(graph)
    return load_kernels() if process.work >= _WORTH_LOADING else None


def plan_of(graph: Graph, kernels: ModuleType) -> Plan:
    """A plan that keeps nothing but the output; made once for each graph."""
    plans = _process().plans
    found = plans.get(id(graph))
    if found and found[0]() is graph:
        return found[1]
    plan = Plan(graph, lambda name: False, kernels)
    key = id(graph)
    plans[key] = (weakref.ref(graph, lambda _: plans.pop(key, None)), plan)
    return plan


@cache
def load_kernels() -> ModuleType | None:
    """The kernels, from now on for all work; None where numba is missing or does not work here.

    They are used only if they give what numpy gives, for a small network that has all of them.
    """
    _process().work = _WORTH_LOADING
    try:
        from bnnhw.interpret.fast import kernels

        return kernels if agrees(kernels) else None
    except Exception:
        return None


def multiply_accumulates(graph: Graph) -> int:
    """Those of one sample."""
    return sum(
        math.prod(graph.tensors[node.output].shape) * node.op.weight[0].size
        for node in graph.nodes
        if isinstance(node.op, (BinaryConv, BinaryDense, IntegerConv, IntegerDense))
    )
