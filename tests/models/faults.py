"""Faulty files, inputs, weights and structures, each with the error it must give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from bnnhw.frontend import LoadOptions
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = Callable[[Path], Path]

CASES: dict[str, tuple[Case, LoadOptions, str, str]] = {}
"""By name: how to write the file, the options, part of where the error is, part of what it says."""


def case(
    where: str, what: str, **options: Any
) -> Callable[[Callable[[], Sketch | onnx.ModelProto | bytes]], Case]:
    """Registers a function that makes a model (or bytes) as a case."""

    def register(make: Callable[[], Sketch | onnx.ModelProto | bytes]) -> Case:
        def write(folder: Path) -> Path:
            made, path = make(), folder / "m.onnx"
            if isinstance(made, Sketch):
                made = made.proto()
            path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
            return path

        CASES[make.__name__] = (write, LoadOptions(**options), where, what)
        return write

    return register


def floats(*shape: int | str | None, **kwargs: Any) -> Sketch:
    """A model of float images, declared int8 by ``BY_TYPE``."""
    return Sketch(shape or ["N", 3, 6, 6], **kwargs)


BY_TYPE = {"input_type": "int8"}


def tail(sketch: Sketch) -> Sketch:
    """Something valid after the fault."""
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("m.onnx", "empty")
def empty_file() -> bytes:
    return b""


@case("m.onnx", "not an ONNX model")
def text_file() -> bytes:
    return b"this is no model\n" * 40


@case("m.onnx", "")
def truncated_file() -> bytes:
    return small_cnn().proto().SerializeToString()[:700]


@case("m.onnx", "no ONNX graph")
def model_without_nodes() -> onnx.ModelProto:
    proto = small_cnn().proto()
    del proto.graph.node[:]
    return proto


@case("m.onnx", "external weights")
def missing_external_data() -> onnx.ModelProto:
    proto = small_cnn().proto()
    tensor = proto.graph.initializer[2]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="gone.bin")
    return proto


@case("initialiser", "cannot be decoded")
def initialiser_of_wrong_size() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.initializer[2].raw_data = b"1234567"
    return proto


@case("the model", "no opset")
def no_opset() -> onnx.ModelProto:
    proto = small_cnn().proto()
    del proto.opset_import[:]
    return proto


@case("the model", "opset 8")
def old_opset() -> Sketch:
    return small_cnn(opset=8)


@case("node", "nothing before it writes")
def dangling_input() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.node[5].input[0] = "nowhere"
    return proto


@case("node", "nothing before it writes")
def nodes_out_of_order() -> onnx.ModelProto:
    proto = small_cnn().proto()
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


@case("node", "exists already")
def tensor_written_twice() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.node[3].output[0] = proto.graph.node[2].output[0]
    proto.graph.node[4].input[0] = proto.graph.node[2].output[0]
    return proto


@case("outputs", "no node writes")
def output_that_nothing_writes() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.output[0].name = "elsewhere"
    return proto


@case("outputs", "2 outputs")
def two_outputs() -> onnx.ModelProto:
    proto = small_cnn().proto()
    proto.graph.output.add(name=proto.graph.node[4].output[0])
    return proto


@case("inputs", "2 inputs")
def two_inputs() -> Sketch:
    sketch = small_cnn()
    sketch.inputs.append(onnx.helper.make_tensor_value_info("y", 1, ["N", 5]))
    sketch.op("Add", "y")
    return sketch


@case("output", "constant")
def constant_output() -> Sketch:
    sketch = image()
    sketch.tensor = sketch.node("Neg", [sketch.constant([1.0, 2.0])])
    return sketch


@case("input 'x'", "only its first dimension")
def dynamic_image_size() -> Sketch:
    return tail(Sketch(["N", 3, "height", "width"], np.uint8))


@case("input 'x'", "5 dimensions")
def video_input() -> Sketch:
    return tail(Sketch(["N", 3, 4, 6, 6], np.uint8))


@case("input 'x'", "type bool")
def boolean_input() -> Sketch:
    return tail(Sketch(["N", 3, 6, 6], np.bool_))


@case("input 'x'", "--input-type")
def undeclared_float_input() -> Sketch:
    return tail(floats())


@case("input 'x'", "too wide")
def wide_integer_input() -> Sketch:
    sketch = Sketch(["N", 3, 6, 6], np.int64)
    sketch.op("Cast", to=1)
    return tail(sketch)


@case("--input-type", "cannot hold", input_type="int8")
def declared_type_beyond_the_models_own() -> Sketch:
    return tail(image())


@case("input 'x'", "no scale", input_scale=0.5)
def scale_for_an_integer_input() -> Sketch:
    return tail(image())


@case("--input-scale", "2 numbers", input_type="uint8", input_scale=(0.5, 0.25))
def scale_for_another_number_of_channels() -> Sketch:
    return tail(floats())


@case("input 'x' (its QONNX annotation)", "unknown")
def unknown_annotation() -> Sketch:
    sketch = tail(floats())
    sketch.annotations["x"] = "TERNARY"
    return sketch


@case("node 'conv", "neither +-1 nor +-alpha")
def real_valued_weights() -> Sketch:
    sketch = image().conv(3, 4).sign()
    weight = sketch.rng.normal(size=(4, 4, 3, 3))
    sketch.conv(4, 4, weight=weight).sign().flatten()
    return sketch.dense(16, 3, weight=sketch.rng.normal(size=(16, 3)))


@case("node 'conv", "neither")
def a_network_that_is_not_binary_at_all() -> Sketch:
    sketch = image()
    sketch.conv(3, 4, weight=sketch.rng.normal(size=(4, 3, 3, 3)))
    sketch.op("Relu")
    return sketch.flatten().dense(64, 3, weight=sketch.rng.normal(size=(64, 3)))


@case("node 'conv", "ternary")
def ternary_weights() -> Sketch:
    sketch = image()
    weight = sketch.rng.integers(-1, 2, (4, 3, 3, 3))
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


@case("node 'conv", "per input channel")
def weights_scaled_per_input_channel() -> Sketch:
    sketch = image()
    weight = sketch.signs(4, 3, 3, 3) * np.array([1, 2, 3], np.float32).reshape(1, 3, 1, 1)
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


@case("node 'conv", "almost, but not exactly")
def weights_with_rounding_noise() -> Sketch:
    sketch = image()
    weight = sketch.signs(4, 3, 3, 3) * np.float32(0.3)
    weight *= 1 + sketch.rng.normal(size=weight.shape).astype(np.float32) * 2e-5
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


@case("node 'conv", "infinite or not a number")
def weights_with_infinity() -> Sketch:
    sketch = image()
    weight = sketch.signs(4, 3, 3, 3)
    weight[0, 0, 0, 0] = np.inf
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


@case("node 'conv", "weight is missing or computed")
def convolution_by_an_activation() -> Sketch:
    sketch = Sketch([4, 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Conv", sketch.tensor)
    return sketch


@case("node 'greater", "ends the network with bits")
def a_sign_at_the_end() -> Sketch:
    return image().conv(3, 4).sign().flatten().dense(64, 3).sign()


@case("node 'relu", "follows the last layer")
def relu_at_the_end() -> Sketch:
    sketch = small_cnn()
    sketch.op("Relu")
    return sketch


@case("graph", "no layer with weights")
def a_model_without_layers() -> Sketch:
    sketch = image()
    sketch.op("Neg")
    return sketch


@case("node 'sqrt", "no multiples of one step")
def irregular_preprocessing() -> Sketch:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Sqrt")
    return tail(sketch)


@case("node 'log", "infinite or not a number")
def logarithm_of_zero() -> Sketch:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Log")
    return tail(sketch)


@case("node 'greater", "on both sides of its threshold")
def a_sign_of_one_value() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Greater", sketch.constant(0))
    sketch.op("Where", sketch.constant(2), sketch.constant(2))
    return sketch.flatten().dense(64, 3)


@case("node 'softmax", "output only")
def softmax_in_the_middle() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Softmax", axis=1)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'softmax", "which are no classes")
def softmax_over_another_axis() -> Sketch:
    sketch = image().conv(3, 4).sign().conv(4, 3)
    sketch.op("Softmax", axis=2)
    return sketch


@case("node 'mul", "turns the order of the classes")
def negative_factor_behind_a_softmax() -> Sketch:
    sketch = small_cnn()
    sketch.op("Softmax", axis=1)
    sketch.op("Mul", sketch.constant(-1))
    return sketch


@case("node 'greater", "whatever the sign before it gives")
def a_sign_of_signs_that_never_turns() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Add", sketch.constant([[[2.0]], [[3.0]], [[2.0]], [[4.0]]]))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'round", "one number")
def rounding_to_one_number() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Round")
    sketch.op("Clip", sketch.constant(2), sketch.constant(2))
    return sketch.flatten().dense(64, 3)


@case("node 'topk", "--top-k")
def top_k_in_the_model() -> Sketch:
    sketch = small_cnn()
    sketch.op("TopK", sketch.constant([2], np.int64))
    return sketch


@case("output", "transposed")
def transposed_scores() -> Sketch:
    sketch = image().conv(3, 4).sign().conv(4, 3)
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    return sketch
