"""Performance figures, each measured in this one run; ratios are of medians.

The interpreter and onnxruntime take turns of a few runs, so that other load on the machine meets
both; onnxruntime's session ends with its turn, since its threads spin while it exists. Both may use
every core. The interpreter's kernels are loaded before, as in any process that has had a second of
work. The network for ImageNet's images needs PyTorch, which makes it with random weights.

make bench
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

from bnnhw.compiler import CompileOptions, compile_model, integer_graph
from bnnhw.interpret.fast.accelerate import load_kernels
from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.inputs import random_inputs
from bnnhw.zoo.shipped import shipped_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TURNS = 4
RUNS = 5
COMPILES = 3
BATCH = 64
DIGITS = 360
"""Test images of the digits, which take longer together than a run's fixed share."""


@dataclass(frozen=True)
class Case:
    """A network and how it is measured.

    Attributes:
        name: in the table.
        path: the ONNX file.
        batch: inputs at a time.
        options: of the compile.
        compiles: how often it is compiled; 0 leaves that out.
    """

    name: str
    path: Path
    batch: int
    options: CompileOptions
    compiles: int = COMPILES


def cases(folder: Path) -> Iterator[Case]:
    """Every shipped model, and Bi-Real Net-18 at 224x224, exported into ``folder``."""
    for model in shipped_models():
        options = CompileOptions(board="pynq-z2")
        yield Case(f"{model.name}, {BATCH} at a time", model.path, BATCH, options)
        if "digits" in model.name:
            name = f"{model.name}, {DIGITS} at a time"
            yield Case(name, model.path, DIGITS, options, compiles=0)
    if importlib.util.find_spec("torch") is None:
        Console().print("birealnet18 at 224x224 is left out: PyTorch is not installed")
        return
    from bnnhw.zoo.cli import export_command

    path = folder / "birealnet18.onnx"
    export_command("birealnet18", path)
    large = CompileOptions(board="pynq-z2", cycles=405_000, verify=False)
    yield Case("birealnet18, 224x224", path, 1, large, compiles=1)
    yield Case("birealnet18, 224x224, 4 at a time", path, 4, large, compiles=0)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of ``work``."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rates(case: Case) -> tuple[float, float]:
    """Images per second of the interpreter and of onnxruntime: medians of runs after a warm-up."""
    graph = integer_graph(case.path)
    q = random_inputs(graph, case.batch)
    x = np.asarray(graph.input_format.decode(q))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        ours += turn(lambda: interpret(graph, q))
        session = onnxruntime.InferenceSession(case.path, options)
        inputs = {session.get_inputs()[0].name: x}
        theirs += turn(lambda run=session.run, inputs=inputs: run(None, inputs))
        del session
    return tuple(case.batch / statistics.median(times) for times in (ours, theirs))


def turn(work: Callable[[], object]) -> list[float]:
    """Wall times of some runs, after one that warms up."""
    return [seconds(work) for _ in range(RUNS + 1)][1:]


def compile_seconds(case: Case) -> float:
    """Median time of a compile with everything written."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "build"
        return statistics.median(
            seconds(lambda: compile_model(case.path, out, case.options))
            for _ in range(case.compiles)
        )


def main() -> None:
    """Measures every case and prints a table."""
    how = "with" if load_kernels() else "without"
    Console().print(f"interpreter {how} kernels of numba, {os.cpu_count()} cores")
    table = Table(
        "model", "compile, s", "interpreter, images/s", "onnxruntime, images/s", "ratio", box=None
    )
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            Console(stderr=True).print(f"{case.name} ...")
            ours, theirs = rates(case)
            compiled = f"{compile_seconds(case):.2f}" if case.compiles else ""
            table.add_row(
                case.name, compiled, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}"
            )
    Console().print(table)


if __name__ == "__main__":
    main()
