"""A few inputs with the scores that the hardware must give, for boards and other simulators."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.model import random_inputs
from bnnhw.verify.top_k import best_scores

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph

VECTORS = "vectors.npz"
_ELEMENTS = 1 << 16  # of all inputs together
_MOST, _FEWEST = 8, 2


def vectors(graph: Graph, top_k: int) -> bytes:
    """An .npz file: ``images`` [N, *shape] in the model's own format, and integer ``scores``.

    The smallest and the largest input are among them, the others are random. With ``top_k`` the
    scores are pairs of class and score, [N, top_k, 2].
    """
    elements = math.prod(graph.tensors[graph.input].shape)
    images = random_inputs(graph, max(_FEWEST, min(_MOST, _ELEMENTS // elements)), seed=1)
    scores = interpret(graph, graph.input_format.encode(images))
    if top_k:
        scores = best_scores(scores, top_k)
    file = io.BytesIO()
    np.savez(file, images=images, scores=scores)
    return file.getvalue()
