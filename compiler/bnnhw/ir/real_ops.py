"""Operations on real values, as the front end delivers them; passes turn them into integer ones."""

# ruff: noqa: D102  (infer() is described once, in Op)

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import one_number
from bnnhw.ir.op_base import (
    Bools,
    Exacts,
    Floats,
    Op,
    Tensor,
    Weights,
    Window,
    conv_shape,
    dense_shape,
    joined_shape,
    pool_shape,
    same_channels,
    same_magnitudes,
)
from bnnhw.ir.pieces import Piece, Pieces, line, merged
from bnnhw.ir.types import Integer, Real


@dataclass(frozen=True, eq=False)
class Conv(Op):
    """2-D convolution by real weights [Cout, Cin / groups, KH, KW], padded with ``fill``; no bias.

    The output channels of a group read the input channels of that group alone.
    """

    level: ClassVar[str] = "real"
    weight: Weights
    window: Window
    groups: int = 1
    fill: float = 0.0

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(conv_shape(inputs[0], self.weight.shape, self.window, self.groups), Real())

    @cached_property
    def is_binary(self) -> bool:
        """Whether the weights are +-alpha with one alpha per output channel."""
        return same_magnitudes(self.weight)


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """Fully connected layer with real weights [Cout, Cin]; no bias."""

    level: ClassVar[str] = "real"
    weight: Weights

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(dense_shape(inputs[0], self.weight.shape), Real())

    @cached_property
    def is_binary(self) -> bool:
        """Whether the weights are +-alpha with one alpha per output."""
        return same_magnitudes(self.weight)


class Elementwise(Op):
    """An operation that makes one number of one number: a function of each channel.

    Its base classes answer one question, ``pieces``; evaluation, statistics, error bounds, tables
    and thresholds follow from the answer.
    """

    level: ClassVar[str] = "real"

    def pieces(self, channel: int) -> Pieces:
        """The function of a channel, exactly.

        Raises:
            ModelError: it differs from pixel to pixel.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Affine(Elementwise):
    """x * scale[c] + shift[c] per channel (axis 0 of the sample): BatchNorm, bias, scale.

    Attributes:
        scale: [C], exact.
        shift: [C]; or [row classes, column classes, C] where a shift has moved behind a zero-padded
            convolution. Padded taps contribute 0, not the shift, so at the border it adds less.
        row_class: the row class of each row; empty where there is only one.
        column_class: likewise for columns.
    """

    level: ClassVar[str] = "real"
    scale: Exacts
    shift: Exacts
    row_class: tuple[int, ...] = ()
    column_class: tuple[int, ...] = ()

    @property
    def uniform(self) -> bool:
        """Whether all elements have one scale and one shift."""
        return all(one_number(values) for values in (self.scale, self.shift))

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], len(self.scale), "Affine")
        return Tensor(inputs[0].shape, Real())

    def pieces(self, channel: int) -> Pieces:
        """One line."""
        if self.row_class or self.shift.ndim > 1:
            raise ModelError(
                "shifts a real-valued stream differently from pixel to pixel",
                fix="binarise to {-1, +1} or {0, 1} before a padded convolution; pad bits of "
                "{-1, +1} with 0, -1 or +1, others with 0",
            )
        return line(self.scale[channel], self.shift[channel])


@dataclass(frozen=True)
class Piecewise(Elementwise):
    """A continuous piecewise linear function: ReLU, PReLU, Clip and their like.

    Attributes:
        functions: one for each channel, or a single one for all.
        label: what the model calls it.
    """

    functions: tuple[Pieces, ...]
    label: str

    @property
    def called(self) -> str:
        """What the model calls it."""
        return self.label

    def infer(self, *inputs: Tensor) -> Tensor:
        if len(self.functions) > 1:
            same_channels(inputs[0], len(self.functions), self.label)
        return Tensor(inputs[0].shape, Real())

    def pieces(self, channel: int) -> Pieces:
        """The function of a channel."""
        return self.functions[channel if len(self.functions) > 1 else 0]

    @cached_property
    def turns(self) -> bool:
        """Whether a channel's function falls and rises; numerators tell."""
        slopes = ([piece.scale.numerator for piece in pieces] for pieces in self.functions)
        return any(min(own) < 0 < max(own) for own in slopes)

    @cached_property
    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """Starts, scales, shifts: [pieces, C] or [pieces, 1], the last of a channel repeated."""
        most = max(map(len, self.functions))
        padded = [(*pieces, *[pieces[-1]] * (most - len(pieces))) for pieces in self.functions]
        rows = [
            [(-math.inf if p.start is None else float(p.start), float(p.scale), float(p.shift))
             for p in pieces]
            for pieces in padded
        ]  # fmt: skip
        starts, scales, shifts = np.array(rows).transpose(2, 1, 0)
        return starts, scales, shifts

    @cached_property
    def limits(self) -> tuple[float, float] | None:
        """The smallest and the largest result of a function that only limits; None of others."""
        if len(self.functions) > 1:
            return None
        low, high = -math.inf, math.inf
        pieces = list(self.functions[0])
        if len(pieces) == 1 and pieces[0].scale == 0:
            return float(pieces[0].shift), float(pieces[0].shift)
        if len(pieces) > 1 and pieces[0].scale == 0:
            low = float(pieces.pop(0).shift)
        if len(pieces) > 1 and pieces[-1].scale == 0:
            high = float(pieces.pop().shift)
        (piece, *rest) = pieces
        only = not rest and piece.scale == 1 and piece.shift == 0
        return (low, high) if only else None


def relu() -> Piecewise:
    """max(x, 0)."""
    return _limited(0.0, math.inf, "Relu")


def absolute() -> Piecewise:
    """|x|."""
    zero, one = Fraction(0), Fraction(1)
    return Piecewise(((Piece(None, -one, zero), Piece(zero, one, zero)),), "Abs")


def clip(low: float, high: float) -> Piecewise:
    """min(max(x, low), high), ``high`` where that is less than ``low``."""
    return _limited(min(low, high), high, "Clip")


def _limited(low: float, high: float, label: str) -> Piecewise:
    if low == high:
        return Piecewise((line(Fraction(0), Fraction(high)),), label)
    pieces = [] if math.isinf(low) else [Piece(None, Fraction(0), Fraction(low))]
    pieces.append(Piece(Fraction(low) if pieces else None, Fraction(1), Fraction(0)))
    if not math.isinf(high):
        pieces.append(Piece(Fraction(high), Fraction(0), Fraction(high)))
    return Piecewise((tuple(pieces),), label)


def prelu(slopes: Exacts) -> Piecewise:
    """X where x >= 0, else slope[c] * x; ``slopes`` are [C]."""
    zero, one = Fraction(0), Fraction(1)
    rising = Piece(zero, one, zero)
    return Piecewise(tuple(merged((Piece(None, s, zero), rising)) for s in slopes), "PRelu")


def limits_of(op: Op) -> tuple[float, float] | None:
    """The ends of an operation that only limits numbers, such as ReLU or Clip; None of others."""
    return op.limits if isinstance(op, Piecewise) else None


@dataclass(frozen=True)
class Add(Op):
    """Sum of two tensors of one shape: where a shortcut joins."""

    level: ClassVar[str] = "real"

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(joined_shape(*inputs), Real())


@dataclass(frozen=True, eq=False)
class Select(Op):
    """Precision gating: the second of two tensors of one shape where the first is large.

    Of numbers a and b, b where a > thresholds[c] (strict) or a >= it, else a. With ``below``, b
    where a < thresholds[c] (strict) or a <= it, else a.
    """

    level: ClassVar[str] = "real"
    thresholds: Exacts
    strict: bool = True
    below: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], len(self.thresholds), "Select")
        return Tensor(joined_shape(*inputs), Real())

    @property
    def margin(self) -> Affine:
        """Of a: b is chosen where this is above 0, or 0 itself where not ``strict``."""
        sign = Fraction(-1 if self.below else 1)
        scale = np.full(len(self.thresholds), sign, object)
        return Affine(scale, -sign * self.thresholds)

    def chosen(self, a: Floats) -> Bools:
        """Where b is taken, of samples [N, C, ...] of a."""
        limit = self.thresholds.astype(np.float64).reshape(-1, *(1,) * (a.ndim - 2))
        margin = limit - a if self.below else a - limit
        return np.asarray(margin > 0 if self.strict else margin >= 0)


@dataclass(frozen=True)
class AveragePool(Op):
    """Mean over a window of the whole kernel's area; padded taps count as 0."""

    level: ClassVar[str] = "real"
    window: Window

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(pool_shape(inputs[0], self.window), Real())


@dataclass(frozen=True)
class Round(Op):
    """x to the nearest integer, half up; the front end makes a Quantise of it.

    Attributes:
        half_even: the model's own result lies on the even side halfway between two integers.
    """

    level: ClassVar[str] = "real"
    half_even: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class Quantise(Op):
    """saturate(floor(x * 2^frac + 1/2)) * 2^-frac: x to the nearest number of a type, half up.

    Attributes:
        dtype: the fixed-point type.
        half_even: as in Round.
    """

    level: ClassVar[str] = "real"
    dtype: Integer
    half_even: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class Binarize(Op):
    """``high`` where x > 0 (strict) or x >= 0, else ``low``.

    Attributes:
        strict: whether the point x = 0 gives ``low``.
        low: value of bit 0, usually -1 or 0.
        high: value of bit 1, usually +1.
        zero_is_zero: the model spells it as ONNX's Sign, whose value at 0 is neither: ``strict``
            is then the user's choice.
    """

    level: ClassVar[str] = "real"
    strict: bool = True
    low: float = -1.0
    high: float = 1.0
    zero_is_zero: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class MaxPool(Op):
    """Maximum over a window; padded positions count for nothing."""

    level: ClassVar[str] = "real"
    window: Window

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(pool_shape(inputs[0], self.window), inputs[0].dtype)


@dataclass(frozen=True, eq=False)
class Lookup(Op):
    """Element-wise function of an integer of at most 8 bits: values[x - low of its type]."""

    level: ClassVar[str] = "real"
    values: Floats

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class Smooth(Op):
    """A rising element-wise function without corners, by its ONNX name: a gate's Sigmoid, or Tanh.

    Attributes:
        name: of ``SMOOTH``.
    """

    level: ClassVar[str] = "real"
    name: str

    @property
    def called(self) -> str:
        return self.name

    @property
    def low(self) -> float:
        """What it never goes below; above, it ends at 1."""
        return SMOOTH[self.name][0]

    @property
    def steepest(self) -> float:
        """Its largest slope."""
        return SMOOTH[self.name][1]

    def __call__(self, x: Floats) -> Floats:
        """Its values at ``x``, infinite ones too."""
        if self.name == "Tanh":
            return np.tanh(x)
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


SMOOTH = {"Sigmoid": (0.0, 0.25), "Tanh": (-1.0, 1.0)}
"""Smooth functions: their lower end, and their largest slope."""
