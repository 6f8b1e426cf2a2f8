"""The integer graph cut into stages, each of which becomes one group of hardware units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    Bools,
    Flatten,
    IntegerTable,
    Ints,
    Shape,
    Threshold,
    Window,
)
from bnnhw.ir.types import Bit, Integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.graph import Graph


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of binary weights with the threshold that follows it, if one does.

    Attributes:
        name: the graph node.
        where: the node as errors name it.
        weight: {-1, +1} as [Cout, KH, KW, Cin]: the order in which windows stream.
        image: (Cin, H, W) of the input; a fully connected layer sees one pixel.
        window: kernel, stride and padding.
        input_low: smallest value of an input element.
        input_high: largest value of an input element.
        integer_input: whether inputs are integers, not bits.
        threshold: the threshold fused behind the accumulator; None where scores leave.
        is_conv: whether it is a convolution.
    """

    name: str
    where: str
    weight: NDArray[np.int8]
    image: tuple[int, int, int]
    window: Window
    input_low: int
    input_high: int
    integer_input: bool
    threshold: Threshold | None
    is_conv: bool

    @property
    def channels(self) -> int:
        """Input channels."""
        return self.image[0]

    @property
    def features(self) -> int:
        """Output channels."""
        return int(self.weight.shape[0])

    @property
    def taps(self) -> int:
        """Length of a window: KH * KW * Cin."""
        return int(np.prod(self.weight.shape[1:]))

    @property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self.window.output_size(*self.image[1:])


@dataclass(frozen=True, eq=False)
class Pool:
    """A max pool on bits; ``image`` is (C, H, W) of its input."""

    name: str
    image: tuple[int, int, int]
    window: Window
    minimum: Bools


@dataclass(frozen=True, eq=False)
class PreThreshold:
    """A threshold that follows no layer of weights: it binarises the input."""

    name: str
    image: tuple[int, int, int]
    element: Integer
    thresholds: Ints
    invert: Bools


@dataclass(frozen=True, eq=False)
class Table:
    """An element-wise table on the input."""

    name: str
    image: tuple[int, int, int]
    element: Integer
    values: Ints
    dtype: Integer | Bit


Stage = Layer | Pool | PreThreshold | Table


def split_stages(graph: Graph) -> list[Stage]:
    """The stages of a graph that is one chain of operations.

    Raises:
        ModelError: a node has no hardware in its place; names it.
    """
    stages: list[Stage] = []
    current = graph.input
    flattened: tuple[int, int, int] | None = None
    nodes = list(graph.nodes)
    while nodes:
        node = nodes.pop(0)
        if node.inputs != (current,):
            raise ModelError("branches have no hardware yet", where=node.where)
        tensor = graph.tensors[current]
        image = _image(tensor.shape)
        if isinstance(node.op, Flatten):
            flattened = flattened or image
        elif isinstance(node.op, (BinaryConv, BinaryDense)):
            threshold = None
            if nodes and isinstance(nodes[0].op, Threshold):
                threshold = nodes[0].op
            if isinstance(node.op, BinaryConv):
                weight, window = node.op.weight.transpose(0, 2, 3, 1), node.op.window
            else:
                weight, window = _stream_order(node.op.weight, flattened), Window((1, 1))
            low, high = tensor.dtype.low, tensor.dtype.high  # type: ignore[union-attr]
            stages.append(
                Layer(
                    name=node.name,
                    where=node.where,
                    weight=np.ascontiguousarray(weight),
                    image=image,
                    window=window,
                    input_low=low,
                    input_high=high,
                    integer_input=not isinstance(tensor.dtype, Bit),
                    threshold=threshold,
                    is_conv=isinstance(node.op, BinaryConv),
                )
            )
            flattened = None
            if threshold is not None:
                node = nodes.pop(0)
        elif isinstance(node.op, BitMaxPool) and isinstance(tensor.dtype, Bit):
            stages.append(Pool(node.name, image, node.op.window, node.op.minimum))
        elif isinstance(node.op, Threshold) and isinstance(tensor.dtype, Integer):
            stages.append(_pre_threshold(node.name, node.where, node.op, image, tensor.dtype))
        elif isinstance(node.op, IntegerTable) and isinstance(tensor.dtype, Integer):
            stages.append(Table(node.name, image, tensor.dtype, node.op.values, node.op.dtype))
        else:
            raise ModelError(
                f"{type(node.op).__name__} has no hardware on a tensor of type {tensor.dtype}",
                where=node.where,
            )
        current = node.output
    if not any(isinstance(stage, Layer) for stage in stages):
        raise ModelError("the network holds no layer of weights", where=f"graph '{graph.name}'")
    if isinstance(graph.tensors[graph.output].dtype, Bit):
        raise ModelError(
            "the network ends in bits, not in scores",
            where=f"output '{graph.output}'",
            fix="export it without the last sign",
        )
    return stages


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) == 3:
        return (shape[0], shape[1], shape[2])
    return (shape[0], 1, 1)


def _stream_order(
    weight: NDArray[np.int8], flattened: tuple[int, int, int] | None
) -> NDArray[np.int8]:
    """Dense weights [Cout, 1, 1, K] with columns from (C, H, W) order to the stream's (H, W, C)."""
    features = len(weight)
    if flattened is not None:
        weight = weight.reshape(features, *flattened).transpose(0, 2, 3, 1)
    return weight.reshape(features, 1, 1, -1)


def _pre_threshold(
    name: str, where: str, op: Threshold, image: tuple[int, int, int], element: Integer
) -> PreThreshold:
    if op.row_class:
        raise ModelError("a threshold on the input cannot differ by position", where=where)
    channels = image[0]
    invert = op.invert if op.invert.size else np.zeros(channels, bool)
    return PreThreshold(name, image, element, op.thresholds[0, 0], invert)
