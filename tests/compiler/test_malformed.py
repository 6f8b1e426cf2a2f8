"""Malformed and unsupported models: each a clear error that names the place and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from sketch import Sketch, image, small_cnn

from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.passes import PIPELINE, run

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


# ------------------------------------------------------------------------------------ the file


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


# ----------------------------------------------------------------------------------- the input


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


@case("input 'x' (its QONNX annotation)", "unknown")
def unknown_annotation() -> Sketch:
    sketch = tail(floats())
    sketch.annotations["x"] = "TERNARY"
    return sketch


# ------------------------------------------------------------------------------- the operations


@case("node 'lstm", "recurrent", **BY_TYPE)
def recurrent_layer() -> Sketch:
    sketch = floats("N", 4, 8)
    sketch.op("LSTM", *(sketch.constant(np.ones((1, 32, 8))) for _ in range(2)), hidden_size=8)
    return sketch


@case("node 'add", "residual networks are not supported yet")
def residual_connection() -> Sketch:
    sketch = image()
    sketch.conv(3, 4).sign()
    before = sketch.tensor
    sketch.conv(4, 4, pads=1)
    sketch.op("Add", before)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'concat", "not supported yet")
def branches_joined() -> Sketch:
    sketch = image()
    sketch.op("Concat", sketch.tensor, axis=1)
    return sketch.conv(6, 4).sign().flatten().dense(64, 3)


@case("node 'averagepool", "average pools are not supported")
def average_pool() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    return sketch.flatten().dense(16, 3)


@case("node 'globalaveragepool", "average pools are not supported")
def global_average_pool() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("GlobalAveragePool")
    return sketch.flatten().dense(4, 3)


@case("node 'convtranspose", "not supported")
def transposed_convolution() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("ConvTranspose", sketch.constant(sketch.signs(4, 3, 2, 2)))
    return sketch


@case("node 'conv", "3 groups")
def grouped_convolution() -> Sketch:
    sketch = image()
    sketch.conv(1, 6, group=3)
    return sketch.sign().flatten().dense(96, 3)


@case("node 'conv", "dilations (2, 2)")
def dilated_convolution() -> Sketch:
    return image().conv(3, 4, dilations=[2, 2]).sign().flatten().dense(16, 3)


@case("node 'conv", "dimensions", **BY_TYPE)
def convolution_of_a_signal() -> Sketch:
    sketch = floats("N", 3, 16)
    sketch.op("Conv", sketch.constant(sketch.signs(4, 3, 3)))
    return sketch.sign().flatten().dense(56, 3)


@case("node 'conv", "channels")
def convolution_of_too_many_channels() -> Sketch:
    return image().conv(4, 4).sign().flatten().dense(64, 3)


@case("node 'conv", "does not fit")
def kernel_larger_than_the_image() -> Sketch:
    return image().conv(3, 4, kernel=7).sign().flatten().dense(4, 3)


@case("node 'conv", "declares a kernel")
def kernel_shape_that_contradicts_the_weights() -> Sketch:
    return image().conv(3, 4, kernel_shape=[5, 5]).sign().flatten().dense(64, 3)


@case("node 'conv", "negative pads")
def negative_pads() -> Sketch:
    return image().conv(3, 4, pads=-1).sign().flatten().dense(16, 3)


@case("node 'conv", "axes")
def channels_last_convolution_without_transpose() -> Sketch:
    sketch = Sketch(["N", 6, 6, 3], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Transpose", perm=[0, 3, 2, 1])
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'matmul", "take 65 inputs")
def dense_layer_of_wrong_size() -> Sketch:
    return image().conv(3, 4).sign().flatten().dense(65, 3)


@case("node 'matmul", "two tensors")
def attention() -> Sketch:
    sketch = image().conv(3, 4).sign().flatten()
    turned = sketch.node("Transpose", [sketch.tensor], perm=[1, 0])
    sketch.op("MatMul", turned)
    return sketch


@case("node 'batchnormalization", "variance")
def negative_variance() -> Sketch:
    return image().conv(3, 4).batch_norm(4, variance=-1.0).sign().flatten().dense(64, 3)


@case("node 'batchnormalization", "infinite or not a number")
def batch_norm_with_nan() -> Sketch:
    return image().conv(3, 4).batch_norm(4, mean=np.nan).sign().flatten().dense(64, 3)


@case("node 'batchnormalization", "has 5 elements")
def batch_norm_of_wrong_size() -> Sketch:
    return image().conv(3, 4).batch_norm(5).sign().flatten().dense(64, 3)


@case("node 'batchnormalization", "training mode")
def batch_norm_in_training_mode() -> onnx.ModelProto:
    proto = small_cnn().proto()
    node = next(n for n in proto.graph.node if n.op_type == "BatchNormalization")
    node.attribute.append(onnx.helper.make_attribute("training_mode", 1))
    return proto


@case("node 'dropout", "active")
def active_dropout() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Dropout", sketch.constant(0.5), sketch.constant(True, np.bool_))
    return sketch.flatten().dense(64, 3)


@case("node 'instancenormalization", "BatchNormalization")
def instance_normalization() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("InstanceNormalization", *(sketch.constant(np.ones(4)) for _ in range(2)))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'reshape", "splits an axis")
def reshape_that_splits_channels() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1, 2, 2, 4, 4], np.int64))
    return sketch


@case("node 'reshape", "batch")
def reshape_that_mixes_the_batch() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1], np.int64))
    return sketch


@case("node 'pad", "only zero padding")
def padding_with_minus_one() -> Sketch:
    sketch = image()
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64), sketch.constant(-1.0))
    return sketch.conv(3, 4).sign().flatten().dense(144, 3)


@case("node 'maxpool", "a Pad is supported before a convolution only")
def padding_before_a_pool() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64))
    return sketch.pool().flatten().dense(36, 3)


@case("node 'maxpool", "neither a sign nor bits")
def max_pool_of_pixels() -> Sketch:
    return image().pool().conv(3, 4).sign().flatten().dense(4, 3)


@case("node 'maxpool", "dilations")
def dilated_max_pool() -> Sketch:
    return image().conv(3, 4).sign().pool(2, 1, dilations=[2, 2]).flatten().dense(16, 3)


@case("node 'quant", "several bits")
def activations_of_two_bits() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Quant", *(sketch.constant(v) for v in (1, 0, 2)), domain="qonnx.custom_op.general")
    return sketch.flatten().dense(64, 3)


@case("node 'sigmoid", "real-valued")
def sigmoid_activation() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Sigmoid")
    return sketch.flatten().dense(64, 3)


@case("node 'custom", "vendor.Custom is not supported")
def operation_of_an_unknown_domain() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.domains["vendor"] = 1
    sketch.op("Custom", domain="vendor")
    return sketch.sign().flatten().dense(64, 3)


@case("node 'if", "control flow")
def control_flow() -> Sketch:
    sketch = image()
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", [sketch.tensor], ["b"])],
        "body",
        [],
        [onnx.ValueInfoProto(name="b")],
    )
    condition = sketch.constant(True, np.bool_)
    sketch.tensor = sketch.node("If", [condition], then_branch=body, else_branch=body)
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'greater", "two tensors")
def comparison_of_two_live_tensors() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Greater", sketch.tensor)
    sketch.op("Where", sketch.constant(1), sketch.constant(-1))
    return sketch.flatten().dense(64, 3)


@case("node 'add", "differs from pixel to pixel")
def a_mean_image() -> Sketch:
    sketch = image()
    sketch.op("Add", sketch.constant(np.arange(108.0).reshape(3, 6, 6)))
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'div", "divides by zero")
def division_by_zero() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Div", sketch.constant([[[1.0]], [[0.0]], [[1.0]], [[1.0]]]))
    return sketch.sign().flatten().dense(64, 3)


@case("node 'randomnormal", "random")
def random_weights() -> Sketch:
    sketch = image()
    weight = sketch.node("RandomNormal", [], shape=[4, 3, 3, 3])
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


# ---------------------------------------------------------------------------------- the weights


@case("node 'conv", "neither +-1 nor +-alpha")
def real_valued_weights() -> Sketch:
    sketch = image()
    weight = sketch.rng.normal(size=(4, 3, 3, 3))
    return sketch.conv(3, 4, weight=weight).sign().flatten().dense(64, 3)


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
    weight *= 1 + sketch.rng.normal(size=weight.shape).astype(np.float32) * 1e-6
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


# -------------------------------------------------------------------------------- the structure


@case("node 'matmul", "reads real values")
def two_layers_without_a_sign_between() -> Sketch:
    sketch = image().conv(3, 4)
    sketch.op("Relu")
    return sketch.flatten().dense(64, 3)


@case("node 'conv", "different factors per channel")
def one_std_for_each_colour() -> Sketch:
    sketch = image()
    sketch.op("Div", sketch.constant(np.array([0.2, 0.3, 0.4]).reshape(3, 1, 1)))
    return tail(sketch)


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


@pytest.mark.parametrize("name", CASES)
def test_is_refused_with_a_clear_error(tmp_path: Path, name: str) -> None:
    write, options, where, what = CASES[name]
    path = write(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError) as caught:
        run(load(path, options), PIPELINE)
    error = caught.value
    assert where in (error.where or ""), str(error)
    assert what in error.what + (error.fix or ""), str(error)
    assert error.fix, str(error)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("missing", ["absent.onnx", "."])
def test_paths_that_are_no_file_are_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelError, match=r"no such file|folder"):
        load(tmp_path / missing)


@pytest.mark.parametrize(
    "options",
    [
        {"input_type": "float"},
        {"input_type": "int1"},
        {"input_type": "uint99"},
        {"input_scale": 0.0},
        {"input_scale": -1.0},
        {"input_scale": float("nan")},
        {"input_offset": float("inf")},
        {"input_offset": float("nan")},
        {"sign_zero": "up"},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="option --") as caught:
        LoadOptions(**options)
    assert caught.value.fix


def test_nodes_without_a_name_are_told_by_their_output(tmp_path: Path) -> None:
    for make in (real_valued, grouped):
        sketch = make()
        for node in sketch.nodes:
            node.name = ""
        path = sketch.save(tmp_path / "m.onnx")
        output = next(n.output[0] for n in sketch.nodes if n.op_type == "Conv")
        with pytest.raises(ModelError) as caught:
            run(load(path), PIPELINE)
        assert (caught.value.where or "").startswith(f"node 'Conv -> {output}'")


def real_valued() -> Sketch:
    sketch = image()
    return tail(sketch.conv(3, 3, kernel=1, weight=sketch.rng.normal(size=(3, 3, 1, 1))).sign())


def grouped() -> Sketch:
    return tail(image().conv(1, 3, kernel=1, group=3).sign())


def test_the_list_is_long() -> None:
    assert len(CASES) >= 60
