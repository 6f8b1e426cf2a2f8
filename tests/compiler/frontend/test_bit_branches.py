"""Plain networks whose paths part and meet as bits: their scores are the model's, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agreement import agrees, compiled, passes_agree
from bit_branches import BitBranches
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.ir.ops import BinaryConv, Concat, FixedAffine
from bnnhw.passes.mixed import is_mixed
from sketch import image

if TYPE_CHECKING:
    from pathlib import Path

    from sketch import Sketch


def branches(values: tuple[float, float] = (-1, 1)) -> Sketch:
    """Two layers on one tensor of bits, a kernel of 3x3 and one of 1x1; one's bits are scaled."""
    sketch = image(6, 3).conv(3, 8, pads=1).batch_norm(8).sign()
    start = sketch.tensor
    sketch.conv(8, 4, pads=1).batch_norm(4).sign()
    first, sketch.tensor = sketch.tensor, start
    sketch.conv(8, 6, kernel=1).batch_norm(6).op("Greater", sketch.constant(0))
    sketch.op("Where", sketch.constant(values[1]), sketch.constant(values[0]))
    sketch.tensor = sketch.node("Concat", [first, sketch.tensor], axis=1)
    sketch.conv(10, 6, pads=1).batch_norm(6).sign().flatten().dense(216, 5)
    sketch.op("Mul", sketch.constant(0.25))
    return sketch


@pytest.mark.parametrize("values", [(-1, 1), (0, 2), (3, 1)])
def test_bits_that_meet_leave_a_network_plain(tmp_path: Path, values: tuple[float, float]) -> None:
    path = branches(values).save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    assert not is_mixed(graph)
    assert graph.output_map.scale.tolist() == [0.25] * 5
    assert [type(n.op) for n in graph.nodes if isinstance(n.op, (BinaryConv, Concat))] == [
        *(BinaryConv, BinaryConv, BinaryConv, Concat, BinaryConv)
    ]


def test_bits_of_other_scales_meet_as_streams(tmp_path: Path) -> None:
    """Binary weights cannot carry a factor for each input channel."""
    graph = compiled(branches((0, 1)).save(tmp_path / "m.onnx"))
    assert is_mixed(graph)
    assert any(isinstance(node.op, FixedAffine) for node in graph.nodes)


def test_two_signs_of_one_sum_are_no_plain_network(tmp_path: Path) -> None:
    """A threshold behind no layer has no classes for the borders of a padded image."""
    sketch = image(6, 3).conv(3, 8, pads=1).batch_norm(8)
    start, parts = sketch.tensor, []
    for at in (-1, 1):
        sketch.tensor = start
        sketch.op("Greater", sketch.constant(at))
        sketch.op("Where", sketch.constant(1), sketch.constant(-1))
        parts.append(sketch.tensor)
    sketch.tensor = sketch.node("Concat", parts, axis=1)
    path = sketch.flatten().dense(16 * 36, 3).save(tmp_path / "m.onnx")
    assert is_mixed(compiled(path))
    compile_model(path, tmp_path / "build", CompileOptions(board="pynq-z2", backends=()))


@pytest.mark.parametrize("seed", range(12))
def test_random_branches_give_the_models_scores(tmp_path: Path, seed: int) -> None:
    path = BitBranches(seed).grow(seed % 4).save(tmp_path / "m.onnx")
    graph = agrees(path, ties=True, varied=False)
    passes_agree(path)
    assert not is_mixed(graph)
