"""Element-wise operations as parameters of the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.fast.packed import WORD, class_index, pack, whole_blocks, word_count
from bnnhw.ir.ops import FixedAdd, FixedAffine, Threshold
from bnnhw.ir.types import Real

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.interpret.fast.kernels import Tail
    from bnnhw.ir.op_base import Op, Tensor

_EXACT = 1 << 63
_SHIFTS = 62
"""Largest shift of the kernels; the machine's own shifts go no further than 63."""
_LANES = 256
"""Parameters of an affine operation that make a loop long."""


def affine_fits(op: FixedAffine, tensor: Tensor) -> bool:
    """Whether 64 bits hold m * x + b + half."""
    if isinstance(tensor.dtype, Real) or op.shift > _SHIFTS:
        return False
    m, b = (max((abs(int(v)) for v in values.flat), default=0)
            for values in (op.multiplier, op.offset))  # fmt: skip
    return m * tensor.dtype.reach + b + (1 << op.shift >> 1) < _EXACT


def build_tail(
    make: Callable[..., Tail],
    ops: list[Op | None],
    compared: Tensor | None,
    size: tuple[int, int, int],
) -> Tail:
    """The tail of a stage without the arrays of a run: those are empty.

    Args:
        make: the kernels' ``Tail``.
        ops: the affine operation, the addition and the threshold, or None.
        compared: the tensor that the threshold reads.
        size: channels, height and width.
    """
    affine, add, threshold = ops
    return make(
        **_affine(affine if isinstance(affine, FixedAffine) else None, size),
        other=np.empty(0, np.int32),
        add_low=add.dtype.low if isinstance(add, FixedAdd) else 0,
        add_high=add.dtype.high if isinstance(add, FixedAdd) else 0,
        values=np.empty(0, np.int32),
        **_threshold(threshold if isinstance(threshold, Threshold) else None, compared, size),
        bits=np.empty((0, word_count(size[0])), np.uint64),
    )


def _affine(op: FixedAffine | None, size: tuple[int, int, int]) -> dict[str, Any]:
    if op is None:
        none = np.empty((0, 0), np.int64)
        knee = np.empty((0, 0), np.int32)
        return {"multiplier": none, "offset": none, "knee": knee, "shift": 0, "low": 0, "high": 0}
    limits = np.iinfo(np.int32)
    pixels = min(size[2], -(-_LANES // size[0]))
    return {
        "multiplier": np.tile(op.multiplier.astype(np.int64), pixels),
        "offset": np.tile(op.offset.astype(np.int64) + (1 << op.shift >> 1), pixels),
        "knee": np.tile(np.clip(op.knees, limits.min, limits.max).astype(np.int32), pixels),
        "shift": op.shift,
        "low": op.dtype.low,
        "high": op.dtype.high,
    }


def _threshold(
    op: Threshold | None, tensor: Tensor | None, size: tuple[int, int, int]
) -> dict[str, Any]:
    """Thresholds beyond the numbers of ``tensor`` are moved to where they mean the same."""
    channels, height, width = size
    invert = np.zeros(channels, bool)
    if op is None or tensor is None or isinstance(tensor.dtype, Real):
        table, classes = np.empty((0, 0, 0), np.int32), [np.empty(0, np.int64)] * 2
    else:
        clipped = np.clip(op.thresholds, tensor.dtype.low, tensor.dtype.high + 1)
        table = whole_blocks(clipped.astype(np.int32), WORD, np.iinfo(np.int32).max)
        classes = [class_index(op.row_class, height), class_index(op.column_class, width)]
        invert = op.invert if op.invert.size else invert
    row_class, column_class = classes
    return {
        "table": table,
        "row_class": row_class,
        "column_class": column_class,
        "invert": pack(invert),
    }
