"""Ranges of streams: data-free from statistics, or from images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bnnhw.interpret.real import interpret_real_all
from bnnhw.ir.ops import Add, Binarize, Conv, MaxPool, Piecewise, Window, clip, relu
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes import run
from bnnhw.passes.calibrate import Range, _measured, calibrate, synthetic_images, union
from bnnhw.passes.moments import follow, layers_without_batch_norm
from residual import UINT8, Residual, bireal


@given(
    reach=st.floats(1e-6, 1e6),
    bits=st.integers(2, 24),
    signed=st.booleans(),
)
def test_the_binary_point_is_the_finest_that_saturates_nothing(reach, bits, signed) -> None:
    found = Range(-reach if signed else 0.0, reach).binary_point(bits, signed=signed)
    top = Integer(bits, signed).high
    assert reach * 2.0**found <= top
    assert reach * 2.0 ** (found + 1) > top


def test_outliers_are_cut_where_that_costs_less_than_coarse_steps() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=100_000), [100.0]])
    excess = {e: float(np.maximum(np.abs(x) - 2.0**e, 0).mean()) for e in range(-4, 8)}
    cut = Range(-5.0, 100.0, excess)
    for bits in (4, 8, 12):
        errors = {}
        for frac in range(-4, 12):
            q = np.clip(np.rint(x * 2.0**frac), -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            errors[frac] = np.abs(q * 2.0**-frac - x).mean()
        best = min(errors, key=errors.__getitem__)
        assert errors[cut.binary_point(bits)] <= 1.3 * errors[best]


def test_saturation_at_the_exponent_costs_a_share_of_the_deviation() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(scale=3.0, size=100_000)
    excess = {e: float(np.maximum(np.abs(x) - 2.0**e, 0).mean()) for e in range(-8, 8)}
    reach = float(np.abs(x).max())
    found = Range(-reach, reach, excess, 3.0)
    for share in (0.1, 0.03, 0.01, 0.0001):
        e = found.exponent(share)
        lost = [np.abs(np.clip(x, -(2.0**k), 2.0**k) - x).mean() for k in (e - 1, e)]
        assert lost[1] <= share * 3.0 < lost[0]
    assert found.exponent(0.0) == 4, "all of the range"


def test_the_range_is_the_reach_where_nothing_else_is_known() -> None:
    assert Range(-1.0, 1.0, {}, 1e-6).exponent(0.01) == 0
    assert Range(-5.0, 1.0).exponent(0.01) == 3
    assert Range(0.0, 0.0).exponent(0.01) == 0


def test_of_several_deviations_the_least_counts() -> None:
    joined = union([Range(-1.0, 1.0, {}, 0.5), Range(-2.0, 2.0), Range(-9.0, 9.0, {}, 2.0)])
    assert joined.deviation == 0.5


def test_a_tensor_of_zeros_has_some_binary_point() -> None:
    assert Range(0.0, 0.0).binary_point(12) == 0
    assert union([Range(-1.0, 0.0), Range(0.0, 2.0)]) == Range(-1.0, 2.0, {})


@pytest.mark.parametrize("prelu", [False, True])
def test_statistics_predict_every_stream_of_a_residual_network(prelu: bool) -> None:
    """Within 8 deviations, but not many times as wide as what images show."""
    builder = bireal(stem="cifar", width=16, image=16, prelu=prelu, seed=3)
    graph = builder.graph()
    ranges = calibrate(graph)
    values = interpret_real_all(graph, builder.inputs(builder.samples))
    for node in graph.nodes:
        if isinstance(node.op, (Add, Piecewise)) or node.output in graph.statistics:
            seen = np.abs(values[node.output]).max()
            assert seen <= ranges[node.output].reach <= 8 * seen, node.name


def test_moments_follow_the_operations() -> None:
    """Functions of normal variables, against a sample."""
    builder = Residual((2, 64, 64), UINT8, seed=1, samples=2)
    builder.normalise(128.0, 64.0).conv(8).batch_norm(negative=False)
    start = builder.end
    for op in (relu(), clip(-0.5, 1.0)):
        builder.add(op, start)
        found = follow(builder.graph())[builder.end]
        x = np.moveaxis(builder.values[builder.end], 1, 0).reshape(8, -1)
        np.testing.assert_allclose(found.mean, x.mean(axis=1), atol=0.2)
        np.testing.assert_allclose(np.sqrt(found.variance), x.std(axis=1), rtol=0.4, atol=0.05)
        low = 0.0 if op.label == "Relu" else -0.5
        assert (found.low == low).all()


def test_a_max_pool_is_taken_to_lie_between_equal_neighbours_and_independent_ones() -> None:
    builder = Residual((2, 64, 64), UINT8, seed=1, samples=2)
    builder.normalise(128.0, 64.0).conv(8).batch_norm(negative=False)
    before = follow(builder.graph())[builder.end]
    builder.add(MaxPool(Window((3, 3), (1, 1), (1, 1, 1, 1))))
    found = follow(builder.graph())[builder.end]
    noise = builder.values[builder.end].mean(axis=(0, 2, 3))
    live = before.variance > 0
    assert (found.mean[live] > before.mean[live]).all()
    assert (found.mean <= noise + 0.05).all()
    assert (found.variance <= before.variance).all()


def test_images_give_their_own_ranges_with_a_margin() -> None:
    builder = bireal()
    graph = builder.graph()
    x = builder.inputs(4)
    values = interpret_real_all(graph, x)
    for name, found in calibrate(graph, x).items():
        top = values[name].max()
        assert found.high == pytest.approx(1.25 * max(top, 0.0))
        assert found.low == pytest.approx(1.25 * min(values[name].min(), 0.0))


def test_graphs_without_statistics_are_measured_on_synthetic_images() -> None:
    graph = replace(bireal().graph(), statistics={})
    ranges = calibrate(graph)
    values = interpret_real_all(graph, synthetic_images(graph, 4))
    for name, found in ranges.items():
        assert np.abs(values[name]).max() <= found.reach + 1e-12
    assert run(graph).output_map.scale.size == 1


@pytest.mark.parametrize("element", [UINT8, Integer(4, True), Bit(True), Bit(False)])
def test_synthetic_images_are_of_the_inputs_type(element) -> None:
    graph = bireal().graph()
    tensor = replace(graph.tensors["x"], dtype=element)
    x = synthetic_images(replace(graph, tensors={**graph.tensors, "x": tensor}), 3)
    assert x.shape == (3, 3, 16, 16)
    assert x.min() >= element.low
    assert x.max() <= element.high
    assert len(np.unique(x)) > 1
    if isinstance(element, Bit):
        assert set(np.unique(x)) == {element.low, element.high}


def test_calibration_is_the_same_every_time() -> None:
    graph = bireal().graph()
    assert calibrate(graph) == calibrate(graph)
    bare = replace(graph, statistics={})
    assert calibrate(bare) == calibrate(bare)


def test_synthetic_images_widen_what_statistics_tell_of_sums() -> None:
    """Sums of many blocks have longer tails than independent terms would give them."""
    builder = Residual((3, 16, 16), UINT8, seed=1).normalise(128.0, 64.0).conv(8).batch_norm()
    for _ in range(6):
        builder.block(8, prelu=True)
    graph = builder.classifier(2).graph()
    assert not layers_without_batch_norm(graph)
    seen = _measured(graph, synthetic_images(graph, 4), 1.0)
    beyond = 0
    for name, found in calibrate(graph).items():
        assert found.reach >= seen[name].reach
        for e, lost in seen[name].excess.items():
            assert found.excess.get(e, 0.0) >= lost
            beyond += lost > 0
    assert beyond


def test_sums_of_alike_pixels_reach_further_than_independent_ones() -> None:
    """A blur behind a BatchNorm of the input: nine times the variance, and no BatchNorm behind."""
    builder = Residual((2, 16, 16), UINT8, seed=1).normalise(128.0, 64.0).batch_norm(negative=False)
    builder.add(Conv(np.full((2, 2, 5, 5), 0.1), Window((5, 5), (1, 1), (2, 2, 2, 2))))
    blurred = builder.end
    graph = builder.conv(3).add(Binarize()).classifier(2).graph()
    assert layers_without_batch_norm(graph)
    told, found = follow(graph)[blurred], calibrate(graph)[blurred]
    alone = float(np.abs(told.mean).max() + 8 * np.sqrt(told.variance.max()))
    seen = _measured(graph, synthetic_images(graph, 4), 1.0)[blurred]
    assert found.reach >= max(alone, seen.reach)
    assert found.excess[2] >= seen.excess.get(2, 0.0)
