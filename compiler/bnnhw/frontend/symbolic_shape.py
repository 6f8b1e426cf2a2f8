"""Shapes of which only some are known: enough to tell whether two tensors have the same one.

A known shape is its sizes. An unknown one is ("of", tensor), where that tensor has it, or
("of", tensor, order), where the tensor's axes are in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


def sizes(shape: Hashable) -> tuple[int, ...] | None:
    """The sizes of a shape where they are known."""
    if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
        return shape
    return None


def broadcast(shapes: set[Hashable], out: str) -> Hashable:
    """The shape of an element-wise operation's result ``out``."""
    known = [shape for shape in shapes if sizes(shape) is not None]
    if len(known) == len(shapes):
        try:
            return np.broadcast_shapes(*known)  # type: ignore[arg-type]
        except ValueError:
            return ("of", out)
    others = shapes - {(), (1,)}
    return others.pop() if len(others) == 1 else ("of", out)


def transposed(shape: Hashable, order: Sequence[int] | None, out: str) -> Hashable:
    """The shape of a transposition's result ``out``; two of them may give the first shape again."""
    known, natural = sizes(shape), tuple(range(len(order or ())))
    axes = natural
    if known is None and isinstance(shape, tuple) and len(shape) == 3:
        axes = shape[2]
    if order is None or tuple(sorted(order)) != natural or len(axes) != len(order):
        return ("of", out)
    if known is not None:
        return tuple(known[axis] for axis in order) if len(known) == len(order) else ("of", out)
    assert isinstance(shape, tuple)
    made = tuple(axes[axis] for axis in order)
    return shape[:2] if made == natural else (*shape[:2], made)
