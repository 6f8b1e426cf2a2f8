"""Operations on real values, as the front end delivers them; passes turn them into integer ones."""

# ruff: noqa: D102  (infer() is described once, in Op)

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bnnhw.ir.op_base import (
    Exacts,
    Floats,
    Op,
    Tensor,
    Window,
    conv_shape,
    dense_shape,
    joined_shape,
    pool_shape,
    same_channels,
    same_magnitudes,
)
from bnnhw.ir.types import Integer, Real


@dataclass(frozen=True, eq=False)
class Conv(Op):
    """2-D convolution with real weights [Cout, Cin/groups, KH, KW]; zero padding; no bias."""

    level: ClassVar[str] = "real"
    weight: Floats
    window: Window
    groups: int = 1

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
    weight: Floats

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(dense_shape(inputs[0], self.weight.shape), Real())

    @cached_property
    def is_binary(self) -> bool:
        """Whether the weights are +-alpha with one alpha per output."""
        return same_magnitudes(self.weight)


@dataclass(frozen=True, eq=False)
class Affine(Op):
    """x * scale[c] + shift[c] per channel (axis 0 of the sample): BatchNorm, bias, scale.

    Attributes:
        scale: [C], exact.
        shift: [C], or [row classes, column classes, C]: what a shift becomes in a zero-padded
            convolution becomes, since padded taps contribute 0 and not the shift.
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
        return len({*self.scale.flat}) == len({*self.shift.flat}) == 1

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], len(self.scale), "Affine")
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class Relu(Op):
    """max(x, 0)."""

    level: ClassVar[str] = "real"

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True, eq=False)
class PRelu(Op):
    """x where x >= 0, else slope[c] * x; ``slope`` is [C]."""

    level: ClassVar[str] = "real"
    slope: Exacts

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], len(self.slope), "PRelu")
        return Tensor(inputs[0].shape, Real())


@dataclass(frozen=True)
class Add(Op):
    """Sum of two tensors of one shape: where a shortcut joins."""

    level: ClassVar[str] = "real"

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(joined_shape(*inputs), Real())


@dataclass(frozen=True)
class AveragePool(Op):
    """Mean over a window of the whole kernel's area; padded taps count as 0."""

    level: ClassVar[str] = "real"
    window: Window

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(pool_shape(inputs[0], self.window), Real())


@dataclass(frozen=True)
class Clip(Op):
    """min(max(x, low), high)."""

    level: ClassVar[str] = "real"
    low: float
    high: float

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


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
