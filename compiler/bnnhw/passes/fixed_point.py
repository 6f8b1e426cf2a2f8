"""Integer constants of a FixedAffine that does what element-wise real operations do."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import FixedAffine
from bnnhw.passes.piecewise import Piece, Pieces, compose, without_saturated_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Floats, Ints, Op
    from bnnhw.ir.types import Integer

MULTIPLIER_BITS = 16
WIDE_MULTIPLIER_BITS, NARROW_MULTIPLIER_BITS = 25, 18
"""What one DSP48E1 multiplies by a number of the other width; taken where 16 bits could cost more
than a step."""
_FINE_BITS = 7
_FINEST = 40
_MOST_STEPS = 1023
_FIRST_TAPS = 8
_FLOAT32_ERROR = 2.0**-22
_COARSE_BITS = -1
_LARGEST = 2.0**62  # of a multiplier or an offset, in the interpreter's integers


def fixed_affine(ops: Sequence[Op], channels: int, reach: int, dtype: Integer) -> FixedAffine:
    """The operation closest to ``ops`` on integers of magnitude up to ``reach``.

    The constants have one shift s per layer: m = round(gain * 2^s), b = round(shift * 2^s), gain
    and shift in steps of the output. So y differs from the saturated real value by at most

        1/2 + (reach + 1) / 2^(s + 1)   steps, and by 1/2 where the constants are exact.

    s is the largest with which |m| fits 16 bits, but no finer than (reach + 1) / 2^(s + 1) =
    2^-8 needs; unless all constants are multiples of such a 2^-s: then nothing is rounded, and s is
    the least that does. Where 16 bits leave that above 1, m takes up to 25 bits, or 18 where
    ``reach`` has more than 17: what a DSP48E1 multiplies. A gain so large that neighbouring
    integers saturate on both sides is taken smaller, with the same results.

    Raises:
        ModelError: ``ops`` have more than two linear pieces.
    """
    step = Fraction(2) ** -dtype.frac
    pieces = [
        without_saturated_ends(compose(ops, c), dtype.low * step, dtype.high * step)
        for c in range(channels)
    ]
    most = max(len(p) for p in pieces)
    if most > 2:
        raise ModelError(
            f"is a function of {most} linear pieces; the hardware has two",
            fix="use ReLU, PReLU or BatchNorm between the layers",
        )
    gains, shifts = np.zeros((most, channels)), np.zeros((most, channels))
    for c, found in enumerate(pieces):
        for s in range(most):
            piece = found[min(s, len(found) - 1)]
            gains[s, c], shifts[s, c] = _in_steps(piece, step, dtype)
    knee = np.array([_knee(p, reach) for p in pieces], np.int64) if most == 2 else np.zeros(0, int)
    shift = _exact_shift(gains, shifts)
    if shift is None:
        shift = _shift(float(np.abs(gains).max()), reach)
    if max(np.abs(gains).max(), np.abs(shifts).max()) * 2.0**shift > _LARGEST:
        raise ModelError(
            f"has parameters of up to {max(np.abs(gains).max(), np.abs(shifts).max()):.3g} steps "
            "of its result: too large for fixed-point numbers",
            fix="the training diverged or the file is damaged; train or export again",
        )
    m = np.rint(gains * 2.0**shift).astype(np.int64)
    b = np.rint(shifts * 2.0**shift).astype(np.int64)
    return FixedAffine(m, b, shift, dtype, knee.astype(np.int64))


def rounding_bound(op: FixedAffine, reach: int) -> float:
    """Largest distance in steps from the real value, limited to the type; see fixed_affine."""
    gain = float(np.abs(op.multiplier).max()) / 2.0**op.shift
    # The reach of accumulators may have been known better than by their type, a power of two.
    if op.shift < min(_shift(gain, reach), _shift(gain, reach - 1)):
        return 0.5  # constants with fewer bits than could be are exact
    return 0.5 + (reach + 1) / 2.0 ** (op.shift + 1)


def largest(ops: Sequence[Op], channels: int, reach: int) -> float:
    """Bound on the magnitude of what ``ops`` make of integers up to ``reach``."""
    return max(
        float(abs(piece.scale) * reach + abs(piece.shift))
        for channel in range(channels)
        for piece in compose(ops, channel)
    )


def _in_steps(piece: Piece, step: Fraction, dtype: Integer) -> tuple[float, float]:
    """Gain and shift in output steps; a needlessly large gain is taken smaller.

    With |gain| > limit, all integers but one (q) lie beyond the saturated ends; the line through
    the value at q with slope ``limit`` saturates there as well.
    """
    gain, shift = piece.scale / step, piece.shift / step
    limit = 2 ** (dtype.bits + 1)
    if abs(gain) <= limit:
        return float(gain), float(shift)
    middle = Fraction(dtype.low + dtype.high, 2)
    q = round((middle - shift) / gain)
    value = min(max(gain * q + shift, Fraction(dtype.low - 1)), Fraction(dtype.high + 1))
    slope = limit if gain > 0 else -limit
    return float(slope), float(value - slope * q)


def _shift(gain: float, reach: int) -> int:
    """Fraction bits of the constants."""
    size = max(1, reach).bit_length()
    fits = _fitting(gain, MULTIPLIER_BITS)
    shift = min(fits, size + _FINE_BITS)
    coarse = size + _COARSE_BITS
    if shift < coarse:
        narrow = size + 1 > NARROW_MULTIPLIER_BITS
        bits = NARROW_MULTIPLIER_BITS if narrow else WIDE_MULTIPLIER_BITS
        shift = min(_fitting(gain, bits), coarse)
    if shift < 0:
        raise ModelError(
            f"multiplies by {gain:.4g} steps of its result",
            fix="check the BatchNorm before it: a variance of almost 0, or a huge gamma",
        )
    return shift


def _fitting(gain: float, bits: int) -> int:
    """The largest shift with which round(gain * 2^shift) is a signed number of ``bits``."""
    if gain == 0:
        return 64
    top = (1 << (bits - 1)) - 1
    shift = math.floor(math.log2(top / gain))
    return shift if round(gain * 2.0**shift) <= top else shift - 1


def _exact_shift(gains: Floats, shifts: Floats) -> int | None:
    """The least shift with which all constants are integers, m of 16 bits; None if there is none.

    A common factor 2^k of what pieces and channels multiply by is a shift of its own.
    """
    constants = np.stack([gains, shifts])
    for shift in range(min(_fitting(float(np.abs(gains).max()), MULTIPLIER_BITS), _FINEST) + 1):
        scaled = constants * 2.0**shift
        if (scaled == np.rint(scaled)).all():
            return shift
    return None


def _knee(pieces: Pieces, reach: int) -> int:
    """The first integer of the second piece, kept within what a knee's field holds."""
    if len(pieces) == 1:
        return 0
    start = pieces[1].start
    assert start is not None
    return min(max(math.ceil(start), -reach), reach + 1)


def quantise_weights(weight: Floats, bits: int) -> tuple[Ints, Floats]:
    """Integers of ``bits`` and a scale per output channel: weight = integer * scale, about.

    Symmetric: the largest magnitude of each channel becomes 2^(bits-1) - 1; ties round to even.
    Where a channel's weights are integers times a scale already, it becomes the least number with
    which they are, and nothing is rounded.
    """
    top = (1 << (bits - 1)) - 1
    rows = weight.reshape(len(weight), -1)
    largest = np.abs(rows).max(axis=1, initial=0)
    tops = np.array([
        _steps(row / size, top) if size else 1 for row, size in zip(rows, largest, strict=True)
    ])  # fmt: skip
    scale = np.where(largest > 0, largest / tops, 1.0)
    grid = np.rint(weight / scale.reshape(-1, *(1,) * (weight.ndim - 1)))
    return grid.astype(np.int64), scale


def integer_bits(weight: Floats, widest: int) -> int | None:
    """Width of the integers that weights are times a scale per output channel; None if none are."""
    grid, scale = quantise_weights(weight, widest)
    back = grid * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    if not np.allclose(back, weight, rtol=_FLOAT32_ERROR, atol=0):
        return None
    return grid_bits(grid)


def grid_bits(grid: Ints) -> int:
    """Bits, 2 or more, of the narrowest signed type whose symmetric part holds ``grid``."""
    return int(np.abs(grid).max(initial=1)).bit_length() + 1


def _steps(shares: Floats, top: int) -> int:
    """The least n up to ``top`` with which all ``shares`` * n are integers; ``top`` if none is.

    Shares are of the largest, in float32 or finer.
    """
    counts = np.arange(1, min(top, _MOST_STEPS) + 1)
    for part in (shares[:_FIRST_TAPS], shares):
        products = part[:, None] * counts
        off = np.abs(products - np.rint(products)).max(axis=0, initial=0)
        counts = counts[off <= counts * _FLOAT32_ERROR]
        if not counts.size:
            return top
    return int(counts[0])
