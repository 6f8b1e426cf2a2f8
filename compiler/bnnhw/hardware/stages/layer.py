"""Layers of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.stages.stage import StageBase
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from bnnhw.ir.ops import Ints, Threshold, Window


@dataclass(frozen=True, eq=False)
class Layer(StageBase):
    """A layer of weights with the threshold that follows it, if one does.

    Attributes:
        weight: [Cout, KH, KW, Cin / groups]: the order in which windows stream. In a loop, the
            output channels of all passes, one pass after the other.
        weight_bits: 1 for weights in {-1, +1}, else their width in two's complement.
        window: kernel, stride and padding.
        offset: what is added to the sums, [row classes, column classes, Cout]; None for nothing.
        row_class: the row class of each output row in ``offset``; empty where there is one.
        column_class: likewise for columns.
        threshold: the threshold fused behind the accumulator; None where sums leave.
        is_conv: whether it is a convolution.
        groups: of channels: the output channels of each read the input channels of that one alone.
        fill: what padded taps read: 0, or the bit -1 or +1.
    """

    weight: Ints
    weight_bits: int
    window: Window
    is_conv: bool
    threshold: Threshold | None = None
    offset: Ints | None = None
    row_class: tuple[int, ...] = ()
    column_class: tuple[int, ...] = ()
    groups: int = 1
    fill: int = 0

    @property
    def input_low(self) -> int:
        """Smallest value of an input element."""
        return self.element.low

    @property
    def input_high(self) -> int:
        """Largest value of an input element."""
        return self.element.high

    @property
    def integer_input(self) -> bool:
        """Whether inputs are integers, not bits."""
        return isinstance(self.element, Integer)

    @property
    def features(self) -> int:
        """Output channels, of all passes."""
        return int(self.weight.shape[0])

    @property
    def group_channels(self) -> int:
        """Input channels of a group."""
        return self.channels // self.groups

    @property
    def group_features(self) -> int:
        """Output channels of a group, in one pass."""
        return self.features // self.passes // self.groups

    @property
    def taps(self) -> int:
        """Length of what an output channel reads of a window: KH * KW * Cin / groups."""
        return int(np.prod(self.weight.shape[1:]))

    @property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self.window.output_size(*self.image[1:])
