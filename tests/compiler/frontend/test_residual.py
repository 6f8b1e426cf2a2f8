"""Networks with shortcuts, average pools and PReLU as real-valued graphs: onnxruntime's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.ir.ops import Add, Affine, AveragePool, Binarize, Conv, Dense, Piecewise, Window
from real_agreement import real_agrees
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def ops(graph: Graph, kind: type) -> list:
    return [node.op for node in graph.nodes if isinstance(node.op, kind)]


def stem(size: int = 6, features: int = 4) -> Sketch:
    """A convolution with real weights and BatchNorm: a real-valued stream."""
    sketch = image(size)
    weight = sketch.rng.normal(size=(features, 3, 3, 3))
    return sketch.conv(3, features, weight=weight, pads=1).batch_norm(features)


def block(sketch: Sketch, channels: int, features: int, *, stride: int = 1) -> Sketch:
    """Sign, binary convolution, BatchNorm, plus the shortcut."""
    before = sketch.tensor
    sketch.sign().conv(channels, features, pads=1, strides=[stride] * 2).batch_norm(features)
    after = sketch.tensor
    sketch.tensor = before
    if stride > 1:
        sketch.op("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    if stride > 1 or channels != features:
        weight = sketch.rng.normal(size=(features, channels, 1, 1))
        sketch.conv(channels, features, weight=weight).batch_norm(features)
    shortcut = sketch.tensor
    sketch.tensor = after
    sketch.op("Add", shortcut)
    return sketch


def classifier(sketch: Sketch, features: int) -> Sketch:
    sketch.op("GlobalAveragePool")
    sketch.flatten()
    bias = sketch.constant(sketch.rng.normal(size=5))
    sketch.op("Gemm", sketch.constant(sketch.rng.normal(size=(5, features))), bias, transB=1)
    return sketch


def test_a_residual_network_from_image_to_scores(tmp_path: Path) -> None:
    sketch = stem(8)
    block(sketch, 4, 4)
    block(sketch, 4, 8, stride=2)
    block(sketch, 8, 6)
    graph = real_agrees(classifier(sketch, 6).save(tmp_path / "m.onnx"), count=12)
    assert len(ops(graph, Add)) == 3
    assert [op.window for op in ops(graph, AveragePool)] == [
        Window((2, 2), (2, 2)),
        Window((4, 4), (4, 4)),
    ]
    assert len(ops(graph, Conv)) == 6
    assert len(ops(graph, Dense)) == 1
    forks = [n.output for n in graph.nodes if len(graph.consumers(n.output)) == 2]
    assert len(forks) == 3
    written = {graph.input}
    for node in graph.nodes:
        assert set(node.inputs) <= written, "not in execution order"
        written.add(node.output)


@pytest.mark.parametrize("seed", range(12))
def test_random_residual_networks(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(50 + seed)
    size, channels = 2 * int(rng.integers(2, 5)), int(rng.integers(2, 6))
    sketch = stem(size, channels)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.3 and size % 2 == 0 and size > 2:
            features = int(rng.integers(2, 7))
            block(sketch, channels, features, stride=2)
            channels, size = features, size // 2
        elif rng.random() < 0.5:
            block(sketch, channels, channels)
        else:
            features = int(rng.integers(2, 7))
            block(sketch, channels, features)
            channels = features
        if rng.random() < 0.4:
            sketch.op("PRelu", sketch.constant(rng.uniform(-0.5, 1, (channels, 1, 1))))
        if rng.random() < 0.2:
            sketch.op("Relu")
    real_agrees(classifier(sketch, channels).save(tmp_path / "m.onnx"), count=8)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Sum", "Sum of three", "twice", "Sub of a Sub"])
def test_sums_of_live_tensors(tmp_path: Path, kind: str) -> None:
    sketch = stem()
    before = sketch.tensor
    sketch.sign().conv(4, 4, pads=1).batch_norm(4)
    if kind == "Sum of three":
        sketch.op("Sum", before, sketch.constant(0.5), before)
    elif kind == "twice":
        sketch.op("Add", sketch.tensor)
    elif kind == "Sub of a Sub":
        sketch.tensor = sketch.node("Sub", [before, sketch.node("Sub", [before, sketch.tensor])])
    else:
        sketch.op(kind, before)
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    joins = {"twice": 0, "Sub of a Sub": 2, "Sum of three": 2}
    assert len(ops(graph, Add)) == joins.get(kind, 1)


def test_a_sum_of_scores_of_two_heads(tmp_path: Path) -> None:
    """One comes from a pool as (C, 1, 1), one from a fully connected layer as (C,)."""
    sketch = stem()
    before = sketch.tensor
    sketch.op("GlobalAveragePool")
    pooled = sketch.flatten().tensor
    sketch.tensor = before
    sketch.sign().flatten().dense(144, 4)
    sketch.op("Add", pooled)
    real_agrees(sketch.save(tmp_path / "m.onnx"))


def test_shortcuts_beside_channels_last_paths(tmp_path: Path) -> None:
    sketch = stem()
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    before = sketch.tensor
    sketch.sign().dense(4, 4).batch_norm_pieces((4,))
    sketch.op("Add", before)
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))


@pytest.mark.parametrize(
    "way",
    [
        "global",
        "mean",
        "dropped mean",
        "mean of opset 18",
        "flat mean",
        "pool",
        "twice",
    ],
)
def test_global_average_pools_of_every_exporter(tmp_path: Path, way: str) -> None:
    sketch = stem()
    if way == "mean of opset 18":
        sketch.domains[""] = 18
    if way == "global":
        sketch.op("GlobalAveragePool")
    elif way == "mean":
        sketch.op("ReduceMean", axes=[2, 3])
    elif way == "dropped mean":
        sketch.op("ReduceMean", axes=[-1, -2], keepdims=0)
    elif way == "mean of opset 18":
        sketch.op("ReduceMean", sketch.constant([2, 3], np.int64), keepdims=0)
    elif way == "flat mean":
        sketch.op("Reshape", sketch.constant([0, 0, -1], np.int64))
        sketch.op("ReduceMean", axes=[2], keepdims=0)
    elif way == "pool":
        sketch.op("AveragePool", kernel_shape=[6, 6])
    else:
        sketch.op("ReduceMean", axes=[3])
        sketch.op("ReduceMean", axes=[2])
    if "dropped" not in way and "flat" not in way and "18" not in way:
        sketch.flatten()
    sketch.dense(4, 5, weight=sketch.rng.normal(size=(4, 5)))
    graph = real_agrees(sketch.save(tmp_path / "m.onnx"))
    windows = [op.window for op in ops(graph, AveragePool)]
    both = [Window((1, 6), (1, 6)), Window((6, 1), (6, 1))]
    assert windows == (both if way == "twice" else [Window((6, 6), windows[0].stride)])


@pytest.mark.parametrize(
    "attrs",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "strides": [1, 1]},
        {"kernel_shape": [3, 2], "strides": [2, 1]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        {"kernel_shape": [3, 3], "pads": [1, 0, 0, 2], "strides": [2, 2], "count_include_pad": 1},
        {"kernel_shape": [1, 1], "strides": [2, 2]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ],
)
def test_average_pools(tmp_path: Path, attrs: dict) -> None:
    sketch = stem()
    sketch.op("AveragePool", **attrs)
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    assert len(ops(graph, AveragePool)) == 2


@pytest.mark.parametrize("slope", [0.25, [0.1, -0.5, 1, 0], "leaky"])
def test_prelu(tmp_path: Path, slope: object) -> None:
    sketch = stem()
    if slope == "leaky":
        sketch.op("LeakyRelu", alpha=0.2)
    else:
        values = np.asarray(slope, np.float64)
        sketch.op("PRelu", sketch.constant(values.reshape(-1, 1, 1) if values.ndim else [slope]))
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    (op,) = ops(graph, Piecewise)
    assert op.label == "PRelu"
    assert len(op.functions) == 4


def test_prelu_of_features(tmp_path: Path) -> None:
    sketch = stem().sign().flatten().dense(144, 6)
    sketch.op("PRelu", sketch.constant(np.linspace(-1, 1, 6)))
    real_agrees(sketch.save(tmp_path / "m.onnx"))


def test_every_batch_norm_gives_statistics_under_the_name_of_its_result(tmp_path: Path) -> None:
    sketch = image()
    gain, bias = np.array([1.0, -2.0, 0.0, 0.5]), np.array([0.0, 1.0, -1.0, 3.0])
    sketch.conv(3, 4, weight=sketch.rng.normal(size=(4, 3, 3, 3)), pads=1)
    sketch.batch_norm(4, gain=gain, bias=bias)
    name = sketch.tensor
    block(sketch, 4, 4)
    graph = load(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    assert len(graph.statistics) == 2
    np.testing.assert_array_equal(graph.statistics[name].mean, bias)
    np.testing.assert_array_equal(graph.statistics[name].std, np.abs(gain))
    assert set(graph.statistics) <= set(graph.tensors)


@pytest.mark.parametrize("form", ["divided", "multiplied"])
def test_decomposed_batch_norms_give_statistics_too(tmp_path: Path, form: str) -> None:
    sketch = stem().sign().conv(4, 4, pads=1)
    gain, bias = np.array([1, -2, 0.25, 0.5]), np.array([0.0, 1.0, -1.0, 3.0])
    shape = (4, 1, 1)
    sketch.op("Sub", sketch.constant(sketch.rng.normal(size=shape)))
    shifted = sketch.node("Add", [sketch.constant(np.full(shape, 5)), sketch.constant(1e-5)])
    root = sketch.node("Sqrt", [shifted])
    if form == "divided":
        sketch.op("Div", root)
    else:
        sketch.op("Mul", sketch.node("Reciprocal", [root]))
    sketch.op("Mul", sketch.constant(gain.reshape(shape)))
    sketch.op("Add", sketch.constant(bias.reshape(shape)))
    name = sketch.tensor
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    np.testing.assert_array_equal(graph.statistics[name].mean, bias)
    np.testing.assert_array_equal(graph.statistics[name].std, np.abs(gain))


def test_scales_and_biases_that_are_no_batch_norm_give_no_statistics(tmp_path: Path) -> None:
    sketch = image()
    sketch.op("Sub", sketch.constant(np.full((3, 1, 1), 0.4)))
    sketch.op("Div", sketch.constant(np.full((3, 1, 1), 0.2)))
    bias = sketch.constant(sketch.rng.normal(size=4))
    sketch.op("Conv", sketch.constant(sketch.rng.normal(size=(4, 3, 3, 3))), bias)
    graph = load(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    assert not graph.statistics


@pytest.mark.parametrize("decided", [False, True])
def test_a_sign_is_settled_by_what_follows_only_where_nothing_else_reads_it(
    tmp_path: Path, decided: bool
) -> None:
    sketch = stem().sign("sign")
    sign = sketch.tensor
    sketch.op("Relu")
    if not decided:
        sketch.op("Add", sign)
    sketch.conv(4, 4, pads=1)
    graph = load(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    (op,) = ops(graph, Binarize)
    assert (op.low, op.zero_is_zero) == ((0.0, False) if decided else (-1.0, True))


def test_padding_on_either_side_of_a_join_is_refused(tmp_path: Path) -> None:
    for turn in (False, True):
        sketch = stem()
        before = sketch.tensor
        sketch.conv(4, 4, kernel=1)
        padded = sketch.node("Pad", [before, sketch.constant([0, 0, 1, 1] * 2, np.int64)])
        pair = [sketch.tensor, padded]
        sketch.tensor = sketch.node("Add", pair[::-1] if turn else pair)
        with pytest.raises(ModelError, match="reads a padded image"):
            load(classifier(sketch, 4).save(tmp_path / "m.onnx"))


def test_a_quantiser_of_an_input_that_is_read_elsewhere_is_refused(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6])
    domain = "qonnx.custom_op.general"
    sketch.domains[domain] = 1
    scale, zero, bits = (sketch.constant(v) for v in (0.25, 0, 8))
    sketch.op("Quant", scale, zero, bits, domain=domain)
    sketch.op("Add", "x")
    sketch.conv(3, 4).sign().flatten().dense(64, 3)
    with pytest.raises(ModelError, match="read elsewhere"):
        load(sketch.save(tmp_path / "m.onnx"))


def test_a_mean_and_std_of_each_colour_are_exact_affine_operations(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6, 6, 3], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    mean, std = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    sketch.op("Sub", sketch.constant(np.reshape(mean, (1, 3, 1, 1))))
    sketch.op("Div", sketch.constant(np.reshape(std, (1, 3, 1, 1))))
    sketch.conv(3, 4, weight=sketch.rng.normal(size=(4, 3, 3, 3))).batch_norm(4)
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))
    first, second = ops(graph, Affine)[:2]
    from fractions import Fraction

    assert list(first.shift) == [-Fraction(float(np.float32(m))) for m in mean]
    assert list(second.scale) == [1 / Fraction(float(np.float32(s))) for s in std]


def test_large_real_kernels_and_biases(tmp_path: Path) -> None:
    sketch = image(15)
    bias = sketch.constant(sketch.rng.normal(size=4))
    weight = sketch.constant(sketch.rng.normal(size=(4, 3, 7, 7)))
    sketch.op("Conv", weight, bias, strides=[2, 2], pads=[3, 3, 3, 3])
    sketch.op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    block(sketch, 4, 4)
    real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("channels_last", [False, True])
def test_scale_and_offset_of_each_channel(tmp_path: Path, channels_last: bool) -> None:
    sketch = Sketch(["N", 5, 6, 3] if channels_last else ["N", 3, 5, 6])
    if channels_last:
        sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(3, 4, weight=sketch.rng.normal(size=(4, 3, 3, 3))).batch_norm(4)
    scale, offset = (1 / 58.395, 1 / 57.12, 1 / 57.375), (-2.1179, -2.0357, -1.8044)
    options = LoadOptions(input_type="uint8", input_scale=scale, input_offset=offset)
    graph = real_agrees(classifier(sketch, 4).save(tmp_path / "m.onnx"), options)
    form = graph.input_format
    q = np.arange(90).reshape(1, 3, 5, 6)
    x = form.decode(q)
    assert x.shape == (1, *form.shape)
    axis = -1 if channels_last else 1
    for channel in range(3):
        want = np.take(q, channel, 1) * scale[channel] + offset[channel]
        np.testing.assert_allclose(np.take(x, channel, axis), want, rtol=1e-6)
    np.testing.assert_array_equal(form.encode(x), q)
    with pytest.raises(ModelError, match="holds values that are no uint8"):
        form.encode(x + 0.01)


def test_a_scale_for_another_number_of_channels_is_refused(tmp_path: Path) -> None:
    path = classifier(Sketch(["N", 3, 5, 6]).conv(3, 4), 4).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"--input-scale: has 2 numbers, the input 3 channels"):
        load(path, LoadOptions(input_type="uint8", input_scale=(0.5, 0.25)))
    with pytest.raises(ModelError, match="not a positive number"):
        LoadOptions(input_scale=(0.5, -1.0, 2.0))
