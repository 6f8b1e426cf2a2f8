"""Files that ask for more work or memory than any network needs, and numbers without meaning."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from faults import BY_TYPE, case, floats, tail
from sketch import Sketch, image, small_cnn


def weights_by(sketch: Sketch, weight: str) -> Sketch:
    """A dense layer of computed weights at the end."""
    sketch.op("MatMul", weight)
    return sketch


def vector() -> Sketch:
    return floats("N", 64)


def growing(op: str, steps: int = 60, **attributes: object) -> Sketch:
    """A constant that doubles again and again."""
    sketch = vector()
    name = sketch.constant(sketch.signs(64, 16))
    for _ in range(steps):
        name = sketch.node(op, [name, name], **attributes)
    return weights_by(sketch, name)


@case("node 'concat", "the limit is 256 MiB", **BY_TYPE)
def constants_that_double() -> Sketch:
    return growing("Concat", axis=1)


@case("node 'expand", "the limit is 256 MiB", **BY_TYPE)
def constant_expanded_without_end() -> Sketch:
    sketch = vector()
    shape = sketch.constant([10**6, 64, 16], np.int64)
    return weights_by(sketch, sketch.node("Expand", [sketch.constant(1), shape]))


@case("node 'tile", "the limit is 256 MiB", **BY_TYPE)
def constant_tiled_without_end() -> Sketch:
    sketch = vector()
    weight = sketch.constant(sketch.signs(64, 16))
    times = sketch.constant([1, 10**8], np.int64)
    return weights_by(sketch, sketch.node("Tile", [weight, times]))


@case("node 'range", "the limit is 256 MiB", **BY_TYPE)
def range_without_end() -> Sketch:
    sketch = vector()
    ends = [sketch.constant(v, np.int64) for v in (0, 10**15, 1)]
    return weights_by(sketch, sketch.node("Range", ends))


@case("node 'constantofshape", "the limit is 256 MiB", **BY_TYPE)
def constant_of_a_huge_shape() -> Sketch:
    sketch = vector()
    shape = sketch.constant([64, 10**12], np.int64)
    return weights_by(sketch, sketch.node("ConstantOfShape", [shape]))


@case("node 'gather", "the limit is 256 MiB", **BY_TYPE)
def gather_of_many_rows() -> Sketch:
    sketch = vector()
    wide = sketch.constant(np.ones((2, 1 << 14)))
    rows = sketch.constant(np.zeros(1 << 14), np.int64)
    return weights_by(sketch, sketch.node("Gather", [wide, rows]))


@case("node 'resize", "the limit", **BY_TYPE)
def constant_resized_without_end() -> Sketch:
    sketch = vector()
    weight = sketch.constant(sketch.signs(64, 16))
    scales = sketch.constant([1e3, 1e3])
    return weights_by(sketch, sketch.node("Resize", [weight, "", scales]))


@case("node 'hammingwindow", "computed element by element", **BY_TYPE)
def slow_constants() -> Sketch:
    sketch = vector()
    window = sketch.node("HammingWindow", [sketch.constant(10**6, np.int64)])
    return weights_by(sketch, window)


@case("node 'matmul", "steps; the limit is", **BY_TYPE)
def constants_multiplied_without_end() -> Sketch:
    sketch = vector()
    name = square = sketch.constant(np.eye(1024))
    for _ in range(4):
        name = sketch.node("MatMul", [name, square])
    return weights_by(sketch, sketch.node("Add", [name, name]))


def functions(bodies: dict[str, list[str]]) -> onnx.ModelProto:
    """``small_cnn`` and a call of F0 at its end; by name, the functions that a function calls."""
    proto = small_cnn().proto()
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my", 1)]
    for name, called in bodies.items():
        nodes, tensor = [], "a"
        for index, other in enumerate(called):
            out = "b" if index == len(called) - 1 else f"t{index}"
            nodes.append(helper.make_node(other, [tensor], [out], domain="my"))
            tensor = out
        nodes = nodes or [helper.make_node("Identity", ["a"], ["b"])]
        proto.functions.append(helper.make_function("my", name, ["a"], ["b"], nodes, opsets))
    proto.opset_import.append(helper.make_opsetid("my", 1))
    last = proto.graph.output[0].name
    proto.graph.node.append(helper.make_node("F0", [last], ["z"], domain="my"))
    proto.graph.output[0].name = "z"
    return proto


@case("function 'my.F0'", "calls itself")
def function_that_calls_itself() -> onnx.ModelProto:
    return functions({"F0": ["F0"]})


@case("function 'my.F", "calls itself")
def functions_that_call_each_other() -> onnx.ModelProto:
    return functions({"F0": ["F1"], "F1": ["F2"], "F2": ["F0"]})


@case("node 'F0'", "more than 8192 nodes")
def functions_that_double() -> onnx.ModelProto:
    return functions({f"F{i}": [f"F{i + 1}"] * 2 for i in range(40)} | {"F40": []})


@case("function 'my.F", "more than 64 deep")
def functions_nested_too_deep() -> onnx.ModelProto:
    return functions({f"F{i}": [f"F{i + 1}"] for i in range(500)} | {"F500": []})


@case("m.onnx", "cannot be inlined")
def function_called_with_too_much() -> onnx.ModelProto:
    proto = functions({"F0": []})
    proto.graph.node[-1].input.extend(["a", "b", "c"])
    return proto


@case("function 'my.F0'", "exists twice")
def function_defined_twice() -> onnx.ModelProto:
    proto = functions({"F0": []})
    proto.functions.append(proto.functions[0])
    return proto


@case("node 'mul", "more than 8192 nodes")
def ten_thousand_multiplications() -> Sketch:
    sketch = image().conv(3, 4)
    for _ in range(10_000):
        sketch.op("Mul", "c1")
    return sketch.sign().flatten().dense(64, 3)


@case("node 'mul", "reach 2^+-")
def multiplications_that_grow() -> Sketch:
    sketch = image().conv(3, 4)
    factor = sketch.constant([[[1024.0]], [[2.0]], [[0.5]], [[1.0]]])
    for _ in range(1000):
        sketch.op("Mul", factor)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'add", "bits; the limit is 8192")
def additions_of_many_digits() -> Sketch:
    sketch = image().conv(3, 4)
    for _ in range(1000):
        sketch.op("Add", sketch.constant(sketch.rng.normal(size=(4, 1, 1))))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'relu", "the limits are 2048 and 256")
def operations_without_end() -> Sketch:
    sketch = image().conv(3, 4)
    for _ in range(3000):
        sketch.op("Relu")
    return sketch.sign().flatten().dense(64, 3)


@case("input 'x'", "elements per image", **BY_TYPE)
def image_of_terabytes() -> Sketch:
    return tail(floats("N", 3, 10**6, 10**6))


@case("input 'x'", "pixels", **BY_TYPE)
def image_of_many_pixels() -> Sketch:
    return tail(floats("N", 3, 1500, 1500))


@case("node 'conv", "elements per image", **BY_TYPE)
def features_of_gigabytes() -> Sketch:
    sketch = floats("N", 3, 1000, 1000).conv(3, 1000, 1).sign()
    return sketch.pool(500, 500).flatten().dense(4000, 3)


@case("node 'maxpool", "steps per image", **BY_TYPE)
def pool_over_everything_at_each_pixel() -> Sketch:
    sketch = floats("N", 3, 1000, 1000).conv(3, 3, 1).sign()
    return sketch.pool(499, 1).flatten().dense(10, 3)


@case("node 'conv", "no usable number")
def huge_stride() -> Sketch:
    return image().conv(3, 4, strides=[1 << 62, 1 << 62]).sign().flatten().dense(4, 3)


@case("node 'conv", "at most 65536")
def stride_beyond_any_image() -> Sketch:
    return image().conv(3, 4, strides=[1 << 20, 1]).sign().flatten().dense(16, 3)


def with_attribute(op: str, name: str, value: object) -> onnx.ModelProto:
    """``small_cnn`` with another value of an attribute."""
    proto = small_cnn().proto()
    node = next(n for n in proto.graph.node if n.op_type == op)
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
    return proto


@case("node 'batchnormalization", "no usable number")
def epsilon_that_is_no_number() -> onnx.ModelProto:
    return with_attribute("BatchNormalization", "epsilon", float("nan"))


@case("node 'batchnormalization", "no usable number")
def infinite_epsilon() -> onnx.ModelProto:
    return with_attribute("BatchNormalization", "epsilon", float("inf"))


@case("node 'leakyrelu", "no usable number")
def slope_that_is_no_number() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("LeakyRelu", alpha=float("nan"))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'conv", "kernel")
def kernel_of_one_number_for_an_image() -> Sketch:
    return image().conv(3, 4, kernel_shape=[3]).sign().flatten().dense(64, 3)


@case("node 'mul", "beyond 2^+-400")
def factor_near_the_end_of_float64() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Cast", to=11)
    sketch.op("Mul", sketch.constant(1e300, np.float64))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'matmul", "holds nothing", **BY_TYPE)
def weights_of_no_columns() -> Sketch:
    sketch = vector()
    sketch.op("MatMul", sketch.constant(np.zeros((64, 0))))
    sketch.op("Sign")
    return weights_by(sketch, sketch.constant(np.zeros((0, 10))))


@case("node 'conv", "holds nothing")
def convolution_without_outputs() -> Sketch:
    return image().conv(3, 0, weight=np.zeros((0, 3, 3, 3))).sign().flatten().dense(64, 3)


@case("node 'add", "holds nothing")
def nothing_added() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Add", sketch.constant(np.zeros((0, 1, 1))))
    return sketch.sign().flatten().dense(64, 3)


@case("node 0 of the file (Cast)", "UTF-8")
def name_that_is_no_text() -> bytes:
    data = small_cnn().proto().SerializeToString()
    return data.replace(b"\x0a\x01x", b"\x0a\x01\xff", 1)


@case("initialiser 'c2'", "exists twice")
def initialiser_given_twice() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.initializer.append(proto.graph.initializer[0])
    return proto


@case("initialiser ''", "has no name")
def initialiser_without_a_name() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.initializer.add(data_type=1, dims=[1], float_data=[1])
    return proto


@case("node", "nothing before it writes")
def nodes_in_a_circle() -> onnx.ModelProto:
    proto = small_cnn().proto()
    first = next(n for n in proto.graph.node if n.op_type == "Conv")
    first.input[0] = proto.graph.node[-1].output[0]
    return proto


@case("initialiser", "bytes; the limit is")
def external_data_of_exabytes() -> onnx.ModelProto:
    proto = small_cnn().proto()
    tensor = proto.graph.initializer[2]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "w.bin"), ("length", str(1 << 60))):
        tensor.external_data.add(key=key, value=value)
    return proto


@case("initialiser", "cannot be decoded")
def initialiser_of_exabytes() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.initializer[2].dims[0] = 1 << 60
    return proto
