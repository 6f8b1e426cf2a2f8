"""Networks put together at random whose images are padded with their own pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Sequence

MODES = ("reflect", "edge")
INPUTS = ("uint8", "int8", "bipolar", "int4")


def pad(sketch: Sketch, mode: str, before: Sequence[int], after: Sequence[int]) -> Sketch:
    """A Pad of the last dimensions, spelled as the sketch's opset has it."""
    channels = [0, 0]
    if sketch.opset < 11:
        sketch.op("Pad", mode=mode, pads=[*channels, *before, *channels, *after])
    elif sketch.opset < 18:
        amounts = [*channels, *before, *channels, *after]
        sketch.op("Pad", sketch.constant(amounts, np.int64), mode=mode)
    else:
        rank = len(before) + 2
        axes = [axis - rank * (axis % 2) for axis in range(2, rank)]
        amounts, chosen = (sketch.constant(v, np.int64) for v in ([*before, *after], axes))
        sketch.op("Pad", amounts, "", chosen, mode=mode)
    return sketch


class PaddedNetwork:
    """Binary layers on an image or a signal, with pads before, between and behind; by a seed.

    Attributes:
        input_type: what the model's input holds.
        sketch: the model.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.input_type = str(self.rng.choice(INPUTS))
        self.channels = 8 * int(self.rng.integers(1, 3)) if self.rng.random() < 0.7 else 2
        self.size = self.rng.integers(1, 8, 1 if self.rng.random() < 0.25 else 2).tolist()
        if self.channels == 2:
            self.size[-1] = 4 * int(self.rng.integers(1, 3))
        opset = int(self.rng.choice([9, 13, 18]))
        self.sketch = Sketch(["N", self.channels, *self.size], np.float32, opset=opset, seed=seed)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pad(self) -> None:
        """Up to all that a mode allows, on any sides; sometimes none."""
        mode = str(self.rng.choice(MODES))
        most = [size - 1 if mode == "reflect" else 4 for size in self.size]
        before, after = ([int(self.rng.integers(0, min(n, 4) + 1)) for n in most] for _ in range(2))
        pad(self.sketch, mode, before, after)
        self.size = [a + n + b for a, n, b in zip(before, self.size, after, strict=True)]

    def layer(self, features: int) -> None:
        kernel = [int(self.rng.integers(1, min(n, 3) + 1)) for n in self.size]
        strides = [int(self.rng.integers(1, 3)) for _ in kernel]
        pads = [int(self.rng.integers(0, k)) for k in kernel * 2] if self.chance(0.3) else None
        attrs = {"strides": strides} | ({"pads": pads} if pads else {})
        weight = self.sketch.signs(features, self.channels, *kernel)
        self.sketch.conv(self.channels, features, weight=weight, **attrs)
        around = pads or [0] * 2 * len(kernel)
        sums = [around[i] + around[i + len(kernel)] for i in range(len(kernel))]
        self.size = [
            (n + p - k) // s + 1
            for n, p, k, s in zip(self.size, sums, kernel, strides, strict=True)
        ]
        self.channels = features

    def pool(self) -> None:
        kernel = [min(2, n) for n in self.size]
        self.sketch.op("MaxPool", kernel_shape=kernel, strides=kernel)
        self.size = [n // k for n, k in zip(self.size, kernel, strict=True)]

    def grow(self) -> Sketch:
        """The whole model."""
        sketch = self.sketch
        scaled = self.input_type in ("uint8", "int8")
        early = self.chance(0.5)
        if early:
            self.pad()
        if scaled and self.chance(0.7):
            sketch.op("Div", sketch.constant(128))
            sketch.op("Sub", sketch.constant(0.5))
        if not early:
            self.pad()
        for _ in range(int(self.rng.integers(1, 4))):
            features = 8 * int(self.rng.integers(1, 3))
            self.layer(features)
            place = self.rng.integers(5)
            if place == 0:
                self.pad()
            sketch.batch_norm(features)
            if place == 1:
                self.pad()
            if self.chance(0.2):
                self.pool()
            if place == 2:
                self.pad()
            sketch.sign(str(self.rng.choice(["greater", "cast", "swapped"])))
            if place == 3:
                self.pad()
            if self.chance(0.2):
                self.pool()
        sketch.flatten()
        return sketch.dense(self.channels * int(np.prod(self.size)), 4)
