"""Integer graphs on disk."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import IntegerTable, Threshold, Window
from bnnhw.ir.serialize import graph_to_bytes, read_graph
from bnnhw.ir.types import Bit, Integer
from graphs import GraphBuilder, digits


def everything() -> GraphBuilder:
    """A graph with every integer operation and with border classes."""
    b = GraphBuilder((2, 6, 6), Integer(4, True), 3, name="all")
    b.add("table", IntegerTable(np.arange(-8, 8), Integer(4, True)))
    b.conv("conv0", 6, Window((3, 3), (1, 1), (1, 1, 1, 1)))
    classes = (0, 1, 1, 1, 1, 2)
    thresholds = b.rng.integers(-40, 40, (3, 3, 6))
    b.add("sign0", Threshold(thresholds, classes, classes, np.arange(6) % 2 == 1))
    b.pool("pool0", Window((2, 2), (2, 2)))
    return b.dense("scores", 5)


@pytest.mark.parametrize("make", [everything, digits])
def test_a_graph_comes_back_whole(tmp_path, make) -> None:
    builder = make()
    graph = replace(builder.graph(), notes=("one", "two"))
    path = tmp_path / "graph.npz"
    path.write_bytes(graph_to_bytes(graph))
    back = read_graph(path)
    assert graph_to_bytes(back) == path.read_bytes()
    assert (back.name, back.input, back.output) == (graph.name, graph.input, graph.output)
    assert back.notes == graph.notes
    assert back.input_format == graph.input_format
    assert back.tensors == graph.tensors
    assert [n.name for n in back.nodes] == [n.name for n in graph.nodes]
    x = builder.inputs(6)
    scores = interpret(graph, x)
    assert len(np.unique(scores)) > 1
    np.testing.assert_array_equal(interpret(back, x), scores)


def test_the_same_graph_gives_the_same_bytes() -> None:
    assert graph_to_bytes(digits().graph()) == graph_to_bytes(digits().graph())
    assert graph_to_bytes(digits(1).graph()) != graph_to_bytes(digits(2).graph())


def test_types_of_numbers_and_bits_survive(tmp_path) -> None:
    for element in (Bit(True), Bit(False), Integer(8, False), Integer(3, True)):
        graph = GraphBuilder((8,), element).dense("scores", 2).graph()
        (tmp_path / "g.npz").write_bytes(graph_to_bytes(graph))
        back = read_graph(tmp_path / "g.npz")
        assert back.tensors["x"].dtype == element
        assert type(back.output_map.scale[0]) is np.float64


def damaged(kind: str) -> bytes | None:
    whole = graph_to_bytes(digits().graph())
    if kind == "missing":
        return None
    if kind == "another array":
        other = io.BytesIO()
        np.savez(other, x=np.zeros(3))
        return other.getvalue()
    middle = len(whole) // 2
    return {
        "empty": b"",
        "text": b"no archive",
        "truncated": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["missing", "text", "another array", "empty", "truncated", "flipped"],
)
def test_damaged_files_are_refused_by_name(tmp_path, kind) -> None:
    path = tmp_path / "graph.npz"
    content = damaged(kind)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_graph(path)
    assert caught.value.where == str(path)
    assert caught.value.fix == "compile the model again"
