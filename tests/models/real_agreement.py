"""Whether the front end's graph of a model file gives what onnxruntime gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.frontend import LoadOptions, import_file
from bnnhw.frontend.model_file import read_proto
from bnnhw.interpret.real import interpret_real
from bnnhw.verify.model import Session, random_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def real_agrees(
    path: Path, options: LoadOptions | None = None, *, count: int = 6, ties: int = 0
) -> Graph:
    """The real-valued graph, after asserting that its scores are onnxruntime's.

    The bound is that of float32 arithmetic where no sign lies within its rounding error of zero.

    Args:
        path: the model.
        options: the declarations to load it with.
        count: number of random inputs, the lowest and the highest among them.
        ties: how many inputs may differ because a sign is decided by float32 rounding.
    """
    imported = import_file(path, options)
    graph = imported.graph
    x = random_inputs(graph, count, 3)
    session = Session(read_proto(path), imported, [imported.scores])
    want = session.run(x)[0].astype(np.float64).reshape(count, *graph.output_map.shape)
    got = interpret_real(graph, graph.input_format.encode(x))
    error = np.abs(got - want).reshape(count, -1).max(axis=1)
    bound = 2e-5 * np.abs(want).max()
    assert (error > bound).sum() <= ties, (error, bound)
    assert len(np.unique(want)) > 1, "the model says nothing"
    return graph
