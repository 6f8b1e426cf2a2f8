"""The interpreter against definitions written out in plain loops."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.ir.graph import Node
from bnnhw.ir.ops import (
    FixedAdd,
    FixedAffine,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    SumPool,
    Threshold,
    Window,
)
from bnnhw.ir.types import Bit, Integer
from graphs import GraphBuilder, cnv


def convolve(x: np.ndarray, weight: np.ndarray, window: Window) -> np.ndarray:
    """acc = sum of w*x over the taps inside the image, tap by tap."""
    count, _channels, height, width = x.shape
    out_h, out_w = window.output_size(height, width)
    top, left, _, _ = window.pads
    result = np.zeros((count, len(weight), out_h, out_w), np.int64)
    for y in range(out_h):
        for col in range(out_w):
            for ky in range(window.kernel[0]):
                for kx in range(window.kernel[1]):
                    iy, ix = y * window.stride[0] - top + ky, col * window.stride[1] - left + kx
                    if 0 <= iy < height and 0 <= ix < width:
                        taps = weight[:, :, ky, kx].astype(np.int64)
                        result[:, :, y, col] += x[:, :, iy, ix] @ taps.T
    return result


@pytest.mark.parametrize("element", [Bit(True), Bit(False), Integer(8, False), Integer(8, True)])
@pytest.mark.parametrize(
    "window",
    [
        Window((3, 3), (1, 1), (1, 1, 1, 1)),
        Window((3, 2), (2, 1), (2, 0, 1, 1)),
        Window((1, 1)),
        Window((5, 5), (3, 2), (2, 2, 2, 2)),
    ],
)
def test_convolution_is_the_sum_over_taps_inside_the_image(element, window):
    builder = GraphBuilder((5, 7, 6), element).conv("conv", 4, window)
    x = builder.inputs(3)
    expected = convolve(x, builder.nodes[0].op.weight, window)
    assert np.array_equal(interpret(builder.graph(), x), expected)


def test_sums_beyond_float32_are_exact():
    features = 70_000
    builder = GraphBuilder((features,), Integer(16, True)).dense("dense", 2)
    x = np.full((1, features), 32_767)
    weight = builder.nodes[0].op.weight.astype(object)
    assert interpret(builder.graph(), x)[0].tolist() == list(weight.sum(axis=1) * 32_767)


def test_threshold_is_inclusive_and_inverts_flagged_channels():
    op = Threshold(np.array([[[2, 2]]]), invert=np.array([False, True]))
    builder = GraphBuilder((2,), Integer(4, True)).add("threshold", op)
    x = np.array([[1, 1], [2, 2], [3, 3]])
    assert interpret(builder.graph(), x).tolist() == [[-1, 1], [1, -1], [1, -1]]


def test_threshold_with_border_classes_uses_the_class_of_each_position():
    table = np.arange(4).reshape(2, 2, 1)
    op = Threshold(table, row_class=(0, 1, 1), column_class=(0, 1))
    builder = GraphBuilder((1, 3, 2), Integer(4, True)).add("threshold", op)
    x = np.full((1, 1, 3, 2), 2)
    expected = [[[1, 1], [1, -1], [1, -1]]]
    assert interpret(builder.graph(), x).tolist() == [expected]


def test_pool_takes_the_minimum_in_flagged_channels_and_ignores_padding():
    builder = GraphBuilder((2, 2, 2), Bit(True))
    builder.pool("pool", Window((3, 3), (2, 2), (1, 1, 1, 1)))
    builder.nodes[0].op.minimum[:] = [False, True]
    x = np.array([[[[-1, -1], [-1, 1]], [[1, 1], [1, 1]]]])
    assert interpret(builder.graph(), x).tolist() == [[[[1]], [[1]]]]


def test_interpret_all_keeps_only_what_is_asked_for():
    graph = cnv().graph()
    x = cnv().inputs(1)
    kept = interpret_all(graph, x, keep=lambda name: name == "sign0_y")
    assert set(kept) == {"sign0_y", graph.output}
    assert kept["sign0_y"].shape == (1, 64, 30, 30)


def test_wrong_input_shape_is_refused():
    with pytest.raises(ModelError, match="shape"):
        interpret(cnv().graph(), np.zeros((1, 32, 32, 3), np.int64))


def test_fixed_affine_rounds_half_up_and_saturates_at_both_ends():
    dtype = Integer(4, True, 2)
    op = FixedAffine(np.array([[1, -1, 3]]), np.array([[0, 1, 100]]), 1, dtype)
    builder = GraphBuilder((3,), Integer(8, True)).add("affine", op)
    x = np.arange(-128, 128)[:, None].repeat(3, 1)
    y = interpret(builder.graph(), x)
    for channel, (m, b) in enumerate([(1, 0), (-1, 1), (3, 100)]):
        want = [min(max(math.floor(Fraction(m * v + b, 2) + Fraction(1, 2)), -8), 7)
                for v in range(-128, 128)]  # fmt: skip
        assert y[:, channel].tolist() == want
    assert {y.min(), y.max()} == {-8, 7}


def test_fixed_affine_takes_the_second_segment_from_the_knee_on():
    op = FixedAffine(
        np.array([[0, 2], [4, 2]]),
        np.array([[3, 0], [0, 1]]),
        0,
        Integer(12, True),
        np.array([5, 0]),
    )
    builder = GraphBuilder((2, 1, 2), Integer(8, True)).add("affine", op)
    x = np.array([[[[4, 5]], [[-1, 0]]]])
    assert interpret(builder.graph(), x).tolist() == [[[[3, 20]], [[-2, 1]]]]


def test_shift_zero_adds_no_rounding():
    op = FixedAffine(np.array([[1]]), np.array([[-3]]), 0, Integer(8, True))
    builder = GraphBuilder((1,), Integer(4, False)).add("affine", op)
    assert interpret(builder.graph(), np.array([[0], [15]])).tolist() == [[-3], [12]]


def test_fixed_add_saturates_and_wants_one_binary_point():
    builder = GraphBuilder((2,), Integer(4, True, 1))
    node = Node("add", FixedAdd(Integer(4, True, 1)), ("x", "x"), "y")
    graph = builder.graph().with_nodes([node], output="y")
    assert interpret(graph, np.array([[-8, 7], [-4, 3]])).tolist() == [[-8, 7], [-8, 6]]
    with pytest.raises(ModelError, match="adds"):
        builder.graph().with_nodes([replace(node, op=FixedAdd(Integer(4, True, 2)))], output="y")


@pytest.mark.parametrize("element", [Integer(8, False), Integer(5, True), Integer(12, True)])
def test_integer_convolution_is_the_sum_of_products_and_a_start_by_border_class(element):
    window = Window((3, 2), (2, 1), (1, 0, 1, 1))
    rng = np.random.default_rng(1)
    weight = rng.integers(-128, 128, (4, 3, 3, 2))
    offset = rng.integers(-999, 999, (2, 3, 4))
    op = IntegerConv(weight, window, 8, offset, (0, 1, 1), (0, 1, 1, 1, 2))
    builder = GraphBuilder((3, 6, 5), element).add("conv", op)
    x = builder.inputs(3)
    expected = convolve(x, weight, window)
    for row, r in enumerate(op.row_class):
        for column, c in enumerate(op.column_class):
            expected[:, :, row, column] += offset[r, c]
    got = interpret(builder.graph(), x)
    assert np.array_equal(got, expected)
    span = builder.tensors["conv_y"].dtype
    assert span.low <= got.min() <= got.max() <= span.high


def test_integer_dense_is_exact_beyond_float32():
    weight = np.full((2, 3000), 127)
    weight[1] = -128
    op = IntegerDense(weight, 8, np.array([5, -5]))
    builder = GraphBuilder((3000,), Integer(16, True)).add("dense", op)
    x = np.full((1, 3000), 32767)
    assert interpret(builder.graph(), x)[0].tolist() == [
        127 * 32767 * 3000 + 5, -128 * 32767 * 3000 - 5
    ]  # fmt: skip


def test_pools_of_integers_leave_padding_out():
    window = Window((3, 3), (2, 2), (1, 1, 1, 1))
    for op, want in ((IntegerMaxPool(window), -7), (SumPool(window), -28)):
        builder = GraphBuilder((1, 2, 2), Integer(8, True, 3)).add("pool", op)
        got = interpret(builder.graph(), np.full((1, 1, 2, 2), -7))
        assert got.ravel().tolist() == [want]
    pooled = builder.tensors["pool_y"].dtype
    assert (pooled.frac, pooled.low <= -128 * 9, pooled.high >= 127 * 9) == (3, True, True)


def test_a_sum_pool_drops_what_no_window_covers():
    builder = GraphBuilder((2, 5, 5), Integer(8, False)).add(
        "pool", SumPool(Window((2, 2), (2, 2)))
    )
    x = builder.inputs(3)
    want = x[:, :, :4, :4].reshape(3, 2, 2, 2, 2, 2).sum(axis=(3, 5))
    assert np.array_equal(interpret(builder.graph(), x), want)


def test_sums_and_thresholds_at_the_ends_of_sixteen_bits_do_not_wrap():
    dtype = Integer(16, True)
    builder = GraphBuilder((2,), dtype)
    add = Node("add", FixedAdd(dtype), ("x", "x"), "y")
    graph = builder.graph().with_nodes([add], output="y")
    x = np.array([[32_767, -32_768]])
    assert interpret(graph, x).tolist() == [[32_767, -32_768]]
    never = Threshold(np.array([[[32_768, -32_768]]]))
    builder = GraphBuilder((2,), dtype).add("threshold", never)
    assert interpret(builder.graph(), x).tolist() == [[-1, 1]]


@pytest.mark.parametrize("multiplier, offset, shift", [(32_767, 5, 3), (1 << 24, -(1 << 45), 20)])
def test_fixed_affine_is_exact_beyond_32_bits(multiplier, offset, shift):
    dtype = Integer(24, True)
    op = FixedAffine(np.array([[multiplier, -multiplier]]), np.array([[offset, 0]]), shift, dtype)
    builder = GraphBuilder((2, 1, 3), Integer(22, True)).add("affine", op)
    x = np.array([[[[-(1 << 21), 1, (1 << 21) - 1]]] * 2]).reshape(1, 2, 1, 3)
    got = interpret(builder.graph(), x)
    for channel, (m, b) in enumerate([(multiplier, offset), (-multiplier, 0)]):
        for column in range(3):
            exact = (m * int(x[0, channel, 0, column]) + b + (1 << shift >> 1)) >> shift
            assert got[0, channel, 0, column] == min(max(exact, dtype.low), dtype.high)


@pytest.mark.parametrize("count", [1, 12])
def test_scores_do_not_depend_on_threads_nor_on_how_many_samples_go_together(count, monkeypatch):
    graph, x = cnv().graph(), cnv().inputs(count)
    together = interpret(graph, x)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert np.array_equal(together, np.concatenate([interpret(graph, x[i : i + 1])
                                                    for i in range(count)]))  # fmt: skip
    assert interpret(graph, x[:0]).shape == (0, *together.shape[1:])
