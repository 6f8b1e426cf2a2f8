"""The interpreter against definitions written out in plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.ir.interpret import interpret, interpret_all
from bnnhw.ir.ops import Threshold, Window
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
