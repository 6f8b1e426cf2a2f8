"""Random plain networks whose paths part and meet as bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketch import SIGNS, Sketch, image

if TYPE_CHECKING:
    import numpy as np

SIZE = 6


class BitBranches:
    """Binary layers on a growing set of tensors of bits, concatenated now and then.

    All bits of a network lie ``gap`` apart, whatever their two values are.
    """

    def __init__(self, seed: int) -> None:
        self.sketch = image(SIZE, 3, seed=seed)
        self.rng: np.random.Generator = self.sketch.rng
        self.gap = float(self.rng.choice([1, 2, 0.75]))
        self.size = SIZE
        self.known = [self.layer((self.sketch.tensor, 3))]

    def layer(self, source: tuple[str, int]) -> tuple[str, int]:
        """A binary convolution, BatchNorm and a sign."""
        sketch, (tensor, channels) = self.sketch, source
        sketch.tensor, out = tensor, int(self.rng.integers(2, 6))
        kernel = int(self.rng.choice([1, 3]))
        pads = kernel // 2
        if pads and self.rng.random() < 0.3 and source[1] != 3:
            around = sketch.constant([0, 0, 1, 1, 0, 0, 1, 1], "int64")
            sketch.op("Pad", around, sketch.constant(self.rng.choice([-1, 1]) * self.gap / 2))
            pads = 0
        alpha = self.rng.uniform(0.5, 2, (out, 1, 1, 1)) if self.rng.random() < 0.5 else 1
        weight = sketch.signs(out, channels, kernel, kernel) * alpha
        sketch.conv(channels, out, weight=weight, pads=pads).batch_norm(out)
        return self.sign(out)

    def sign(self, channels: int) -> tuple[str, int]:
        """A sign with values that lie ``gap`` apart."""
        sketch, rng, low = self.sketch, self.rng, -self.gap / 2
        way = rng.integers(4)
        if way == 0:  # to 0 and the gap
            sketch.op("Greater", sketch.constant(0))
            sketch.op("Cast", to=1)
            sketch.op("Mul", sketch.constant(self.gap))
        elif way == 1:  # turned
            sketch.op("Less", sketch.constant(0))
            sketch.op("Where", sketch.constant(low), sketch.constant(-low))
        elif way == 2:  # shifted channel by channel
            sketch.sign(str(rng.choice(SIGNS)))
            sketch.op("Mul", sketch.constant(-low))
            sketch.op("Add", sketch.constant(rng.integers(-2, 3, (channels, 1, 1)) / 4))
        else:
            sketch.sign(str(rng.choice(SIGNS)))
            sketch.op("Mul", sketch.constant(rng.choice([-low, low], (channels, 1, 1))))
        return sketch.tensor, channels

    def joined(self) -> tuple[str, int]:
        """Some of the tensors, concatenated; one of them may come twice."""
        count = int(self.rng.integers(2, 4))
        parts = [self.known[i] for i in self.rng.integers(0, len(self.known), count)]
        if len({name for name, _ in parts}) == 1 and len(self.known) > 1:
            parts = [self.known[0], self.known[-1]]
        tensor = self.sketch.node("Concat", [name for name, _ in parts], axis=1)
        return tensor, sum(channels for _, channels in parts)

    def grow(self, steps: int) -> Sketch:
        """The model: some layers and concatenations, then scores of what came last."""
        for _ in range(steps):
            source = self.known[int(self.rng.integers(len(self.known)))]
            if self.rng.random() < 0.5:
                source = self.joined()
            self.known.append(self.layer(source))
        sketch = self.sketch
        sketch.tensor, channels = self.joined()
        if self.rng.random() < 0.5:
            sketch.pool()
            self.size //= 2
        if self.rng.random() < 0.5:
            sketch.tensor, channels = self.layer((sketch.tensor, channels))
        sketch.flatten().dense(channels * self.size**2, 4)
        sketch.op("Mul", sketch.constant(self.rng.uniform(0.5, 2, 4)))
        return sketch
