"""Elements of streams as beats, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def pack(elements: np.ndarray[Any, Any], lanes: int, bits: int) -> list[int]:
    """Returns beats of ``lanes`` elements of ``bits`` bits, element 0 least significant.

    Args:
        elements: Integers in stream order, any shape; the number is a multiple of ``lanes``.
        lanes: Elements per beat.
        bits: Bits per element; negative values are taken modulo 2^bits.
    """
    flat = [int(x) & ((1 << bits) - 1) for x in np.asarray(elements).reshape(-1)]
    assert len(flat) % lanes == 0, (len(flat), lanes)
    digits = (bits + 3) // 4
    if bits % 4 == 0:
        return [
            int("".join(f"{x:0{digits}x}" for x in reversed(flat[i : i + lanes])), 16)
            for i in range(0, len(flat), lanes)
        ]
    return [
        int("".join(f"{x:0{bits}b}" for x in reversed(flat[i : i + lanes])), 2)
        for i in range(0, len(flat), lanes)
    ]


def unpack(
    beats: Sequence[int], lanes: int, bits: int, signed: bool = False
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Returns the elements of beats, shape (beats, lanes): the inverse of `pack`."""
    mask = (1 << bits) - 1
    rows = [[(beat >> (bits * lane)) & mask for lane in range(lanes)] for beat in beats]
    result = np.array(rows, dtype=np.int64).reshape(len(beats), lanes)
    return np.where(result >> (bits - 1) & 1, result - (1 << bits), result) if signed else result
