"""Networks of XNOR-Net's form: real first and last layer, binary middle, and no shortcut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import compiled
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, import_file, load
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    Conv,
    Dense,
    FixedAffine,
    IntegerConv,
    IntegerDense,
    Threshold,
)
from bnnhw.passes import PIPELINE, run as run_passes
from bnnhw.passes.mixed import is_mixed
from bnnhw.verify.model import check_against_onnxruntime, random_inputs
from bnnhw.verify.streams import check_streams
from sketch import Sketch, small_cnn

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph
    from bnnhw.verify.verification import Verification

PIXELS = LoadOptions(input_type="uint8", input_scale=1 / 255)
COLOURS = LoadOptions(
    input_type="uint8",
    input_scale=tuple(1 / (255 * std) for std in (0.229, 0.224, 0.225)),
    input_offset=tuple(-mean / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.4, 0.225))),
)
ACTIVATIONS = ("relu", "hardtanh", "prelu", "leaky", "none")


class _Network:
    """A random network; ``first`` and ``last`` say whether these layers' weights are real."""

    def __init__(self, seed: int, *, first: bool = True, last: bool = True) -> None:
        self.rng = np.random.default_rng(seed)
        self.first, self.last = first, last
        self.sketch = Sketch(["N", 3, 8, 8], seed=seed)
        self.channels, self.size = 3, 8

    def weights(self, *shape: int, real: bool) -> np.ndarray:
        taps = int(np.prod(shape[1:]))
        if real:
            return self.rng.normal(size=shape) / np.sqrt(taps)
        alpha = self.rng.uniform(0.5, 2, (shape[0], *(1,) * (len(shape) - 1))) / np.sqrt(taps)
        return self.rng.choice([-1, 1], shape) * alpha

    def conv(self, features: int, *, real: bool) -> None:
        weight = self.weights(features, self.channels, 3, 3, real=real)
        bias = self.sketch.constant(self.rng.normal(size=features) * 0.1)
        name = self.sketch.constant(weight)
        self.sketch.op("Conv", name, bias, pads=[1, 1, 1, 1])
        self.channels = features

    def norm(self) -> None:
        self.sketch.batch_norm(
            self.channels,
            gain=self.rng.normal(1, 0.3, self.channels) * self.rng.choice([1, 1, -1]),
            bias=self.rng.normal(0, 0.2, self.channels),
            mean=self.rng.normal(0, 0.2, self.channels),
            variance=self.rng.uniform(0.5, 1.5, self.channels),
        )

    def activation(self, kind: str) -> None:
        s = self.sketch
        if kind == "relu":
            s.op("Relu")
        elif kind == "hardtanh":
            s.op("Clip", s.constant(-1), s.constant(1))
        elif kind == "prelu":
            s.op("PRelu", s.constant(self.rng.uniform(0, 0.5, (self.channels, 1, 1))))
        elif kind == "leaky":
            s.op("LeakyRelu", alpha=0.1)

    def grow(self, activation: str, *, pool: bool, head: str) -> Sketch:
        s = self.sketch
        self.conv(6, real=self.first)
        self.norm()
        self.activation(activation)
        if pool:
            s.pool()
            self.size //= 2
        self.norm()
        s.sign("greater_or_equal")
        self.conv(8, real=False)
        self.activation(activation)
        s.pool()
        self.size //= 2
        self.norm()
        s.sign("greater").flatten()
        features = 8 * self.size**2
        if head == "hidden":
            s.dense(features, 12, weight=self.weights(12, features, real=False).T)
            s.op("Relu")
            features = 12
        s.dense(features, 5, weight=self.weights(5, features, real=self.last).T)
        s.op("Add", s.constant(self.rng.normal(size=5)))
        return s


def checked(path: Path, options: LoadOptions) -> tuple[Graph, Verification]:
    graph = compiled(path, options)
    result = check_against_onnxruntime(path, graph, options=options, random_count=8)
    assert result.mismatches == 0
    return graph, result


@pytest.mark.parametrize("head", ["direct", "hidden"])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_real_ends_compile_and_keep_their_binary_middle(
    tmp_path: Path, activation: str, pool: bool, head: str
) -> None:
    sketch = _Network(ACTIVATIONS.index(activation)).grow(activation, pool=pool, head=head)
    graph, result = checked(sketch.save(tmp_path / "m.onnx"), PIXELS)
    kinds = [type(node.op) for node in graph.nodes]
    assert kinds.count(IntegerConv) == kinds.count(IntegerDense) == 1
    assert kinds.count(BinaryConv) == 1
    assert kinds.count(BinaryDense) == (head == "hidden")
    assert kinds.count(Threshold) == 2
    assert result.accuracy.agreement is not None
    assert result.accuracy.agreement >= 0.75


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, True)])
def test_one_real_end_is_enough(tmp_path: Path, first: bool, last: bool) -> None:
    sketch = _Network(7, first=first, last=last).grow("relu", pool=True, head="direct")
    graph, _ = checked(sketch.save(tmp_path / "m.onnx"), PIXELS)
    kinds = {type(node.op) for node in graph.nodes}
    assert (IntegerConv in kinds, IntegerDense in kinds) == (first, last)


def test_relu_and_prelu_of_slope_zero_are_the_same_network(tmp_path: Path) -> None:
    graphs = []
    for kind in ("Relu", "PRelu"):
        sketch = _Network(3).grow("relu", pool=True, head="hidden")
        if kind == "PRelu":
            slope = sketch.constant(np.zeros((1, 1, 1)))
            for node in sketch.nodes[:-2]:
                if node.op_type == "Relu" and len(node.input) == 1 and "relu" in node.name:
                    node.op_type = kind
                    node.input.append(slope)
        graphs.append(compiled(sketch.save(tmp_path / f"{kind}.onnx"), PIXELS))
    x = graphs[0].input_format.encode(random_inputs(graphs[0], 8, 3))
    assert np.array_equal(*(interpret(graph, x) for graph in graphs))


@pytest.mark.parametrize("options", [PIXELS, COLOURS], ids=["one scale", "scale per colour"])
def test_binary_first_layer_with_padding_on_a_normalised_image(
    tmp_path: Path, options: LoadOptions
) -> None:
    sketch = Sketch(["N", 3, 8, 8], seed=2).conv(3, 6, pads=1).batch_norm(6).sign()
    sketch.conv(6, 4, pads=1).batch_norm(4).sign().flatten().dense(256, 5)
    path = sketch.save(tmp_path / "m.onnx")
    graph, result = checked(path, options)
    plain = options is PIXELS
    assert is_mixed(load(path, options)) is not plain
    assert (result.what == "the integer graph's scores") is plain
    affines = [node.op for node in graph.nodes if isinstance(node.op, FixedAffine)]
    assert [op.dtype.bits for op in affines] == ([] if plain else [12])
    assert sum(isinstance(node.op, BinaryConv) for node in graph.nodes) == 2
    if not plain:
        assert result.accuracy.agreement == 1


def test_fully_binary_network_stays_plain(tmp_path: Path) -> None:
    path = small_cnn().save(tmp_path / "m.onnx")
    assert not is_mixed(load(path))
    assert not is_mixed(compiled(path))


def test_pixels_may_be_pooled_before_a_binary_layer(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 8, 8], np.uint8, seed=2)
    sketch.op("Cast", to=1)
    sketch.pool().conv(3, 6, pads=1).batch_norm(6, spread=99).sign().flatten().dense(96, 5)
    _, result = checked(sketch.save(tmp_path / "m.onnx"), LoadOptions())
    assert result.note == "" or "so are all scores, exactly" in result.note


def test_binary_weights_on_a_relu_need_no_sign(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 8, 8], np.uint8, seed=2)
    sketch.op("Cast", to=1)
    sketch.conv(3, 6).batch_norm(6, spread=200)
    sketch.op("Relu")
    graph, _ = checked(sketch.flatten().dense(216, 5).save(tmp_path / "m.onnx"), LoadOptions())
    assert {type(n.op) for n in graph.nodes} >= {BinaryConv, FixedAffine, BinaryDense}


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("between", ["nothing", "batch norm", "flatten"])
def test_offset_of_an_integer_layer_is_exact_in_the_sign_behind_it(
    tmp_path: Path, between: str, pads: int
) -> None:
    """Steps of coarse weights are so large that half of one turns many signs."""
    rng = np.random.default_rng(4)
    sketch = Sketch(["N", 3, 10, 10], seed=4)
    sketch.conv(3, 16, weight=rng.normal(size=(16, 3, 3, 3)), pads=pads)
    size, features = 8 + 2 * pads, 16 * (8 + 2 * pads) ** 2
    if between == "batch norm":
        sketch.batch_norm(16, spread=0.1)
    if between == "flatten":
        sketch.flatten().batch_norm(features, spread=0.1).sign()
    else:
        sketch.sign().conv(16, 4).sign().flatten()
        features = 4 * (size - 2) ** 2
    path = sketch.dense(features, 5).save(tmp_path / "m.onnx")
    imported = import_file(path, COLOURS)
    layer = next(n.name for n in imported.graph.nodes if isinstance(n.op, Conv))
    graph = run_passes(imported.graph, PIPELINE, precision={layer: 3})
    integers = next(n.op for n in graph.nodes if isinstance(n.op, IntegerConv))
    assert bool(integers.row_class) == bool(pads)
    q = graph.input_format.encode(random_inputs(graph, 40, 9))
    check_streams(imported.graph, graph, q)
    assert not any(n.op.row_class for n in graph.nodes if isinstance(n.op, Threshold))


def test_offset_of_an_integer_dense_layer_is_exact_too(tmp_path: Path) -> None:
    options = LoadOptions(input_type="uint8", input_scale=1 / 255, input_offset=-0.123)
    sketch = Sketch(["N", 30], seed=4)
    sketch.dense(30, 64, weight=sketch.rng.normal(size=(30, 64))).sign().dense(64, 5)
    imported = import_file(sketch.save(tmp_path / "m.onnx"), options)
    layer = next(n.name for n in imported.graph.nodes if isinstance(n.op, Dense))
    graph = run_passes(imported.graph, PIPELINE, precision={layer: 3})
    q = graph.input_format.encode(random_inputs(graph, 400, 9))
    check_streams(imported.graph, graph, q)


@pytest.mark.parametrize("flat", [False, True])
def test_batch_norm_between_a_sign_and_a_real_last_layer(tmp_path: Path, flat: bool) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8, seed=3)
    sketch.op("Cast", to=1)
    sketch.conv(3, 4).batch_norm(4, spread=99).sign()
    if flat:
        sketch.flatten().batch_norm(64)
    else:
        sketch.batch_norm(4).flatten()
    sketch.dense(64, 5, weight=sketch.rng.normal(size=(64, 5)))
    graph, result = checked(sketch.save(tmp_path / "m.onnx"), LoadOptions())
    assert IntegerDense in {type(node.op) for node in graph.nodes}
    assert result.accuracy.agreement == 1


@pytest.mark.parametrize("kind", ["bipolar", "unipolar"])
def test_real_first_layer_on_an_input_of_bits(tmp_path: Path, kind: str) -> None:
    sketch = Sketch(["N", 40], seed=1)
    sketch.dense(40, 16, weight=sketch.rng.normal(size=(40, 16))).batch_norm(16).sign()
    path = sketch.dense(16, 5).save(tmp_path / "m.onnx")
    graph, _ = checked(path, LoadOptions(input_type=kind))
    assert isinstance(graph.nodes[1].op, IntegerDense)


def test_note_says_where_the_type_of_scaled_colours_comes_from(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], seed=1).flatten().dense(108, 16).batch_norm(16).sign()
    graph, result = checked(sketch.dense(16, 5).save(tmp_path / "m.onnx"), COLOURS)
    assert result.accuracy.agreement == 1
    assert any("12 bits; ranges come from the type of the input" in note for note in graph.notes)


@pytest.mark.parametrize("kind", ["real", "integer"])
@pytest.mark.parametrize("values", ["bipolar", "unipolar"])
def test_real_weights_read_bits_among_binary_layers(tmp_path: Path, kind: str, values: str) -> None:
    """Bits become integers of 2 bits; weights of few integers are kept as they are."""
    sketch = Sketch(["N", 3, 6, 6], np.uint8, seed=2)
    sketch.op("Cast", to=1)
    sketch.conv(3, 8, pads=1).batch_norm(8, spread=99).sign()
    if values == "unipolar":
        sketch.op("Relu")
    weight = sketch.rng.normal(size=(6, 8, 3, 3))
    if kind == "integer":
        weight = sketch.rng.integers(-7, 8, weight.shape) * sketch.rng.uniform(1, 2, (6, 1, 1, 1))
    sketch.conv(8, 6, weight=weight, pads=1).batch_norm(6).sign().conv(6, 6, pads=1)
    path = sketch.batch_norm(6).sign().flatten().dense(216, 5).save(tmp_path / "m.onnx")
    graph, result = checked(path, LoadOptions())
    layers = [node.op for node in graph.nodes if isinstance(node.op, (IntegerConv, BinaryConv))]
    assert [type(op) for op in layers][-2:] == [IntegerConv, BinaryConv]
    assert layers[-2].weight_bits == (4 if kind == "integer" else 8)
    assert any("read bits with weights that are not binary" in note for note in graph.notes)
    assert kind == "real" or result.accuracy.agreement == 1


def test_ternary_weights_are_a_mistake_among_binary_layers_too(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.uint8, seed=2)
    sketch.op("Cast", to=1)
    sketch.conv(3, 8, pads=1).batch_norm(8, spread=99).sign()
    weight = sketch.rng.integers(-1, 2, (6, 8, 3, 3))
    sketch.conv(8, 6, weight=weight, pads=1).batch_norm(6).sign().flatten().dense(216, 5)
    with pytest.raises(ModelError, match="ternary"):
        checked(sketch.save(tmp_path / "m.onnx"), LoadOptions())
