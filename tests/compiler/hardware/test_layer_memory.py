"""Initial accumulator values: the hardware's arithmetic, in numpy, against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.hardware.folding import LayerFolding
from bnnhw.hardware.stages.layer_facts import init_memory, weight_memory
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import IntegerConv, Threshold, Window
from bnnhw.ir.types import Bit, Integer
from bnnhw.planning.network import Network
from graphs import GraphBuilder

WINDOWS = [
    Window((3, 3), (1, 1), (1, 1, 1, 1)),
    Window((3, 3), (2, 2), (1, 1, 1, 1)),
    Window((5, 3), (1, 2), (2, 0, 1, 1)),
    Window((3, 3)),
    Window((7, 7), (3, 3), (3, 3, 3, 3)),
]


def hardware(network, x):
    """What the first layer's PE array computes: init of the border class, plus all matches."""
    layer = network.layers[0]
    facts = network.facts[layer.name]
    top, left, bottom, right = layer.window.pads
    low = layer.input_low
    elements = x if layer.integer_input else (x > low).astype(np.int64)
    padded = np.pad(elements, ((0, 0), (0, 0), (top, bottom), (left, right)))
    out_h, out_w = layer.out_size
    columns = facts.columns.first + 1 + facts.columns.last
    out = np.zeros((len(x), layer.features, out_h, out_w), np.int64)

    def border(position, size, axis):
        if position < axis.first:
            return position
        if position >= size - axis.last:
            return axis.first + 1 + position - (size - axis.last)
        return axis.first

    for y in range(out_h):
        for col in range(out_w):
            (sy, sx), (kh, kw) = layer.window.stride, layer.window.kernel
            taps = padded[:, :, y * sy : y * sy + kh, col * sx : col * sx + kw]
            taps = taps.transpose(0, 2, 3, 1).reshape(len(x), -1)
            if layer.integer_input:
                total = taps @ (2 * facts.fields - 1).T
            else:
                total = (taps[:, None] == facts.fields[None]).sum(axis=2)
            pattern = border(y, out_h, facts.rows) * columns + border(col, out_w, facts.columns)
            out[:, :, y, col] = facts.init[pattern] + (total << facts.acc_shift)
    low_limit, high_limit = -(1 << (facts.acc_bits - 1)), (1 << (facts.acc_bits - 1)) - 1
    assert out.min() >= low_limit and out.max() <= high_limit
    if layer.threshold is None:
        return out
    return np.where(out >= 0, 1, -1 if layer.threshold.bipolar else 0)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("element", [Bit(True), Bit(False), Integer(8, False), Integer(4, True)])
@pytest.mark.parametrize("last", ["scores", "bipolar", "unipolar"])
def test_initial_values_make_the_hardware_equal_the_interpreter(window, element, last):
    builder = GraphBuilder((3, 8, 7), element, seed=3).conv("conv", 6, window)
    if last != "scores":
        builder.threshold("sign", bipolar=last == "bipolar")
    x = builder.inputs(6)
    expected = interpret(builder.graph(), x)
    if last != "scores":
        builder.dense("scores", 2)  # a network may not end in bits
    assert np.array_equal(hardware(Network(builder.graph()), x), expected)


def test_thresholds_beyond_the_accumulator_become_constants():
    builder = GraphBuilder((4, 5, 5), Bit(True)).conv("conv", 4, Window((3, 3)))
    thresholds = np.array([[[-(1 << 50), 1 << 50, 37, -36]]])
    builder.add("sign", Threshold(thresholds)).dense("scores", 2)
    network = Network(builder.graph())
    facts = network.facts["conv"]
    taps = 36
    assert facts.init[0].tolist() == [0, -(taps + 1), -(taps + 1), 0]


def test_memory_layout_is_tile_fold_pe_lane():
    builder = GraphBuilder((4, 3, 3), Bit(True)).conv("conv", 6, Window((3, 3)))
    network = Network(builder.graph())
    (layer,) = network.layers
    folding = LayerFolding(2, 12)
    weights = weight_memory(layer, network.facts["conv"], folding)
    init = init_memory(layer, network.facts["conv"], folding)
    assert (weights.depth, weights.width) == (3 * 3, 2 * 12)
    flat = (layer.weight.reshape(6, -1) > 0).astype(np.uint8)
    tile, fold, pe, lane = 1, 2, 1, 5
    assert weights.bits[tile * 3 + fold, pe * 12 + lane] == flat[tile * 2 + pe, fold * 12 + lane]
    assert init.depth == 3 and init.width == 2 * network.facts["conv"].acc_bits


@pytest.mark.parametrize("channels", [6, 7, 14, 28, 8])
def test_readers_of_sums_read_them_as_wide_as_they_stream(channels) -> None:
    """Padded taps may make an accumulator wider than its tensor's type: 54 taps, 8 bits."""
    builder = GraphBuilder((channels, 4, 4), Bit(True), 1)
    builder.conv("conv", 6, WINDOWS[0]).rescale("affine", Integer(8, True)).dense("scores", 3)
    network = Network(builder.graph())
    reader = next(stage for stage in network.stages if stage.name == "affine")
    assert reader.element == Integer(network.facts["conv"].acc_bits, signed=True)


def test_readers_of_unsigned_sums_read_them_signed() -> None:
    builder = GraphBuilder((4, 4, 4), Integer(4, False), 1)
    op = IntegerConv(np.full((6, 4, 3, 3), 3), Window((3, 3)), 3, np.zeros((1, 1, 6), np.int64))
    builder.add("conv", op).rescale("affine", Integer(8, True)).dense("scores", 3)
    assert not builder.tensors["conv_y"].dtype.signed
    network = Network(builder.graph())
    reader = next(stage for stage in network.stages if stage.name == "affine")
    assert reader.element == Integer(network.facts["conv"].acc_bits, signed=True)
