"""The integer graph cut into stages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.hardware.stages import Layer, Stage
from bnnhw.hardware.stages.concat import Concatenate, Copies
from bnnhw.hardware.stages.elements import Choose, Compare, Join, Rescale, Table
from bnnhw.hardware.stages.pad import Grow
from bnnhw.hardware.stages.pool import Pool
from bnnhw.hardware.stages.products import AddUp, Multiply
from bnnhw.hardware.stages.stream_order import Image, flattened_images, in_stream_order
from bnnhw.ir.names import hardware_names
from bnnhw.ir.ops import (
    REFLECT,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Ints,
    Pad,
    Product,
    Shape,
    SumPool,
    Threshold,
    Window,
)
from bnnhw.ir.product_ops import by_pixel
from bnnhw.ir.types import Bit, Integer, Real

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.types import DType

_LAYERS = (BinaryConv, BinaryDense, IntegerConv, IntegerDense)


class _Common(TypedDict):
    """The fields of ``StageBase``."""

    name: str
    where: str
    inputs: tuple[str, ...]
    output: str
    image: tuple[int, int, int]
    element: Integer | Bit


@dataclass
class _Splitter:
    graph: Graph
    stages: list[Stage] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flattened = flattened_images(self.graph)

    def tensor(self, name: str) -> str:
        """The tensor that streams where the graph reads ``name``: flattening moves nothing."""
        return self.alias.get(name, name)

    def common(self, node: Node, output: str) -> _Common:
        first = self.tensor(node.inputs[0])
        dtype = self.graph.tensors[first].dtype
        assert isinstance(dtype, (Integer, Bit))
        flat = node.inputs[0] != first
        shape = self.graph.tensors[node.inputs[0] if flat else first].shape
        return {
            "name": node.name,
            "where": node.where,
            "inputs": tuple(self.tensor(name) for name in node.inputs),
            "output": output,
            "image": _image(shape),
            "element": dtype,
        }


def split_stages(graph: Graph) -> list[Stage]:
    """The stages of an integer graph, in execution order.

    Raises:
        ModelError: a node has no hardware in its place; names it.
    """
    splitter = _Splitter(graph)
    fused: set[str] = set()
    for node in graph.nodes:
        if node.name in fused:
            continue
        if isinstance(node.op, Flatten):
            splitter.alias[node.output] = splitter.tensor(node.inputs[0])
        elif isinstance(node.op, Concat):
            splitter.stages += _concatenated(splitter, node)
        elif isinstance(node.op, _LAYERS):
            threshold = _fused_threshold(graph, node)
            if threshold is not None:
                fused.add(threshold.name)
            splitter.stages.append(_layer(splitter, node, threshold))
        else:
            splitter.stages.append(_other(splitter, node))
    if not any(isinstance(stage, Layer) for stage in splitter.stages):
        raise ModelError(
            "the network holds no layer of weights",
            where=f"graph '{graph.name}'",
            fix="give a network of convolutions or fully connected layers",
        )
    if isinstance(graph.tensors[graph.output].dtype, Bit):
        raise ModelError(
            "the network ends in bits, not in scores",
            where=f"output '{graph.output}'",
            fix="export it without the last sign",
        )
    names = hardware_names([stage.name for stage in splitter.stages])
    return [replace(stage, name=name) for stage, name in zip(splitter.stages, names, strict=True)]


def _fused_threshold(graph: Graph, node: Node) -> Node | None:
    """The threshold that alone reads a binary layer's sums."""
    consumers = graph.consumers(node.output)
    binary = isinstance(node.op, (BinaryConv, BinaryDense))
    if binary and len(consumers) == 1 and isinstance(consumers[0].op, Threshold):
        return consumers[0] if node.output != graph.output else None
    return None


def _layer(splitter: _Splitter, node: Node, threshold: Node | None) -> Layer:
    op = node.op
    assert isinstance(op, _LAYERS)
    if isinstance(op, (BinaryConv, IntegerConv)):
        weight, window = op.weight.transpose(0, 2, 3, 1), op.window
    else:
        flattened = splitter.flattened.get(node.inputs[0])
        weight, window = _stream_order(op.weight.astype(np.int64), flattened), Window((1, 1))
    offset = op.offset if isinstance(op, IntegerConv) else None
    if isinstance(op, IntegerDense):
        offset = op.offset[None, None]
    return Layer(
        **splitter.common(node, node.output if threshold is None else threshold.output),
        weight=np.ascontiguousarray(weight.astype(np.int64)),
        weight_bits=op.weight_bits if isinstance(op, (IntegerConv, IntegerDense)) else 1,
        window=window,
        is_conv=isinstance(op, (BinaryConv, IntegerConv)),
        groups=op.groups if isinstance(op, (BinaryConv, IntegerConv)) else 1,
        threshold=threshold.op if threshold is not None else None,  # type: ignore[arg-type]
        offset=offset,
        row_class=op.row_class if isinstance(op, IntegerConv) else (),
        column_class=op.column_class if isinstance(op, IntegerConv) else (),
        fill=op.fill if isinstance(op, BinaryConv) else 0,
    )


def _concatenated(splitter: _Splitter, node: Node) -> list[Stage]:
    """Copies of one tensor, or two tensors at a time."""
    common = splitter.common(node, node.output)
    names, image = common["inputs"], common["image"]
    if len({*names}) == 1:
        common["inputs"] = names[:1]
        return [Copies(**common, count=len(names))]
    stages: list[Stage] = []
    for number, name in enumerate(names[1:], 1):
        last = number == len(names) - 1
        second = splitter.graph.tensors[node.inputs[number]].shape[0]
        common["inputs"] = (names[0] if number == 1 else f"{node.output}:part{number - 1}", name)
        common["output"] = node.output if last else f"{node.output}:part{number}"
        common["name"] = node.name if last else f"{node.name}_part{number}"
        common["image"] = image
        stages.append(Concatenate(**common, second=second))
        image = (image[0] + second, *image[1:])
    return stages


def _other(splitter: _Splitter, node: Node) -> Stage:
    op = node.op
    common = splitter.common(node, node.output)
    element = common["element"]
    integer = isinstance(element, Integer)
    out = splitter.graph.tensors[node.output].dtype
    if isinstance(out, Real):
        raise _gap(node, out)
    if isinstance(op, BitMaxPool) and not integer:
        return Pool(**common, window=op.window, minimum=op.minimum, is_sum=False, out_element=out)
    if isinstance(op, (IntegerMaxPool, SumPool)) and integer:
        is_sum = isinstance(op, SumPool)
        none = np.zeros(0, bool)
        return Pool(**common, window=op.window, minimum=none, is_sum=is_sum, out_element=out)
    if isinstance(op, Pad):
        return Grow(**common, reflects=op.mode == REFLECT, pads=op.pads)
    image = splitter.flattened.get(node.inputs[0])
    if isinstance(op, Threshold):
        return _compare(common, op, image)
    if isinstance(op, FixedAffine) and integer:
        constants = (in_stream_order(v, image) for v in (op.multiplier, op.offset, op.knee))
        multiplier, offset, knee = constants
        op = replace(op, multiplier=multiplier, offset=offset, knee=knee)
        return Rescale(**common, op=op)
    if isinstance(op, FixedSelect) and integer:
        return _choose(splitter, node, op, image)
    if isinstance(op, FixedAdd) and integer:
        return Join(**common, out_element=op.dtype)
    if isinstance(op, ChannelSum) and integer:
        assert isinstance(out, Integer)
        return AddUp(**common, out_element=out)
    if isinstance(op, Product) and integer:
        x, factor = (splitter.graph.tensors[name] for name in node.inputs)
        assert isinstance(factor.dtype, Integer)
        assert isinstance(out, Integer)
        pixel = by_pixel(x.shape, factor.shape)
        return Multiply(**common, factor=factor.dtype, by_pixel=pixel, out_element=out)
    if isinstance(op, IntegerTable):
        if integer:
            return Table(**common, values=op.values, out_element=op.dtype)
        common["element"] = Integer(1, signed=False)
        return Table(**common, values=op.values[[0, -1]], out_element=op.dtype)
    raise _gap(node, element)


def _choose(splitter: _Splitter, node: Node, op: FixedSelect, image: Image | None) -> Choose:
    second = splitter.graph.tensors[splitter.tensor(node.inputs[1])].dtype
    assert isinstance(second, Integer)
    invert = op.invert if op.invert.size else np.zeros(len(op.thresholds), bool)
    return Choose(
        **splitter.common(node, node.output),
        thresholds=in_stream_order(op.thresholds, image),
        invert=in_stream_order(invert, image),
        factors=op.factors,
        second=second,
        out_element=op.dtype,
    )


def _gap(node: Node, dtype: DType) -> ModelError:
    return ModelError(
        f"{node.op.called} has no hardware on a tensor of type {dtype}",
        where=node.where,
        fix="this is a gap of the compiler: report it with the model",
    )


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) == 3:
        return (shape[0], shape[1], shape[2])
    return (shape[0], 1, 1)


def _stream_order(weight: Ints, flattened: Image | None) -> Ints:
    """Dense weights [Cout, 1, 1, K] with columns from (C, H, W) order to the stream's (H, W, C)."""
    return in_stream_order(weight, flattened).reshape(len(weight), 1, 1, -1)


def _compare(common: _Common, op: Threshold, image: Image | None) -> Compare:
    if op.row_class:
        raise ModelError(
            "a threshold behind no layer cannot differ by position",
            where=common["where"],
            fix="put the sign directly behind the convolution",
        )
    thresholds = in_stream_order(op.thresholds[0, 0], image)
    invert = op.invert if op.invert.size else np.zeros(len(thresholds), bool)
    element = common["element"]
    if isinstance(element, Bit):
        # Bits stream as 0 and 1, whatever they stand for.
        thresholds = 1 * (thresholds > element.low) + 1 * (thresholds > element.high)
        common["element"] = Integer(1, signed=False)
    return Compare(**common, thresholds=thresholds, invert=in_stream_order(invert, image))
