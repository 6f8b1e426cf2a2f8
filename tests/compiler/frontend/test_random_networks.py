"""Networks put together at random give onnxruntime's scores, and every pass keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, passes_agree
from bnnhw.frontend import LoadOptions
from sketch import SIGNS, Sketch

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = ("uint8", "int8", "bipolar", "unipolar", "int4")


class _Network:
    """Grows a random network; every choice comes from the seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(1000 + seed)
        self.kind = str(self.rng.choice(INPUTS))
        self.channels, self.size = int(self.rng.integers(1, 6)), int(self.rng.integers(5, 10))
        shape = ["N", self.channels, self.size, self.size]
        self.sketch = Sketch(shape, np.float32, seed=seed)
        self.wide = self.kind in ("uint8", "int8")

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def grow(self) -> Sketch:
        if self.wide and self.chance(0.7):
            self.sketch.op("Div", self.sketch.constant(128))
            self.sketch.op("Sub", self.sketch.constant(float(self.rng.choice([0, 1, 0.5]))))
        for _ in range(int(self.rng.integers(1, 4))):
            if self.size < 4:
                break
            self.block()
        self.sketch.flatten()
        features = self.channels * self.size**2
        for _ in range(int(self.rng.integers(0, 3))):
            width = int(self.rng.integers(3, 12))
            self.sketch.dense(features, width).batch_norm(width, spread=3)
            self.sketch.sign(str(self.rng.choice(SIGNS)))
            features = width
        self.sketch.dense(features, 4)
        if self.chance(0.5):
            self.sketch.op("Mul", self.sketch.constant(self.rng.choice([0.5, -2, 0.125], 4)))
        return self.sketch

    def block(self) -> None:
        """conv with some order of pool, BatchNorm, ReLU, sign behind it."""
        kernel, stride = int(self.rng.integers(1, 4)), 1 + self.chance(0.2)
        pads = self.rng.integers(0, kernel, 4).tolist()
        cout = int(self.rng.integers(2, 9))
        weight = self.sketch.signs(cout, self.channels, kernel, kernel)
        if self.chance(0.4):
            weight = weight * self.rng.choice([0.25, 0.5, 2], (cout, 1, 1, 1)).astype(np.float32)
        self.sketch.conv(self.channels, cout, weight=weight, pads=pads, strides=[stride, stride])
        height = (self.size + pads[0] + pads[2] - kernel) // stride + 1
        width = (self.size + pads[1] + pads[3] - kernel) // stride + 1
        crop = min(height, width)
        self.channels, self.size = cout, crop
        if (height, width) != (crop, crop):
            # Back to a square with a pool of the longer side, which a sign follows.
            kernel_shape = [height - crop + 1, width - crop + 1]
            self.sketch.op("MaxPool", kernel_shape=kernel_shape)
        pool = self.size >= 4 and self.chance(0.5)
        early = self.chance(0.5)
        if pool and early:
            self.pool()
        gains = self.rng.choice([-1.5, -0.3, 0.0, 0.7, 2.0], cout, p=[0.2, 0.2, 0.1, 0.3, 0.2])
        self.sketch.batch_norm(cout, spread=2, gain=gains)
        if self.chance(0.2):
            self.sketch.op("Relu")
            self.sketch.batch_norm(cout, spread=0.5)
        self.sketch.sign(str(self.rng.choice(SIGNS)))
        if pool and not early:
            self.pool()

    def pool(self) -> None:
        self.sketch.pool(2, 2)
        self.size //= 2


@pytest.mark.parametrize("seed", range(60))
def test_random_network_is_exact(tmp_path: Path, seed: int) -> None:
    network = _Network(seed)
    path = network.grow().save(tmp_path / "m.onnx")
    options = LoadOptions(input_type=network.kind)
    agrees(path, options, count=12, varied=False)
    passes_agree(path, options)
