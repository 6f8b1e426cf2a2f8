"""Real-valued residual graphs, as the front end delivers them, with random trained-like weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.real import execute_real_node
from bnnhw.ir import ops
from bnnhw.ir.exact import exact
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap, Statistics
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Tensor,
    Window,
)
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from bnnhw.ir.ops import Op

THREE = Window((3, 3), (1, 1), (1, 1, 1, 1))
UINT8 = Integer(8, False)


@dataclass
class Residual:
    """Appends nodes; a batch of images runs along, so that BatchNorm normalises what it sees."""

    shape: tuple[int, ...]
    element: Integer = UINT8
    seed: int = 0
    samples: int = 3
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    statistics: dict[str, Statistics] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.end = "x"
        self.tensors["x"] = Tensor(self.shape, self.element)
        self.values = {"x": self.inputs(self.samples).astype(np.float64)}

    def inputs(self, count: int, seed: int = 7) -> np.ndarray:
        """Random images, smooth enough to leave a mark; the first is all lows."""
        rng = np.random.default_rng(seed)
        low, high = self.element.low, self.element.high
        x = rng.integers(low, high + 1, (count, *self.shape))
        x = np.rint(0.5 * x + 0.5 * x.mean(axis=-1, keepdims=True)).astype(np.int64)
        if count > 4:
            x[0] = low
        return x

    @property
    def channels(self) -> int:
        return self.tensors[self.end].shape[0]

    def add(self, op: Op, *inputs: str, name: str = "") -> Residual:
        inputs = inputs or (self.end,)
        name = name or f"{type(op).__name__.lower()}_{len(self.nodes)}"
        node = Node(name, op, inputs, f"{name}_y", name)
        self.nodes.append(node)
        self.tensors[node.output] = op.infer(*(self.tensors[i] for i in inputs))
        self.values[node.output] = execute_real_node(
            node, [self.values[i] for i in inputs], self.tensors
        )
        self.end = node.output
        return self

    def affine(self, scale: object, shift: object, name: str = "") -> Residual:
        ones = np.ones(self.channels)
        return self.add(Affine(exact(ones * scale), exact(ones * shift)), name=name)

    def batch_norm(self, *, spread: float = 0.3, negative: bool = True, name: str = "") -> Residual:
        """Normalises the batch, then gamma (some negative, one 0) and beta, recorded."""
        x = np.moveaxis(self.values[self.end], 1, 0).reshape(self.channels, -1)
        mean, std = x.mean(axis=1), np.maximum(x.std(axis=1), 1e-3)
        gamma = self.rng.normal(1.0, spread, self.channels)
        if negative and self.channels > 2:
            gamma[0] *= -1
            gamma[self.rng.integers(1, self.channels)] = 0.0
        beta = self.rng.normal(0.0, spread, self.channels)
        self.affine(gamma / std, beta - mean * gamma / std, name)
        self.statistics[self.end] = Statistics(beta, np.abs(gamma))
        return self

    def conv(self, features: int, window: Window = THREE, name: str = "") -> Residual:
        weight = self.rng.normal(size=(features, self.channels, *window.kernel))
        return self.add(Conv(weight / np.sqrt(weight[0].size), window), name=name)

    def binary(self, features: int, window: Window = THREE, name: str = "") -> Residual:
        """Convolution by alpha * {-1, +1}."""
        weight = self.rng.choice([-1.0, 1.0], (features, self.channels, *window.kernel))
        alpha = self.rng.uniform(0.01, 0.1, (features, 1, 1, 1))
        return self.add(Conv(weight * alpha, window), name=name)

    def block(self, features: int, stride: int = 1, *, prelu: bool = False) -> Residual:
        """Sign, binary convolution and BatchNorm beside a shortcut; RPReLU where asked."""
        start = self.end
        if prelu:
            self.affine(1.0, self.rng.normal(0, 0.2, self.channels))
        self.add(Binarize()).binary(features, Window((3, 3), (stride, stride), (1, 1, 1, 1)))
        branch = self.batch_norm().end
        self.end = start
        if stride != 1 or features != self.channels:
            self.add(AveragePool(Window((stride, stride), (stride, stride))))
            self.conv(features, Window((1, 1))).batch_norm()
        self.add(Add(), branch, self.end)
        if prelu:
            self.affine(1.0, self.rng.normal(0, 0.2, self.channels))
            self.add(ops.prelu(exact(self.rng.uniform(0.05, 0.5, self.channels))))
            self.affine(1.0, self.rng.normal(0, 0.2, self.channels))
        return self

    def classifier(self, classes: int) -> Residual:
        height, width = self.tensors[self.end].shape[1:]
        self.add(AveragePool(Window((height, width)))).add(Flatten())
        weight = self.rng.normal(size=(classes, self.channels)) / np.sqrt(self.channels)
        self.add(Dense(weight), name="fc")
        return self.affine(1.0, self.rng.normal(0, 0.1, classes), "fc_bias")

    def normalise(self, mean: object, std: object) -> Residual:
        scale = 1 / (np.ones(self.channels) * std)
        return self.affine(scale, -np.ones(self.channels) * mean * scale, "normalise")

    def graph(self) -> Graph:
        shape = self.tensors[self.end].shape
        return Graph(
            name="residual",
            input="x",
            output=self.end,
            nodes=tuple(self.nodes),
            tensors={"x": self.tensors["x"]},
            input_format=InputFormat("x", self.shape, "uint8", element=self.element),
            output_map=OutputMap("y", shape, np.ones(1), np.zeros(1)),
            statistics=dict(self.statistics),
        ).with_nodes(self.nodes)


def bireal(
    seed: int = 0,
    *,
    width: int = 8,
    image: int = 16,
    stem: str = "imagenet",
    prelu: bool = False,
    classes: int = 10,
    blocks: int = 2,
) -> Residual:
    """A small Bi-Real Net: stem, stages of two blocks, global pool, classifier."""
    b = Residual((3, image, image), seed=seed)
    b.normalise([123.7, 116.3, 103.5], [58.4, 57.1, 57.4])
    if stem == "imagenet":
        b.conv(width, Window((7, 7), (2, 2), (3, 3, 3, 3)), "stem").batch_norm()
        b.add(MaxPool(Window((3, 3), (2, 2), (1, 1, 1, 1))))
    else:
        b.conv(width, THREE, "stem").batch_norm()
    for stage in range(2):
        for i in range(blocks):
            b.block(width << stage, 2 if stage and not i else 1, prelu=prelu)
    return b.classifier(classes)
