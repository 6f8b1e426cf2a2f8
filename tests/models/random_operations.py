"""Small random graphs, each about one kind of operation, for the front end.

All numbers are multiples of powers of two that float32 holds, so no sign is decided by rounding:
but for means at the end, the model's scores are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sketch import SIGNS, Sketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Small:
    """A model of small uint8 images; every choice comes from the seed.

    Attributes:
        sketch: the model so far.
        channels: of its last tensor.
        size: height and width of its last tensor.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.channels, self.size = self.number(1, 4), self.number(3, 6)
        self.sketch = Sketch(["N", self.channels, self.size, self.size], np.uint8, seed=seed)
        self.sketch.op("Cast", to=1)

    def number(self, low: int, high: int) -> int:
        """A random number from ``low`` to ``high``, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, *choices: Any) -> Any:
        return choices[self.number(0, len(choices) - 1)]

    def quarters(self, *shape: int, most: int = 4) -> NDArray[np.float64]:
        """Multiples of a quarter up to ``most`` of them, none of them 0."""
        values = self.rng.integers(1, most + 1, shape) * self.rng.choice([-1, 1], shape)
        return np.asarray(values / 4)

    def constant(self, value: Any) -> str:
        return self.sketch.constant(value)

    # ------------------------------------------------------------------------------- layers

    def real_conv(self, features: int | None = None, kernel: int = 0, groups: int = 1) -> None:
        """A convolution by multiples of a quarter that keeps the size of the image."""
        kernel = kernel or self.pick(1, 3)
        features = features or self.number(1, 5) * groups
        weight = self.quarters(features, self.channels // groups, kernel, kernel)
        self._conv(features, weight, groups)

    def binary_conv(self, features: int | None = None, kernel: int = 0, groups: int = 1) -> None:
        """A convolution by +-alpha that keeps the size of the image."""
        kernel = kernel or self.pick(1, 3)
        features = features or self.number(1, 5) * groups
        weight = self.sketch.signs(features, self.channels // groups, kernel, kernel)
        if self.chance(0.5):
            weight = weight * self.rng.choice([0.25, 0.5, 2], (features, 1, 1, 1))
        self._conv(features, weight, groups)

    def _conv(self, features: int, weight: NDArray[Any], groups: int) -> None:
        pads = weight.shape[-1] // 2
        self.sketch.conv(self.channels, features, weight=weight, pads=pads, group=groups)
        self.channels = features

    def norm(self, spread: float = 8.0) -> None:
        """A gain and a shift per channel, or one for all; gains of both signs."""
        shape = (self.channels, 1, 1) if self.chance(0.7) else ()
        shift = self.rng.integers(-64, 65, shape) * (spread / 64) + 1 / 16
        if self.chance(0.5):
            gain = self.rng.choice([-2, -1, -0.5, 0.25, 0.5, 1, 2], shape)
            self.sketch.op("Mul", self.constant(gain), first=self.chance(0.5))
        if self.chance(0.5):
            self.sketch.op("Add", self.constant(shift), first=self.chance(0.5))
        else:
            self.sketch.op("Sub", self.constant(shift))

    def sign(self) -> None:
        self.sketch.sign(str(self.rng.choice(SIGNS)))

    def start(self) -> None:
        """A real convolution of the image, and a shift."""
        if self.chance(0.5):
            self.sketch.op("Sub", self.constant(self.number(0, 1020) / 4))
        self.real_conv(self.number(2, 6))
        self.norm(256)

    def end(self) -> Sketch:
        """Scores of what there is."""
        if self.chance(0.3):
            self.sketch.op("GlobalAveragePool")
            self.size = 1
        self.sketch.flatten()
        features = self.channels * self.size**2
        self.sketch.dense(features, 3, weight=self.quarters(features, 3))
        return self.sketch

    def rest(self) -> Sketch:
        """A binary layer perhaps, and scores."""
        if self.chance(0.5):
            self.norm()
            self.sign()
            self.binary_conv()
        return self.end()


def concatenation(net: Small) -> Sketch:
    """Two to four parts with their own channels, or copies, before or behind signs."""
    net.start()
    start, channels = net.sketch.tensor, net.channels
    parts, total = [], 0
    for _ in range(net.number(2, 4)):
        net.sketch.tensor, net.channels = start, channels
        kind = net.pick("copy", "binary", "real", "activation", "scaled")
        if kind == "binary":
            net.sign()
            net.binary_conv()
        elif kind == "real":
            net.real_conv(kernel=1)
        elif kind == "activation":
            net.sketch.op("Relu")
        elif kind == "scaled":
            net.norm()
        parts.append(net.sketch.tensor)
        total += net.channels
    net.sketch.tensor = net.sketch.node("Concat", parts, axis=net.pick(1, -3))
    net.channels = total
    return net.rest()


def _mask(net: Small, slope: float) -> None:
    """x where it is above 0, slope * x elsewhere, in arithmetic of masks."""
    sketch, x = net.sketch, net.sketch.tensor
    above = sketch.node("Greater", [x, net.constant(0)])
    mask = sketch.node("Cast", [above], to=1)
    other = sketch.node("Sub", [net.constant(1), mask])
    high = sketch.node("Mul", [x, mask])
    low = sketch.node("Mul", [sketch.node("Mul", [x, net.constant(slope)]), other])
    sketch.tensor = sketch.node("Add", [high, low])


def _activation(net: Small) -> None:
    sketch, x = net.sketch, net.sketch.tensor
    low, high = sorted(net.rng.choice(np.arange(-64, 65), 2, replace=False) / 2)
    slope = float(net.rng.choice([0.0, 0.125, 0.25, 0.5, 2.0]))
    kind = net.number(0, 10)
    if kind == 0:
        sketch.op("Relu")
    elif kind == 1:
        sketch.op("LeakyRelu", alpha=slope)
    elif kind == 2:
        slopes = net.rng.choice([0.0, 0.125, 0.25, 0.5, 2.0], (net.channels, 1, 1))
        sketch.op("PRelu", net.constant(slopes if net.chance(0.7) else slopes[:1]))
    elif kind == 3:
        sketch.op("Clip", net.constant(low), net.constant(high))
    elif kind == 4:
        sketch.op("Clip", net.constant(0), net.constant(6))
    elif kind == 5:
        sketch.op("Clip", net.constant(-1), net.constant(1))
    elif kind == 6:
        sketch.op("Clip", net.constant(low) if net.chance(0.5) else "", net.constant(high))
    elif kind == 7:
        first, last = net.pick(("Max", "Min"), ("Min", "Max"))
        sketch.op(first, net.constant(low if first == "Max" else high))
        sketch.op(last, net.constant(low if last == "Max" else high))
    elif kind == 8:
        compare = net.pick("Greater", "GreaterOrEqual")
        above = sketch.node(compare, [x, net.constant(0)])
        scaled = sketch.node("Mul", [x, net.constant(slope)])
        sketch.tensor = sketch.node("Where", [above, x, scaled])
    elif kind == 9:
        _mask(net, slope)
    else:
        below = sketch.node("Relu", [sketch.node("Neg", [x])])
        scaled = sketch.node("Mul", [below, net.constant(slope)])
        sketch.tensor = sketch.node("Sub", [sketch.node("Relu", [x]), scaled])


def activation(net: Small) -> Sketch:
    """Functions of two slopes and limits, in their spellings, one or two of them."""
    net.start()
    for _ in range(net.number(1, 2)):
        _activation(net)
        if net.chance(0.5):
            net.norm(64)
    return net.rest()


def grouped(net: Small) -> Sketch:
    """Convolutions in groups, depthwise ones among them, by bits and by real weights."""
    net.start()
    for _ in range(net.number(1, 2)):
        groups = net.pick(*(g for g in range(1, net.channels + 1) if net.channels % g == 0))
        if net.chance(0.4):
            net.real_conv(groups=groups)
        else:
            net.sign()
            net.binary_conv(groups=groups)
        net.norm()
    return net.rest()


def unipolar(net: Small) -> Sketch:
    """Bits of 0 and 1, or 0 and a scale, before convolutions, pools and the scores."""
    net.start()
    for _ in range(net.number(1, 2)):
        spelling = net.pick("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "relu")
        if spelling == "relu":
            net.sketch.op("Relu")
            net.sketch.op("Sign")
        else:
            net.sketch.op(spelling, net.constant(net.number(-8, 8)))
            if net.chance(0.5):
                net.sketch.op("Cast", to=1)
            else:
                net.sketch.op("Where", net.constant(1), net.constant(0))
        if net.chance(0.3):
            net.sketch.op("Mul", net.constant(net.pick(0.5, 2, 4)))
        if net.size > 3 and net.chance(0.3):
            net.sketch.op("MaxPool", kernel_shape=[2, 2], strides=[1, 1])
            net.size -= 1
        net.binary_conv()
        net.norm()
    return net.rest()


def padding(net: Small) -> Sketch:
    """A Pad of its own before a convolution: of the image, a stream, or bits."""
    net.start()
    bits = net.chance(0.6)
    value = 0.0
    if bits:
        net.sign()
        value = net.pick(-1.0, 0.0, 1.0)
    kernel = net.number(1, 3)
    top, left, bottom, right = (net.number(0, min(kernel, 2)) for _ in range(4))
    around = net.sketch.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    net.sketch.op("Pad", around, net.constant(value))
    features = net.number(1, 5)
    shape = (features, net.channels, kernel, kernel)
    weight = net.sketch.signs(*shape) if bits else net.quarters(*shape)
    net.sketch.conv(net.channels, features, weight=weight)
    net.sketch.op("GlobalAveragePool")
    net.channels, net.size = features, 1
    return net.end()


def scaling(net: Small) -> Sketch:
    """XNOR-Net's K: the mean of |x| over channels and windows times a binary convolution."""
    net.start()
    source, inputs, kernel = net.sketch.tensor, net.channels, net.pick(1, 3)
    net.sign()
    net.binary_conv(kernel=kernel)
    product, sketch = net.sketch.tensor, net.sketch
    sketch.tensor = source
    sketch.op("Abs")
    spelling = net.pick("mean", "squeezed", "sum", "weights")
    if spelling == "weights":
        weight = np.full((1, inputs, kernel, kernel), 1 / (inputs * kernel**2))
        sketch.conv(inputs, 1, weight=weight, pads=kernel // 2)
    else:
        if spelling == "sum":
            sketch.op("ReduceSum", sketch.constant([1], np.int64))
            sketch.op("Div", net.constant(inputs))
        else:
            sketch.op("ReduceMean", axes=[1], keepdims=int(spelling == "mean"))
        if spelling == "squeezed":
            sketch.op("Unsqueeze", sketch.constant([1], np.int64))
        if net.chance(0.5):
            window = np.full((1, 1, kernel, kernel), 1 / kernel**2)
            sketch.conv(1, 1, weight=window, pads=kernel // 2)
        else:
            sketch.op("AveragePool", kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4,
                      count_include_pad=1)  # fmt: skip
    sketch.op("Mul", product, first=net.chance(0.5))
    if net.chance(0.5):
        sketch.op("Relu")
    return net.end()


def thermometer(net: Small) -> Sketch:
    """Each pixel as comparisons with levels, in several orders of channels."""
    count, size = net.number(2, 5), net.size
    levels = np.sort(net.rng.choice(np.arange(1, 510), count, replace=False)) / 2
    spelling = net.pick("after", "before", "last", "concat")
    sketch, start = net.sketch, net.sketch.tensor
    if spelling == "concat":
        parts = []
        for level in levels:
            sketch.tensor = start
            sketch.op("Greater", net.constant(level))
            sketch.op("Cast", to=1)
            parts.append(sketch.tensor)
        sketch.tensor = sketch.node("Concat", parts, axis=1)
    else:
        axis = {"after": 2, "before": 1, "last": 4}[spelling]
        if spelling == "last":
            sketch.op("Transpose", perm=[0, 2, 3, 1])
        shape = [1] * 5
        shape[axis] = count
        sketch.op("Unsqueeze", sketch.constant([axis], np.int64))
        sketch.op(net.pick("Greater", "LessOrEqual"), net.constant(levels.reshape(shape)))
        if net.chance(0.5):
            sketch.op("Where", net.constant(1), net.constant(-1))
        else:
            sketch.op("Cast", to=1)
        whole = [0, size, size, -1] if spelling == "last" else [0, -1, size, size]
        sketch.op("Reshape", sketch.constant(whole, np.int64))
        if spelling == "last":
            sketch.op("Transpose", perm=[0, 3, 1, 2])
    net.channels *= count
    net.binary_conv()
    net.norm()
    return net.rest()


def few_bits(net: Small) -> Sketch:
    """Activations of 2 or 3 bits before layers of binary weights."""
    net.start()
    net.sketch.op("Mul", net.constant(2.0**-8))
    net.sketch.op("Add", net.constant(2.0**-16))  # halves, which hardware rounds up, do not occur
    top = net.pick(3, 3, 7)
    kind = net.pick("dorefa", "fracbnn", "quant", "compared")
    sketch, x = net.sketch, net.sketch.tensor
    if kind == "dorefa":
        sketch.op("Clip", net.constant(0), net.constant(1))
        sketch.op("Mul", net.constant(top))
        sketch.op("Round")
        sketch.op("Div", net.constant(top))
    elif kind == "fracbnn":
        sketch.op("Clip", net.constant(-1), net.constant(1))
        sketch.op("Add", net.constant(1))
        sketch.op("Mul", net.constant(top / 2))
        sketch.op("Round")
        sketch.op("Mul", net.constant(2 / top))
        sketch.op("Sub", net.constant(1))
    elif kind == "quant":
        domain = "qonnx.custom_op.general"
        constants = [net.constant(v) for v in (0.25, 0, 2 if top == 3 else 3)]
        sketch.op("Quant", *constants, domain=domain, signed=net.number(0, 1), narrow=0,
                  rounding_mode="ROUND")  # fmt: skip
        sketch.domains[domain] = 1
    else:
        steps = []
        for level in (-0.5, 0, 0.5):
            above = sketch.node("Greater", [x, net.constant(level)])
            steps.append(sketch.node("Cast", [above], to=1))
        total = sketch.node("Add", steps[:2])
        sketch.tensor = sketch.node("Add", [total, steps[2]])
    net.binary_conv()
    sketch.op("Add", net.constant(2.0**-8))  # sums of thirds and sevenths then are never just 0
    net.norm()
    return net.rest()


def real_on_bits(net: Small) -> Sketch:
    """A layer of real weights that reads bits, among layers of binary ones."""
    net.start()
    order = [net.real_conv, net.binary_conv]
    for layer in order if net.chance(0.5) else order[::-1]:
        net.sign()
        layer()
        net.norm()
    return net.rest()


KINDS: dict[str, Callable[[Small], Sketch]] = {
    made.__name__: made
    for made in (
        *(concatenation, activation, grouped, unipolar, padding),
        *(scaling, thermometer, few_bits, real_on_bits),
    )
}
