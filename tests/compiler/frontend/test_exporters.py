"""Files from both PyTorch exporters, of many opsets, with external data, and the zoo's own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from agreement import agrees, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from pathlib import Path

BIPOLAR = LoadOptions(input_type="bipolar")


def network(name: str) -> Any:
    """A zoo network with random statistics, gains of both signs."""
    torch = pytest.importorskip("torch")
    from bnnhw.zoo.plain import BinaryCNN, BinaryMLP

    torch.manual_seed(2)
    model: Any
    if name == "mlp":
        model = BinaryMLP(30, (16, 12), 5)
    else:
        model = BinaryCNN(
            image=(12, 12, 3),
            convolutions=(8, "pool", 12, 6),
            hidden=(16,),
            classes=5,
            padding=1 if name == "padded" else 0,
        )
    for layer in model.modules():
        if isinstance(layer, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            torch.nn.init.normal_(layer.weight)
            torch.nn.init.normal_(layer.bias)
            torch.nn.init.normal_(layer.running_mean, std=3)
            layer.running_var.uniform_(0.5, 20)
    return model.eval()


@pytest.mark.parametrize(
    ("name", "dynamo", "batch"),
    [
        ("plain", False, "dynamic"),
        ("padded", False, "fixed"),
        ("mlp", False, "dynamic"),
        ("plain", True, "dynamic"),
        ("padded", True, "fixed"),
        ("mlp", True, "dynamic"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_exports_of_pytorch(tmp_path: Path, name: str, dynamo: bool, batch: str) -> None:
    torch = pytest.importorskip("torch")
    model, path = network(name), tmp_path / "m.onnx"
    shape = (2, 30) if name == "mlp" else (2, 12, 12, 3)
    example = torch.ones(shape) if name == "mlp" else torch.zeros(shape, dtype=torch.uint8)
    names = {"input_names": ["x"], "output_names": ["scores"]}
    if dynamo:
        dynamic = ({0: torch.export.Dim("batch")},) if batch == "dynamic" else None
        torch.onnx.export(
            model, (example,), path, dynamo=True, dynamic_shapes=dynamic, verbose=False, **names
        )
    else:
        axes = {"x": {0: "batch"}} if batch == "dynamic" else None
        torch.onnx.export(model, (example,), path, dynamo=False, dynamic_axes=axes, **names)
    options = BIPOLAR if name == "mlp" else None
    graph = agrees(path, options, count=12)
    passes_agree(path, options)
    q = graph.input_format.encode(np.asarray(example))
    with torch.no_grad():
        want = model(example).double().numpy()
    from bnnhw.interpret.interpreter import interpret

    np.testing.assert_allclose(graph.output_map.apply(interpret(graph, q)), want, rtol=1e-6)


@pytest.mark.parametrize("name", ["plain", "mlp"])
def test_the_zoos_own_export_is_small_and_reproducible(tmp_path: Path, name: str) -> None:
    pytest.importorskip("torch")
    from bnnhw.zoo.export import export_onnx

    model, path = network(name), tmp_path / "m.onnx"
    export_onnx(model, path)
    first = path.read_bytes()
    export_onnx(network(name), path)
    assert path.read_bytes() == first
    stored = {t.name: t for t in onnx.load(path).graph.initializer if t.name.endswith(".weight")}
    binary = [t for name, t in stored.items() if name.startswith(("conv", "dense"))]
    assert binary
    assert all(t.data_type == onnx.TensorProto.INT8 for t in binary)
    graph = agrees(path, BIPOLAR if name == "mlp" else None)
    layers = [n.name for n in graph.nodes if "weight" in vars(n.op)]
    want = ["dense1", "dense2", "dense3"]
    assert layers == (want if name == "mlp" else ["conv1", "conv2", "conv3", "dense4", "dense5"])


@pytest.mark.parametrize("opset", [9, 10, 11, 12, 13, 15, 18, 21, 23])
def test_every_opset(tmp_path: Path, opset: int) -> None:
    sketch = image(6, 3, opset=opset)
    sketch.conv(3, 8, pads=1).batch_norm(8)
    if opset < 11:
        sketch.op("Clip", min=-9.0, max=3.0)
    else:
        sketch.op("Clip", sketch.constant(-9), sketch.constant(3))
    sketch.sign("greater" if opset < 12 else "greater_or_equal").pool()
    sketch.conv(8, 6).batch_norm(6).sign("less").flatten()
    if opset < 13:
        sketch.op("Unsqueeze", axes=[2])
        sketch.op("Squeeze", axes=[2])
        sketch.op("Dropout")
    else:
        axes = sketch.constant([2], np.int64)
        sketch.op("Unsqueeze", axes)
        sketch.op("Squeeze", axes)
        sketch.op("Dropout")
    sketch.dense(6, 4)
    agrees(sketch.save(tmp_path / "m.onnx"))


def test_initialisers_that_are_also_inputs(tmp_path: Path) -> None:
    agrees(small_cnn(opset=9).save(tmp_path / "m.onnx", inputs_too=True))


def test_external_data(tmp_path: Path) -> None:
    proto = small_cnn().proto()
    path = tmp_path / "m.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="m.bin", size_threshold=16)
    assert (tmp_path / "m.bin").stat().st_size > 500
    agrees(path)


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6])
    sketch.op("BinarySign", domain="local")
    sketch.dense(6, 4)
    sketch.domains["local"] = 1
    proto = sketch.proto()
    body = onnx.parser.parse_function(
        '<domain: "local", opset_import: ["" : 17]> BinarySign (x) => (y) '
        "{ zero = Constant <value_float = 0.0> () one = Constant <value_float = 1.0> () "
        "  minus = Neg (one) side = Greater (x, zero) y = Where (side, one, minus) }"
    )
    proto.functions.append(body)
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    agrees(path, LoadOptions(input_type="int4"))


def test_nodes_the_output_does_not_need_are_ignored(tmp_path: Path) -> None:
    sketch = small_cnn()
    sketch.node("LSTM", [sketch.tensor, sketch.constant([1]), sketch.constant([1])])
    load(sketch.save(tmp_path / "m.onnx"))


@pytest.mark.parametrize("end", ["Softmax", "LogSoftmax"])
def test_softmax_at_the_output_is_left_out_and_noted(tmp_path: Path, end: str) -> None:
    sketch = small_cnn()
    sketch.op(end, axis=1)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert any(end in note for note in graph.notes)


def test_argmax_at_the_output_is_left_out_and_noted(tmp_path: Path) -> None:
    sketch = small_cnn()
    sketch.op("ArgMax", axis=1, keepdims=0)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert any("--top-k" in note for note in graph.notes)
    assert graph.output_map.shape == (5,)


@pytest.mark.parametrize("scale", [0.5, -0.25, 0.0, [1, -2, 0, 0.5, 1e-8]])
def test_scale_and_bias_of_the_scores(tmp_path: Path, scale: object) -> None:
    sketch = small_cnn()
    sketch.op("Mul", sketch.constant(scale))
    sketch.op("Add", sketch.constant(np.arange(5) - 2.5))
    path = sketch.save(tmp_path / "m.onnx")
    graph = agrees(path)
    passes_agree(path)
    factors = np.broadcast_to(np.asarray(scale, np.float32) * 0.25, 5)
    np.testing.assert_array_equal(graph.output_map.scale, factors.astype(np.float64))


def test_convolution_as_last_layer_then_squeezed(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8).batch_norm(8).sign().pool(4, 4).conv(8, 5, kernel=1)
    sketch.op("GlobalAveragePool")
    sketch.op("Squeeze", sketch.constant([2, 3], np.int64))
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.output_map.shape == (5,)


def test_score_images(tmp_path: Path) -> None:
    sketch = image()
    sketch.conv(3, 8).batch_norm(8).sign().conv(8, 5, kernel=1)
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.output_map.shape == (5, 4, 4)


def test_loading_needs_no_onnxruntime_and_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = small_cnn().save(tmp_path / "m.onnx")
    code = (
        "import sys; from pathlib import Path; from bnnhw.frontend import load; "
        "from bnnhw.passes import run; run(load(Path(sys.argv[1]))); "
        "assert not {'onnxruntime', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_byte_for_byte_the_same_listing_each_time(tmp_path: Path) -> None:
    from bnnhw.passes import format_graph, run

    path = small_cnn().save(tmp_path / "m.onnx")
    listings = {format_graph(run(load(path))) for _ in range(3)}
    assert len(listings) == 1
    buffer = io.StringIO(listings.pop())
    assert buffer.readline() == "graph m\n"


def strided(sketch: Sketch, sizes: tuple[int, ...], strides: tuple[int, ...]) -> Sketch:
    """PyTorch's as_strided, as its exporter writes it."""
    steps = np.meshgrid(*map(np.arange, sizes), indexing="ij")
    indices = sum(step * stride for step, stride in zip(steps, strides, strict=True))
    sketch.op("Reshape", sketch.constant([-1], np.int64))
    sketch.op("Gather", sketch.constant(indices, np.int64))
    return sketch


def test_as_strided_is_a_transpose(tmp_path: Path) -> None:
    """Of an image channels last, and of what a fully connected layer reads."""
    sketch = strided(Sketch([1, 6, 6, 3]), (1, 3, 6, 6), (108, 1, 18, 3))
    sketch.conv(3, 4, weight=sketch.signs(4, 3, 3, 3)).batch_norm(4).sign()
    sketch = strided(sketch, (1, 4, 4, 4), (64, 4, 1, 16)).flatten()
    path = sketch.dense(64, 3).save(tmp_path / "m.onnx")
    agrees(path, BIPOLAR)
    passes_agree(path, BIPOLAR)


@pytest.mark.parametrize("strides", [(64, 16, 8, 1), (64, 4, 4, 1), (64, 1, 1, 1)])
def test_as_strided_that_repeats_elements_is_refused(tmp_path: Path, strides) -> None:
    sketch = strided(Sketch([1, 4, 4, 4]), (1, 4, 4, 4), strides)
    path = sketch.conv(4, 4).sign().flatten().dense(16, 3).save(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="picks elements of a tensor"):
        load(path, BIPOLAR)
