"""Random networks whose streams are multiplied: by XNOR-Net's K, and by gates per channel."""

from __future__ import annotations

import numpy as np

from random_networks import RandomNetwork, _Residual


class _Scaled(_Residual):
    """XNOR-Net's blocks with K in its spellings, and Real-to-Binary's with gates."""

    def residual_block(self) -> None:
        """A block of one of the two papers, or a plain one."""
        if self.chance(0.1):
            super().residual_block()
            return
        start, channels, size = self.sketch.tensor, self.channels, self.size
        if self.chance(0.7):
            self.norm()
            self.behind_relu = False
        if self.chance(0.75):
            self.with_k()
        else:
            self.gated()
        if self.chance(0.5):
            self.norm()
        if self.chance(0.15) and min(self.size) > 2:
            self.pool()
        if (channels, size) == (self.channels, self.size) and self.chance(0.7):
            self.sketch.op("Add", start)
        self.activation()

    def binary(self, kernel: int, stride: int, pads: list[int]) -> str:
        """Sign and binary convolution; what the sign reads."""
        source = self.sketch.tensor
        features = int(self.rng.choice([self.channels, self.channels, self.number(1, 24)]))
        self.sign()
        weight = self.sketch.signs(features, self.channels, kernel, kernel)
        weight *= self.rng.uniform(0.02, 0.2, (features, 1, 1, 1)).astype(np.float32)
        self.sketch.conv(self.channels, features, weight=weight, pads=pads, strides=[stride] * 2)
        self.channels = features
        self.shrink([kernel] * 2, [stride] * 2, pads)
        return source

    def with_k(self) -> None:
        """The convolution times the mean of |input| over channels and window."""
        kernel = min(int(self.rng.choice([1, 3, 3, 5])), *self.size)
        stride = 2 if min(self.size) >= 4 and self.chance(0.3) else 1
        pads, channels = [(kernel - 1) // 2] * 4, self.channels
        made = self.binary(kernel, stride, pads)
        product, self.sketch.tensor = self.sketch.tensor, made
        window = {"strides": [stride] * 2, "pads": pads}
        self.sketch.op("Abs")
        spelling = str(self.rng.choice(["mean", "squeezed", "sum", "weights"]))
        area = kernel * kernel
        if spelling == "weights":
            ones = np.full((1, channels, kernel, kernel), 1 / (channels * area))
            self.sketch.conv(channels, 1, weight=ones, **window)
        else:
            if spelling == "sum":
                self.sketch.op("ReduceSum", self.sketch.constant([1], np.int64))
                self.sketch.op("Div", self.sketch.constant(float(channels)))
            else:
                self.sketch.op("ReduceMean", axes=[1], keepdims=int(spelling == "mean"))
            if spelling == "squeezed":
                self.sketch.op("Unsqueeze", self.sketch.constant([1], np.int64))
            if self.chance(0.5):
                ones = np.full((1, 1, kernel, kernel), 1 / area)
                self.sketch.conv(1, 1, weight=ones, **window)
            else:
                self.sketch.op("AveragePool", kernel_shape=[kernel] * 2, count_include_pad=1,
                               **window)  # fmt: skip
        self.sketch.op("Mul", product, first=self.chance(0.5))

    def gated(self) -> None:
        """The convolution times a number per channel that the whole input gives."""
        inputs, kernel = self.channels, 3 if min(self.size) > 2 else 1
        made = self.binary(kernel, 1, [kernel // 2] * 4)
        product, channels = self.sketch.tensor, self.channels
        self.sketch.tensor = made
        self.sketch.op("GlobalAveragePool")
        inner = self.number(1, 8)
        for count, features in ((inputs, inner), (inner, channels)):
            weight = self.rng.normal(size=(features, count, 1, 1)) / count**0.5
            bias = self.sketch.constant(self.rng.normal(size=features))
            self.sketch.op("Conv", self.sketch.constant(weight), bias)
            last = str(self.rng.choice(["HardSigmoid", "HardSigmoid", "Sigmoid", "Tanh"]))
            self.sketch.op("Relu" if (count, features) == (inputs, inner) else last)
        self.sketch.op("Mul", product, first=self.chance(0.5))


def scaled_network(seed: int) -> RandomNetwork:
    """A residual network with products of streams; its images have 8 bits."""
    network = _Scaled(seed)
    network.grow()
    return network
