"""What each pass does to small graphs, beside keeping what they compute."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st
from test_predicates import chain

from agreement import passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.interpret.interpreter import interpret
from bnnhw.interpret.real import interpret_real
from bnnhw.ir.border_classes import classes_of, padded_shift, shrink, taps_inside
from bnnhw.ir.exact import exact, full
from bnnhw.ir.graph import Node, OutputMap, verify
from bnnhw.ir.ops import (
    FRONT_END,
    Add,
    Affine,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    Conv,
    Dense,
    Lookup,
    Piecewise,
    Window,
    relu,
)
from bnnhw.ir.types import Integer
from bnnhw.passes import PIPELINE, format_graph, run
from bnnhw.passes.fold_tables import fold_tables, grid_of
from bnnhw.passes.merge_affines import merge_affines
from bnnhw.passes.normalise_signs import normalise_signs
from bnnhw.passes.split_weights import split_weights
from sketch import image, small_cnn

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph

INT8 = Integer(8, True)


def affine(scale: object, shift: object) -> Affine:
    return Affine(exact(np.atleast_1d(scale)), exact(np.atleast_1d(shift)))


def test_merging_composes_exactly_and_drops_what_changes_nothing() -> None:
    third = Affine(full(1, Fraction(1, 3)), full(1, Fraction(1, 7)))
    graph = merge_affines(chain([affine(1.0, 0.0), third, affine(3.0, 0.5), relu()], INT8))
    assert [type(n.op) for n in graph.nodes] == [Affine, Piecewise]
    op = graph.nodes[0].op
    assert isinstance(op, Affine)
    assert (op.scale[0], op.shift[0]) == (1, Fraction(3, 7) + Fraction(1, 2))
    only = merge_affines(chain([affine(1.0, 0.0)], INT8))
    assert only.nodes == ()
    assert only.output == only.input


@pytest.mark.parametrize(
    ("low", "high", "made", "scale", "shift"),
    [
        (-1, 1, (-1, 1), 1, 0),
        (0, 1, (0, 1), 1, 0),
        (0, 0.5, (0, 1), 0.5, 0),
        (-2, 2, (-1, 1), 2, 0),
        (1, -1, (-1, 1), 1, 0),
        (1, 0, (0, 1), 1, 0),
        (3, -1, (-1, 1), 2, 1),
        (1, 2, (-1, 1), 0.5, 1.5),
    ],
)
def test_signs_are_normalised(
    low: float, high: float, made: tuple[int, int], scale: float, shift: float
) -> None:
    graph = chain([Binarize(True, low, high)], INT8)
    result = normalise_signs(graph)
    turned = high < low  # then the sign is one of -x, whose bit 1 is the larger value
    *before, op = (node.op for node in result.nodes[: 1 + turned])
    assert isinstance(op, Binarize)
    assert (op.low, op.high, op.strict) == (*made, not turned)
    assert [before.scale[0] for before in before] == [-1] * turned
    if (scale, shift) == (1, 0):
        assert len(result.nodes) == 1 + turned
        assert turned or result is graph
    else:
        rest = result.nodes[-1].op
        assert isinstance(rest, Affine)
        assert (rest.scale[0], rest.shift[0]) == (scale, shift)
    x = np.arange(-3, 4)[:, None]
    np.testing.assert_array_equal(interpret_real(graph, x), interpret_real(result, x))


def test_weights_are_split_exactly() -> None:
    alpha = np.array([0.1, 3.0, 0.0], np.float32).astype(np.float64)
    weight = np.array([[1, -1], [-1, -1], [1, 1]]) * alpha[:, None]
    result = split_weights(chain([Dense(weight)], INT8, 2))
    layer, scale = (n.op for n in result.nodes)
    assert isinstance(layer, Dense)
    assert isinstance(scale, Affine)
    assert layer.weight.tolist() == [[1, -1], [-1, -1], [1, 1]]
    assert scale.scale.tolist() == [Fraction(a) for a in alpha.tolist()]


@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    pads=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_classes_have_the_structure_the_hardware_numbers(
    size: int, kernel: int, stride: int, pads: tuple[int, int]
) -> None:
    count = (size + sum(pads) - kernel) // stride + 1
    if size + sum(pads) < kernel:
        return
    taps = taps_inside(size, kernel, stride, pads[0], count)
    classes = classes_of(taps)
    assert len(classes) == count
    for a in range(count):
        for b in range(count):
            assert classes[a] != classes[b] or [*taps[a]] == [*taps[b]]
    middle = max(set(classes), key=classes.count)
    first, last = classes.index(middle), count - classes[::-1].index(middle)
    assert classes[:first] == tuple(range(first))
    assert classes[first:last] == (first,) * (last - first)
    assert classes[last:] == tuple(range(first + 1, first + 1 + count - last))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.integers(1, 3))
def test_shrinking_keeps_every_pixel(rows: list[int], columns: int) -> None:
    values = np.array(rows)[:, None, None].repeat(columns, 1)
    small, row_class, column_class = shrink(values, tuple(range(len(rows))), tuple(range(columns)))
    assert small.shape[1] == 1
    assert (small[np.ix_(row_class, column_class)] == values).all()


def test_padded_shift_is_the_convolution_of_a_constant_image() -> None:
    rng = np.random.default_rng(1)
    weight = rng.choice([-1.0, 1.0], (4, 2, 3, 5))
    window = Window((3, 5), (2, 1), (1, 2, 2, 0))
    shift = exact(np.array([0.5, -3.0]))
    sums, rows, columns = padded_shift(weight, window, (6, 7), shift)
    graph = chain([Conv(weight, window)], INT8, 2, 6, 7)
    flat = np.broadcast_to(np.array([0.5, -3.0])[:, None, None], (1, 2, 6, 7))
    want = replace(
        graph, output_map=replace(graph.output_map, shape=graph.tensors[graph.output].shape)
    )
    np.testing.assert_array_equal(
        sums[np.ix_(rows, columns)].astype(float).transpose(2, 0, 1)[None],
        interpret_real(want, flat),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("step", "offset"), [(1 / 15, 0.0), (1 / 128, -1.0), (0.1, 0.05), (7.0, 3.0)]
)
def test_grids_are_found_through_float32_rounding(step: float, offset: float) -> None:
    k = np.array([0, 1, 3, 4, 9, 15])
    values = (k * step + offset).astype(np.float32).astype(np.float64)
    node = chain([relu()], INT8).nodes[0]
    integers, found, origin = grid_of(values, node)
    assert np.abs(integers * float(found) + float(origin) - values).max() < 4e-6 * abs(values).max()
    assert float(found) == pytest.approx(step, rel=1e-6)


def test_values_on_no_grid_are_refused() -> None:
    node = chain([relu()], INT8).nodes[0]
    with pytest.raises(ModelError, match="no multiples of one step"):
        grid_of(np.sqrt(np.arange(256.0)), node)


def test_tables_that_are_affine_vanish() -> None:
    values = (np.arange(-128, 128) * 0.25 + 3).astype(np.float64)
    result = fold_tables(chain([Lookup(values)], INT8))
    assert [type(n.op) for n in result.nodes] == [Affine]
    x = np.arange(-128, 128)[:, None]
    np.testing.assert_array_equal(interpret_real(result, x)[:, 0], values)


def test_passes_return_the_same_object_where_nothing_changes(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    graph = run(load(path))
    for step in PIPELINE:
        assert step.run(graph) is graph, step.name


def test_the_result_holds_integer_operations_only(tmp_path: Path) -> None:
    graph = run(load(small_cnn().save(tmp_path / "m.onnx")))
    kinds = [type(n.op).__name__ for n in graph.nodes]
    block = ["BinaryConv", "Threshold"]
    assert kinds == [*block, "BitMaxPool", *block, "Flatten", "BinaryDense"]
    assert all(n.op.level != "real" for n in graph.nodes)
    names = [n.name for n in graph.nodes]
    assert names[1] == f"{names[0]}_threshold"


def test_a_shift_before_a_padded_convolution_costs_border_classes_only_there(
    tmp_path: Path,
) -> None:
    sketch = image(9)
    sketch.conv(3, 4, kernel=5, pads=2).sign().flatten().dense(4 * 81, 3)
    path = sketch.save(tmp_path / "m.onnx")
    passes_agree(path)
    op = run(load(path)).nodes[1].op
    assert op.row_class == (0, 1, 2, 2, 2, 2, 2, 3, 4)  # type: ignore[attr-defined]
    assert op.thresholds.shape == (5, 5, 4)  # type: ignore[attr-defined]


def test_dumps_hold_the_graph_after_every_pass(tmp_path: Path) -> None:
    graph = run(load(small_cnn().save(tmp_path / "m.onnx")), dump=tmp_path / "ir")
    files = sorted(p.name for p in (tmp_path / "ir").iterdir())
    assert files[0] == "00_front_end.txt"
    assert files[1:] == [f"{i:02d}_{p.name}.txt" for i, p in enumerate(PIPELINE, 1)]
    last = (tmp_path / "ir" / files[-1]).read_text()
    assert last == format_graph(graph)
    assert len([line for line in last.splitlines() if line.startswith("  ")]) == len(graph.nodes)
    for node in graph.nodes:
        assert node.name in last


def test_names_of_passes_are_unique_and_described() -> None:
    assert len({p.name for p in PIPELINE}) == len(PIPELINE)
    assert all(p.description for p in PIPELINE)


def forked(first: object, *branch: object) -> Graph:
    """``first``, then its result added to what ``branch`` makes of it."""
    start = chain([first, *branch], INT8, 2, 3, 3)  # type: ignore[list-item]
    nodes = [*start.nodes, Node("join", Add(), ("t0", start.output), "sum")]
    shape = start.tensors[start.output].shape
    output = OutputMap("y", shape, np.ones(1), np.zeros(1))
    return start.with_nodes(nodes, output="sum", output_map=output)


def two(scale: float, shift: float) -> Affine:
    return affine([scale] * 2, [shift] * 2)


def test_a_tensor_that_two_nodes_read_is_never_rewritten() -> None:
    graph = forked(two(2.0, 1.0), two(3.0, 0.0), two(0.5, 1.0))
    result = merge_affines(graph)
    assert [n.name for n in result.nodes] == ["n0", "n2", "join"]
    assert [n.output for n in result.nodes] == ["t0", "t2", "sum"]
    x = np.random.default_rng(1).integers(-128, 128, (2, 2, 3, 3))
    np.testing.assert_array_equal(interpret_real(graph, x), interpret_real(result, x))


def test_what_changes_nothing_vanishes_on_either_side_of_a_fork() -> None:
    x = np.random.default_rng(1).integers(-128, 128, (2, 2, 3, 3))
    for first, behind, left in [
        (two(1.0, 0.0), two(3.0, 0.0), ["n1", "join"]),
        (two(3.0, 0.0), two(1.0, 0.0), ["n0", "join"]),
        (two(1.0, 0.0), two(1.0, 0.0), ["join"]),
    ]:
        graph = forked(first, behind)
        result = merge_affines(graph)
        assert [n.name for n in result.nodes] == left
        np.testing.assert_array_equal(interpret_real(graph, x), interpret_real(result, x))
        verify(result, FRONT_END)


def test_an_identity_at_the_output_vanishes() -> None:
    graph = chain([two(2.0, 0.0), relu(), two(1.0, 0.0)], INT8, 2)
    result = merge_affines(graph)
    assert [n.name for n in result.nodes] == ["n0", "n1"]
    assert result.output == graph.output


def test_real_interpreter_agrees_with_the_integer_one(tmp_path: Path) -> None:
    graph = run(load(small_cnn().save(tmp_path / "m.onnx")))
    q = np.random.default_rng(0).integers(0, 256, (5, 3, 6, 6))
    np.testing.assert_array_equal(
        interpret_real(graph, q), graph.output_map.apply(interpret(graph, q))
    )
    kinds = {type(n.op) for n in graph.nodes}
    assert {BinaryConv, BinaryDense, BitMaxPool} <= kinds
