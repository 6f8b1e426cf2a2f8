"""Small networks of every kind of layer: interpreter = Verilog = HLS C++, and as fast as said."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import (
    Add,
    Binarize,
    BinaryConv,
    BitMaxPool,
    Flatten,
    IntegerTable,
    SumPool,
    Threshold,
    Window,
    prelu,
)
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes import run
from bnnhw.planning.token_model import ideal_cycles
from bnnhw.verify.run_simulation import simulate_build
from bnnhw.zoo.shipped import shipped_model
from executions import assert_prediction_holds, execute_everywhere
from graphs import STREAM, GraphBuilder, cnv, digits, residual
from residual import THREE, Residual

PADDED = Window((3, 3), (1, 1), (1, 1, 1, 1))


@pytest.mark.slow
def test_mlp_on_bipolar_input(tmp_path):
    builder = GraphBuilder((96,), Bit(True), name="mlp")
    for i, features in enumerate((48, 32)):
        builder.dense(f"dense{i}", features).threshold(f"sign{i}")
    executed = execute_everywhere(builder.dense("scores", 10), tmp_path, target=200)
    assert_prediction_holds(executed)


@pytest.mark.slow
@pytest.mark.parametrize("target", [None, 1200])
def test_residual_network_with_every_kind_of_stage(tmp_path, target):
    executed = execute_everywhere(residual(), tmp_path, target=target)
    assert_prediction_holds(executed)


@pytest.mark.slow
def test_residual_network_with_weights_from_memory(tmp_path):
    names = ("block3_conv", "block3_down", "block4_conv", "scores")
    request = FoldingRequest({name: {"memory": "ddr"} for name in names})
    executed = execute_everywhere(residual(), tmp_path, target=2400, request=request)
    assert {plan.name for plan in executed.design.layers if plan.memory == "ddr"} == set(names)
    assert_prediction_holds(executed, share=0.02)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("pe", "simd"), [(2, 4), (8, 16), (4, 48)])
def test_vectors_of_tiles_from_memory(tmp_path, pe, simd):
    """A dense layer behind tiles: SIMD of a part of a pixel's channels, and of several pixels."""
    builder = GraphBuilder((8, 6, 6), Bit(True), name="tiles")
    builder.conv("conv", 8, PADDED).threshold("sign")
    request = FoldingRequest(
        {"conv": {"memory": "ddr", "pe": pe}, "scores": {"memory": "ddr", "simd": simd}}
    )
    execute_everywhere(builder.dense("scores", 10), tmp_path, request=request)


class Lowered:
    """A real network after the passes."""

    def __init__(self, builder: Residual) -> None:
        self._graph, self.inputs = run(builder.graph()), builder.inputs

    def graph(self):
        return self._graph


@pytest.mark.slow
def test_signs_behind_forks_and_slopes_that_turn_twice(tmp_path):
    """Thresholds beside the rounding, on accumulators and sums; and signs of two lines."""
    slopes = exact(np.array([-0.5, -0.003, 0.0, 1e-6, 0.003, 0.25, 1.0, 5.0]))
    builder = Residual((3, 7, 6), Integer(8, False), seed=3).normalise(128.0, 64.0)
    builder.conv(8).batch_norm()
    for shift, strict in [(0.0, False), (-0.1, True)]:
        start = builder.add(prelu(slopes)).end
        builder.affine(1.0, shift).add(Binarize(strict=strict)).binary(8, THREE).batch_norm()
        builder.add(Add(), builder.end, start)
    network = Lowered(builder.classifier(5))
    assert any(n.name.endswith("_side") for n in network.graph().nodes)
    assert_prediction_holds(execute_everywhere(network, tmp_path, target=4000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"pe": 4, "simd": 9}, {"pe": 5, "simd": 4}),
        ({"pe": 3, "simd": 36, "feed": 4}, {"pe": 2, "simd": 24, "feed": 6}),
        ({"pe": 2, "simd": 72, "feed": 2}, {"pe": 1, "simd": 12, "feed": 12}),
    ],
    ids=["windows in registers", "windows played", "windows played in one beat"],
)
def test_padded_convolutions_with_simd_across_taps_and_odd_sizes(tmp_path, first, second):
    builder = GraphBuilder((8, 9, 7), Bit(True), 1, name="spanning")
    builder.conv("conv0", 12, PADDED).threshold("sign0")
    builder.conv("conv1", 10, Window((3, 2), (2, 1), (2, 0, 1, 1))).threshold(
        "sign1", bipolar=False
    )
    builder.conv("conv2", 6, Window((1, 1))).threshold("sign2").dense("scores", 5)
    request = FoldingRequest(
        {
            "conv0": first,
            "conv1": second,
            "conv2": {"pe": 6, "simd": 2},
        }
    )
    executed = execute_everywhere(builder, tmp_path, request=request)
    assert_prediction_holds(executed)


@pytest.mark.slow
def test_integer_images_unipolar_bits_and_overlapping_padded_pool(tmp_path):
    builder = GraphBuilder((3, 10, 12), Integer(8, False), 2, name="unipolar")
    builder.conv("conv0", 8, PADDED).threshold("sign0", bipolar=False)
    builder.pool("pool0", Window((3, 3), (2, 2), (1, 1, 1, 1)))
    builder.conv("conv1", 8, Window((3, 3), (1, 1), (1, 1, 1, 1))).threshold("sign1", bipolar=False)
    builder.pool("pool1", Window((2, 2), (2, 2))).dense("scores", 4)
    executed = execute_everywhere(builder, tmp_path, target=600)
    assert_prediction_holds(executed)


def test_border_classes_of_thresholds_and_inverted_channels(tmp_path):
    builder = GraphBuilder((2, 6, 6), Integer(4, True), 3, name="borders")
    builder.conv("conv0", 6, PADDED)
    rng = np.random.default_rng(0)
    classes = (0, 1, 1, 1, 1, 2)
    invert = np.array([False, True, False, True, False, True])
    thresholds = rng.integers(-40, 40, (3, 3, 6))
    builder.add("sign0", Threshold(thresholds, classes, classes, invert))
    execute_everywhere(builder.dense("scores", 3), tmp_path, target=300)


@pytest.mark.slow
def test_streams_of_three_segments(tmp_path):
    """A leaky clip before an addition and behind it."""
    builder = GraphBuilder((3, 6, 6), Integer(8, False), 7, name="bent")
    builder.layer("stem", 8, PADDED).rescale("stem_bn", STREAM, segments=3, gain=4)
    start = builder.end
    builder.threshold("sign").conv("conv", 8, PADDED).rescale("conv_bn", STREAM, segments=3)
    builder.join("joined", start, STREAM).rescale("clip", STREAM, segments=3)
    builder.add("global", SumPool(Window((6, 6), (6, 6)))).rescale("features", Integer(8, True))
    executed = execute_everywhere(builder.classifier("scores", 6), tmp_path, target=900)
    assert_prediction_holds(executed)


@pytest.mark.slow
@pytest.mark.parametrize("fill", [1, -1])
def test_convolutions_padded_with_bits(tmp_path, fill: int):
    """Before a threshold and before a stream, at sides of different widths."""
    builder = GraphBuilder((8, 6, 5), Bit(True), 6, name="filled")
    uneven = Window((3, 3), (2, 1), (1, 2, 0, 1))
    builder.add("conv0", BinaryConv(builder.weights(8, 8, 3, 3), PADDED, fill=fill)).threshold(
        "sign0"
    )
    builder.add("conv1", BinaryConv(builder.weights(8, 8, 3, 3), uneven, fill=fill))
    builder.rescale("stream", STREAM, gain=8)
    size = builder.tensors[builder.end].shape[1:]
    builder.add("global", SumPool(Window(size, size))).rescale("features", Integer(8, True))
    executed = execute_everywhere(builder.classifier("scores", 6), tmp_path, target=900)
    assert_prediction_holds(executed)


@pytest.mark.slow
def test_thresholds_and_tables_on_the_input_and_top_k(tmp_path):
    rng = np.random.default_rng(1)
    builder = GraphBuilder((2, 6, 8), Integer(8, False), 4, name="binarised")
    builder.add("table", IntegerTable(rng.integers(-8, 8, 256), Integer(4, True)))
    invert = np.array([False, True])
    builder.add("binarise", Threshold(np.array([[[1, -2]]]), invert=invert))
    builder.conv("conv0", 8, Window((3, 3))).threshold("sign0").dense("scores", 9)
    execute_everywhere(builder, tmp_path, target=400, top_k=3)


@pytest.mark.slow
def test_convolution_that_ends_in_a_map_of_scores(tmp_path):
    builder = GraphBuilder((4, 6, 5), Bit(False), 5, name="dense_map")
    builder.conv("conv0", 8, PADDED).threshold("sign0").conv("scores", 3, Window((3, 3)))
    execute_everywhere(builder, tmp_path, target=300)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "seed",
    [
        0,
        1,
        pytest.param(2, marks=pytest.mark.slow),
        pytest.param(3, marks=pytest.mark.slow),
        pytest.param(4, marks=pytest.mark.slow),
    ],
)
def test_random_networks(tmp_path, seed):
    rng = np.random.default_rng(seed)
    element = [Integer(8, False), Bit(True), Integer(5, True), Bit(False)][seed % 4]
    shape = (int(rng.choice([2, 4, 6])), 8, 2 * int(rng.integers(3, 6)))
    builder = GraphBuilder(shape, element, seed, name=f"random{seed}")
    for i in range(int(rng.integers(1, 4))):
        height, width = builder.tensors[builder.end].shape[1:]
        kernel = tuple(int(min(n, rng.integers(1, 4))) for n in (height, width))
        pads = tuple(int(rng.integers(0, k)) for k in (*kernel, *kernel))
        stride = tuple(int(rng.integers(1, 3)) for _ in range(2))
        window = Window(kernel, stride, pads)
        builder.conv(f"conv{i}", int(rng.choice([4, 6, 8])), window)
        builder.threshold(f"sign{i}", bipolar=bool(rng.integers(0, 2)))
        height, width = builder.tensors[builder.end].shape[1:]
        if min(height, width) >= 4:
            builder.pool(f"pool{i}", Window((2, 2), (2, 2)))
    target = int(rng.choice([300, 1_000]))
    execute_everywhere(builder.dense("scores", 5), tmp_path, target=target)


@pytest.mark.slow
def test_digits_network_at_full_speed(tmp_path):
    executed = execute_everywhere(digits(), tmp_path, target=512, frames=6)
    assert_prediction_holds(executed)
    assert executed.simulation.cycles_per_frame <= 1.01 * ideal_cycles(executed.design) + 4


@pytest.mark.slow
@pytest.mark.parametrize("cycles", [32_768, 8_192])
def test_cnv_keeps_the_pace_of_its_bottleneck(tmp_path, cycles):
    executed = execute_everywhere(cnv(), tmp_path, target=cycles, rates=((0.0, 0.0),))
    assert_prediction_holds(executed)
    assert executed.simulation.cycles_per_frame <= min(cycles, 1.01 * ideal_cycles(executed.design))


@pytest.mark.slow
def test_shipped_residual_network_in_rtl(tmp_path):
    model = shipped_model("birealnet18-cifar10").path
    options = CompileOptions(board="pynq-z2", cycles=65_536)
    compiled = compile_model(model, tmp_path / "build", options)
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    outcome = simulate_build(compiled.build, images, None, hls=True, probes=("all",))
    assert len(outcome.checks) > 80
    assert not any(check.mismatches for check in outcome.checks)
    assert "so are all scores, exactly" in compiled.build.report["verification"][0]["note"]
    cycles = compiled.build.report["cycles_per_frame"]
    assert cycles["simulated"] <= 1.01 * cycles["predicted"] <= 1.02 * cycles["ideal"]


@pytest.mark.slow
def test_elementwise_operations_on_a_flattened_image(tmp_path):
    builder = GraphBuilder((4, 3, 3), Integer(4, True), 1, name="flattened")
    builder.layer("stem", 4, Window((2, 2))).rescale("stem_bn", STREAM).add("flatten", Flatten())
    builder.rescale("by_pixel", Integer(6, True)).threshold("sign", spread=0.3)
    execute_everywhere(builder.dense("scores", 5), tmp_path, frames=3)


@pytest.mark.slow
def test_signs_of_bits_that_keep_turn_or_drop_channels(tmp_path):
    builder = GraphBuilder((8, 3, 3), Bit(True), 5, name="bits")
    thresholds = builder.rng.integers(-2, 4, (1, 1, 8))
    builder.add("turned", Threshold(thresholds, invert=np.arange(8) % 3 == 0))
    builder.add("pool", BitMaxPool(Window((2, 2)), np.arange(8) % 2 == 0)).add("flat", Flatten())
    builder.add("by_pixel", Threshold(builder.rng.integers(-2, 4, (1, 1, 32)), bipolar=False))
    execute_everywhere(builder.dense("scores", 5), tmp_path, frames=5)
