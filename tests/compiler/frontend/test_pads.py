"""Pad by reflection and with the edge's pixels: exactly what onnxruntime does, in every place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from test_residual import classifier

from agreement import agrees, passes_agree
from bnnhw.compiler import integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import Pad
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes import PIPELINE, run
from bnnhw.verify.model import check_against_onnxruntime, random_inputs
from padded_networks import MODES, PaddedNetwork, pad
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph

BIPOLAR = LoadOptions(input_type="bipolar")


def pads_of(graph: Graph) -> list[tuple[str, tuple[int, ...], object]]:
    """Mode, pads and type of what is padded, of each."""
    return [
        (node.op.mode, node.op.pads, graph.tensors[node.output].dtype)
        for node in graph.nodes
        if isinstance(node.op, Pad)
    ]


def differences(made: PaddedNetwork, path: Path, count: int = 3) -> int:
    """Scores of a few random inputs that are not onnxruntime's."""
    made.grow().save(path)
    graph = run(load(path, LoadOptions(input_type=made.input_type)), PIPELINE)
    q = graph.input_format.encode(random_inputs(graph, count, 1))
    got = graph.output_map.apply(interpret(graph, q))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # a spelling of a sign may leave a constant over
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (want,) = session.run(None, {"x": graph.input_format.decode(q).astype(np.float32)})
    return int((got != want).sum())


@pytest.mark.sampled(4)
@pytest.mark.parametrize("group", range(10))
def test_random_networks_give_the_scores_of_onnxruntime(tmp_path: Path, group: int) -> None:
    for seed in range(20 * group, 20 * group + 20):
        assert differences(PaddedNetwork(seed), tmp_path / "m.onnx") == 0, seed


@pytest.mark.parametrize("opset", [9, 13, 18])
@pytest.mark.parametrize("mode", MODES)
def test_signs_come_before_pads_and_pads_before_layers(
    tmp_path: Path, mode: str, opset: int
) -> None:
    """As an attribute, as an input, and along chosen axes; images of 4 channels, scaled."""
    sketch = Sketch(["N", 4, 6, 8], np.float32, opset=opset)
    pad(sketch, mode, (1, 2), (0, 3))
    sketch.op("Mul", sketch.constant(1 / 128))
    sketch.conv(4, 8).batch_norm(8)
    pad(sketch, mode, (2, 0), (1, 1))
    sketch.sign().conv(8, 6).batch_norm(6).sign().flatten().dense(6 * 6 * 10, 4)
    path = sketch.save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8")
    graph = agrees(path, options, ties=True)
    passes_agree(path, options)
    assert pads_of(graph) == [
        (mode, (1, 2, 0, 3), Integer(8, False)),
        (mode, (2, 0, 1, 1), Bit(True)),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_integer_pixels_are_padded_before_they_are_cast(tmp_path: Path, mode: str) -> None:
    sketch = Sketch(["N", 3, 8, 8], np.uint8, opset=18)
    pad(sketch, mode, (1, 1), (1, 1))
    sketch.op("Cast", to=1)
    sketch.op("Div", sketch.constant(128))
    sketch.op("Sub", sketch.constant(1))
    sketch.conv(3, 8).batch_norm(8).sign().flatten().dense(512, 3)
    assert len(pads_of(agrees(sketch.save(tmp_path / "m.onnx"), ties=True))) == 1


@pytest.mark.parametrize("mode", MODES)
def test_channels_last_images_are_padded_along_their_own_axes(tmp_path: Path, mode: str) -> None:
    sketch = Sketch(["N", 5, 8, 4], np.float32)
    sketch.op("Pad", sketch.constant([0, 1, 2, 0, 0, 3, 0, 0], np.int64), mode=mode)
    sketch.op("Transpose", perm=[0, 3, 1, 2])
    sketch.conv(4, 8).batch_norm(8).sign().flatten().dense(8 * 7 * 8, 3)
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path, BIPOLAR)
    assert pads_of(graph) == [(mode, (1, 2, 3, 0), Bit(True))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", ["flat", "wide", "tall"])
def test_signals(tmp_path: Path, form: str, mode: str) -> None:
    size, wide = {"flat": ([16], 1), "wide": ([1, 16], 1), "tall": ([16, 1], 0)}[form]
    along = [2] if form == "flat" else [0, 2] if wide else [2, 0]
    kernel = [3] if form == "flat" else [1, 3] if wide else [3, 1]
    sketch = Sketch(["N", 8, *size], np.float32)
    pad(sketch, mode, along, along)
    sketch.conv(8, 8, weight=sketch.signs(8, 8, *kernel)).batch_norm(8).sign()
    pad(sketch, mode, along, [0] * len(along))
    sketch.op("MaxPool", kernel_shape=kernel, strides=[1] * len(kernel))
    sketch.flatten().dense(8 * 18, 3)
    assert len(pads_of(agrees(sketch.save(tmp_path / "m.onnx"), BIPOLAR))) == 2


def test_the_edge_of_a_single_pixel_is_all_there_is(tmp_path: Path) -> None:
    sketch = Sketch(["N", 8, 4, 4], np.float32).conv(8, 8, 4).batch_norm(8).sign()
    pad(sketch, "edge", (1, 2), (0, 0)).conv(8, 8, weight=sketch.signs(8, 8, 2, 3)).sign()
    graph = agrees(sketch.flatten().dense(8, 3).save(tmp_path / "m.onnx"), BIPOLAR)
    assert graph.tensors[graph.nodes[2].output].shape == (8, 2, 3)


def residual(mode: str) -> Sketch:
    """A stem of 7x7, two binary blocks, one of integer weights, pools; all reflect or repeat."""
    sketch = image(8)
    pad(sketch, mode, (3, 3), (3, 3))
    sketch.conv(3, 8, weight=sketch.rng.normal(size=(8, 3, 7, 7))).batch_norm(8)
    for binary in (True, True, False):
        start = sketch.tensor
        if binary:
            sketch.sign()
        weight = 0.1 * sketch.signs(8, 8, 3, 3) if binary else sketch.rng.normal(size=(8, 8, 3, 3))
        pad(sketch, mode, (1, 1), (1, 1)).conv(8, 8, weight=weight).batch_norm(8)
        sketch.op("Add", start)
    pad(sketch, mode, (1, 0), (0, 1)).op("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
    return sketch


@pytest.mark.parametrize("mode", MODES)
def test_residual_networks_pad_what_is_narrowest(tmp_path: Path, mode: str) -> None:
    """Pixels, bits, what a layer of integer weights reads in 8 bits, a stream before a pool."""
    path = classifier(residual(mode), 8).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert check_against_onnxruntime(path, graph).mismatches == 0
    kinds = [dtype for _, _, dtype in pads_of(graph)]
    assert [getattr(dtype, "bits", 1) for dtype in kinds[:4]] == [8, 1, 1, 8]
    assert kinds[4] == graph.tensors[residual_sum(graph)].dtype


def residual_sum(graph: Graph) -> str:
    """The tensor that the last pad reads."""
    return next(n for n in reversed(graph.nodes) if isinstance(n.op, Pad)).inputs[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_padded_stream_with_several_readers(tmp_path: Path, mode: str) -> None:
    """Its sign is taken before the pad; the shortcut is padded as numbers."""
    sketch = image(8)
    sketch.conv(3, 8, weight=sketch.rng.normal(size=(8, 3, 3, 3)), pads=1).batch_norm(8)
    start = pad(sketch, mode, (1, 1), (1, 1)).tensor
    sketch.sign().conv(8, 8, weight=0.1 * sketch.signs(8, 8, 3, 3), pads=1).batch_norm(8)
    sketch.op("Add", start)
    path = classifier(sketch, 8).save(tmp_path / "m.onnx")
    graph = integer_graph(path)
    assert check_against_onnxruntime(path, graph).mismatches == 0
    assert sorted(getattr(dtype, "bits", 1) > 1 for _, _, dtype in pads_of(graph)) == [False, True]


@pytest.mark.parametrize("mode", [*MODES, "constant", "wrap"])
def test_a_pad_of_nothing_vanishes(tmp_path: Path, mode: str) -> None:
    sketch = Sketch(["N", 8, 4, 4], np.float32, opset=19)
    pad(sketch, mode, (0, 0), (0, 0)).conv(8, 8).batch_norm(8).sign().flatten().dense(32, 3)
    graph = load(sketch.save(tmp_path / "m.onnx"), BIPOLAR)
    assert not pads_of(graph)


@pytest.mark.parametrize(
    ("mode", "amounts", "what"),
    [
        ("reflect", [0, 0, 4, 0, 0, 0, 0, 0], "reflects 4 rows of an image that has 4"),
        ("reflect", [0, 0, 0, 0, 0, 0, 0, 5], "reflects 5 columns of an image that has 5"),
        ("reflect", [0, 1, 0, 0, 0, 0, 0, 0], r"pads dimension 1 of \(N, 8, 4, 5\) by \(1, 0\)"),
        ("edge", [1, 0, 0, 0, 0, 0, 0, 0], "pads dimension 0 of"),
        ("edge", [0, 0, -1, 0, 0, 0, 0, 0], r"by \(-1, 0\)"),
        ("wrap", [0, 0, 1, 0, 0, 0, 0, 0], "pads with wrap; constants, reflect and edge"),
    ],
)
def test_what_no_hardware_pads_is_refused(tmp_path: Path, mode: str, amounts, what: str) -> None:
    sketch = Sketch(["N", 8, 4, 5], np.float32, opset=19)
    sketch.op("Pad", sketch.constant(amounts, np.int64), mode=mode)
    sketch.conv(8, 8, 1).batch_norm(8).sign().flatten()
    with pytest.raises(ModelError, match=what) as caught:
        load(sketch.save(tmp_path / "m.onnx"), BIPOLAR)
    assert "(Pad)" in str(caught.value.where)
    assert caught.value.fix


def test_a_constant_pad_before_another_pad_is_refused(tmp_path: Path) -> None:
    sketch = Sketch(["N", 8, 4, 5], np.float32)
    sketch.op("Pad", sketch.constant([0, 0, 1, 1] * 2, np.int64), sketch.constant(1.0))
    pad(sketch, "edge", (1, 1), (1, 1)).conv(8, 8).sign().flatten()
    with pytest.raises(ModelError, match="reads a padded image"):
        load(sketch.save(tmp_path / "m.onnx"), BIPOLAR)
