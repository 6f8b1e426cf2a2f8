"""Operations: small frozen dataclasses with shape and type inference beside their fields.

Shapes leave out the batch: (C, H, W) for images, (C,) for vectors. Arrays inside operations are
read-only by convention. Operations of level "real" come from the front end; passes turn them into
operations of level "integer", for which hardware exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.ir.exact_matrix import ExactMatrix
from bnnhw.ir.op_base import (
    Bools as Bools,
    Exacts as Exacts,
    Floats as Floats,
    Ints as Ints,
    Op as Op,
    Shape as Shape,
    Tensor as Tensor,
    Window as Window,
    by_input as by_input,
    conv_shape,
    dense_shape,
    joined_shape,
    pool_shape,
    same_channels,
)
from bnnhw.ir.pad_op import EDGE as EDGE, REFLECT as REFLECT, Pad as Pad
from bnnhw.ir.product_ops import ChannelSum as ChannelSum, Product as Product
from bnnhw.ir.real_ops import (
    Add as Add,
    Affine as Affine,
    AveragePool as AveragePool,
    Binarize as Binarize,
    Conv as Conv,
    Dense as Dense,
    Elementwise as Elementwise,
    Lookup as Lookup,
    MaxPool as MaxPool,
    Piecewise as Piecewise,
    Quantise as Quantise,
    Round as Round,
    Select as Select,
    Smooth as Smooth,
    absolute as absolute,
    clip as clip,
    limits_of as limits_of,
    prelu as prelu,
    relu as relu,
)
from bnnhw.ir.spans import OfIntegers, accumulator, weighted_span
from bnnhw.ir.types import Bit, Integer, Real

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class BinaryConv(Op):
    """Convolution of integers or bits by weights in {-1, +1} [Cout, Cin / groups, KH, KW], int8.

    acc = sum of w*x over the taps inside the image: a padded tap contributes exactly 0. With a
    ``fill`` of -1 or +1, on bits of -1 and +1 only, padded taps read that bit.
    """

    weight: NDArray[np.int8]
    window: Window
    groups: int = 1
    fill: int = 0

    def infer(self, *inputs: Tensor) -> Tensor:
        shape = conv_shape(inputs[0], self.weight.shape, self.window, self.groups)
        if self.fill and (inputs[0].dtype != Bit(bipolar=True) or abs(self.fill) != 1):
            raise ModelError(
                f"pads {inputs[0].dtype} with {self.fill}",
                fix="the file is damaged; export the model again",
            )
        return Tensor(shape, accumulator(inputs[0].dtype, int(np.prod(self.weight.shape[1:]))))

    @cached_property
    def matrices(self) -> tuple[ExactMatrix, ...]:
        """The weights of each group; see ``_matrices``."""
        return _matrices(self.weight, self.groups)


@dataclass(frozen=True, eq=False)
class BinaryDense(Op):
    """Matrix-vector product of integers or bits by weights in {-1, +1} [Cout, Cin], int8."""

    weight: NDArray[np.int8]

    def infer(self, *inputs: Tensor) -> Tensor:
        shape = dense_shape(inputs[0], self.weight.shape)
        return Tensor(shape, accumulator(inputs[0].dtype, self.weight.shape[1]))

    @cached_property
    def matrix(self) -> ExactMatrix:
        """The weights."""
        return ExactMatrix(self.weight)


@dataclass(frozen=True, eq=False)
class Threshold(Op):
    """bit = (x >= T), inverted in the channels flagged by ``invert``.

    Attributes:
        thresholds: [row classes, column classes, C]. Zero padding of a shifted input makes T differ
            at the borders of the image; elsewhere there is one class of each.
        row_class: the row class of each output row; empty where there is only one.
        column_class: likewise for columns.
        invert: [C]; bit = (x < T) in these channels.
        bipolar: whether the bits mean {-1, +1} or {0, 1}.
    """

    thresholds: Ints
    row_class: tuple[int, ...] = ()
    column_class: tuple[int, ...] = ()
    invert: Bools = field(default_factory=lambda: np.zeros(0, bool))
    bipolar: bool = True

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], self.thresholds.shape[2], "Threshold")
        return Tensor(inputs[0].shape, Bit(self.bipolar))

    def table(self, shape: Shape) -> Ints:
        """Thresholds broadcast to channel-first images: [C], or [C, H, W] with border classes."""
        table = class_values(self.thresholds, self.row_class, self.column_class)
        return table if len(shape) == 3 else table[:, 0, 0]


@dataclass(frozen=True, eq=False)
class BitMaxPool(Op):
    """Maximum of bits over a window, minimum in the channels of ``minimum`` ([C], bool)."""

    window: Window
    minimum: Bools

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(pool_shape(inputs[0], self.window), inputs[0].dtype)


@dataclass(frozen=True, eq=False)
class IntegerTable(Op):
    """Element-wise function of an integer of at most 8 bits: values[x - low of its type]."""

    values: Ints
    dtype: Integer | Bit

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, self.dtype)


@dataclass(frozen=True, eq=False)
class IntegerConv(OfIntegers, Op):
    """Convolution of integers by integer weights, plus an offset; padded taps contribute 0.

    acc = offset + sum of w*x over the taps inside the image.

    Attributes:
        weight: [Cout, Cin / groups, KH, KW].
        window: kernel, stride, padding.
        weight_bits: width of the weights, two's complement.
        offset: [row classes, column classes, Cout]: what a shift of the input becomes.
        row_class: the row class of each output row; empty where there is only one.
        column_class: likewise for columns.
        groups: of channels.
    """

    weight: Ints
    window: Window
    weight_bits: int
    offset: Ints
    row_class: tuple[int, ...] = ()
    column_class: tuple[int, ...] = ()
    groups: int = 1

    def infer(self, *inputs: Tensor) -> Tensor:
        shape = conv_shape(inputs[0], self.weight.shape, self.window, self.groups)
        return Tensor(shape, weighted_span(inputs[0].dtype, self.signed_sums, self.offset))

    @cached_property
    def matrices(self) -> tuple[ExactMatrix, ...]:
        """The weights of each group; see ``_matrices``."""
        return _matrices(self.weight, self.groups)


@dataclass(frozen=True, eq=False)
class IntegerDense(OfIntegers, Op):
    """Matrix-vector product of integers by integer weights [Cout, Cin], plus offset [Cout]."""

    weight: Ints
    weight_bits: int
    offset: Ints

    def infer(self, *inputs: Tensor) -> Tensor:
        shape = dense_shape(inputs[0], self.weight.shape)
        return Tensor(shape, weighted_span(inputs[0].dtype, self.signed_sums, self.offset))

    @cached_property
    def matrix(self) -> ExactMatrix:
        """The weights."""
        return ExactMatrix(self.weight)


MOST_SEGMENTS = 3
"""Of a FixedAffine."""


@dataclass(frozen=True, eq=False)
class FixedAffine(Op):
    """y = saturate(floor((m*x + b) / 2^shift + 1/2)) per channel: rounds half up.

    With one segment: BatchNorm, scale, bias, or a change of binary point. With two or three: PReLU
    and its kin, where x takes the last segment whose knee it reaches, or else segment 0.

    Attributes:
        multiplier: m, [segments, C].
        offset: b, [segments, C].
        shift: number of fraction bits dropped; at least 0.
        dtype: of the result; values beyond it are saturated.
        knee: of segment 1, or of 1 and 2: [C] or [2, C]; empty where there is one segment.
        exponents: [C], or empty where all are 0: a result means integer * 2^-(frac + exponent), so
            that channels of small values use the whole type too. No part of the arithmetic.
        exact: whether m and b are the real function's, not rounded. No part of the arithmetic.
        limits: whether the model needs the type's limits: a wider one would be another function.
            No part of the arithmetic.
    """

    multiplier: Ints
    offset: Ints
    shift: int
    dtype: Integer
    knee: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    exponents: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    exact: bool = False
    limits: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], self.multiplier.shape[1], "FixedAffine")
        segments, channels = self.multiplier.shape
        knees = self.knee.size == (segments - 1) * channels and self.knee.ndim == max(
            1, segments - 1
        )
        if not knees or not 1 <= segments <= MOST_SEGMENTS or self.shift < 0:
            raise ModelError(
                "a fixed-point affine operation needs a knee for its second and its third segment",
                fix="the file is damaged; export the model again",
            )
        return Tensor(inputs[0].shape, self.dtype)

    @property
    def knees(self) -> Ints:
        """[segments - 1, C]."""
        segments, channels = self.multiplier.shape
        return self.knee.reshape(segments - 1, channels)


@dataclass(frozen=True)
class FixedAdd(Op):
    """saturate(a + b) of two tensors of one binary point, whose halves add up.

    Attributes:
        dtype: of the sums.
        limits: as that of FixedAffine.
    """

    dtype: Integer
    limits: bool = False

    def infer(self, *inputs: Tensor) -> Tensor:
        points = {t.dtype.frac if isinstance(t.dtype, Integer) else None for t in inputs}
        halves = sum(t.dtype.halves for t in inputs if isinstance(t.dtype, Integer))
        if points != {self.dtype.frac} or halves != self.dtype.halves:
            raise ModelError(
                f"adds {' and '.join(str(t) for t in inputs)} to {self.dtype}",
                fix="the file is damaged; export the model again",
            )
        return Tensor(joined_shape(*inputs), self.dtype)


@dataclass(frozen=True, eq=False)
class FixedSelect(Op):
    """Of numbers a and b, factors[1] * b where a >= thresholds[c], else factors[0] * a.

    The other way round in the channels of ``invert`` ([C]; empty for none). Nothing saturates.
    """

    thresholds: Ints
    invert: Bools
    factors: tuple[int, int]
    dtype: Integer

    def infer(self, *inputs: Tensor) -> Tensor:
        same_channels(inputs[0], len(self.thresholds), "FixedSelect")
        return Tensor(joined_shape(*inputs), self.dtype)


@dataclass(frozen=True)
class IntegerMaxPool(Op):
    """Maximum of integers over a window; padded positions count for nothing."""

    window: Window

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(pool_shape(inputs[0], self.window), inputs[0].dtype)


@dataclass(frozen=True)
class SumPool(Op):
    """Sum of integers over a window; padded taps contribute 0.

    The binary point stays. Halves are those of a window without padding.
    """

    window: Window

    def infer(self, *inputs: Tensor) -> Tensor:
        x = inputs[0].dtype
        if not isinstance(x, Integer):
            raise ModelError(
                "a sum pool needs integers", fix="the file is damaged; export the model again"
            )
        area = self.window.kernel[0] * self.window.kernel[1]
        span = Integer.spanning(x.low * area, x.high * area)
        return Tensor(
            pool_shape(inputs[0], self.window), replace(span, frac=x.frac, halves=x.halves * area)
        )


@dataclass(frozen=True)
class Flatten(Op):
    """(C, H, W) to (C*H*W,), in C, H, W order as ONNX flattens a channel-first tensor."""

    level: ClassVar[str] = "any"

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor((int(np.prod(inputs[0].shape)),), inputs[0].dtype)


@dataclass(frozen=True)
class Concat(Op):
    """The channels of several tensors of one size, one tensor after the other."""

    level: ClassVar[str] = "any"

    def infer(self, *inputs: Tensor) -> Tensor:
        types = {t.dtype for t in inputs}
        if len(inputs) < 2 or len({t.shape[1:] for t in inputs}) > 1:
            raise ModelError(
                f"concatenates {' and '.join(str(t) for t in inputs)}",
                fix="the file is damaged; export the model again",
            )
        real = any(isinstance(dtype, Real) for dtype in types)
        if len(types) > 1 and not real:
            raise ModelError(f"concatenates {' and '.join(str(t) for t in inputs)}", fix=REPORT)
        channels = sum(t.shape[0] for t in inputs)
        dtype = Real() if real else inputs[0].dtype
        return Tensor((channels, *inputs[0].shape[1:]), dtype)


def _matrices(weight: NDArray[Any], groups: int) -> tuple[ExactMatrix, ...]:
    """Weights of each group as a matrix [Cout / groups, KH * KW * Cin / groups]."""
    rows = weight.transpose(0, 2, 3, 1).reshape(groups, len(weight) // groups, -1)
    return tuple(map(ExactMatrix, rows))


def class_values(values: Ints, row_class: tuple[int, ...], column_class: tuple[int, ...]) -> Ints:
    """Values [row classes, column classes, C] laid over an image: [C, H, W], or [C, 1, 1]."""
    rows = np.asarray(row_class or (0,))
    columns = np.asarray(column_class or (0,))
    return values[rows[:, None], columns[None, :]].transpose(2, 0, 1)


FRONT_END = frozenset(
    (
        *(Add, Affine, AveragePool, Binarize, Concat, Conv, Dense, Flatten, Lookup, MaxPool),
        *(ChannelSum, Pad, Piecewise, Product, Quantise, Select, Smooth),
    )
)
"""What the front end gives."""
INTEGER = frozenset(
    (
        *(BinaryConv, BinaryDense, BitMaxPool, ChannelSum, Concat, FixedAdd, FixedAffine),
        *(FixedSelect, Flatten, IntegerConv, IntegerDense, IntegerMaxPool, IntegerTable),
        *(Pad, Product, SumPool, Threshold),
    )
)
"""What the passes leave: operations on integers and bits, for which hardware exists."""
