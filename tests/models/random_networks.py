"""Networks of other people's kinds, put together at random: plain ones and residual ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from sketch import SIGNS, Sketch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

PLAIN_INPUTS = ("uint8", "int8", "bipolar", "unipolar", "int4", "uint3")
ACTIVATIONS = ("none", "relu", "prelu", "leaky")


class RandomNetwork:
    """A network that grows block by block; every choice comes from the seed.

    Attributes:
        input_type: what the model's input holds.
        sketch: the model.
    """

    def __init__(self, seed: int, input_type: str, channels: int, size: tuple[int, int]) -> None:
        self.rng = np.random.default_rng(seed)
        self.input_type, self.channels, self.size = input_type, channels, size
        self.behind_relu = False
        self.sketch = Sketch(["N", channels, *size], np.float32, seed=seed)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def number(self, low: int, high: int) -> int:
        """A random number from ``low`` to ``high``, both included."""
        return int(self.rng.integers(low, high + 1))

    def window(self, kernels: int) -> tuple[list[int], list[int], list[int]]:
        """Kernel, strides and pads of a window that fits the image; pads up to the kernel."""
        kernel = [self.number(1, kernels) for _ in range(2)]
        if self.chance(0.5):
            kernel = [kernel[0]] * 2
        kernel = [min(k, size) for k, size in zip(kernel, self.size, strict=True)]
        strides = [int(self.rng.choice([1, 1, 1, 2, 3])) for _ in range(2)]
        pads = [0] * 4
        if self.chance(0.4):
            pads = [(k - 1) // 2 for k in kernel] * 2
        elif self.chance(0.5):
            pads = [self.number(0, k if self.chance(0.1) else k - 1) for k in kernel * 2]
        return kernel, strides, pads

    def shrink(self, kernel: list[int], strides: list[int], pads: list[int]) -> None:
        """Notes the size that a window leaves."""
        sizes = zip(self.size, kernel, strides, pads[:2], pads[2:], strict=True)
        height, width = ((n + a + b - k) // s + 1 for n, k, s, a, b in sizes)
        self.size = (height, width)

    def pool(self, kind: str = "MaxPool") -> None:
        """A pool of windows side by side, overlapping, or with gaps."""
        kernel = [min(self.number(1, 3), size) for size in self.size]
        strides = list(kernel) if self.chance(0.6) else [self.number(1, 3) for _ in kernel]
        pads = [0] * 4
        if kind == "MaxPool" and self.chance(0.2):
            pads = [self.number(0, k - 1) for k in kernel * 2]
        self.sketch.op(kind, kernel_shape=kernel, strides=strides, pads=pads)
        self.shrink(kernel, strides, pads)

    def gains(self, channels: int) -> NDArray[np.float64]:
        """BatchNorm gains of both signs, and a zero now and then."""
        values = self.rng.normal(1.0, 0.4, channels) * self.rng.choice([-1, 1], channels)
        return np.where(self.rng.random(channels) < 0.03, 0.0, values)

    def sign(self) -> None:
        # What says that 0 is positive says nothing of what a ReLU gives.
        spellings = ("greater", "less_or_equal", "swapped", "cast", "sign")
        self.sketch.sign(str(self.rng.choice(spellings if self.behind_relu else SIGNS)))


class _Plain(RandomNetwork):
    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(50_000 + seed)
        size = (int(rng.integers(1, 18)), int(rng.integers(1, 18)))
        channels = int(rng.integers(1, 49) if rng.random() < 0.4 else rng.integers(1, 5))
        kind = str(rng.choice(PLAIN_INPUTS, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1]))
        bits = {"uint8": 8, "int8": 8, "int4": 4, "uint3": 3}.get(kind, 1)
        # A frame is whole bytes; a few images are left as they are.
        if channels * size[0] * size[1] * bits % 8 and rng.random() < 0.9:
            channels = 8 * int(rng.integers(1, 7))
        super().__init__(seed, kind, channels, size)

    def grow(self) -> Sketch:
        if self.input_type in ("uint8", "int8") and self.chance(0.5):
            self.sketch.op("Div", self.sketch.constant(128))
            self.sketch.op("Sub", self.sketch.constant(float(self.rng.choice([0, 1, 0.5]))))
        for _ in range(self.number(1, 4)):
            self.block()
        features = self.number(2, 12)
        if self.chance(0.15):
            kernel = list(self.size)
            weight = self.sketch.signs(features, self.channels, *kernel)
            self.sketch.conv(self.channels, features, weight=weight)
            self.sketch.flatten()
            return self.sketch
        self.sketch.flatten()
        inputs = self.channels * self.size[0] * self.size[1]
        for _ in range(self.number(0, 2)):
            width = self.number(1, 48)
            self.sketch.dense(inputs, width)
            self.sketch.batch_norm(width, gain=self.gains(width), spread=0.5 * inputs**0.5)
            self.sign()
            inputs = width
        self.sketch.dense(inputs, features)
        if self.chance(0.4):
            scale = self.rng.choice([0.5, -2, 0.125, 1.5], features)
            self.sketch.op("Mul", self.sketch.constant(scale))
        return self.sketch

    def block(self) -> None:
        """Convolution, BatchNorm, sign; a pool somewhere behind the convolution, or none."""
        kernel, strides, pads = self.window(5)
        features = self.number(1, 48) if self.chance(0.5) else 8 * self.number(1, 6)
        weight = self.sketch.signs(features, self.channels, *kernel)
        if self.chance(0.3):
            weight *= self.rng.choice([0.25, 0.5, 2], (features, 1, 1, 1)).astype(np.float32)
        self.sketch.conv(self.channels, features, weight=weight, pads=pads, strides=strides)
        self.shrink(kernel, strides, pads)
        spread = 0.5 * (self.channels * kernel[0] * kernel[1]) ** 0.5
        self.channels = features
        place = self.rng.choice(["none", "sum", "norm", "bits"], p=[0.5, 0.15, 0.15, 0.2])
        if place == "sum":
            self.pool()
        self.sketch.batch_norm(features, gain=self.gains(features), spread=spread)
        if place == "norm":
            self.pool()
        self.sign()
        if place == "bits":
            self.pool()


class _Residual(RandomNetwork):
    """Its BatchNorms hold the statistics of random images, as those of trained networks do."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(70_000 + seed)
        size = (int(rng.integers(4, 18)), int(rng.integers(4, 18)))
        super().__init__(seed, "uint8", int(rng.choice([1, 3])), size)
        self.images = rng.integers(0, 256, (6, self.channels, *size)).astype(np.float32)

    def grow(self) -> Sketch:
        self.sketch.op("Div", self.sketch.constant(float(self.rng.choice([255, 128]))))
        if self.chance(0.5):
            self.sketch.op("Sub", self.sketch.constant(0.5))
        kernel, strides, pads = self.window(5)
        width = self.number(1, 24) if self.chance(0.5) else 8 * self.number(1, 3)
        self.real_conv(width, kernel, strides, pads)
        if self.chance(0.3):
            self.pool()
        for _ in range(self.number(1, 4)):
            self.residual_block()
        if self.chance(0.8):
            self.sketch.op("GlobalAveragePool")
            self.size = (1, 1)
        self.sketch.flatten()
        features = self.number(2, 12)
        inputs = self.channels * self.size[0] * self.size[1]
        weight = self.rng.normal(size=(features, inputs)) / inputs**0.5
        bias = self.sketch.constant(self.rng.normal(size=features))
        self.sketch.op("Gemm", self.sketch.constant(weight), bias, transB=1)
        return self.sketch

    def real_conv(
        self, features: int, kernel: list[int], strides: list[int], pads: list[int]
    ) -> None:
        weight = self.rng.normal(size=(features, self.channels, *kernel)) / self.channels**0.5
        self.sketch.conv(self.channels, features, weight=weight, strides=strides, pads=pads)
        self.shrink(kernel, strides, pads)
        self.channels = features
        self.norm()

    def values(self) -> NDArray[np.float32]:
        """What the model gives so far for a few random images."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(self.sketch.proto().SerializeToString(), options)
        (x,) = session.run(None, {"x": self.images})
        return np.asarray(x)

    def norm(self) -> None:
        """BatchNorm with the mean and the variance of what comes."""
        x, axes = self.values(), (0, 2, 3)
        gain = self.gains(self.channels)
        self.sketch.batch_norm(
            self.channels, gain=gain, bias=self.rng.normal(0, 0.3, self.channels),
            mean=x.mean(axes), variance=x.var(axes) + 1e-3,
        )  # fmt: skip

    def residual_block(self) -> None:
        """Sign, binary convolution and BatchNorm beside a shortcut, then an activation."""
        start, channels = self.sketch.tensor, self.channels
        stride = 2 if min(self.size) >= 4 and self.chance(0.3) else 1
        features = int(self.rng.choice([channels, channels, 2 * channels, self.number(1, 48)]))
        kernel = [int(self.rng.choice([1, 3, 3, 5]))] * 2
        pads = [(k - 1) // 2 for k in kernel] * 2
        size = self.size
        self.sign()
        weight = self.sketch.signs(features, channels, *kernel)
        weight *= self.rng.uniform(0.02, 0.2, (features, 1, 1, 1)).astype(np.float32)
        self.sketch.conv(channels, features, weight=weight, pads=pads, strides=[stride] * 2)
        self.channels = features
        self.shrink(kernel, [stride] * 2, pads)
        self.norm()
        branch, self.sketch.tensor = self.sketch.tensor, start
        if stride > 1 or features != channels:
            self.channels, self.size = channels, size
            even = size[0] % 2 == size[1] % 2 == 0
            if stride > 1 and even and self.chance(0.8):
                self.sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
                self.size, stride = (size[0] // 2, size[1] // 2), 1
            self.real_conv(features, [1, 1], [stride] * 2, [0] * 4)
        self.sketch.op("Add", branch)
        self.activation()

    def activation(self) -> None:
        kind = str(self.rng.choice(ACTIVATIONS))
        if kind == "prelu":
            slope = self.rng.uniform(0.05, 0.5, (self.channels, 1, 1))
            self.sketch.op("PRelu", self.sketch.constant(slope))
        elif kind == "leaky":
            self.sketch.op("LeakyRelu", alpha=0.1)
        elif kind == "relu":
            self.sketch.op("Relu")
        self.behind_relu = kind == "relu"


class _Branched(_Residual):
    """Concatenations and groups, as the papers' networks have them."""

    def residual_block(self) -> None:
        """One of the papers' blocks."""
        kinds = (self.doubled, self.copied, self.dense_block, self.grouped, self.of_parts)
        kinds[self.number(0, len(kinds) - 1)]()
        self.activation()

    def binary(self, features: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        """Sign, binary convolution and BatchNorm."""
        self.sign()
        weight = self.sketch.signs(features, self.channels // groups, kernel, kernel)
        weight *= self.rng.uniform(0.02, 0.2, (features, 1, 1, 1)).astype(np.float32)
        pads = [(kernel - 1) // 2] * 4
        self.sketch.conv(
            self.channels, features, weight=weight, pads=pads, strides=[stride] * 2, group=groups
        )
        self.channels = features
        self.shrink([kernel] * 2, [stride] * 2, pads)
        self.norm()

    def branch(self, make: Callable[[], None], channels: int) -> str:
        """What ``make`` gives, beside the path as it is."""
        start, size = self.sketch.tensor, self.size
        self.channels = channels
        make()
        made, self.sketch.tensor = self.sketch.tensor, start
        self.channels, self.size = channels, size
        return made

    def doubled(self) -> None:
        """ReActNet: two blocks on one input, each with the shortcut."""
        channels, start, kernel = self.channels, self.sketch.tensor, int(self.rng.choice([1, 3]))
        self.sign()
        bits, parts = self.sketch.tensor, []
        for _ in range(2):
            self.sketch.tensor, self.channels = bits, channels
            weight = self.sketch.signs(channels, channels, kernel, kernel) * np.float32(0.1)
            self.sketch.conv(channels, channels, weight=weight, pads=[(kernel - 1) // 2] * 4)
            self.norm()
            self.sketch.op("Add", start)
            parts.append(self.sketch.tensor)
        self.joined(parts, 2 * channels)

    def copied(self) -> None:
        """FTBNN: the shortcut is copied, before or after its pool."""
        channels, size = self.channels, self.size
        stride = 2 if min(size) >= 4 else 1
        made = self.branch(lambda: self.binary(2 * channels, 3, stride), channels)
        first = self.chance(0.5)
        if first:
            self.joined([self.sketch.tensor] * 2, 2 * channels)
        if stride > 1:
            self.sketch.op("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4,
                           count_include_pad=1)  # fmt: skip
            self.shrink([3, 3], [2, 2], [1] * 4)
        if not first:
            self.joined([self.sketch.tensor] * 2, 2 * channels)
        self.sketch.op("Add", made)

    def dense_block(self) -> None:
        """DenseNet: what a layer gives is put beside all that came before."""
        channels, more = self.channels, self.number(1, 12)
        made = self.branch(lambda: self.binary(more), channels)
        self.joined([self.sketch.tensor, made], channels + more)

    def grouped(self) -> None:
        """A binary or a real convolution in groups, or depthwise, beside a shortcut."""
        channels = self.channels
        groups = self.number(1, channels)
        groups = next(g for g in range(groups, 0, -1) if channels % g == 0)
        if self.chance(0.3):
            weight = self.rng.normal(size=(channels, channels // groups, 3, 3))
            self.sketch.conv(channels, channels, weight=weight, pads=[1] * 4, group=groups)
            self.norm()
            return
        made = self.branch(lambda: self.binary(channels, groups=groups), channels)
        self.sketch.op("Add", made)

    def of_parts(self) -> None:
        """Three different layers of one input, concatenated before a sign or an activation."""
        channels = self.channels
        parts, total = [], 0
        for kernel in (1, 3, 5):
            features = self.number(1, 8)
            total += features
            make = partial(self.binary, features, kernel)
            parts.append(self.branch(make, channels))
        self.joined(parts, total)

    def joined(self, parts: Sequence[str], channels: int) -> None:
        self.sketch.tensor = self.sketch.node("Concat", list(parts), axis=1)
        self.channels = channels


def branched_network(seed: int) -> RandomNetwork:
    """A residual network with concatenations and groups; its images have 8 bits."""
    network = _Branched(seed)
    network.grow()
    return network


def plain_network(seed: int) -> RandomNetwork:
    """A plain binary CNN; ``grow`` gives its model."""
    network = _Plain(seed)
    network.grow()
    return network


def residual_network(seed: int) -> RandomNetwork:
    """A residual network with real-valued ends; its images have 8 bits."""
    network = _Residual(seed)
    network.grow()
    return network
