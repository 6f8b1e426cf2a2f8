"""bnn_int_pe_array: exact sums of +x and -x at one input beat per cycle."""

from __future__ import annotations

import numpy as np
import pytest

from test_bnn_pe_array import Shape, check, operands, run_array

CASES = [
    (Shape(pe=4, simd=3, folds=3, tiles=2, out=(3, 4), border=(1, 1, 1, 1)), 8, 0),
    (Shape(pe=2, simd=9, folds=2, tiles=1, acc_shift=2, styles=(1, 2)), 8, 1),
    (Shape(pe=3, simd=1, folds=4, frames=5), 5, 1),
    (Shape(pe=1, simd=2, tiles=3, binary_out=1, frames=5), 3, 0),
    (Shape(pe=2, simd=27, acc_bits=18, frames=8), 8, 0),
    (Shape(pe=5, simd=13, folds=2, frames=6), 1, 0),
]


@pytest.mark.parametrize(("shape", "bits", "signed"), CASES, ids=str)
def test_sums_exactly_and_loses_no_cycle(shape: Shape, bits: int, signed: int) -> None:
    rng = np.random.default_rng(shape.simd)
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits)
    x, weights, init, init_of = operands(shape, rng, low, high)
    total = (x[:, :, None, :] * (2 * weights - 1)).sum(axis=-1)
    runs = run_array(
        "bnn_int_pe_array", shape, x, weights, init, bits, {"IN_BITS": bits, "IN_SIGNED": signed}
    )
    groups = -(-shape.simd // 3)
    check(shape, runs, init_of + (total << shape.acc_shift), 4 + (groups - 1).bit_length())
