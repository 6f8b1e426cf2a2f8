"""Models with random faults: in the bytes of the file, or in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sketch import Sketch, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable

    Random = np.random.Generator

FLOATS = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, -1.0, 1e38, 1e-45, 3.0, 0.5, 1e-5)
INTEGERS = (0, 1, -1, 2, 3, 7, 17, 255, 1 << 16, 1 << 31, 1 << 40, (1 << 62), -(1 << 62))
NAMES = (
    "", "x", "a/b:c", "\u00e9\u4e16", "n" * 5000, "int", "module", "a\nb", 'a"b', "../../a", "a b",
    "top", "clk", "input", "x:out", "}{",
)  # fmt: skip
OPERATIONS = (
    "Relu", "Sigmoid", "Concat", "LSTM", "Foo", "Transpose", "Softmax", "TopK", "Sign", "Round",
    "Flatten", "Shape", "Add", "Mul", "Div", "Sub", "MatMul", "Gemm", "Conv", "MaxPool", "Clip",
    "GlobalAveragePool", "ReduceMean", "Squeeze", "Unsqueeze", "Identity", "Cast", "Where", "Neg",
    "ConvTranspose", "QuantizeLinear", "DequantizeLinear", "BatchNormalization", "Pad", "Split",
    "ArgMax", "LeakyRelu", "PRelu", "Loop", "Constant", "Expand", "Gather", "Slice", "Quant",
)  # fmt: skip
KINDS = (
    TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16,
    TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL,
)  # fmt: skip


def dense() -> Sketch:
    sketch = Sketch(["N", 16]).dense(16, 8).batch_norm(8).sign("cast").dense(8, 8).sign("sign")
    return sketch.dense(8, 4)


def residual() -> Sketch:
    sketch = Sketch(["N", 4, 4, 4]).conv(4, 4, pads=1).batch_norm(4)
    start = sketch.tensor
    sketch.sign("sign").conv(4, 4, pads=1).batch_norm(4)
    sketch.op("Add", start)
    sketch.op("PRelu", sketch.constant(np.full((4, 1, 1), 0.25)))
    sketch.op("GlobalAveragePool")
    return sketch.flatten().dense(4, 4, weight=sketch.rng.normal(size=(4, 4)))


def quantised() -> Sketch:
    sketch = Sketch(["N", 16])
    sketch.domains["qonnx.custom_op.general"] = 1
    sketch.dense(16, 8).batch_norm(8)
    sketch.op("Quant", *(sketch.constant(v) for v in (0.25, 0, 4)), signed=1, narrow=0,
              rounding_mode="ROUND", domain="qonnx.custom_op.general")  # fmt: skip
    return sketch.bipolar().dense(8, 4)


def signal() -> Sketch:
    sketch = Sketch(["N", 4, 16])
    sketch.op("Conv", sketch.constant(sketch.signs(8, 4, 3)), pads=[1, 1])
    sketch.batch_norm(8).sign()
    sketch.op("MaxPool", kernel_shape=[2], strides=[2])
    return sketch.flatten().dense(64, 4)


def computed() -> Sketch:
    """Weights and shapes that are computed in the graph."""
    sketch = Sketch(["N", 16])
    latent = sketch.constant(sketch.rng.normal(size=(16, 8)))
    sketch.op("MatMul", sketch.node("Sign", [latent]))
    sketch.batch_norm_pieces((8,)).sign("not")
    ones = sketch.node("ConstantOfShape", [sketch.constant([2], np.int64)])
    shape = sketch.node("Concat", [sketch.constant([-1], np.int64), sketch.constant([8], np.int64)],
                        axis=0)  # fmt: skip
    sketch.op("Reshape", shape)
    sketch.op("Add", sketch.node("ReduceSum", [ones], keepdims=0))
    return sketch.dense(8, 4)


BASES: tuple[Callable[[], Sketch], ...] = (
    small_cnn, dense, residual, quantised, signal, computed,
)  # fmt: skip


def mutated(seed: int) -> bytes:
    """A file made from one of ``BASES`` by one to three faults."""
    random = np.random.default_rng(seed)
    proto = BASES[seed % len(BASES)]().proto()
    if random.random() < 0.2:
        return in_bytes(proto.SerializeToString(), random)
    for _ in range(random.integers(1, 4)):
        try:
            pick(random, FAULTS)(proto, random)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue  # a fault that this model, faulty already, does not take
    return proto.SerializeToString()


def pick(random: Random, things):  # type: ignore[no-untyped-def]
    return things[int(random.integers(len(things)))]


def in_bytes(data: bytes, random: Random) -> bytes:
    """Bytes flipped, cut off, left out, repeated or put in."""
    kind, place = random.integers(5), int(random.integers(len(data)))
    length = int(random.integers(1, 200))
    if kind == 0:
        changed = bytearray(data)
        for _ in range(int(random.integers(1, 9))):
            changed[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
        return bytes(changed)
    if kind == 1:
        return data[:place]
    if kind == 2:
        return data[:place] + data[place + length :]
    if kind == 3:
        return data[:place] + data[place : place + length] * 3 + data[place:]
    return data[:place] + random.bytes(length) + data[place:]


def integer_attribute(proto: onnx.ModelProto, random: Random) -> None:
    found = [a for n in proto.graph.node for a in n.attribute if a.type in (2, 7)]
    attribute = pick(random, found)
    if attribute.type == 2:
        attribute.i = pick(random, INTEGERS)
    elif random.random() < 0.7:
        attribute.ints[int(random.integers(len(attribute.ints)))] = pick(random, INTEGERS)
    else:
        attribute.ints.append(pick(random, INTEGERS))


def float_attribute(proto: onnx.ModelProto, random: Random) -> None:
    found = [a for n in proto.graph.node for a in n.attribute if a.type == 1]
    pick(random, found).f = pick(random, FLOATS)


def values(proto: onnx.ModelProto, random: Random) -> None:
    tensor = pick(random, proto.graph.initializer)
    array = numpy_helper.to_array(tensor).copy()
    value = pick(random, FLOATS if array.dtype.kind == "f" else INTEGERS)
    if random.random() < 0.5:
        array[...] = value
    else:
        array.flat[int(random.integers(array.size))] = value
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def shape(proto: onnx.ModelProto, random: Random) -> None:
    tensor = pick(random, proto.graph.initializer)
    array = numpy_helper.to_array(tensor)
    kind = random.integers(5)
    if kind == 0:
        array = array.T
    elif kind == 1:
        array = array[:0]
    elif kind == 2:
        array = array[None]
    elif kind == 3:
        array = np.concatenate([array, array])
    else:
        tensor.dims.append(pick(random, INTEGERS))
        return
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))


def element_type(proto: onnx.ModelProto, random: Random) -> None:
    kind = pick(random, KINDS)
    if random.random() < 0.3:
        proto.graph.input[0].type.tensor_type.elem_type = kind
        return
    tensor = pick(random, proto.graph.initializer)
    array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def nodes(proto: onnx.ModelProto, random: Random) -> None:
    graph = proto.graph
    index, kind = int(random.integers(len(graph.node))), random.integers(3)
    if kind == 0:
        gone = graph.node[index]
        for node in graph.node:
            for i, name in enumerate(node.input):
                if name == gone.output[0]:
                    node.input[i] = gone.input[0]
        del graph.node[index]
    elif kind == 1:
        graph.node.add().CopyFrom(graph.node[index])
    else:
        rest = [n for i, n in enumerate(graph.node) if i != index]
        rest.insert(int(random.integers(len(rest))), graph.node[index])
        copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in rest]
        del graph.node[:]
        graph.node.extend(copies)


def wires(proto: onnx.ModelProto, random: Random) -> None:
    graph = proto.graph
    node = pick(random, graph.node)
    known = [t.name for t in graph.initializer] + [o for n in graph.node for o in n.output] + ["x"]
    kind = random.integers(4)
    if kind == 0:
        node.input[int(random.integers(len(node.input)))] = pick(random, known)
    elif kind == 1:
        node.input.append(pick(random, [*known, ""]))
    elif kind == 2:
        del node.input[int(random.integers(len(node.input)))]
    else:
        graph.output[0].name = pick(random, known)


def names(proto: onnx.ModelProto, random: Random) -> None:
    graph, name = proto.graph, pick(random, NAMES)
    kind = random.integers(4)
    if kind == 0:
        pick(random, graph.node).name = name
    elif kind == 1:
        pick(random, graph.initializer).name = name
    else:
        old = pick(random, [o for n in graph.node for o in n.output] + ["x"])
        for node in graph.node:
            for listed in (node.input, node.output):
                for i, given in enumerate(listed):
                    if given == old:
                        listed[i] = name
        for value in (*graph.input, *graph.output):
            if value.name == old:
                value.name = name


def operation(proto: onnx.ModelProto, random: Random) -> None:
    node = pick(random, proto.graph.node)
    node.op_type = pick(random, OPERATIONS)
    if random.random() < 0.1:
        node.domain = pick(random, ("ai.onnx", "com.microsoft", "qonnx.custom_op.general"))


def input_shape(proto: onnx.ModelProto, random: Random) -> None:
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    kind = random.integers(3)
    if kind == 0:
        pick(random, dims).dim_value = pick(random, INTEGERS)
    elif kind == 1:
        dims.add(dim_value=pick(random, (1, 2, 4)))
    else:
        del dims[int(random.integers(len(dims)))]


def opset(proto: onnx.ModelProto, random: Random) -> None:
    proto.opset_import[0].version = pick(random, (0, 1, 8, 9, 11, 13, 18, 21, 99, 1 << 40))


def inserted(proto: onnx.ModelProto, random: Random) -> None:
    """An operation between two nodes, perhaps with a constant."""
    graph = proto.graph
    index = int(random.integers(len(graph.node)))
    after = graph.node[index].output[0]
    kind = pick(random, ("Cast", "Mul", "Add", "Clip", "Transpose", "Reshape", "Unsqueeze", "Round",
                         "Sign", "Relu", "Flatten", "Div", "Concat", "Tile", "Expand", "Sub",
                         "Softmax", "Identity", "GlobalMaxPool", "ReduceMean"))  # fmt: skip
    extra, attributes = [], {}
    if kind == "Cast":
        attributes["to"] = pick(random, KINDS)
    if kind in ("Mul", "Add", "Div", "Sub"):
        sizes = pick(random, ((), (1,), (4,), (8,), (4, 1, 1), (8, 1, 1), (0,), (3, 5)))
        extra = [np.full(sizes, pick(random, FLOATS), np.float32)]
    if kind in ("Reshape", "Unsqueeze", "Tile", "Expand"):
        count = int(random.integers(1, 5))
        extra = [np.array([pick(random, INTEGERS) for _ in range(count)], np.int64)]
    if kind == "Concat":
        extra, attributes["axis"] = [np.ones((1, 4), np.float32)], int(random.integers(-2, 3))
    if kind == "Transpose":
        attributes["perm"] = random.permutation(pick(random, (2, 3, 4))).tolist()
    inputs = ["mutated_in"]
    for i, array in enumerate(extra):
        inputs.append(f"mutated_{len(graph.initializer)}_{i}")
        graph.initializer.append(numpy_helper.from_array(array, inputs[-1]))
    name = f"mutated_{len(graph.node)}"
    inputs[0] = name
    graph.node[index].output[0] = name
    graph.node.insert(index + 1, helper.make_node(kind, inputs, [after], **attributes))


FAULTS = (
    integer_attribute, float_attribute, values, values, shape, element_type, nodes, wires, names,
    operation, input_shape, opset, inserted, inserted,
)  # fmt: skip
