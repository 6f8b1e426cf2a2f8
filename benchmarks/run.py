"""Performance figures, each measured in this one run; ratios are of medians.

make bench
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

from bnnhw.compile import CompileOptions, compile_model, integer_graph
from bnnhw.inputs import random_inputs
from bnnhw.ir.interpret import interpret
from bnnhw.models import shipped_models

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
BATCH = 64


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """Median wall time of ``work`` after one warm-up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measures every shipped model and prints a table."""
    table = Table(
        "model", "compile, s", "interpreter, images/s", "onnxruntime, images/s", "ratio", box=None
    )
    for model in shipped_models():
        graph = integer_graph(model.path)
        q = random_inputs(graph, BATCH)
        x = graph.input_format.decode(q)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(model.path, options)
        name = session.get_inputs()[0].name
        ours = BATCH / median_seconds(lambda q=q, graph=graph: interpret(graph, q))
        theirs = BATCH / median_seconds(
            lambda x=x, s=session, name=name: s.run(None, {name: np.asarray(x)})
        )
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "build"
            seconds = median_seconds(
                lambda model=model, out=out: compile_model(
                    model.path, out, CompileOptions(board="pynq-z2")
                ),
                runs=3,
            )
        table.add_row(
            model.name, f"{seconds:.2f}", f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
