"""Constants of fixed-point operations keep the bound that they state, integer by integer."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st
from test_predicates import STEPS, made

from bnnhw.errors import ModelError
from bnnhw.interpret.interpreter import execute
from bnnhw.ir.exact import exact, full
from bnnhw.ir.ops import Affine, Conv, Dense, Op, Tensor, Window, clip, prelu, relu
from bnnhw.ir.types import Integer
from bnnhw.passes.fixed_point import (
    WIDE_MULTIPLIER_BITS,
    fixed_affine,
    largest,
    quantise_weights,
    rough_affine,
    rounding_bound,
)
from bnnhw.passes.integer_layers import integer_layer
from bnnhw.passes.piecewise import compose, without_saturated_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

INT12 = Integer(12, True, 7)
GAINS = st.one_of(
    st.just(Fraction(0)),
    st.fractions(min_value=-3, max_value=3, max_denominator=999),
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=7),
    st.fractions(min_value="-1/1000", max_value="1/1000"),
)
SHIFTS = st.fractions(min_value=-40, max_value=40, max_denominator=999)


def affine(scales: Sequence[Fraction], shifts: Sequence[Fraction]) -> Affine:
    return Affine(*(np.array([Fraction(v) for v in values]) for values in (scales, shifts)))


def results(op: Op, dtype: Integer, channels: int) -> np.ndarray:
    """[integers of the type, channels]."""
    x = np.arange(dtype.low, dtype.high + 1)[:, None].repeat(channels, 1)
    return execute(op, [x], [Tensor((channels,), dtype)])


def assert_within_bound(ops: Sequence[Op], channels: int, source: Integer, to: Integer) -> None:
    reach = max(-source.low, source.high)
    op = fixed_affine(ops, channels, reach, to)
    bound = Fraction(rounding_bound(op, reach))
    y = results(op, source, channels)
    assert np.abs(op.multiplier).max() < 1 << (WIDE_MULTIPLIER_BITS - 1)
    for channel in range(channels):
        pieces = compose(ops, channel)
        for i, q in enumerate(range(source.low, source.high + 1)):
            piece = [p for p in pieces if p.start is None or q >= p.start][-1]
            real = (piece.scale * q + piece.shift) * 2**to.frac
            want = min(max(real, Fraction(to.low)), Fraction(to.high))
            assert abs(int(y[i, channel]) - want) <= bound + Fraction(1, 10**6), (q, channel)


@given(
    st.lists(st.tuples(GAINS, SHIFTS), min_size=1, max_size=3),
    st.sampled_from([Integer(9, True), Integer(6, False), Integer(1, False)]),
    st.sampled_from([INT12, Integer(8, True, 4), Integer(8, False, -1), Integer(2, True, 0)]),
)
def test_affine_operations_keep_their_bound(lines, source: Integer, to: Integer) -> None:
    op = affine([a for a, _ in lines], [b for _, b in lines])
    assert_within_bound([op], len(lines), source, to)


@given(st.lists(STEPS, min_size=1, max_size=4), st.fractions(min_value=-1, max_value=1))
def test_bent_operations_keep_their_bound_or_are_refused(steps, slope: Fraction) -> None:
    ops = [*map(made, steps), prelu(full(1, slope))]
    pieces = without_saturated_ends(compose(ops, 0), Fraction(-16), Fraction(2047, 128))
    if len(pieces) > 3:
        with pytest.raises(ModelError, match="linear pieces"):
            fixed_affine(ops, 1, 100, INT12)
    else:
        assert_within_bound(ops, 1, Integer(8, True), INT12)


@given(st.lists(STEPS, max_size=5), st.fractions(min_value=-60, max_value=60, max_denominator=9))
def test_composition_is_what_the_operations_do_one_after_the_other(steps, x: Fraction) -> None:
    want = x
    for kind, a, b in steps:
        a, b = Fraction(a), Fraction(b)
        want = a * want + b if kind == "affine" else max(want, a)
        want = min(want, b) if kind == "clip" else want
    pieces = compose([made(step) for step in steps], 0)
    piece = [p for p in pieces if p.start is None or x >= p.start][-1]
    assert piece.scale * x + piece.shift == want
    assert all(a.start is None or a.start < b.start for a, b in pairwise(pieces))


def test_a_change_of_binary_point_is_a_shift() -> None:
    op = fixed_affine([affine([Fraction(1, 128)] * 3, [Fraction(0)] * 3)], 3, 1 << 13, INT12)
    assert (op.multiplier == 1).all()
    assert (op.offset == 0).all()
    assert op.shift == 0
    narrow = fixed_affine([affine([Fraction(1, 512)], [Fraction(0)])], 1, 9999, Integer(8, True, 4))
    assert (int(narrow.multiplier[0, 0]), narrow.shift) == (1, 5)
    assert rounding_bound(narrow, 9999) < 0.51


def test_constants_use_the_bits_they_have() -> None:
    gains = [Fraction(1, 300), Fraction(-1, 7000), Fraction(0)]
    op = fixed_affine([affine(gains, [Fraction(0)] * 3)], 3, 500, INT12)
    assert 1 << 11 < np.abs(op.multiplier).max() < 1 << 13
    assert rounding_bound(op, 500) < 0.6


def test_what_the_model_rounds_itself_is_rounded_by_constants_of_16_bits() -> None:
    gains = [Fraction(1, 300), Fraction(-1, 7000), Fraction(0)]
    ops, few = [affine(gains, [Fraction(1, 3)] * 3)], Integer(2, False, 0)
    near, sharp = (fixed_affine(ops, 3, 500, few, given=given) for given in (False, True))
    assert np.abs(near.multiplier).max() < 1 << 4 < 1 << 7 < np.abs(sharp.multiplier).max()
    x = np.arange(-500, 501)[:, None].repeat(3, 1)
    exact = np.array([[float(g) for g in gains]]) * x + 1 / 3
    want = np.clip(np.floor(exact + 0.5), 0, 3)
    wrong = [
        (execute(op, [x], [Tensor((3,), Integer(10, True))]) != want).mean() for op in (near, sharp)
    ]
    assert wrong[1] < 0.002 < wrong[0]


def test_one_huge_gain_does_not_spoil_the_other_channels() -> None:
    """A channel whose variance was almost 0 has one; its neighbours keep their precision."""
    gains = [Fraction(1, 300), Fraction(4000), Fraction(-4000)]
    shifts = [Fraction(1, 7), Fraction(-4000 * 17) + Fraction(1, 3), Fraction(4000 * 5)]
    op = fixed_affine([affine(gains, shifts)], 3, 1 << 10, INT12)
    assert rounding_bound(op, 1 << 10) <= 1.5
    assert_within_bound([affine(gains, shifts)], 3, Integer(11, True), INT12)
    at = results(op, Integer(11, True), 3)[1024 + 17, 1]
    assert at == round(128 / 3)


def test_relu_to_an_unsigned_type_is_its_saturation() -> None:
    op = fixed_affine([affine([1, -1], [0, 0]), relu()], 2, 100, Integer(6, False, 0))
    assert op.knee.size == 0
    assert results(op, Integer(5, True), 2)[:, 0].tolist() == [0] * 16 + [*range(16)]
    assert results(op, Integer(5, True), 2)[:, 1].tolist() == [*range(16, 0, -1)] + [0] * 16


def test_three_pieces_have_two_knees() -> None:
    ops = [affine([Fraction(1, 64), Fraction(-1, 80)], [0, Fraction(1, 3)]), clip(-1.0, 1.0)]
    assert fixed_affine(ops, 2, 1000, INT12).knee.shape == (2, 2)
    assert_within_bound(ops, 2, Integer(9, True), INT12)


def test_four_pieces_are_refused_with_what_they_are() -> None:
    with pytest.raises(ModelError, match="4 linear pieces"):
        fixed_affine([clip(-1.0, 1.0), prelu(full(1, Fraction(1, 2)))], 1, 1000, INT12)


def test_largest_bounds_every_value() -> None:
    ops = [affine([2, -3], [1, 5]), prelu(full(2, Fraction(1, 4)))]
    assert largest(ops, 2, 10) >= 35


@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize(("channels", "most"), [(3, 1.0), (5, 0.5)])
def test_weights_are_the_nearest_of_a_symmetric_grid(bits: int, channels: int, most: float) -> None:
    rng = np.random.default_rng(bits)
    weight = rng.normal(size=(4, channels, 2, 2)) * np.array([1e-6, 1, 1e4, 0]).reshape(4, 1, 1, 1)
    grid, scale = quantise_weights(weight, bits)
    top = (1 << (bits - 1)) - 1
    tops = np.abs(grid).reshape(4, -1).max(axis=1)
    assert tops[3] == 0 and (tops[:3] > top // 2).all() and (tops <= top).all()
    for row, n in zip(weight[:3].reshape(3, -1), tops[:3], strict=True):
        steps = [np.abs(row).max() / k for k in range(top // 2 + 1, top + 1)]
        errors = [np.square(row - np.rint(row / step) * step).sum() for step in steps]
        assert errors[n - top // 2 - 1] == pytest.approx(min(errors))
    error = np.abs(weight - grid * scale.reshape(-1, 1, 1, 1))
    assert (error <= 1.0000001 * most * scale.reshape(-1, 1, 1, 1)).all()


def test_a_dead_filter_takes_no_bits_from_the_live_ones() -> None:
    """Its scale of 1 made its multiplier a thousand times that of the others, rounded to 0."""
    weight = np.array([[0.0, 0.0], [0.01, -0.02], [0.03, 0.01]])
    _, scale = quantise_weights(weight, 8)
    assert scale[0] == scale[1:].min()
    assert (quantise_weights(np.zeros((2, 3)), 8)[1] == 1).all()


@pytest.mark.parametrize("shape", [(3, 6, 5), (2, 1, 1)])
def test_a_shifted_input_gives_the_layer_of_the_rounded_weights_at_every_border(shape) -> None:
    rng = np.random.default_rng(1)
    channels = shape[0]
    window = Window((3, 3), (2, 1), (1, 1, 1, 1))
    scale, shift = rng.uniform(0.01, 0.02, channels), rng.uniform(-3, -1, channels)
    scale[-1] = 0.0  # a channel that says nothing but its shift
    real = rng.normal(size=(4, channels, 3, 3))
    layer = integer_layer(Conv(real, window), shape, 8, scale=scale, shift=shift)
    q = rng.integers(0, 256, (2, *shape))
    acc = execute(layer.op, [q], [Tensor(shape, Integer(8, False))])
    step = layer.scale.scale.astype(float).reshape(-1, 1, 1, 1)
    inner = np.where(scale != 0, scale, 1.0).reshape(1, -1, 1, 1)
    weight = layer.op.weight * step / inner
    weight[:, -1] = real[:, -1]
    x = q * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for y in range(acc.shape[2]):
        for c in range(acc.shape[3]):
            taps = padded[:, :, 2 * y : 2 * y + 3, c : c + 3]
            want = np.einsum("nihw,oihw->no", taps, weight) / step.ravel()
            assert np.abs(acc[:, :, y, c] - want).max() <= 0.5 + 1e-6


def test_a_dense_layer_takes_a_shift_into_its_offset() -> None:
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(3, 4))
    layer = integer_layer(Dense(weight), (4,), 8, scale=np.full(4, 0.5), shift=np.arange(4.0))
    q = rng.integers(-128, 128, (5, 4))
    acc = execute(layer.op, [q], [Tensor((4,), Integer(8, True))])
    step = layer.scale.scale.astype(float)
    want = (q * 0.5 + np.arange(4)) @ (layer.op.weight * step[:, None] / 0.5).T / step
    assert np.abs(acc - want).max() <= 0.5 + 1e-9
    assert exact(step).tolist() == layer.scale.scale.tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("huge", [10**18, 10**38, -(10**38)])
def test_shifts_beyond_all_integers_saturate(huge: int) -> None:
    op = fixed_affine([affine([1, -2], [huge, 0])], 2, 2048, INT12)
    values = results(op, INT12, 2)
    assert {*values[:, 0].tolist()} == {INT12.high if huge > 0 else INT12.low}
    plain = fixed_affine([affine([1, -2], [0, 0])], 2, 2048, INT12)
    assert np.array_equal(values[:, 1], results(plain, INT12, 2)[:, 1])


def test_weights_of_images_are_rounded_so_that_their_errors_cancel_out() -> None:
    """On smooth images the products are nearer by far than with each weight rounded alone."""
    rng = np.random.default_rng(3)
    weight = rng.normal(0, 1, (16, 3, 7, 7))
    grid, scale = quantise_weights(weight, 8)
    by_row = scale.reshape(-1, 1, 1, 1)
    assert np.abs(grid - weight / by_row).max() < 1 + 1e-9
    coarse = rng.random((200, 3, 3, 3)) + rng.random((200, 1, 1, 1))
    images = np.stack([np.kron(image, np.ones((1, 4, 4)))[:, 2:9, 3:10] for image in coarse])
    errors = [
        np.abs(np.einsum("oihw,nihw->no", each * by_row - weight, images)).mean()
        for each in (grid, np.rint(weight / by_row))
    ]
    assert errors[0] < 0.4 * errors[1]


@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (4, 3, 1, 5), (4, 4, 2, 2)])
def test_integers_times_a_scale_stay_what_they_are(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    integers = rng.integers(-127, 128, shape)
    integers[:, 0, 0, 0] = 127
    weight = (integers * rng.uniform(0.001, 0.1, (4, 1, 1, 1))).astype(np.float32)
    grid, _ = quantise_weights(weight.astype(np.float64), 8)
    np.testing.assert_array_equal(grid, integers)


@pytest.mark.parametrize(
    ("op", "to", "given", "limits"),
    [
        (relu(), Integer(8, False, 4), False, False),
        (relu(), Integer(8, True, 4), False, False),
        (clip(-1.0, 1.0), INT12, False, False),
        (clip(-1.0, 100.0), INT12, False, True),
        (clip(-100.0, 1.0), INT12, False, True),
        (clip(0.0, 100.0), Integer(8, False, 4), False, True),
        (relu(), Integer(8, False, 4), True, True),
    ],
)
def test_a_type_whose_limits_stand_for_those_of_a_function_is_known(op, to, given, limits) -> None:
    """A wider type keeps 0 as its least number where it has no sign, and no other limit."""
    assert fixed_affine([op], 1, 500, to, given=given).limits == limits


@given(
    st.lists(GAINS, min_size=1, max_size=3),
    st.integers(-40, 60),
    st.integers(1, 1 << 45),
    st.integers(2, 18),
    st.integers(-30, 30),
    st.lists(GAINS, max_size=1),
)
def test_what_a_hurry_takes_is_never_refused(
    gains: list[Fraction], power: int, reach: int, bits: int, frac: int, slopes: list[Fraction]
) -> None:
    """``inspect`` says that a network compiles by what the passes in a hurry let through."""
    scales = [gain * Fraction(2) ** power for gain in gains]
    ops: list[Op] = [affine(scales, [Fraction(1, 3)] * len(scales))]
    ops += [prelu(np.array([slope] * len(scales))) for slope in slopes]
    dtype = Integer(bits, True, frac)
    if rough_affine(ops, len(scales), reach, dtype) is not None:
        fixed_affine(ops, len(scales), reach, dtype)
