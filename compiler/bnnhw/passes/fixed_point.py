"""Integer constants of a FixedAffine that does what element-wise real operations do."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import floats
from bnnhw.ir.ops import MOST_SEGMENTS, Affine, FixedAffine, Piecewise
from bnnhw.passes.piecewise import compose, without_saturated_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.ops import Floats, Ints, Op
    from bnnhw.ir.pieces import Piece, Pieces
    from bnnhw.ir.types import Integer

MULTIPLIER_BITS = 16
GUARD_BITS = 3
"""By how many bits a multiplier may be wider than what it gives: 1/16 of a step at its ends."""
WIDE_MULTIPLIER_BITS, NARROW_MULTIPLIER_BITS = 25, 18
"""What one DSP48E1 multiplies by a number of the other width; taken where fewer could cost more
than a step."""
_FINE_BITS, _FINER_BITS = 4, 7
_OFFSET_FRACTION = 5
_FINEST = 40
_MOST_STEPS = 1023
_FIRST_TAPS = 8
_FLOAT32_ERROR = 2.0**-22
_IMAGE_CHANNELS = 4
"""Layers of no more input channels read images, or what is as smooth."""
_PIXEL_CORRELATION = _CHANNEL_CORRELATION = 0.9
"""Between neighbouring pixels, and between the channels of a pixel, in photographs about."""
_COARSE_BITS = -1
_LARGEST = 2.0**62  # of a multiplier or an offset, in the interpreter's integers


def fixed_affine(
    ops: Sequence[Op],
    channels: int,
    reach: int,
    dtype: Integer,
    *,
    zero_down: bool = False,
    given: bool = False,
    where: str | None = None,
) -> FixedAffine:
    """The operation closest to ``ops`` on integers of magnitude up to ``reach``.

    The constants have one shift s per layer: m = round(gain * 2^s), b = round(shift * 2^s), gain
    and shift in steps of the output. So y differs from the saturated real value by at most

        1/2 + reach / 2^(s + 1) + 2^-6   steps, and by 1/2 where the constants are exact.

    s is the largest with which |m| fits 3 bits more than the result has, 16 at most, but no finer
    than reach / 2^(s + 1) = 2^-5 needs, and shifts are multiples of 2^-5 steps: each bit of these
    constants is stored for every channel. Unless all constants are multiples of a 2^-s that fits
    16 bits: then nothing is rounded, and s is the least that does. Where that leaves the error
    above 1, m takes up to 25 bits, or 18 where ``reach`` has more than 17: what a DSP48E1
    multiplies. A gain so large that neighbouring integers saturate on both sides is taken smaller,
    with the same results.

    Where results stand for the middle of their step (``dtype.halves`` is 1), half a step less of
    shift makes it round down: numbers from 0 on become 0 or more, those below 0 less than 0.

    Args:
        ops: element-wise operations.
        channels: number of channels.
        reach: largest magnitude of the integers that they read.
        dtype: of the result.
        zero_down: whether exactly 0 then counts as below 0.
        given: whether the model itself rounds to ``dtype``: constants then take 16 bits, so that as
            few numbers as can be are rounded otherwise.
        where: the node of the last of ``ops``, as messages name it.

    Raises:
        ModelError: ``ops`` have more than three linear pieces.
    """
    lines = _lines(ops, channels, dtype)
    pieces: list[Pieces] = []
    if lines is not None:
        (gains, shifts), limits = lines, given
    else:
        pieces, limits = _limited(ops, channels, dtype, given=given, where=where)
        gains, shifts = _constants(pieces, dtype)
    most = len(gains)
    # Beyond, every integer saturates on one side anyway.
    bound = np.abs(gains) * (reach + 1) + 2.0 ** (dtype.bits + 1)
    shifts = np.clip(shifts, -bound, bound)
    knees = [[_knee(p, i, reach) for p in pieces] for i in range(1, most)]
    knee = np.array(knees[0] if most == 2 else knees or np.zeros(0), np.int64)
    exact_shift = _exact_shift(gains, shifts)
    shift, unit = exact_shift or 0, 1
    if exact_shift is None:
        bits = MULTIPLIER_BITS if given else min(MULTIPLIER_BITS, dtype.bits + GUARD_BITS)
        shift = _shift(
            float(np.abs(gains).max()), reach, bits, _FINER_BITS if given else _FINE_BITS
        )
        unit = 1 if given else 1 << max(0, shift - _OFFSET_FRACTION)
    if max(np.abs(gains).max(), np.abs(shifts).max()) * 2.0**shift > _LARGEST:
        raise ModelError(
            f"has parameters of up to {max(np.abs(gains).max(), np.abs(shifts).max()):.3g} steps "
            "of its result: too large for fixed-point numbers",
            fix="the training diverged or the file is damaged; train or export again",
        )
    m = np.rint(gains * 2.0**shift).astype(np.int64)
    b = np.rint(shifts * 2.0**shift / unit).astype(np.int64) * unit - zero_down
    return FixedAffine(m, b, shift, dtype, knee, exact=exact_shift is not None, limits=limits)


def rough_affine(
    ops: Sequence[Op], channels: int, reach: int, dtype: Integer
) -> FixedAffine | None:
    """A line as steep as ``ops`` are at most, where fixed_affine surely raises no error; else None.

    For those in a hurry, to whom constants mean nothing; the arguments are those of fixed_affine.
    """
    gains, bends = np.full(channels, 2.0**dtype.frac), 0
    for op in ops:
        if isinstance(op, Affine) and op.shift.ndim == 1:
            gains = gains * np.abs(floats(op.scale[:channels]))
        elif isinstance(op, Piecewise) and len(op.arrays[1]) <= MOST_SEGMENTS and not bends:
            gains, bends = gains * np.abs(op.arrays[1]).max(axis=0), bends + 1
        else:
            return None
    limit = 2.0 ** (dtype.bits + 1)
    gain = float(np.minimum(gains, limit).max()) * (1 + _FLOAT32_ERROR)
    try:
        shift = _shift(gain, reach, min(MULTIPLIER_BITS, dtype.bits + GUARD_BITS), _FINE_BITS)
    except ModelError:
        return None
    if (gain * (reach + 1) + limit) * 2.0 ** max(shift, _FINEST) > _LARGEST:
        return None
    m = np.rint(np.minimum(gains, limit) * 2.0**shift).astype(np.int64)[None]
    return FixedAffine(m, np.zeros_like(m), shift, dtype, np.zeros(0, np.int64))


def _lines(ops: Sequence[Op], channels: int, dtype: Integer) -> tuple[Floats, Floats] | None:
    """Gains and shifts [1, channels] in steps of a single affine operation; None of others.

    As ``_in_steps`` makes them of each channel; of gains that it takes smaller there are none.
    """
    op = ops[0] if len(ops) == 1 else None
    if not isinstance(op, Affine) or op.row_class or op.shift.ndim > 1:
        return None
    gains = floats(op.scale[:channels]) * 2.0**dtype.frac
    if (np.abs(gains) >= 2 ** (dtype.bits + 1)).any():
        return None
    own = op.shift[:channels]
    if dtype.halves:
        return gains[None], np.array([[_steps_up(shift, dtype) for shift in own]])
    return gains[None], floats(own)[None] * 2.0**dtype.frac


def _limited(
    ops: Sequence[Op], channels: int, dtype: Integer, *, given: bool, where: str | None
) -> tuple[list[Pieces], bool]:
    """Each channel's function, without what the type's ends do, and whether those limit it."""
    step = Fraction(2) ** -dtype.frac
    ends = (dtype.low + dtype.lift) * step, (dtype.high + dtype.lift) * step
    try:
        functions = [compose(ops, c) for c in range(channels)]
    except ModelError as error:
        raise ModelError(error.what, where=error.where or where, fix=error.fix) from error
    pieces = [without_saturated_ends(function, *ends) for function in functions]
    limits = given or any(
        len(found) < len(function)
        and len(without_saturated_ends(function, *_kept(ends, dtype))) > len(found)
        for function, found in zip(functions, pieces, strict=True)
    )
    most = max(len(p) for p in pieces)
    if most > MOST_SEGMENTS:
        raise ModelError(
            f"is a function of {most} linear pieces; the hardware has three",
            where=where,
            fix="use ReLU, PReLU, Clip or BatchNorm between the layers, one at a time",
        )
    return pieces, limits


def _constants(pieces: Sequence[Pieces], dtype: Integer) -> tuple[Floats, Floats]:
    """Gains and shifts [pieces, channels] in steps, the last of a channel repeated."""
    most, channels = max(map(len, pieces)), len(pieces)
    gains, shifts = np.zeros((most, channels)), np.zeros((most, channels))
    for c, found in enumerate(pieces):
        for s, piece in enumerate(found):
            gains[s, c], shifts[s, c] = _in_steps(piece, dtype)
        gains[len(found) :, c], shifts[len(found) :, c] = gains[s, c], shifts[s, c]
    return gains, shifts


def _kept(ends: tuple[Fraction, Fraction], dtype: Integer) -> tuple[Fraction | float, float]:
    """The ends that a type keeps however wide it is: 0 where it has no sign."""
    return -math.inf if dtype.signed else ends[0], math.inf


def rounding_bound(op: FixedAffine, reach: int) -> float:
    """Largest distance in steps from the real value, limited to the type; see fixed_affine."""
    down = bool(op.dtype.halves) / 2.0**op.shift  # exactly 0 may have been sent below it
    if op.exact:
        return 0.5 + down
    offset = 2.0 ** -(min(op.shift, _OFFSET_FRACTION) + 1)
    return 0.5 + down + reach / 2.0 ** (op.shift + 1) + offset


def largest(ops: Sequence[Op], channels: int, reach: int) -> float:
    """Bound on the magnitude of what ``ops`` make of integers up to ``reach``."""
    return max(
        float(abs(piece.scale) * reach + abs(piece.shift))
        for channel in range(channels)
        for piece in compose(ops, channel)
    )


def _in_steps(piece: Piece, dtype: Integer) -> tuple[float, float]:
    """Gain and shift in output steps; a needlessly large gain is taken smaller.

    With |gain| > limit, all integers but one (q) lie beyond the saturated ends; the line through
    the value at q with slope ``limit`` saturates there as well.
    """
    limit, steps = 2 ** (dtype.bits + 1), 2.0**dtype.frac
    slope = float(piece.scale) * steps  # by a power of two: the same
    if abs(slope) < limit:
        return slope, _steps_up(piece.shift, dtype) if dtype.halves else float(piece.shift) * steps
    step = Fraction(2) ** -dtype.frac
    gain, shift = piece.scale / step, piece.shift / step - dtype.lift
    if abs(gain) <= limit:
        return float(gain), float(shift)
    middle = Fraction(dtype.low + dtype.high, 2)
    q = round((middle - shift) / gain)
    value = min(max(gain * q + shift, Fraction(dtype.low - 1)), Fraction(dtype.high + 1))
    slope = float(limit if gain > 0 else -limit)
    return slope, float(value - int(slope) * q)


def _steps_up(shift: Fraction, dtype: Integer) -> float:
    """The double nearest to ``shift`` in steps, less the lift; integers divide without a gcd."""
    top, bottom = 2 * shift.numerator, 2 * shift.denominator
    if dtype.frac > 0:
        top <<= dtype.frac
    else:
        bottom <<= -dtype.frac
    return (top - dtype.halves * (bottom // 2)) / bottom


def _shift(gain: float, reach: int, bits: int, fine: int) -> int:
    """Fraction bits of the constants, m of ``bits``, and no more than ``fine`` beyond x's."""
    size = max(1, reach).bit_length()
    shift = min(_fitting(gain, bits), size + fine)
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


def _knee(pieces: Pieces, index: int, reach: int) -> int:
    """The first integer of a piece, or of the last, kept within what a knee's field holds."""
    if len(pieces) == 1:
        return 0
    start = pieces[min(index, len(pieces) - 1)].start
    assert start is not None
    return min(max(math.ceil(start), -reach), reach + 1)


def quantise_weights(weight: Floats, bits: int, *, rough: bool = False) -> tuple[Ints, Floats]:
    """Integers of ``bits`` and a scale per output channel: weight = integer * scale, about.

    Symmetric: the largest magnitude of each channel becomes the integer above 2^(bits-2) with which
    the channel's weights are rounded least, in squares; ties round to even. Where they are integers
    times a scale already, it becomes the least number with which they are, and nothing is rounded.
    Weights of windows of an image round up or down as changes the window's product least. All of
    this but the symmetry is left out where it may be ``rough``.
    """
    top = (1 << (bits - 1)) - 1
    rows = weight.reshape(len(weight), -1)
    largest = np.abs(rows).max(axis=1, initial=0)
    live = largest > 0
    tops = np.where(live, top, 1)
    if not rough:
        tops[live] = [_steps(row, top) for row in rows[live] / largest[live, None]]
    # A channel of zeros means nothing by its scale, but must not set the range of all multipliers.
    scale = np.where(live, largest / tops, (largest / tops)[live].min(initial=np.inf))
    scale = np.where(np.isfinite(scale), scale, 1.0)
    ratio = weight / scale.reshape(-1, *(1,) * (weight.ndim - 1))
    grid = _round_for_images(ratio) if reads_images(weight) and not rough else np.rint(ratio)
    return grid.astype(np.int64), scale


def reads_images(weight: Floats) -> bool:
    """Whether ``quantise_weights`` rounds weights up or down, not each to the nearest integer."""
    return weight.ndim == 4 and weight.shape[1] <= _IMAGE_CHANNELS and weight[0, 0].size > 1


def _round_for_images(ratio: Floats) -> Floats:
    """Weights [Cout, Cin, KH, KW] rounded up or down so that a window of an image changes least.

    Pixels near each other are alike, and so are the channels of a pixel: what counts is that the
    errors of the weights cancel out, more than that each is small. They are rounded one after the
    other, and those that follow make up for the error as far as their pixels tell of it, as in
    GPTQ (Frantar et al. 2022), with the second moments of a plain model of images.
    """
    _, channels, height, width = ratio.shape
    places = np.argwhere(np.ones((height, width)))
    distance = np.sqrt(np.square(places[:, None] - places[None]).sum(axis=-1))
    alike = np.where(np.eye(channels, dtype=bool), 1.0, _CHANNEL_CORRELATION)
    moments = np.kron(alike, _PIXEL_CORRELATION**distance) + 1.0  # mean and deviation alike
    factor = np.linalg.cholesky(np.linalg.inv(moments + 1e-3 * np.eye(len(moments)))).T
    exact = ratio.reshape(len(ratio), -1)
    left, low, high = exact.copy(), np.floor(exact), np.ceil(exact)
    grid = np.empty_like(exact)
    for i in range(exact.shape[1]):
        # What is an integer but for float32 stays that integer.
        whole = np.abs(exact[:, i] - np.rint(exact[:, i])) <= _FLOAT32_ERROR * np.abs(exact[:, i])
        nearest = np.clip(np.rint(left[:, i]), low[:, i], high[:, i])
        grid[:, i] = np.where(whole, np.rint(exact[:, i]), nearest)
        error = (left[:, i] - grid[:, i]) / factor[i, i]
        left[:, i:] -= error[:, None] * factor[i, i:]
    return grid.reshape(ratio.shape)


def integer_bits(weight: Floats, widest: int) -> int | None:
    """Width of the integers that weights are times a scale per output channel; None if none are."""
    rows, top = np.abs(weight.reshape(len(weight), -1)), (1 << (widest - 1)) - 1
    live = rows[rows.any(axis=1)]
    if any(_whole_steps(row / row.max(), top) is None for row in live):
        return None
    grid, scale = quantise_weights(weight, widest)
    back = grid * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    if not np.allclose(back, weight, rtol=_FLOAT32_ERROR, atol=0):
        return None
    return grid_bits(grid)


def grid_bits(grid: Ints) -> int:
    """Bits, 2 or more, of the narrowest signed type whose symmetric part holds ``grid``."""
    return int(np.abs(grid).max(initial=1)).bit_length() + 1


def _steps(shares: Floats, top: int) -> int:
    """The least n up to ``top`` with which all ``shares`` * n are integers.

    If none is: that of the upper half with which they are nearest to integers, for its step. Shares
    are of the largest, in float32 or finer.
    """
    whole = _whole_steps(shares, top)
    if whole is not None:
        return whole
    counts = np.arange(top // 2 + 1, top + 1)
    products = shares[:, None] * counts
    errors = np.square(products - np.rint(products)).sum(axis=0) / np.square(counts)
    return int(counts[-1 - errors[::-1].argmin()])


def _whole_steps(shares: Floats, top: int) -> int | None:
    """The least n up to ``top`` with which all ``shares`` * n are integers; None if there is none.

    Integers times a scale have one.
    """
    counts = np.arange(1, min(top, _MOST_STEPS) + 1)
    for part in (shares[:_FIRST_TAPS], shares):
        products = part[:, None] * counts
        off = np.abs(products - np.rint(products)).max(axis=0, initial=0)
        counts = counts[off <= counts * _FLOAT32_ERROR]
        if not counts.size:
            return None
    return int(counts[0])
