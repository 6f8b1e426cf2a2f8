"""Steps in which kernels execute a graph: a layer or a pool with what follows it on each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bnnhw.interpret.fast.cores import core_count, one_after_the_other
from bnnhw.interpret.fast.packed import pack, word_count
from bnnhw.interpret.layers import channels_first, channels_last, padded, pooled
from bnnhw.interpret.plain import execute_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.interpret.fast.cores import Spread
    from bnnhw.interpret.fast.kernels import Geometry, Tail
    from bnnhw.interpret.fast.values import Values
    from bnnhw.ir.graph import Node
    from bnnhw.ir.op_base import Bools, Tensor, Window

_WORTH_A_THREAD = 60_000
"""Nanoseconds of work that are more than handing some of it to another core takes."""


class Stage(Protocol):
    """Something that reads tensors and writes others."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the tensors that it needs."""

    def run(self, values: Values, spread: Spread) -> None:
        """Writes its results."""


@dataclass(frozen=True, eq=False)
class KernelStage:
    """A kernel and its tail.

    Attributes:
        kernel: takes the source, ``fixed``, geometry, tail and a range of rows.
        fixed: what it takes between source and geometry.
        geometry: of the windows.
        tail: without the arrays that differ from run to run.
        source: tensor that the windows lie on.
        from_bits: whether it is read as words.
        padding: window whose padding is laid around the images before; None where there is none.
        other: tensor that the tail adds, or "".
        numbers: tensor that is written as numbers, or "".
        bits: tensor that is written as words, or "".
        size: channels, height and width of the results.
        cost: about how many nanoseconds per sample takes.
    """

    kernel: Callable[..., None]
    fixed: tuple[Any, ...]
    geometry: Geometry
    tail: Tail
    source: str
    from_bits: bool
    padding: Window | None
    other: str
    numbers: str
    bits: str
    size: tuple[int, int, int]
    cost: float

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the tensors that it needs."""
        return (self.source, self.other) if self.other else (self.source,)

    def run(self, values: Values, spread: Spread) -> None:
        """Writes its results, some rows at a time where there is much to do."""
        x = values.bits(self.source) if self.from_bits else values.numbers(self.source)
        if self.padding is not None:
            x = padded(channels_first(x), self.padding, 0, x.dtype)
        channels, height, width = self.size
        pixels, words = len(x) * height * width, word_count(channels)
        tail = self.tail._replace(
            other=values.numbers(self.other).reshape(-1) if self.other else self.tail.other,
            values=np.empty(pixels * channels if self.numbers else 0, np.int32),
            bits=np.empty((pixels if self.bits else 0, words), np.uint64),
        )

        def part(first: int, last: int) -> None:
            self.kernel(x, *self.fixed, self.geometry, tail, first, last)

        rows = len(x) * height
        if spread is one_after_the_other or self.cost * len(x) < _WORTH_A_THREAD:
            part(0, rows)
        else:
            step = max(1, -(-rows // (2 * core_count())))
            spread(lambda first: part(first, min(first + step, rows)), range(0, rows, step))
        if self.numbers:
            values.set_numbers(self.numbers, tail.values.reshape(len(x), height, width, channels))
        if self.bits:
            values.set_bits(self.bits, tail.bits.reshape(len(x), height, width, words))


@dataclass(frozen=True, eq=False)
class BitPoolStage:
    """Maximum of bits over windows, minimum in some channels: words joined by or.

    Attributes:
        source: tensor.
        output: tensor.
        window: of the pool.
        minimum: by channel.
    """

    source: str
    output: str
    window: Window
    minimum: Bools

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the tensors that it needs."""
        return (self.source,)

    def run(self, values: Values, spread: Spread) -> None:
        """Writes its result."""
        del spread
        invert = pack(self.minimum)
        words = channels_first(values.bits(self.source) ^ invert)
        joined = pooled(words, self.window, 0, np.bitwise_or, np.uint64)
        values.set_bits(self.output, channels_last(joined) ^ invert)


@dataclass(frozen=True, eq=False)
class PlainStage:
    """One operation in numpy: those that are rare, and numbers too wide for the kernels.

    Attributes:
        node: the operation.
        reads: names of the tensors that it needs.
        tensors: what the operation takes them for.
    """

    node: Node
    reads: tuple[str, ...]
    tensors: tuple[Tensor, ...]

    def run(self, values: Values, spread: Spread) -> None:
        """Writes its result."""
        del spread
        inputs = [
            values.plain(name).reshape(-1, *tensor.shape)
            for name, tensor in zip(self.reads, self.tensors, strict=True)
        ]
        values.set_plain(self.node.output, execute_plain(self.node.op, inputs, list(self.tensors)))
