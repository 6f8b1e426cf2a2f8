"""Exports of four frameworks give the frameworks' own scores.

The files in ``exports`` come from the programs of docs/recipes.md, with the versions named there:
``net.onnx`` without the stack traces that PyTorch's exporter adds, the first 20 test images (``x``)
and what the framework itself gave for them (``scores``: of ``net(x)`` in PyTorch and Brevitas, of
``net.predict(x)`` in QKeras and Larq).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agreement import agrees
from bnnhw.frontend import LoadOptions
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import Threshold

EXPORTS = Path(__file__).parent / "exports"
PIXELS = LoadOptions(input_type="uint8", input_scale=1 / 255)


@pytest.mark.parametrize("framework", ["torch", "brevitas", "qkeras", "larq"])
def test_scores_are_those_of_the_framework(framework: str) -> None:
    graph = agrees(EXPORTS / f"{framework}.onnx", PIXELS)
    assert sum(isinstance(node.op, Threshold) for node in graph.nodes) == 3
    known = np.load(EXPORTS / f"{framework}.npz")
    source = graph.input_format
    integers = interpret(graph, source.encode(source.from_pixels(known["x"])))
    scores = graph.output_map.apply(integers)
    assert (scores.argmax(axis=1) == known["scores"].argmax(axis=1)).all()
    # The scores are integers times a factor: they are the same where no float is nearer to another.
    step = np.abs(graph.output_map.apply(integers + 1) - scores)
    assert (np.abs(scores - known["scores"]) < 1e-3 * step).all()
