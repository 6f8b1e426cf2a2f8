"""Thresholds are exact: compared with fractions, integer by integer, ties included."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bnnhw.interpret.interpreter import execute
from bnnhw.ir.exact import exact, floats, full, inverse_root, snap
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap
from bnnhw.ir.ops import Affine, Binarize, Dense, Op, Tensor, clip, relu
from bnnhw.ir.types import Integer
from bnnhw.passes.lower_signs import lower_signs

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERS = st.fractions(min_value=-40, max_value=40, max_denominator=7)
STEPS = st.one_of(
    st.tuples(st.just("affine"), NUMBERS, NUMBERS),
    st.tuples(st.just("relu"), st.just(0), st.just(0)),
    st.tuples(st.just("clip"), st.integers(-9, 0), st.integers(0, 9)),
)


def made(step: tuple[str, Fraction, Fraction]) -> Op:
    kind, a, b = step
    if kind == "affine":
        return Affine(full(1, a), full(1, b))
    return relu() if kind == "relu" else clip(float(a), float(b))


def exactly(steps: Sequence[tuple[str, Fraction, Fraction]], x: Fraction, strict: bool) -> bool:
    """The sign of the chain, in fractions."""
    for kind, a, b in steps:
        if kind == "affine":
            x = a * x + b
        elif kind == "relu":
            x = max(x, Fraction(0))
        else:
            x = min(max(x, Fraction(a)), Fraction(b))
    return x > 0 if strict else x >= 0


def chain(ops: Sequence[Op], dtype: Integer, *shape: int) -> Graph:
    """A graph of one path on integers of this shape (a single one by default)."""
    shape = shape or (1,)
    nodes, tensor = [], "x"
    for i, op in enumerate(ops):
        nodes.append(Node(f"n{i}", op, (tensor,), f"t{i}"))
        tensor = f"t{i}"
    form = InputFormat("x", shape, "int8", element=dtype)
    start = {"x": Tensor(shape, dtype)}
    output = OutputMap("y", shape, np.ones(1), np.zeros(1))
    return Graph("g", "x", tensor, (), start, form, output).with_nodes(nodes)


@given(st.lists(STEPS, max_size=4), st.booleans())
def test_sign_of_an_input_is_the_exact_one_for_every_integer(
    steps: list[tuple[str, Fraction, Fraction]], strict: bool
) -> None:
    dtype = Integer(5, True)
    graph = lower_signs(chain([*map(made, steps), Binarize(strict)], dtype))
    x = np.arange(dtype.low, dtype.high + 1)
    bits = execute(graph.nodes[0].op, [x[:, None]], [graph.tensors["x"]])[:, 0]
    want = [1 if exactly(steps, Fraction(int(v)), strict) else -1 for v in x]
    assert bits.tolist() == want
    thresholds = graph.nodes[0].op.thresholds  # type: ignore[attr-defined]
    assert dtype.low <= thresholds.min() <= thresholds.max() <= dtype.high + 1


@given(st.lists(STEPS, max_size=4), st.booleans())
def test_sign_behind_a_layer_is_exact_and_never_inverted(
    steps: list[tuple[str, Fraction, Fraction]], strict: bool
) -> None:
    dtype = Integer(3, True)
    layer = Dense(np.array([[1.0, -1.0]]))
    start = chain([layer, *map(made, steps), Binarize(strict)], dtype, 2)
    graph = lower_signs(start)
    grid = np.array(np.meshgrid(*[np.arange(dtype.low, dtype.high + 1)] * 2)).reshape(2, -1).T
    sums = grid @ graph.nodes[0].op.weight.T.astype(int)  # type: ignore[attr-defined]
    bits = execute(graph.nodes[1].op, [sums], [graph.tensors[graph.nodes[0].output]])[:, 0]
    want = [1 if exactly(steps, Fraction(int(a - b)), strict) else -1 for a, b in grid]
    assert bits.tolist() == want
    assert graph.nodes[1].op.invert.size == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("mean", [3.0, 3.0000002, 2.9999998, 1e-30, -1e-30, 0.0, 1e-45])
@pytest.mark.parametrize("strict", [True, False])
def test_batch_norm_whose_threshold_is_an_integer_or_next_to_one(mean: float, strict: bool) -> None:
    point = Fraction(float(np.float32(mean)))
    gain = Fraction(float(np.float32(0.7)))
    scale = gain * inverse_root(Fraction(float(np.float32(2.0))) + Fraction(1, 100000))
    affine = Affine(full(1, scale), full(1, -point * scale))
    graph = lower_signs(chain([affine, Binarize(strict)], Integer(6, True)))
    x = np.arange(-32, 32)
    bits = execute(graph.nodes[0].op, [x[:, None]], [graph.tensors["x"]])[:, 0]
    want = [(v > point) if strict else (v >= point) for v in map(int, x)]
    assert (bits > 0).tolist() == want


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_fractions_of_floats_are_exact(value: float) -> None:
    assert floats(exact(np.array([value], np.float32)))[0] == np.float64(np.float32(value))


@given(st.fractions(min_value="1/100000000", max_value=10**9, max_denominator=10**9))
def test_inverse_root_is_within_its_precision(value: Fraction) -> None:
    root = inverse_root(value)
    assert abs(root * root * value - 1) < Fraction(1, 2**350)


def test_inverse_root_of_squares_is_exact() -> None:
    assert inverse_root(Fraction(9, 16)) == Fraction(4, 3)


def test_snap_takes_the_integer_only_for_the_approximation() -> None:
    assert snap(3 + Fraction(1, 2**300)) == 3
    assert snap(3 + Fraction(1, 2**200)) != 3
    assert snap(Fraction(1, 2**149)) != 0
