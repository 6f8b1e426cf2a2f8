"""A few inputs with the scores that the hardware must give, for boards and other simulators."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.backend.vectors import Vectors
from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.model import random_inputs
from bnnhw.verify.top_k import best_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints

_ELEMENTS = 1 << 16  # of all inputs together
_MOST, _FEWEST = 8, 2
_STREAMED = 2  # enough to see the second begin while the first is still in the design
_SPARE_CYCLES = 10_000


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs and their scores.

    Attributes:
        images: [N, *shape] in the model's own format.
        inputs: the integers that they are, [N, C, H, W] or [N, C].
        scores: integers [N, classes, ...]; with top-k pairs of class and score, [N, K, 2].
    """

    images: NDArray[np.generic]
    inputs: Ints
    scores: Ints

    def to_npz(self) -> bytes:
        """An .npz file of ``images`` and ``scores``."""
        file = io.BytesIO()
        np.savez(file, images=self.images, scores=self.scores)
        return file.getvalue()

    def streamed(self, design: Design, latency_cycles: int) -> Vectors:
        """The first few as bytes of the design's streams.

        Args:
            design: the accelerator.
            latency_cycles: as predicted; slower memories than the prediction's are allowed for.
        """
        sent = design.input_port.pack(self.inputs[-_STREAMED:])
        due = design.output_port.pack(self.scores[-_STREAMED:])
        cycles = 4 * _STREAMED * latency_cycles + _SPARE_CYCLES
        return Vectors(_STREAMED, sent, due, cycles)


def make_vectors(graph: Graph, top_k: int) -> Samples:
    """Seeded inputs with their scores: the smallest and the largest, and random ones.

    Of a large network there are two, random ones both.
    """
    elements = math.prod(graph.tensors[graph.input].shape)
    count = max(_FEWEST, min(_MOST, _ELEMENTS // elements))
    corners = 2 if count == _FEWEST else 0
    images = random_inputs(graph, count + corners, seed=1)[corners:]
    inputs = graph.input_format.encode(images)
    scores = interpret(graph, inputs)
    return Samples(images, inputs, best_scores(scores, top_k) if top_k else scores)
