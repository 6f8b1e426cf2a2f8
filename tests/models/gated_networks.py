"""Networks of FracBNN's parts, put together at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from random_networks import _Residual

if TYPE_CHECKING:
    from random_networks import RandomNetwork
    from sketch import Sketch

_COMPARISONS = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual")


class _Gated(_Residual):
    """A thermometer code or a real layer, then blocks on activations of a few bits."""

    def grow(self) -> Sketch:
        width = self.number(1, 12) if self.chance(0.5) else 8
        if self.chance(0.8):
            self.thermometer()
            self.binary_conv(width, 3, 1)
            self.norm()
        else:
            self.sketch.op("Div", self.sketch.constant(255))
            self.real_conv(width, [3, 3], [1, 1], [1] * 4)
        for _ in range(self.number(1, 3)):
            self.residual_block()
        if self.chance(0.8):
            self.sketch.op("GlobalAveragePool")
            self.size = (1, 1)
        self.sketch.flatten()
        features, inputs = self.number(2, 8), self.channels * self.size[0] * self.size[1]
        weight = self.rng.normal(size=(features, inputs)) / inputs**0.5
        bias = self.sketch.constant(self.rng.normal(size=features))
        self.sketch.op("Gemm", self.sketch.constant(weight), bias, transB=1)
        return self.sketch

    def thermometer(self) -> None:
        """Bits of {-1, +1} or {0, 1}, in any order of the channels, at any levels."""
        count, sketch = self.number(2, 6), self.sketch
        per_channel = self.channels if self.chance(0.3) else 1
        levels = self.rng.integers(0, 255, (per_channel, count)) + self.rng.choice([0, 0.5])
        inner = self.chance(0.6)
        shape = (per_channel, count) if inner else (count, per_channel)
        levels = (levels if inner else levels.T).reshape(*shape, 1, 1)
        sketch.op("Unsqueeze", sketch.constant([2 if inner else 1], np.int64))
        kind = str(self.rng.choice(_COMPARISONS))
        sketch.op(kind, sketch.constant(levels), first=self.chance(0.7))
        if self.chance(0.5):
            sketch.op("Cast", to=1)
        else:
            sketch.op("Where", sketch.constant(1), sketch.constant(-1))
        sketch.op("Reshape", sketch.constant([0, -1, *self.size], np.int64))
        self.channels *= count

    def binary_conv(self, features: int, kernel: int, stride: int) -> str:
        """A convolution of binary weights, scaled or not; the name of the weights."""
        weight = self.sketch.signs(features, self.channels, kernel, kernel)
        if self.chance(0.3):
            weight *= np.float32(0.25)
        name = self.sketch.constant(weight)
        pads = [(kernel - 1) // 2] * 4
        self.sketch.conv(
            self.channels, features, weight=name, pads=pads, strides=[stride] * 2,
            kernel_shape=[kernel] * 2,
        )  # fmt: skip
        self.channels = features
        self.shrink([kernel] * 2, [stride] * 2, pads)
        return name

    def few_bits(self) -> float:
        """Numbers of a few bits, in one of the papers' spellings; the largest of them."""
        sketch, kind = self.sketch, self.number(0, 3)
        steps = float(self.rng.choice([1, 3, 3, 3, 7, 2]))
        if kind == 0:  # FracBNN
            sketch.op("Clip", sketch.constant(-1), sketch.constant(1))
            sketch.op("Add", sketch.constant(1))
            sketch.op("Mul", sketch.constant(1.5))
            sketch.op("Round")
            sketch.op("Mul", sketch.constant(2 / 3))
            sketch.op("Sub", sketch.constant(1))
        elif kind == 1:  # DoReFa
            if self.chance(0.5):
                sketch.op("Clip", sketch.constant(0), sketch.constant(1))
            else:
                sketch.op("Max", sketch.constant(0))
                sketch.op("Min", sketch.constant(1))
            sketch.op("Mul", sketch.constant(steps))
            sketch.op("Round")
            sketch.op("Div", sketch.constant(steps))
        elif kind == 2:  # PACT, at a learned limit
            top = np.float32(self.rng.uniform(0.5, 2))
            sketch.op("Clip", sketch.constant(0), sketch.constant(top))
            sketch.op("Mul", sketch.constant(np.float32(steps) / top))
            sketch.op("Round")
            sketch.op("Mul", sketch.constant(top / np.float32(steps)))
        else:  # two's complement, around 0
            sketch.op("Mul", sketch.constant(2))
            sketch.op("Round")
            sketch.op("Clip", sketch.constant(-2), sketch.constant(1))
            sketch.op("Mul", sketch.constant(0.5))
        return 1.0

    def residual_block(self) -> None:
        """Few bits, a binary convolution, gated or not, and BatchNorm, beside the shortcut."""
        start, channels = self.sketch.tensor, self.channels
        kernel = int(self.rng.choice([1, 3, 3]))
        self.few_bits()
        bits = self.sketch.tensor
        name = self.binary_conv(channels, kernel, 1)
        if self.chance(0.7):
            self.gate(bits, name, kernel)
        self.norm()
        self.sketch.op("Add", start)
        if self.chance(0.3):
            self.norm()
        self.activation()

    def gate(self, bits: str, weight: str, kernel: int) -> None:
        """The sum of the signs in place of the whole sum, where it exceeds no threshold."""
        sketch, full = self.sketch, self.sketch.tensor
        sketch.tensor = bits
        sketch.sign(str(self.rng.choice(["greater", "greater_or_equal", "swapped"])))
        sketch.conv(
            self.channels, self.channels, weight=weight, pads=[(kernel - 1) // 2] * 4,
            kernel_shape=[kernel] * 2,
        )  # fmt: skip
        if self.chance(0.7):
            sketch.op("Mul", sketch.constant(2 / 3))
        high = sketch.tensor
        limits = self.rng.normal(0, 2, (1, self.channels if self.chance(0.7) else 1, 1, 1))
        kind = str(self.rng.choice(_COMPARISONS))
        sketch.op(kind, sketch.constant(limits), first=self.chance(0.7))
        condition = sketch.tensor
        both = [full, high] if self.chance(0.6) else [high, full]
        sketch.tensor = sketch.node("Where", [condition, *both])


def gated_network(seed: int) -> RandomNetwork:
    """FracBNN's parts: thermometer codes, activations of a few bits, precision gating."""
    network = _Gated(seed)
    network.grow()
    return network
