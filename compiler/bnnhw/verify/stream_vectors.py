"""Frames and the interpreter's scores for them, for simulators that bnnhw does not drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.backend.vectors import Vectors
from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.inputs import random_inputs
from bnnhw.verify.top_k import best_scores

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph

FRAMES = 2
"""Enough to see the second begin while the first is still in the design."""
_SPARE_CYCLES = 10_000


def make_vectors(graph: Graph, design: Design, latency_cycles: int) -> Vectors:
    """Seeded random frames with the scores that are due for them.

    Args:
        graph: the integer graph that the design computes.
        design: the accelerator.
        latency_cycles: as predicted; slower memories than the prediction's are allowed for.
    """
    x = random_inputs(graph, FRAMES)
    scores = interpret(graph, x)
    sink = design.output_port
    if sink.top_k:
        scores = best_scores(scores, sink.top_k)
    cycles = 4 * FRAMES * latency_cycles + _SPARE_CYCLES
    return Vectors(FRAMES, design.input_port.pack(x), sink.pack(scores), cycles)
