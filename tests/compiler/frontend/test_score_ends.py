"""Ends that keep the order of the classes are left out alike; those that do not are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, compiled
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.model import random_inputs
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    End = Callable[[Sketch], object]


def op(kind: str, *constants: object, **attributes: object) -> End:
    def add(sketch: Sketch) -> None:
        names = [
            sketch.constant(c, np.int64 if isinstance(c, list) else np.float32) for c in constants
        ]
        sketch.op(kind, *names, **attributes)

    return add


def top_k(count: int = 1, *, index: bool = True, **attributes: int) -> End:
    def add(sketch: Sketch) -> None:
        values = sketch.op("TopK", sketch.constant([count], np.int64), **attributes)
        sketch.nodes[-1].output.append(f"{values}_index")
        sketch.tensor = f"{values}_index" if index else values

    return add


SOFTMAX = op("Softmax", axis=1)
KEPT: dict[str, list[End]] = {
    "softmax": [SOFTMAX],
    "softmax over the last axis": [op("Softmax", axis=-1)],
    "log softmax": [op("LogSoftmax", axis=1)],
    "sigmoid": [op("Sigmoid")],
    "tanh": [op("Tanh")],
    "argmax": [op("ArgMax", axis=1)],
    "index of top 1": [top_k()],
    "value of top 1": [top_k(index=False, axis=1)],
    "softmax and argmax": [SOFTMAX, op("ArgMax", axis=1, keepdims=0)],
    "sigmoid, scaled, in another type": [op("Sigmoid"), op("Mul", 100.0), op("Cast", to=11)],
    "softmax and logarithm": [SOFTMAX, op("Log")],
    "tanh between 0 and 1": [op("Tanh"), op("Add", 1.0), op("Div", 2.0)],
    "index of the best as integer": [SOFTMAX, top_k(), op("Cast", to=6)],
    "best, squeezed": [top_k(), op("Squeeze", [1])],
}
REFUSED: dict[str, tuple[list[End], str]] = {
    "softmax over the batch": ([op("Softmax", axis=0)], "which are no classes"),
    "turned": ([SOFTMAX, op("Mul", -1.0)], "turns the order"),
    "taken from one": ([op("Sigmoid"), lambda s: s.op("Sub", s.constant(1), first=False)], "turns"),
    "scaled by class": ([SOFTMAX, op("Mul", np.arange(1, 6))], "all classes alike"),
    "shifted by class": ([op("Tanh"), op("Add", np.arange(5))], "all classes alike"),
    "cast to integers": ([op("Sigmoid"), op("Cast", to=6)], "rounds the scores"),
    "rounded": ([op("Sigmoid"), op("Round")], "nothing limits the result"),
    "least": ([top_k(largest=0)], "TopK"),
    "best two": ([top_k(2)], "TopK"),
    "argmax over the batch": ([op("ArgMax", axis=0)], "maximum over dimension 0"),
}


def ended(ends: list[End]) -> Sketch:
    sketch = small_cnn()
    for end in ends:
        end(sketch)
    return sketch


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_the_order_is_left_out(tmp_path: Path, name: str) -> None:
    path = ended(KEPT[name]).save(tmp_path / "m.onnx")
    graph = agrees(path)
    assert any("is left out" in note for note in graph.notes)
    plain = compiled(small_cnn().save(tmp_path / "p.onnx"))
    assert [n.op.__class__ for n in graph.nodes] == [n.op.__class__ for n in plain.nodes]
    x = graph.input_format.encode(random_inputs(graph, 6, 4))
    assert np.array_equal(interpret(graph, x), interpret(plain, x))
    assert np.allclose(graph.output_map.scale, 0.25)


@pytest.mark.parametrize("name", REFUSED)
def test_what_changes_the_order_is_refused(tmp_path: Path, name: str) -> None:
    ends, what = REFUSED[name]
    path = ended(ends).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=what) as caught:
        load(path)
    assert caught.value.fix
    assert (caught.value.where or "").startswith("node '")


@pytest.mark.parametrize(
    ("opset", "axis", "kept"),
    [(17, 1, True), (17, 2, False), (17, -1, False), (17, None, False),
     (11, 1, True), (11, 2, False), (11, None, True)],
)  # fmt: skip
@pytest.mark.parametrize("size", [3, 4])
def test_softmax_of_maps_and_single_pixels(
    tmp_path: Path, opset: int, axis: int | None, kept: bool, size: int
) -> None:
    sketch = image(size, opset=opset).conv(3, 4, pads=1).sign().conv(4, 5)
    sketch.op("Softmax", **({} if axis is None else {"axis": axis}))
    path = sketch.save(tmp_path / "m.onnx")
    if kept:
        assert agrees(path).output_map.shape == (5, size - 2, size - 2)
        return
    with pytest.raises(ModelError, match="which are no classes"):
        load(path)


def test_softmax_of_one_class_is_a_constant_and_refused(tmp_path: Path) -> None:
    sketch = image().conv(3, 4).sign().flatten().dense(64, 1)
    sketch.op("Softmax", axis=1)
    with pytest.raises(ModelError, match="which are no classes"):
        load(sketch.save(tmp_path / "m.onnx"))


def test_sigmoid_of_one_score_is_left_out(tmp_path: Path) -> None:
    sketch = image().conv(3, 4).sign().flatten().dense(64, 1)
    sketch.op("Sigmoid")
    agrees(sketch.save(tmp_path / "m.onnx"))
