"""Inputs of every declared kind, image orders, scales and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.frontend.options import pixel_format
from bnnhw.ir.ops import BinaryConv, IntegerTable, Threshold
from bnnhw.ir.types import Bit, Integer
from sketch import Sketch, small_cnn

if TYPE_CHECKING:
    from pathlib import Path


def tail(sketch: Sketch, channels: int = 3, size: int = 6) -> Sketch:
    """conv - bn - sign - flatten - dense."""
    sketch.conv(channels, 8, pads=1).batch_norm(8).sign()
    return sketch.flatten().dense(8 * size * size, 4)


@pytest.mark.parametrize(
    ("input_type", "low", "high"),
    [
        ("bipolar", -1, 1),
        ("unipolar", 0, 1),
        ("int4", -8, 7),
        ("uint4", 0, 15),
        ("int8", -128, 127),
        ("uint8", 0, 255),
        ("int12", -2048, 2047),
    ],
)
def test_float_inputs_of_every_declared_type(
    tmp_path: Path, input_type: str, low: int, high: int
) -> None:
    path = tail(Sketch(["N", 3, 6, 6])).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type=input_type)
    graph = agrees(path, options)
    passes_agree(path, options)
    element = graph.input_format.element
    assert isinstance(element, (Integer, Bit))
    assert (element.low, element.high) == (low, high)


@pytest.mark.parametrize(
    ("scale", "offset"), [(0.5, None), (1 / 128, -1.0), (0.25, 3.0), (2.0, 0.5)]
)
def test_declared_scales_and_offsets_that_floats_hold(
    tmp_path: Path, scale: float, offset: float | None
) -> None:
    path = tail(Sketch(["N", 3, 6, 6])).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8", input_scale=scale, input_offset=offset)
    graph = agrees(path, options)
    passes_agree(path, options)
    x = np.full((1, 3, 6, 6), 7 * scale + (offset or 0), np.float32)
    assert (graph.input_format.encode(x) == 7).all()


def test_pixels_over_255_are_exact_up_to_explained_ties(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6])
    sketch.op("Sub", sketch.constant(0.45))
    sketch.op("Div", sketch.constant(0.225))
    path = tail(sketch).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8", input_scale=1 / 255)
    agrees(path, options, ties=True)
    passes_agree(path, options)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("channels_last", [False, True])
def test_image_order_is_found_from_the_transpose(
    tmp_path: Path, channels: int, channels_last: bool
) -> None:
    shape = ["N", 6, 7, channels] if channels_last else ["N", channels, 6, 7]
    sketch = Sketch(shape, np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Mul", sketch.constant(1 / 64))
    if channels_last:
        sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(channels, 8, pads=1).batch_norm(8).sign().flatten().dense(8 * 42, 4)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.input_format.channels_last is channels_last
    assert graph.tensors[graph.input].shape == (channels, 6, 7)
    x = np.arange(2 * 42 * channels, dtype=np.uint8).reshape(2, *graph.input_format.shape)
    assert (graph.input_format.decode(graph.input_format.encode(x)) == x).all()


def test_channels_last_throughout_as_keras_models_are_exported(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6, 6, 3], np.uint8, opset=13)
    sketch.op("Cast", to=1)
    sketch.op("Sub", sketch.constant(np.full(3, 128.0)))
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(3, 8, auto_pad="SAME_UPPER", strides=[2, 2])
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.op("Mul", sketch.constant(sketch.rng.normal(size=8)))
    sketch.op("Add", sketch.constant(sketch.rng.normal(size=(1, 1, 1, 8)) * 99))
    sketch.sign("greater_or_equal")
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(8, 4, kernel=2, auto_pad="SAME_LOWER")
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.batch_norm_pieces((4,)).sign("not")
    sketch.op("Reshape", sketch.constant([-1, 36], np.int64))
    sketch.dense(36, 5)
    sketch.op("Add", sketch.constant(sketch.rng.normal(size=5)))
    path = sketch.save(tmp_path / "m.onnx")
    agrees(path)
    passes_agree(path)


def test_vectors_reshaped_to_images_inside_the_model(tmp_path: Path) -> None:
    sketch = Sketch(["N", 72])
    sketch.op("Reshape", sketch.constant([-1, 2, 6, 6], np.int64))
    path = tail(sketch, 2).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8", input_scale=1 / 256)
    graph = agrees(path, options)
    assert graph.tensors[graph.input].shape == (2, 6, 6)
    assert graph.input_format.shape == (72,)
    x = graph.input_format.decode(np.arange(72).reshape(1, 2, 6, 6))
    assert x.shape == (1, 72)
    assert (graph.input_format.encode(x) == np.arange(72).reshape(1, 2, 6, 6)).all()


def test_images_without_a_channel_axis(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Div", sketch.constant(128))
    sketch.op("Unsqueeze", sketch.constant([1], np.int64))
    agrees(tail(sketch, 1).save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("dims", [(4, 3, 3), (5,), (7, 5)])
def test_fully_connected_networks_on_images_and_vectors(
    tmp_path: Path, dims: tuple[int, ...]
) -> None:
    sketch = Sketch(["N", *dims], np.int8)
    sketch.op("Cast", to=1)
    if len(dims) > 1:
        sketch.flatten()
    features = int(np.prod(dims))
    sketch.dense(features, 7).batch_norm(7, spread=30).sign().dense(7, 3)
    agrees(sketch.save(tmp_path / "m.onnx"))


def test_channels_last_flatten_folds_into_the_weights(tmp_path: Path) -> None:
    sketch = Sketch(["N", 4, 5, 3], np.uint8)
    sketch.op("Cast", to=1)
    sketch.flatten().dense(60, 7).batch_norm(7, spread=30).sign().dense(7, 3)
    agrees(sketch.save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("batch", [1, 3])
def test_fixed_batches(tmp_path: Path, batch: int) -> None:
    sketch = Sketch([batch, 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.conv(3, 8, pads=1).batch_norm(8, spread=300).sign()
    sketch.op("Reshape", sketch.constant([batch, 288], np.int64))
    sketch.dense(288, 4)
    sketch.op("Reshape", sketch.constant([batch, -1], np.int64))
    agrees(sketch.save(tmp_path / "m.onnx"), count=7)


def test_shapes_computed_in_the_graph(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.conv(3, 8).batch_norm(8, spread=300).sign()
    shape = sketch.node("Shape", [sketch.tensor])
    batch = sketch.node("Gather", [shape, sketch.constant(0, np.int64)], axis=0)
    batch = sketch.node("Unsqueeze", [batch, sketch.constant([0], np.int64)])
    target = sketch.node("Concat", [batch, sketch.constant([-1], np.int64)], axis=0)
    sketch.op("Reshape", target)
    sketch.dense(128, 4)
    agrees(sketch.save(tmp_path / "m.onnx"))


TABLES = {
    "quantised to 4 bits": [("Div", 255), ("Mul", 15), ("Round",), ("Div", 15)],
    "clipped": [("Div", 128), ("Sub", 1), ("Clip", -0.5, 0.5)],
    "absolute value": [("Sub", 128), ("Abs",)],
    "thermometer bit": [("Sub", 100), ("Abs",), ("Sub", 40), ("Greater", 0), ("Cast",)],
    "sign of a square": [("Sub", 77), ("Mul", 0.25), ("Pow", 2), ("Sub", 55), ("Sign",)],
    "floor": [("Div", 7), ("Floor",)],
    "relu": [("Sub", 128), ("Relu",)],
}


@pytest.mark.parametrize("name", TABLES)
def test_element_wise_functions_of_pixels_become_tables(tmp_path: Path, name: str) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    for kind, *values in TABLES[name]:
        sketch.op(
            kind, *(sketch.constant(v) for v in values), **({"to": 1} if kind == "Cast" else {})
        )
    path = tail(sketch).save(tmp_path / "m.onnx")
    graph = agrees(path, ties=name == "quantised to 4 bits")
    assert isinstance(graph.nodes[0].op, IntegerTable)
    assert isinstance(graph.nodes[1].op, BinaryConv)


def test_a_table_that_lies_on_no_grid_is_refused(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Sqrt")
    path = tail(sketch).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="no multiples of one step"):
        agrees(path)


def test_integer_arithmetic_that_wraps_is_followed(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Add", sketch.constant(200, np.uint8))
    sketch.op("Cast", to=1)
    graph = agrees(tail(sketch).save(tmp_path / "m.onnx"))
    assert isinstance(graph.nodes[0].op, IntegerTable)


def test_affine_chains_need_no_table(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    for kind, value in (("Mul", 2), ("Sub", 255), ("Div", 256), ("Neg", None), ("Add", 0.125)):
        sketch.op(kind, *([] if value is None else [sketch.constant(value)]))
    path = tail(sketch).save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    assert isinstance(graph.nodes[0].op, BinaryConv)
    assert isinstance(graph.nodes[1].op, Threshold)


@pytest.mark.parametrize("pads", [1, [2, 0, 1, 3], [0, 1, 0, 0]])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_borders_of_padded_convolutions_of_a_shifted_input(
    tmp_path: Path, pads: object, stride: int
) -> None:
    sketch = Sketch(["N", 2, 5, 7], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Sub", sketch.constant(np.array([100.0, 30.0]).reshape(2, 1, 1)))
    sketch.conv(2, 8, pads=pads, strides=[stride] * 2).batch_norm(8, spread=300).sign().flatten()
    top, left, bottom, right = [pads] * 4 if isinstance(pads, int) else pads  # type: ignore[misc]
    height = (5 + top + bottom - 3) // stride + 1
    width = (7 + left + right - 3) // stride + 1
    sketch.dense(8 * height * width, 4)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    op = graph.nodes[1].op
    assert isinstance(op, Threshold)
    for classes, size in ((op.row_class, height), (op.column_class, width)):
        assert not classes or len(classes) == size
        if classes:
            middle = max(set(classes), key=classes.count)
            first, last = classes.index(middle), size - classes[::-1].index(middle)
            assert classes[:first] == tuple(range(middle))
            assert classes[first:last] == (middle,) * (last - first)
            assert classes[last:] == tuple(range(middle + 1, middle + 1 + size - last))


def test_pad_nodes_become_padding_of_the_convolution(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Pad", sketch.constant([0, 0, 1, 2, 0, 0, 0, 1], np.int64))
    sketch.conv(3, 8).batch_norm(8, spread=300).sign()
    sketch.op("Transpose", perm=[0, 2, 3, 1])
    sketch.op("Pad", sketch.constant([0, 1, 1, 0, 0, 1, 1, 0], np.int64))
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(8, 4).batch_norm(4).sign().flatten().dense(140, 3)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.nodes[0].op.window.pads == (1, 2, 0, 1)  # type: ignore[attr-defined]


def test_undeclared_float_input_is_asked_for(tmp_path: Path) -> None:
    path = tail(Sketch(["N", 3, 6, 6])).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="--input-type"):
        load(path)


def test_scale_that_the_input_violates_is_refused_on_encoding(tmp_path: Path) -> None:
    path = tail(Sketch(["N", 3, 6, 6])).save(tmp_path / "m.onnx")
    form = load(path, LoadOptions(input_type="uint8", input_scale=1 / 255)).input_format
    with pytest.raises(ModelError, match="input-scale"):
        form.encode(np.full((1, 3, 6, 6), 0.3, np.float32) * 0.01)


def test_large_images_cost_no_time_and_keep_classes_few(tmp_path: Path) -> None:
    sketch = Sketch(["N", 64, 64, 3], np.uint8)
    sketch.op("Cast", to=1)
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.op("Sub", sketch.constant(99.0))
    sketch.conv(3, 4, kernel=5, pads=2).batch_norm(4, spread=999).sign().pool(8, 8).flatten()
    sketch.dense(256, 3)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), count=4)
    assert graph.nodes[1].op.thresholds.shape == (5, 5, 4)  # type: ignore[attr-defined]


def test_example_network_is_exact(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    agrees(path, count=100)


@pytest.mark.parametrize(
    ("mean", "std", "scale", "offset"),
    [
        (0.5, 0.5, 1 / 127.5, -1.0),
        (127.5, 127.5, 1 / 127.5, -1.0),
        (0.0, 0.25, 4 / 255, 0.0),
        ((0.485, 0.456), 0.225, (1 / (255 * 0.225),) * 2, (-0.485 / 0.225, -0.456 / 0.225)),
        ((123.7, 116.3), (58.4, 57.1), (1 / 58.4, 1 / 57.1), (-123.7 / 58.4, -116.3 / 57.1)),
    ],
)
def test_mean_and_std_of_pixels_are_a_scale_and_an_offset(mean, std, scale, offset) -> None:
    found = pixel_format(mean, std)
    assert np.allclose(found[0], scale)
    assert np.allclose(found[1], offset)


@pytest.mark.parametrize(("mean", "std"), [((0.1, 0.2), (1.0, 1.0, 1.0)), (0.5, 0.0), (0.5, -1.0)])
def test_impossible_means_and_deviations_are_refused(mean, std) -> None:
    with pytest.raises(ModelError, match="deviation"):
        pixel_format(mean, std)


@pytest.mark.parametrize(
    ("mean", "std"),
    [(0.13, None), (None, 0.3), (33.3, 0.3), (-0.5, 0.5), ((0.1, 0.2, 0.3), (1, 2))],
)
def test_means_and_deviations_that_cannot_be_are_refused(mean, std) -> None:
    with pytest.raises(ModelError, match="--input-mean"):
        pixel_format(mean, std)
