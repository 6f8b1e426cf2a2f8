"""Element-wise operations of the interpreter: exact, on integers of any width.

Parameters by channel are laid over whole rows of pixels, so that inner loops are long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.layers import channels_first, channels_last

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.op_base import Shape
    from bnnhw.ir.ops import FixedAdd, FixedAffine, FixedSelect, Threshold

    Values = NDArray[np.signedinteger[Any]]


def storage(low: int, high: int) -> np.dtype[Any]:
    """The narrowest signed integers that hold ``low`` to ``high``."""
    return np.promote_types(np.min_scalar_type(min(low, -1)), np.min_scalar_type(-high - 1))


def fixed_select(op: FixedSelect, a: Values, b: Values) -> Values:
    """One of two enlarged numbers, in what holds both."""
    trailing = (1,) * (a.ndim - 2)
    chosen = a >= op.thresholds.reshape(-1, *trailing)
    if op.invert.size:
        chosen = chosen ^ op.invert.reshape(-1, *trailing)
    first, second = (
        factor * x.astype(np.int64) for factor, x in zip(op.factors, (a, b), strict=True)
    )
    dtype = storage(op.dtype.low, op.dtype.high)
    return np.where(chosen, second, first).astype(dtype)


def fixed_add(op: FixedAdd, a: Values, b: Values, reach: int) -> Values:
    """saturate(a + b) of numbers up to ``reach``."""
    y = np.add(a, b, dtype=np.result_type(a, b, storage(-2 * reach, 2 * reach)))
    np.clip(y, op.dtype.low, op.dtype.high, out=y)
    return y.astype(storage(op.dtype.low, op.dtype.high), copy=False)


def fixed_affine(op: FixedAffine, x: Values, reach: int) -> Values:
    """saturate((m * x + b + half) >> shift) of numbers up to ``reach``, by segment."""
    half = (1 << op.shift) >> 1
    m, b = op.multiplier, op.offset + half
    exact = storage(0, _size(m) * reach + _size(b))
    rows = _rows(x).astype(np.promote_types(exact, np.int32), copy=True)
    multipliers = [_spread(segment, x.shape).astype(rows.dtype) for segment in m]
    offsets = [_spread(segment, x.shape).astype(rows.dtype) for segment in b]
    gain, offset = multipliers[0], offsets[0]
    for knee, other_gain, other in zip(op.knees, multipliers[1:], offsets[1:], strict=True):
        beyond = rows >= _spread(knee, x.shape)
        gain, offset = np.where(beyond, other_gain, gain), np.where(beyond, other, offset)
    rows *= gain
    rows += offset
    rows >>= op.shift
    np.clip(rows, op.dtype.low, op.dtype.high, out=rows)
    return _images(rows.astype(storage(op.dtype.low, op.dtype.high)), x.shape)


def threshold(op: Threshold, x: Values, shape: Shape) -> Values:
    """Values of bits: x >= T, inverted in some channels; ``shape`` is a sample's."""
    table = _spread(op.table(shape), x.shape)
    limits = np.iinfo(x.dtype)
    if limits.min <= table.min(initial=0) and table.max(initial=0) <= limits.max:
        table = table.astype(x.dtype)
    bits = _rows(x) >= table
    if op.invert.size:
        bits ^= _spread(op.invert, x.shape)
    values = bits.view(np.int8)
    if op.bipolar:
        values += values
        values -= 1
    return _images(values, x.shape)


def add_offset(acc: Values, offset: Values) -> Values:
    """``acc`` [N, C, ...] plus offset, [C] or [C, H, W] or [C, 1, 1], in place where it fits."""
    rows = _rows(acc)
    rows += _spread(offset, acc.shape).astype(acc.dtype)
    return _images(rows, acc.shape)


def _rows(x: Values) -> Values:
    """Images [N, C, H, W] as [N, H, W * C]; vectors [N, C] as [N, 1, C]."""
    if x.ndim == 2:
        return x[:, None]
    count, channels, height, width = x.shape
    return channels_last(x).reshape(count, height, width * channels)


def _images(rows: Values, shape: Shape) -> Values:
    """Undoes ``_rows``."""
    if len(shape) == 2:
        return rows[:, 0]
    count, channels, height, width = shape
    return channels_first(rows.reshape(count, height, width, channels))


def _spread(values: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Parameters [C], [C, 1, 1] or [C, H, W] over the rows of tensors of ``shape``."""
    if len(shape) == 2:
        return values[None]
    by_pixel = values.reshape(len(values), *(values.shape[1:] or (1, 1))).transpose(1, 2, 0)
    wide = np.broadcast_to(by_pixel, (len(by_pixel), shape[3], len(values)))
    return wide.reshape(len(by_pixel), -1)


def _size(values: NDArray[Any]) -> int:
    return int(np.abs(values).max(initial=0))
