"""Operations without hardware, each with the error it must give."""

from __future__ import annotations

import numpy as np
import onnx

from faults import BY_TYPE, case, floats
from sketch import Sketch, image, small_cnn


@case("node 'lstm", "recurrent", **BY_TYPE)
def recurrent_layer() -> Sketch:
    sketch = floats("N", 4, 8)
    sketch.op("LSTM", *(sketch.constant(np.ones((1, 32, 8))) for _ in range(2)), hidden_size=8)
    return sketch


@case("node 'add", "adds tensors of the shapes")
def shortcut_of_another_shape() -> Sketch:
    sketch = image()
    sketch.conv(3, 4).sign()
    before = sketch.tensor
    sketch.conv(4, 4)
    sketch.op("Add", before)
    return sketch.sign().flatten().dense(16, 3)


@case("node 'add", "axes are in different orders")
def shortcut_of_other_axes() -> Sketch:
    sketch = image().conv(3, 4).sign()
    turned = sketch.node("Transpose", [sketch.tensor], perm=[0, 1, 3, 2])
    sketch.op("Add", turned)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'mul", "combines two tensors")
def product_of_two_live_tensors() -> Sketch:
    sketch = image().conv(3, 4).sign()
    before = sketch.tensor
    sketch.conv(4, 4, pads=1)
    sketch.op("Mul", before)
    return sketch.sign().flatten().dense(64, 3)


@case("node 'mean", "joins or splits paths")
def branches_joined_by_their_mean() -> Sketch:
    sketch = image()
    sketch.op("Mean", sketch.tensor)
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'concat", "which is not the channels of images of one size")
def images_put_below_each_other() -> Sketch:
    sketch = image()
    sketch.op("Concat", sketch.tensor, axis=2)
    return sketch.conv(3, 4).sign().flatten().dense(160, 3)


@case("node 'concat", "concatenates a constant")
def channels_of_zeros() -> Sketch:
    sketch = image()
    sketch.op("Concat", sketch.constant(np.zeros((1, 1, 6, 6))), axis=1)
    return sketch.conv(4, 4).sign().flatten().dense(64, 3)


@case("node 'concat", "concatenates flattened images")
def flattened_images_joined() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4).sign().flatten()
    sketch.op("Concat", sketch.tensor, axis=1)
    return sketch.dense(128, 3)


@case("node 'slice", "takes channels 0 to 1 of 4")
def a_layer_of_some_channels() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Slice", *(sketch.constant([v], np.int64) for v in (0, 2, 1)))
    return sketch.conv(2, 4).sign().flatten().dense(16, 3)


@case("node 'pad", "pads channels by (0, 4)")
def a_shortcut_padded_with_channels() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sides = sketch.constant([0, 0, 0, 0, 0, 4, 0, 0], np.int64)
    shortcut = sketch.node("Pad", [sketch.tensor, sides])
    sketch.sign().conv(4, 8, pads=1).batch_norm(8)
    sketch.op("Add", shortcut)
    return sketch.sign().flatten().dense(128, 3)


@case("node 'mul", "combines two tensors")
def straight_through_arithmetic_that_does_not_cancel() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    x = sketch.tensor
    square = sketch.node("Mul", [x, x])
    sign = sketch.node("Sign", [x])
    sketch.tensor = sketch.node("Add", [sketch.node("Sub", [sign, square]), x])
    return sketch.flatten().dense(64, 3)


@case("node 'reducemean", "reduce channels, height and width only")
def average_over_the_batch() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("ReduceMean", axes=[0])
    return sketch.flatten().dense(16, 3)


@case("node 'where", "two functions that do not meet")
def where_of_lines_that_do_not_meet() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    x = sketch.tensor
    beyond = sketch.node("Greater", [x, sketch.constant(0.5)])
    sketch.tensor = sketch.node("Where", [beyond, sketch.node("Add", [x, x]), x])
    return sketch.flatten().dense(64, 3)


@case("node 'mul", "not continuous")
def product_with_a_mask_that_jumps() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    beyond = sketch.node("Greater", [sketch.tensor, sketch.constant(0.5)])
    sketch.op("Mul", sketch.node("Cast", [beyond], to=1))
    return sketch.flatten().dense(64, 3)


@case("node 'prelu", "differs from pixel to pixel")
def slope_of_each_pixel() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("PRelu", sketch.constant(np.arange(64.0).reshape(4, 4, 4)))
    return sketch.sign().flatten().dense(64, 3)


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


@case("node 'gather", "picks elements")
def some_picked_channels() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Gather", sketch.constant([0, 2], np.int64), axis=1)
    return sketch.flatten().dense(32, 3)


@case("node 'reshape", "splits an axis")
def reshape_that_splits_rows() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1, 4, 2, 2, 4], np.int64))
    return sketch


@case("node 'reshape", "batch")
def reshape_that_mixes_the_batch() -> Sketch:
    sketch = image().conv(3, 4).sign()
    sketch.op("Reshape", sketch.constant([-1], np.int64))
    return sketch


@case("node 'quant", "several scales")
def activations_scaled_channel_by_channel() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    scale = sketch.constant(np.linspace(0.1, 1, 4).reshape(1, 4, 1, 1))
    sketch.op("Quant", scale, *(sketch.constant(v) for v in (0, 2)),
              domain="qonnx.custom_op.general")  # fmt: skip
    return sketch.flatten().dense(64, 3)


@case("node 'round", "limits")
def rounding_without_limits() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Round")
    return sketch.flatten().dense(64, 3)


@case("node 'quant", "28 bits")
def activations_of_28_bits() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Quant", *(sketch.constant(v) for v in (1, 0, 28)), domain="qonnx.custom_op.general")
    return sketch.flatten().dense(64, 3)


@case("node 'quant", "CEIL")
def activations_rounded_up() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Quant", *(sketch.constant(v) for v in (1, 0, 4)), domain="qonnx.custom_op.general",
              rounding_mode="CEIL")  # fmt: skip
    return sketch.flatten().dense(64, 3)


@case("node 'quant", "read elsewhere")
def quantised_input_that_is_read_elsewhere() -> Sketch:
    sketch = Sketch(["N", 3, 6, 6])
    sketch.domains["qonnx.custom_op.general"] = 1
    sketch.op("Quant", *(sketch.constant(v) for v in (0.25, 0, 8)),
              domain="qonnx.custom_op.general")  # fmt: skip
    sketch.op("Add", "x")
    return sketch.conv(3, 4).sign().flatten().dense(64, 3)


@case("node 'elu", "real-valued")
def elu_activation() -> Sketch:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Elu")
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
