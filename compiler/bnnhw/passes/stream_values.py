"""What becomes of real tensors when streams are lowered, and the names of what holds them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import floats, full
from bnnhw.ir.ops import Affine
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.merge_affines import compose
from bnnhw.passes.options import ACTIVATION_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Floats, Op, Shape

_REQUANTISED = "@"
_COPY = "@copy"
_SUFFIXES = re.compile(rf"({_COPY}\d+|{_REQUANTISED}\d+)+$")
_FINER_BITS = 4
_WIDEST_INPUT = 16


@dataclass(frozen=True)
class Value:
    """What a real tensor has become.

    Attributes:
        tensor: integers or bits in the graph that is made.
        ops: what is still to be done to them.
        reach: largest magnitude of the integers.
        shape: the tensor's shape.
        stream: its type if it is a stream of fixed-point numbers that ``ops`` only scale back.
        dtype: type of narrow integers (the input, streams, bits); Real for accumulators.
        source: the node that made it, for names and messages.
        given: whether the model itself rounds the stream to its type.
        exact: the same real tensor before it was rounded, for signs; None where this is it.
        rest: what an integer layer's offset lost by rounding, added before ``ops``: signs take it
            into their thresholds, streams are rounded to steps anyway.
    """

    tensor: str
    ops: tuple[Op, ...]
    reach: int
    shape: Shape
    dtype: Integer | Bit | Real
    source: Node | None = None
    stream: Integer | None = None
    given: bool = False
    rest: Affine | None = None
    exact: Value | None = None

    def then(self, op: Op, source: Node) -> Value:
        """What the element-wise ``op`` of ``source`` makes of it."""
        ops = (*self.ops, op)
        if isinstance(op, Affine) and self.ops and isinstance(self.ops[-1], Affine):
            ops = (*self.ops[:-1], compose(self.ops[-1], op))
        exact = self.exact and self.exact.then(op, source)
        return replace(self, ops=ops, source=source, stream=None, exact=exact)

    @property
    def chain(self) -> tuple[Op, ...]:
        """All that is still to be done to the integers, exactly."""
        return (self.rest, *self.ops) if self.rest else self.ops

    def as_input(self, tensor: str, shape: Shape) -> Value:
        """What waits moved behind an operation that wrote ``tensor``."""
        return replace(self, tensor=tensor, shape=shape, exact=None)


def requantised(tensor: str, bits: int) -> str:
    """Name of a tensor once more, at the precision that an integer layer reads."""
    return f"{tensor}{_REQUANTISED}{bits}"


def copied(tensor: str, number: int) -> str:
    """Name of a tensor that is computed once more, for the reader ``number`` of it."""
    return f"{tensor}{_COPY}{number}"


def real_name(tensor: str) -> str:
    """The tensor of the real graph that another holds: undoes ``requantised`` and ``copied``."""
    return _SUFFIXES.sub("", tensor)


def common_type(streams: list[Integer]) -> Integer:
    """The narrowest signed type that holds all numbers of several types."""
    frac = max(stream.frac for stream in streams)
    bits = max(s.bits + (not s.signed) + frac - s.frac for s in streams)
    return Integer(bits, True, frac)


def joined_bits(values: Sequence[Value]) -> Value | None:
    """Bits of several tensors as those of one, scaled as each is; None where they are others."""
    dtype = values[0].dtype
    if not isinstance(dtype, Bit) or any(v.dtype != dtype for v in values):
        return None
    if not any(v.ops for v in values):
        return values[0]
    ops = [v.ops or (Affine(full(v.shape[0], 1), full(v.shape[0], 0)),) for v in values]
    if not all(len(o) == 1 and isinstance(o[0], Affine) and not o[0].row_class for o in ops):
        return None
    scale, shift = (
        np.concatenate([getattr(o[0], name) for o in ops]) for name in ("scale", "shift")
    )
    return replace(values[0], ops=(Affine(scale, shift),))


def scaled_input_type(x: Value) -> Integer | None:
    """A type of a few bits more than the input's, where factors per channel scale this; else None.

    Binary weights cannot carry such factors. It holds all values, and 0 exactly: what padding is.
    """
    if not isinstance(x.dtype, Integer) or x.stream is not None or len(x.ops) != 1:
        return None
    (op,) = x.ops
    if not isinstance(op, Affine) or op.row_class or len({abs(s) for s in op.scale}) == 1:
        return None
    scale, shift = floats(op.scale), floats(op.shift)
    ends = np.concatenate([scale * x.dtype.low + shift, scale * x.dtype.high + shift])
    signed = bool((ends < 0).any())
    dtype = Integer(min(x.dtype.bits + _FINER_BITS, _WIDEST_INPUT), signed)
    frac = math.floor(math.log2(dtype.high / np.abs(ends).max()))
    return replace(dtype, frac=frac)


def normalisation(x: Value) -> tuple[Floats, Floats] | tuple[None, None]:
    """Scale and shift per channel of narrow integers; None where they are wide, or it is more."""
    wide = not isinstance(x.dtype, Integer) or x.dtype.bits > ACTIVATION_BITS
    if wide or len(x.ops) > 1:
        return None, None
    if not x.ops:
        return np.ones(x.shape[0]), np.zeros(x.shape[0])
    (op,) = x.ops
    if not isinstance(op, Affine) or op.row_class:
        return None, None
    return floats(op.scale), floats(op.shift)
