"""Widths that follow from signs: the estimate against signs counted, and what it chooses."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.interpret.real import interpret_real_all
from bnnhw.ir.ops import Add, Binarize, FixedAdd
from bnnhw.passes import PIPELINE, run
from bnnhw.passes.calibrate import Range, calibrate
from bnnhw.passes.options import SIGNED_STREAM_ERROR, SIGNS_TURNED
from bnnhw.passes.sign_loss import SignArgument, sign_arguments
from residual import THREE, UINT8, Residual


def spread(*channels: tuple[float, float]) -> Range:
    return Range(-10.0, 10.0, channels=channels)


@pytest.mark.parametrize("roundings", [1, 4])
@pytest.mark.parametrize(("mean", "std", "point"), [(0.0, 1.0, 0.0), (0.5, 2.0, -1.0)])
def test_the_estimate_is_what_rounding_turns(
    mean: float, std: float, point: float, roundings: int
) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(mean, std, 400_000)
    step = 0.1
    error = (rng.random((roundings, len(x))) - 0.5).sum(axis=0) * step
    counted = ((x > point) != (x + error > point)).mean()
    argument = SignArgument("x", np.array([point]), roundings)
    assert argument.turned(step, spread((mean, std))) == pytest.approx(counted, rel=0.15)


def test_constant_signs_turn_never_and_noise_half_at_most() -> None:
    argument = SignArgument("x", np.array([np.nan, 0.0]), 1)
    assert argument.turned(1.0, spread((0.0, 1.0), (0.0, 1e-9))) == 0.25
    assert argument.turned(1.0, Range(-1.0, 1.0)) == 0.0, "unknown"


def net(small: float) -> Residual:
    """Signs of a sum whose channels have deviations of 1 and of ``small``."""
    builder = Residual((3, 8, 8), UINT8).normalise(128.0, 64.0).conv(8)
    builder.batch_norm(spread=0.0, negative=False).affine([1.0] * 4 + [small] * 4, 0.0)
    start = builder.end
    builder.add(Binarize()).binary(8, THREE).batch_norm(spread=0.0, negative=False)
    builder.affine([1.0] * 4 + [small] * 4, 0.0).add(Add(), builder.end, start)
    return builder.add(Binarize()).binary(8, THREE).classifier(4)


def test_channels_of_small_deviation_ask_for_finer_steps() -> None:
    even, uneven = (
        next(n.op.dtype for n in run(net(small).graph()).nodes if isinstance(n.op, FixedAdd))
        for small in (1.0, 0.05)
    )
    assert uneven.frac >= even.frac + 3
    assert uneven.bits >= even.bits + 3


@pytest.mark.parametrize("images", [False, True])
def test_few_signs_turn_with_the_widths_chosen(images: bool) -> None:
    builder = net(0.3)
    real, x = builder.graph(), builder.inputs(6)
    graph = run(real, calibration=x if images else None)
    before = real
    for step in PIPELINE:
        if step.name == "lower_streams":
            break
        before = step.run(before)
    ranges = calibrate(before, x if images else None)
    (argument,) = sign_arguments(before)
    steps = 2.0 ** -graph.tensors[argument.tensor].dtype.frac
    assert argument.turned(steps, ranges[argument.tensor]) <= SIGNS_TURNED
    values = interpret_real_all(real, x)[argument.tensor]
    own = np.array(ranges[argument.tensor].channels)
    if images:
        np.testing.assert_allclose(own[:, 0], values.mean(axis=(0, 2, 3)), atol=1e-9)
        np.testing.assert_allclose(own[:, 1], values.std(axis=(0, 2, 3)), atol=1e-9)


@pytest.mark.parametrize("mean", [0.0, 60.0])
def test_where_signs_hardly_turn_the_stream_still_carries_what_others_read(mean: float) -> None:
    """Means far from 0 settle the signs; the classifier reads the numbers through the shortcut."""
    builder = Residual((3, 8, 8), UINT8).normalise(128.0, 64.0).conv(8)
    builder.batch_norm(spread=0.0, negative=False).affine(1.0, mean)
    for _ in range(2):
        start = builder.end
        builder.add(Binarize()).binary(8, THREE).batch_norm(spread=0.0, negative=False)
        builder.add(Add(), builder.end, start)
    graph = run(builder.classifier(4).graph())
    for node in graph.nodes:
        if isinstance(node.op, FixedAdd):
            assert 2.0**-node.op.dtype.frac / 4 <= SIGNED_STREAM_ERROR * 1.5
