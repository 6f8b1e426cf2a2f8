"""Signals (N, C, L): Conv, BatchNormalization and pools in one dimension, and their 4-D forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from bnnhw.backend.build import Build
from bnnhw.compiler import CompileOptions, ModelOptions, compile_model, integer_graph
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.interpreter import interpret
from bnnhw.verify.model import check_against_onnxruntime
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS, LENGTH = 4, 32


class Signal(Sketch):
    """A sketch whose layers work along one dimension, in the form at hand.

    Attributes:
        form: "flat" for (N, C, L), "wide" for (N, C, 1, L), "tall" for (N, C, L, 1).
    """

    form = "flat"

    def _sizes(self, size: int, rest: int) -> list[int]:
        return {"flat": [size], "wide": [rest, size], "tall": [size, rest]}[self.form]

    def filter(self, cin: int, cout: int, size: int = 3, pad: int = 1, stride: int = 1) -> Signal:
        weight = self.signs(cout, cin, size).reshape(cout, cin, *self._sizes(size, 1))
        pads = self._sizes(pad, 0) * 2
        self.op("Conv", self.constant(weight), pads=pads, strides=self._sizes(stride, 1))
        return self

    def pool1(self, kind: str = "MaxPool", size: int = 2, **attrs: Any) -> Signal:
        sizes = self._sizes(size, 1)
        self.op(kind, kernel_shape=sizes, strides=sizes, **attrs)
        return self

    def turn(self, form: str) -> Signal:
        """Unsqueezes to a 4-D form, or squeezes to the flat one."""
        axis = {"wide": 2, "tall": 3}[form if form != "flat" else self.form]
        self.op("Squeeze" if form == "flat" else "Unsqueeze", self.constant([axis], np.int64))
        self.form = form
        return self


def scores_of(path: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": part[None]})[0] for part in x])


def check(tmp_path: Path, sketch: Sketch, **options: Any) -> Any:
    """Compiles to integers and compares with onnxruntime, on inputs in the model's own shape."""
    path = sketch.save(tmp_path / "m.onnx")
    load_options = ModelOptions(**({"input_type": "bipolar"} | options))
    graph = integer_graph(path, load_options)
    result = check_against_onnxruntime(path, graph, options=load_options)
    assert result.mismatches == 0
    tensor = graph.tensors[graph.input]
    q = np.random.default_rng(1).integers(tensor.dtype.low, tensor.dtype.high + 1, (5, 1, 1, 1))
    q = np.where(q == 0, tensor.dtype.high, q) * np.ones(tensor.shape, np.int64)
    x = graph.input_format.decode(q)
    assert (
        x.shape[1:] == tuple(v.dim_value for v in sketch.inputs[0].type.tensor_type.shape.dim)[1:]
    )
    assert (graph.input_format.encode(x) == q).all()
    got = graph.output_map.apply(interpret(graph, q))
    assert np.allclose(got, scores_of(path, x), rtol=1e-5, atol=1e-4)
    return graph


def network(sketch: Signal, spelling: str = "greater") -> Signal:
    sketch.filter(CHANNELS, 8).batch_norm(8).sign(spelling)
    sketch.pool1()
    sketch.filter(8, 8, size=5, pad=2, stride=2).batch_norm(8).sign(spelling)
    return sketch


@pytest.mark.parametrize("spelling", ["greater", "sign_repaired", "cast"])
def test_a_convolutional_network_of_signals(tmp_path: Path, spelling: str) -> None:
    sketch = network(Signal(["N", CHANNELS, LENGTH]), spelling)
    graph = check(tmp_path, sketch.flatten().dense(64, 5))
    assert graph.tensors[graph.input].shape == (CHANNELS, 1, LENGTH)
    assert graph.input_format.shape == (CHANNELS, LENGTH)


@pytest.mark.parametrize("form", ["wide", "tall"])
def test_signals_unsqueezed_to_images(tmp_path: Path, form: str) -> None:
    sketch = network(Signal(["N", CHANNELS, LENGTH]).turn(form)).turn("flat")
    check(tmp_path, sketch.flatten().dense(64, 5))


@pytest.mark.parametrize("form", ["flat", "wide", "tall"])
def test_vectors_reshaped_to_signals(tmp_path: Path, form: str) -> None:
    sketch = Signal(["N", CHANNELS * LENGTH])
    sketch.form = form
    shape = [-1, CHANNELS, *sketch._sizes(LENGTH, 1)]
    sketch.op("Reshape", sketch.constant(shape, np.int64))
    check(tmp_path, network(sketch).flatten().dense(64, 5))


def test_forms_change_between_layers(tmp_path: Path) -> None:
    sketch = Signal(["N", CHANNELS, LENGTH]).filter(CHANNELS, 8).batch_norm(8).sign()
    sketch.turn("tall").filter(8, 8).batch_norm(8).sign().turn("flat").pool1()
    sketch.turn("wide").filter(8, 6).batch_norm(6).sign().turn("flat").filter(6, 6).sign()
    check(tmp_path, sketch.flatten().dense(96, 5))


def test_one_channel_added_to_a_vector(tmp_path: Path) -> None:
    sketch = Signal(["N", LENGTH])
    sketch.op("Unsqueeze", sketch.constant([1], np.int64))
    sketch.filter(1, 8).batch_norm(8).sign().pool1()
    check(tmp_path, sketch.flatten().dense(128, 5))


def test_channels_last_signals_as_keras_models_are_exported(tmp_path: Path) -> None:
    sketch = Signal(["N", LENGTH, CHANNELS])
    sketch.op("Transpose", perm=[0, 2, 1])
    network(sketch).op("Transpose", perm=[0, 2, 1])
    graph = check(tmp_path, sketch.flatten().dense(64, 5))
    assert graph.input_format.channels_last
    assert graph.tensors[graph.input].shape == (CHANNELS, 1, LENGTH)


def test_batch_norm_comes_first(tmp_path: Path) -> None:
    sketch = Signal(["N", CHANNELS, LENGTH]).batch_norm(CHANNELS).sign()
    sketch.filter(CHANNELS, 8).sign()
    check(tmp_path, sketch.flatten().dense(256, 5), input_type="int8")


def test_scale_of_each_channel_of_a_signal(tmp_path: Path) -> None:
    sketch = network(Signal(["N", CHANNELS, LENGTH]))
    scale = (0.5, 0.25, 0.5, 0.125)
    form = load(
        sketch.flatten().dense(64, 5).save(tmp_path / "m.onnx"),
        LoadOptions(input_type="int4", input_scale=scale),
    ).input_format
    q = np.ones((2, CHANNELS, 1, LENGTH), np.int64)
    assert (form.decode(q)[0, :, 0] == scale).all()
    assert (form.encode(form.decode(q)) == q).all()


def test_residual_signals_with_average_pools(tmp_path: Path) -> None:
    sketch = Signal(["N", CHANNELS, LENGTH]).filter(CHANNELS, 8).batch_norm(8)
    start = sketch.tensor
    sketch.sign("sign").filter(8, 8).batch_norm(8)
    sketch.op("Add", start)
    sketch.pool1("AveragePool").sign("sign").filter(8, 8).batch_norm(8)
    sketch.op("GlobalAveragePool")
    sketch.flatten().dense(8, 5, weight=sketch.rng.normal(size=(8, 5)))
    path = sketch.save(tmp_path / "m.onnx")
    options = ModelOptions(input_type="int8")
    graph = integer_graph(path, options)
    assert check_against_onnxruntime(path, graph, options=options).mismatches == 0


def test_images_whose_height_and_width_are_exchanged(tmp_path: Path) -> None:
    """A turned image is read with turned kernels."""
    sketch = Sketch(["N", 3, 8, 6])
    sketch.op("Transpose", perm=[0, 1, 3, 2])
    weight = sketch.signs(8, 3, 3, 2)
    sketch.op("Conv", sketch.constant(weight), pads=[1, 0, 0, 1], strides=[2, 1])
    sketch.sign().pool(2, 1).flatten().dense(112, 5)
    check(tmp_path, sketch, input_type="int8")


def test_a_build_takes_arrays_of_the_models_own_shape(tmp_path: Path) -> None:
    sketch = Signal(["N", 8, 16]).filter(8, 8).batch_norm(8).sign().pool1()
    path = sketch.flatten().dense(64, 4).save(tmp_path / "m.onnx")
    x = np.random.default_rng(2).choice([-1.0, 1.0], (6, 8, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    options = CompileOptions(board="pynq-z2", input_type="bipolar", inputs=[tmp_path / "x.npy"])
    compiled = compile_model(path, tmp_path / "out", options)
    assert compiled.report["verification"][0]["mismatches"] == 0
    graph = Build.open(tmp_path / "out").graph
    scores = interpret(graph, graph.input_format.encode(x))
    assert np.allclose(graph.output_map.apply(scores), scores_of(path, x))
    with pytest.raises(ModelError, match=r"takes \(N, 8, 16\)"):
        graph.input_format.encode(x[:, :, None])
