"""Rounding that keeps signs, and signs of functions that fall and rise, integer by integer."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bnnhw.errors import ModelError
from bnnhw.interpret.interpreter import execute
from bnnhw.interpret.real import execute_real
from bnnhw.ir.exact import exact
from bnnhw.ir.ops import Affine, Binarize, Piecewise, Tensor, clip, prelu
from bnnhw.ir.pieces import Piece, merged
from bnnhw.ir.types import Integer
from bnnhw.passes.fixed_point import fixed_affine, rounding_bound
from bnnhw.passes.stream_signs import bits_that_turn, is_exact, side_of, threshold_of, turns_back
from bnnhw.passes.stream_values import Value

REACH = 40
GRID = np.arange(-REACH, REACH + 1)
quarters = st.integers(-12, 12).map(lambda n: n / 4)


def value(*ops) -> Value:
    return Value("x", ops, REACH, (1,), Integer(7, True))


def affine(scale: float, shift: float) -> Affine:
    return Affine(exact(np.array([scale])), exact(np.array([shift])))


def real_bits(sign: Binarize, ops) -> np.ndarray:
    x = GRID[:, None].astype(np.float64)
    for op in ops:
        x = execute_real(op, x, Tensor((1,), Integer(7, True)))
    return x[:, 0] >= 0 if not sign.strict else x[:, 0] > 0


@given(quarters, quarters, quarters, quarters, quarters, st.booleans())
def test_a_sign_behind_two_pieces_is_a_threshold_or_the_sign_of_two_lines(
    gain: float, shift: float, slope: float, scale: float, lift: float, strict: bool
) -> None:
    ops = (affine(gain, shift), prelu(exact(np.array([slope]))), affine(scale, lift))
    sign = Binarize(strict=strict)
    assert turns_back(value(*ops)) == (slope < 0)
    turns = bits_that_turn(sign, value(*ops))
    want = real_bits(sign, ops)
    threshold = threshold_of(turns, REACH, sign)
    if threshold is not None:
        invert = threshold.invert.any()
        np.testing.assert_array_equal((threshold.thresholds[0, 0, 0] <= GRID) ^ invert, want)
    tensor = Tensor((1,), Integer(7, True))
    side = execute(side_of(turns, REACH), [GRID[:, None]], [tensor])[:, 0]
    np.testing.assert_array_equal(side >= 0, want)


@given(
    st.tuples(*[st.sampled_from([-2, -1, 0, 1, 2])] * 3),
    st.tuples(quarters, quarters),
    quarters,
    st.booleans(),
)
def test_a_sign_behind_three_pieces_turns_three_times_at_most(
    slopes: tuple[int, ...], knees: tuple[float, float], lift: float, strict: bool
) -> None:
    first, second = map(Fraction, sorted(knees))
    rise = slopes[0] * first + Fraction(lift)
    pieces = [Piece(None, Fraction(slopes[0]), Fraction(lift))]
    pieces.append(Piece(first, Fraction(slopes[1]), rise - slopes[1] * first))
    rise += slopes[1] * (second - first)
    pieces.append(Piece(second, Fraction(slopes[2]), rise - slopes[2] * second))
    bent = merged(tuple(p for i, p in enumerate(pieces) if i != 1 or first != second))
    ops, sign = (Piecewise((bent,), "Bent"),), Binarize(strict=strict)
    turns = bits_that_turn(sign, value(*ops))
    side = side_of(turns, REACH)
    got = execute(side, [GRID[:, None]], [Tensor((1,), Integer(7, True))])[:, 0]
    np.testing.assert_array_equal(got >= 0, real_bits(sign, ops))


def test_a_sign_that_turns_four_times_is_refused() -> None:
    ops = (prelu(exact(np.array([-1.0]))), affine(1, -3), prelu(exact(np.array([-1.0]))))
    sign = Binarize(strict=True)
    turns = bits_that_turn(sign, value(*ops, affine(1, -2)))
    assert turns == [[(-REACH, -6), (0, 0), (6, REACH)]]
    with pytest.raises(ModelError, match="4 times"):
        side_of(turns, REACH)


@given(st.floats(-3, 3).filter(lambda g: abs(g) > 1e-3), st.floats(-3, 3), st.integers(0, 5))
def test_rounding_to_middles_of_steps_keeps_signs(gain: float, shift: float, frac: int) -> None:
    dtype = Integer(12, True, frac, halves=1)
    op = fixed_affine([affine(gain, shift)], 1, REACH, dtype)
    y = execute(op, [GRID[:, None]], [Tensor((1,), Integer(7, True))])[:, 0]
    real = gain * GRID + shift
    bound = rounding_bound(op, REACH)
    clear = np.abs(real) * 2.0**frac > bound - 0.5  # of the constants' own rounding
    np.testing.assert_array_equal((y >= 0)[clear], (real >= 0)[clear])
    inside = (real * 2.0**frac > dtype.low) & (real * 2.0**frac < dtype.high)
    assert (np.abs((y + 0.5) - real * 2.0**frac)[inside] <= bound + 1e-9).all()


@pytest.mark.parametrize("down", [False, True])
def test_exactly_zero_goes_where_the_sign_puts_it(down: bool) -> None:
    dtype = Integer(8, True, 1, halves=1)
    op = fixed_affine([affine(0.125, 0.0)], 1, REACH, dtype, zero_down=down)
    y = execute(op, [GRID[:, None]], [Tensor((1,), Integer(7, True))])[:, 0]
    np.testing.assert_array_equal(y >= 0, GRID > 0 if down else GRID >= 0)


def test_numbers_on_the_grid_are_exact() -> None:
    assert is_exact(value(affine(0.5, 1.0)), Integer(8, True, 1))
    assert not is_exact(value(affine(0.5, 1.25)), Integer(8, True, 1))
    assert is_exact(value(clip(-1.0, 2.0)), Integer(8, True, 0))
    assert not is_exact(value(prelu(exact(np.array([0.25])))), Integer(8, True, 1))
