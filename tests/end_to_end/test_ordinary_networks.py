"""Networks as people export them, from ONNX through interpreter, Verilog and HLS C++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import compiled
from bnnhw.frontend import LoadOptions
from bnnhw.verify.model import check_against_onnxruntime, random_inputs
from executions import execute_everywhere
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph

COLOURS = LoadOptions(
    input_type="uint8",
    input_scale=(1 / 58.4, 1 / 57.1, 1 / 57.4),
    input_offset=(-2.12, -2.04, -1.8),
)


@dataclass
class _Model:
    """A compiled model with its inputs, as ``execute_everywhere`` takes it."""

    integer: Graph

    def graph(self) -> Graph:
        return self.integer

    def inputs(self, count: int) -> np.ndarray:
        return self.integer.input_format.encode(random_inputs(self.integer, count, 5))


def model(sketch: Sketch, folder: Path, options: LoadOptions) -> _Model:
    path = sketch.save(folder / "m.onnx")
    graph = compiled(path, options)
    check_against_onnxruntime(path, graph, options=options, random_count=4)
    return _Model(graph)


@pytest.mark.slow
def test_real_ends_and_a_binary_middle(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 8, 8], seed=3)
    weight = sketch.rng.normal(size=(6, 3, 3, 3)) / 5
    sketch.conv(3, 6, weight=weight, pads=1).batch_norm(6, spread=0.3)
    sketch.op("Relu")
    sketch.pool().batch_norm(6, spread=0.3).sign()
    sketch.conv(6, 8, pads=1).batch_norm(8)
    sketch.op("Clip", sketch.constant(-1), sketch.constant(1))
    sketch.pool().flatten().batch_norm(32, spread=0.5).sign()
    sketch.dense(32, 12)
    sketch.op("Relu")
    sketch.dense(12, 5, weight=sketch.rng.normal(size=(12, 5)))
    execute_everywhere(model(sketch, tmp_path, COLOURS), tmp_path, frames=3, rates=((0.3, 0.3),))


@pytest.mark.slow
def test_scaled_colours_signs_of_signs_and_a_real_end_on_bits(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], seed=4).conv(3, 6, pads=1).batch_norm(6).sign()
    bits = sketch.tensor
    sketch.batch_norm(6, gain=np.resize([1, -1, 0], 6), bias=0.5, mean=0, variance=1).sign()
    again = sketch.tensor
    ends = []
    for source in (bits, again, again):
        sketch.tensor = source
        ends.append(sketch.conv(6, 4, pads=1).batch_norm(4).tensor)
    sketch.op("Add", ends[0])
    sketch.op("Add", ends[1])
    sketch.sign()
    sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    sketch.sign().flatten().dense(36, 5, weight=sketch.rng.normal(size=(36, 5)))
    execute_everywhere(model(sketch, tmp_path, COLOURS), tmp_path, frames=3, rates=((0.3, 0.3),))
