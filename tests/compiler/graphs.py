"""Integer graphs with random weights, built directly in the intermediate representation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    Flatten,
    Op,
    Tensor,
    Threshold,
    Window,
)
from bnnhw.ir.types import Bit, Integer


@dataclass
class GraphBuilder:
    """Appends nodes to a chain; every node's output is named after it."""

    shape: tuple[int, ...]
    element: Integer | Bit
    seed: int = 0
    name: str = "net"
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.end = "x"
        self.tensors["x"] = Tensor(self.shape, self.element)

    def add(self, name: str, op: Op) -> GraphBuilder:
        self.nodes.append(Node(name, op, (self.end,), f"{name}_y"))
        self.tensors[f"{name}_y"] = op.infer(self.tensors[self.end])
        self.end = f"{name}_y"
        return self

    def weights(self, *shape: int) -> np.ndarray:
        return self.rng.choice(np.array([-1, 1], np.int8), shape)

    def conv(self, name: str, features: int, window: Window) -> GraphBuilder:
        channels = self.tensors[self.end].shape[0]
        return self.add(name, BinaryConv(self.weights(features, channels, *window.kernel), window))

    def dense(self, name: str, features: int) -> GraphBuilder:
        if len(self.tensors[self.end].shape) == 3:
            self.add(f"{name}_flatten", Flatten())
        (inputs,) = self.tensors[self.end].shape
        return self.add(name, BinaryDense(self.weights(features, inputs)))

    def threshold(self, name: str, *, bipolar: bool = True, spread: float = 0.1) -> GraphBuilder:
        tensor = self.tensors[self.end]
        dtype = tensor.dtype
        assert isinstance(dtype, Integer)
        channels = tensor.shape[0]
        reach = max(2, int(dtype.high * spread))
        thresholds = self.rng.integers(-reach, reach, (1, 1, channels))
        # Corner values: a channel that is always 1 and one that is always 0.
        if channels > 3:
            thresholds[0, 0, 0], thresholds[0, 0, 1] = -(1 << 40), 1 << 40
        return self.add(name, Threshold(thresholds, bipolar=bipolar))

    def pool(self, name: str, window: Window) -> GraphBuilder:
        channels = self.tensors[self.end].shape[0]
        return self.add(name, BitMaxPool(window, self.rng.random(channels) < 0.3))

    def graph(self) -> Graph:
        shape = self.tensors[self.end].shape
        return Graph(
            name=self.name,
            input="x",
            output=self.end,
            nodes=tuple(self.nodes),
            tensors=dict(self.tensors),
            input_format=InputFormat("x", self.shape, "float32", element=self.element),
            output_map=OutputMap("y", shape, np.ones(1), np.zeros(1)),
        )

    def inputs(self, count: int) -> np.ndarray:
        """Random inputs; the first frame is all lows, the second all highs."""
        low, high = self.element.low, self.element.high
        if isinstance(self.element, Bit):
            x = self.rng.choice(np.array([low, high]), (count, *self.shape))
        else:
            x = self.rng.integers(low, high + 1, (count, *self.shape))
        x[0] = low
        if count > 1:
            x[1] = high
        return x


def cnv(seed: int = 0) -> GraphBuilder:
    """CNV W1A1 with random weights."""
    b = GraphBuilder((3, 32, 32), Integer(8, False), seed, name="cnv")
    three = Window((3, 3))
    for i, features in enumerate((64, 64, 128, 128, 256, 256)):
        b.conv(f"conv{i}", features, three).threshold(f"sign{i}")
        if i in (1, 3):
            b.pool(f"pool{i}", Window((2, 2), (2, 2)))
    for i, features in enumerate((512, 512)):
        b.dense(f"dense{i}", features).threshold(f"dsign{i}")
    return b.dense("scores", 10)


def digits(seed: int = 0) -> GraphBuilder:
    """A small padded CNN on 8x8 images of 4-bit pixels, as 8-bit integers."""
    b = GraphBuilder((1, 8, 8), Integer(8, False), seed, name="digits")
    padded = Window((3, 3), (1, 1), (1, 1, 1, 1))
    b.conv("conv0", 16, padded).threshold("sign0").pool("pool0", Window((2, 2), (2, 2)))
    b.conv("conv1", 32, padded).threshold("sign1")
    b.dense("dense0", 32).threshold("dsign0")
    return b.dense("scores", 10)
