"""Whether a model file compiles to an integer graph that onnxruntime confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import interpret
from bnnhw.interpret.real import interpret_real
from bnnhw.passes import PIPELINE, run as run_passes
from bnnhw.verify.model import check_against_onnxruntime, random_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def compiled(path: Path, options: LoadOptions | None = None) -> Graph:
    """The integer graph of a model."""
    return run_passes(load(path, options), PIPELINE)


def agrees(
    path: Path,
    options: LoadOptions | None = None,
    *,
    count: int = 24,
    ties: bool = False,
    varied: bool = True,
) -> Graph:
    """The integer graph, after asserting that scores equal onnxruntime's for random inputs.

    Args:
        path: the model.
        options: the declarations to load it with.
        count: number of random inputs.
        varied: whether the scores must depend on the input.
        ties: whether signs decided by float32 rounding may occur; none may otherwise.
    """
    graph = compiled(path, options)
    result = check_against_onnxruntime(path, graph, options=options, random_count=count)
    assert result.mismatches == 0
    assert result.inputs == count
    assert ties or result.note == ""
    scores = interpret(graph, graph.input_format.encode(random_inputs(graph, count, 1)))
    assert not varied or len(np.unique(scores)) > 1, "the model says nothing"
    return graph


def passes_agree(path: Path, options: LoadOptions | None = None, count: int = 8) -> None:
    """Asserts that every pass leaves the real-valued outputs as they were."""
    graph = load(path, options)
    q = graph.input_format.encode(random_inputs(graph, count, 2))
    want = interpret_real(graph, q)
    for step in PIPELINE:
        graph = step.run(graph)
        np.testing.assert_allclose(
            interpret_real(graph, q), want, rtol=1e-9, atol=1e-9, err_msg=step.name
        )
        assert step.run(graph) is graph, f"{step.name} changes its own result"
