"""When kernels are used, and what happens where they cannot be."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

import bnnhw.interpret.fast
from bnnhw.interpret.fast import accelerate
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.interpret.plain import interpret_plain
from graphs import cnv

GRAPH, INPUTS = cnv().graph(), cnv().inputs(2)


@pytest.fixture(autouse=True)
def new_process():
    """As if nothing had been computed or loaded yet."""
    for function in (accelerate._process, accelerate.load_kernels):
        function.cache_clear()
    yield
    for function in (accelerate._process, accelerate.load_kernels):
        function.cache_clear()


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """As if a module were not installed."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "bnnhw.interpret.fast.kernels", raising=False)
    monkeypatch.delattr(bnnhw.interpret.fast, "kernels", raising=False)


@pytest.mark.parametrize("module", ["numba", "llvmlite"])
def test_without_numba_everything_works_through_numpy(module, monkeypatch):
    without(monkeypatch, module)
    monkeypatch.setattr(accelerate, "_WORTH_LOADING", 0)
    want = interpret_plain(GRAPH, INPUTS, lambda name: True)
    assert accelerate.load_kernels() is None
    assert np.array_equal(interpret(GRAPH, INPUTS), want[GRAPH.output])
    for name, values in interpret_all(GRAPH, INPUTS).items():
        assert np.array_equal(values, want[name])


def test_kernels_that_give_something_else_are_not_used(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(accelerate, "agrees", lambda kernels: False)
    assert accelerate.load_kernels() is None
    assert np.array_equal(
        interpret(GRAPH, INPUTS), interpret_plain(GRAPH, INPUTS, lambda n: False)[GRAPH.output]
    )


def test_little_work_does_not_load_numba_and_much_does(monkeypatch):
    loaded = []
    monkeypatch.setattr(accelerate, "load_kernels", lambda: loaded.append(1))
    a_frame = accelerate.multiply_accumulates(GRAPH)
    enough = accelerate._WORTH_LOADING // a_frame
    interpret(GRAPH, INPUTS)
    assert accelerate.accelerated(GRAPH, enough // 2) is None
    assert not loaded
    accelerate.accelerated(GRAPH, enough // 2 + 2)
    assert loaded


def test_a_plan_is_made_once_for_a_graph_and_goes_with_it():
    pytest.importorskip("numba")
    kernels = accelerate.load_kernels()
    graph = cnv().graph()
    plan = accelerate.plan_of(graph, kernels)
    assert accelerate.plan_of(graph, kernels) is plan
    other = cnv().graph()
    assert accelerate.plan_of(other, kernels) is not plan
    del graph
    gc.collect()
    assert len(accelerate._process().plans) == 1
