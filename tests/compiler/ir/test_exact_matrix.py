"""Exact products in floating point, against products of int64."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.ir.exact_matrix import ExactMatrix


def product(weight: np.ndarray, x: np.ndarray, reach: int, dtype: type = np.int64) -> np.ndarray:
    matrix = ExactMatrix(weight)
    out = np.full((len(x), len(weight)), -1, dtype)
    matrix.times(x.astype(matrix.dtype(reach)), reach, out)
    return out


@pytest.mark.parametrize("outputs", [1, 2, 3, 8])
@pytest.mark.parametrize("terms", [1, 47, 48, 96, 288, 2304, 2500, 2501, 4608, 5001])
def test_sums_of_bits_are_exact_for_any_number_of_outputs_and_terms(outputs, terms):
    rng = np.random.default_rng(terms + outputs)
    weight = rng.choice([-1, 1], (outputs, terms)).astype(np.int8)
    x = rng.choice([-1, 0, 1], (7, terms))
    assert np.array_equal(product(weight, x, 1, np.int16), x @ weight.T.astype(np.int64))


@pytest.mark.parametrize("terms", [48, 1152, 2500, 2501, 4608, 5000])
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_largest_sums_of_both_outputs_of_a_pair_do_not_disturb_each_other(terms, signs):
    weight = np.stack([np.full(terms, sign) for sign in signs]).astype(np.int8)
    x = np.stack([np.ones(terms, int), -np.ones(terms, int), np.arange(terms) % 2])
    assert np.array_equal(product(weight, x, 1), x @ weight.T.astype(np.int64))


@pytest.mark.parametrize("reach, largest", [(3, 7), (1, 52), (255, 127), (2047, 127), (1 << 15, 1)])
@pytest.mark.parametrize("terms", [9, 147, 512])
def test_products_of_integers_are_exact(reach, largest, terms):
    rng = np.random.default_rng(reach)
    weight = rng.integers(-largest, largest + 1, (5, terms))
    weight[0], weight[4] = largest, -largest
    x = rng.integers(-reach, reach + 1, (4, terms))
    x[0], x[1] = reach, -reach
    assert np.array_equal(product(weight, x, reach), x @ weight.T)


def test_a_matrix_serves_inputs_of_several_widths():
    rng = np.random.default_rng(1)
    weight = rng.choice([-1, 1], (4, 300)).astype(np.int8)
    matrix = ExactMatrix(weight)
    for reach in (1, 127, 1, 1 << 20):
        x = rng.integers(-reach, reach + 1, (3, 300))
        out = np.empty((3, 4), np.int64)
        matrix.times(x.astype(matrix.dtype(reach)), reach, out)
        assert np.array_equal(out, x @ weight.T.astype(np.int64))


def test_weights_of_zero_and_no_rows_give_zero_and_nothing():
    weight = np.zeros((2, 60), np.int8)
    assert not product(weight, np.ones((3, 60), int), 1).any()
    assert product(weight, np.ones((0, 60), int), 1).shape == (0, 2)
