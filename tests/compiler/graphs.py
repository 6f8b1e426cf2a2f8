"""Integer graphs with random weights, built directly in the intermediate representation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    Op,
    SumPool,
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

    def conv(self, name: str, features: int, window: Window, groups: int = 1) -> GraphBuilder:
        channels = self.tensors[self.end].shape[0] // groups
        weight = self.weights(features, channels, *window.kernel)
        return self.add(name, BinaryConv(weight, window, groups=groups))

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

    def layer(self, name: str, features: int, window: Window, bits: int = 8) -> GraphBuilder:
        """A convolution of integer weights, with corner values, and border classes if padded."""
        channels, height, width = self.tensors[self.end].shape
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        weight = self.rng.integers(low, high + 1, (features, channels, *window.kernel))
        weight[0], weight[-1] = low, high
        rows, columns = window.output_size(height, width)
        count = 2 if any(window.pads) else 1
        offset = self.rng.integers(-500, 500, (count, count, features))
        classes = [(0, *(1,) * (n - 1)) if count > 1 else () for n in (rows, columns)]
        return self.add(name, IntegerConv(weight, window, bits, offset, classes[0], classes[1]))

    def classifier(self, name: str, features: int, bits: int = 8) -> GraphBuilder:
        if len(self.tensors[self.end].shape) == 3:
            self.add(f"{name}_flatten", Flatten())
        (inputs,) = self.tensors[self.end].shape
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        weight = self.rng.integers(low, high + 1, (features, inputs))
        return self.add(name, IntegerDense(weight, bits, self.rng.integers(-99, 99, features)))

    def rescale(
        self,
        name: str,
        dtype: Integer,
        *,
        segments: int = 1,
        plain: bool = False,
        gain: float = 1.5,
    ) -> GraphBuilder:
        """An affine operation that fills ``dtype`` and saturates at its ends now and then."""
        x = self.tensors[self.end].dtype
        assert isinstance(x, Integer)
        channels = self.tensors[self.end].shape[0]
        shift = max(0, x.bits + 6 - dtype.bits)
        if plain:
            multiplier = np.ones((segments, channels), np.int64)
            shift = max(0, x.bits - dtype.bits)
        else:
            top = gain * 2.0 ** (dtype.bits - x.bits + shift)
            multiplier = np.rint(self.rng.uniform(-top, top, (segments, channels)))
            multiplier = multiplier.astype(np.int64)
        offset = self.rng.integers(-(1 << shift), (1 << shift) + 1, (segments, channels)) * 3
        knee = self.rng.integers(-5, 6, channels) if segments > 1 else np.zeros(0, np.int64)
        if segments == 3:
            knee = np.stack([knee, knee + self.rng.integers(0, 9, channels)])
        return self.add(name, FixedAffine(multiplier, offset, shift, dtype, knee))

    def join(self, name: str, other: str, dtype: Integer) -> GraphBuilder:
        """The sum of the tensor so far and the tensor ``other``."""
        op = FixedAdd(dtype)
        self.nodes.append(Node(name, op, (self.end, other), f"{name}_y"))
        self.tensors[f"{name}_y"] = op.infer(self.tensors[self.end], self.tensors[other])
        self.end = f"{name}_y"
        return self

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


STREAM = Integer(12, True, 6)


def residual_block(
    b: GraphBuilder, name: str, features: int, stride: int = 1, stream: Integer = STREAM
) -> GraphBuilder:
    """A block of Bi-Real Net: sign, binary convolution, affine, and the shortcut beside them."""
    start = b.end
    same = (1, 1, 1, 1)
    b.threshold(f"{name}_sign", spread=0.02).conv(
        f"{name}_conv", features, Window((3, 3), (stride, stride), same)
    )
    b.rescale(f"{name}_bn", stream, gain=8)
    main = b.end
    if stride == 1:
        return b.join(f"{name}_add", start, stream)
    b.end = start
    b.add(f"{name}_pool", SumPool(Window((2, 2), (2, 2))))
    b.rescale(f"{name}_narrow", Integer(8, True, 4), plain=True)
    b.layer(f"{name}_down", features, Window((1, 1))).rescale(f"{name}_down_bn", stream, gain=4)
    return b.join(f"{name}_add", main, stream)


def residual(seed: int = 0, *, size: int = 12, width: int = 8) -> GraphBuilder:
    """A small Bi-Real Net: integer stem, max pool, two stages, global pool, classifier."""
    b = GraphBuilder((3, size, size), Integer(8, False), seed, name="residual")
    b.layer("stem", width, Window((3, 3), (1, 1), (1, 1, 1, 1))).rescale("stem_bn", STREAM, gain=4)
    b.add("stem_pool", IntegerMaxPool(Window((3, 3), (2, 2), (1, 1, 1, 1))))
    residual_block(b, "block1", width)
    residual_block(b, "block2", width)
    residual_block(b, "block3", 2 * width, stride=2)
    residual_block(b, "block4", 2 * width)
    return pooled_head(b.rescale("act", STREAM, segments=2), 10)


def looped_stem(width: int, size: int, seed: int = 1) -> GraphBuilder:
    """What stands before a run of equal blocks: an integer convolution and its stream."""
    b = GraphBuilder((3, size, size), Integer(8, False), seed, name="looped")
    padded = Window((3, 3), (1, 1), (1, 1, 1, 1))
    return b.layer("stem", width, padded).rescale("stem_bn", STREAM, gain=4)


def pooled_head(b: GraphBuilder, classes: int = 8) -> GraphBuilder:
    """What stands behind residual blocks: a global pool and a classifier."""
    side = b.tensors[b.end].shape[1]
    b.add("global", SumPool(Window((side, side), (side, side))))
    b.rescale("features", Integer(8, False, 2), gain=30)
    b.classifier("scores", classes)
    return b.rescale("common", Integer(16, True), gain=20)


def residual_blocks(count: int, *, width: int = 16, size: int = 4) -> GraphBuilder:
    """A run of equal blocks of Bi-Real Net."""
    b = looped_stem(width, size)
    for number in range(count):
        residual_block(b, f"block{number}", width)
    return pooled_head(b)


def birealnet18(seed: int = 0, stream: Integer = STREAM) -> GraphBuilder:
    """Bi-Real Net-18 for ImageNet, whole: 224x224, 1,000 classes."""
    b = GraphBuilder((3, 224, 224), Integer(8, False), seed, name="birealnet18")
    b.layer("conv1", 64, Window((7, 7), (2, 2), (3, 3, 3, 3))).rescale("conv1_bn", stream, gain=4)
    b.add("maxpool", IntegerMaxPool(Window((3, 3), (2, 2), (1, 1, 1, 1))))
    for stage in range(4):
        for block in range(4):
            stride = 2 if stage and block == 0 else 1
            residual_block(b, f"l{stage + 1}_{block}", 64 << stage, stride, stream)
    b.add("average", SumPool(Window((7, 7), (7, 7))))
    b.rescale("features", Integer(8, False, 2), gain=30)
    b.classifier("scores", 1000)
    return b.rescale("common", Integer(16, True), gain=20)
