"""Layers are called as the modules of the program that they were exported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import helper
from test_residual import block, classifier, stem

from bnnhw.compiler import ModelOptions, integer_graph
from bnnhw.frontend import LoadOptions, load
from bnnhw.frontend.model_file import decode_node
from bnnhw.frontend.module_names import module_name, scoped_module
from bnnhw.ir.ops import Conv, Dense
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path


def node(name: str, weight: str, scopes: str = "") -> object:
    proto = helper.make_node("Conv", ["x", weight], ["y"], name=name)
    if scopes:
        entry = proto.metadata_props.add()
        entry.key, entry.value = "pkg.torch.onnx.name_scopes", scopes
    return decode_node(proto)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (node("node_Conv_51", "b1.conv1.weight"), "b1.conv1"),
        (node("/b1/conv1/Conv", "onnx::Conv_33"), "b1.conv1"),
        (node("/layers/layers.0/conv1/Conv", "w"), "layers.0.conv1"),
        (node("n", "w", "['', 'b1', 'b1.bn', 'batch_norm']"), "b1.bn"),
        (node("n", "w", "['', 'conv']"), "n"),
        (node("n", "w", "[broken"), "n"),
        (node("conv1", "w"), "conv1"),
        (node("/Conv", "w"), "/Conv"),
    ],
)
def test_the_module_is_found_in_each_way_that_exporters_say_it(made, name: str) -> None:
    assert module_name(made) == name


def test_nested_scopes_are_joined() -> None:
    assert scoped_module("/layer1/layer1.0/binary_conv/Conv") == "layer1.0.binary_conv"
    assert scoped_module("Conv") == ""


def test_names_with_dots_are_taken_where_widths_are_set(tmp_path: Path) -> None:
    sketch = stem()
    proto = classifier(block(sketch, 4, 4), 4).proto()
    first = next(n for n in proto.graph.node if n.op_type == "Conv")
    first.name = "/features/stem/Conv"
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    graph = integer_graph(tmp_path / "m.onnx", ModelOptions(precision={"features.stem": 5}))
    layer = next(n for n in graph.nodes if n.name == "features_stem")
    assert layer.op.weight_bits == 5


def test_exports_of_pytorch_have_its_names(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = torch.nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.bn = torch.nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.bn(self.conv1(torch.sign(x)))

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(Block(), Block())
            self.fc = torch.nn.Linear(256, 3, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.layers(x).flatten(1))

    for dynamo in (True, False):
        path = tmp_path / f"{dynamo}.onnx"
        example = (torch.zeros(1, 4, 8, 8),)
        torch.onnx.export(Net().eval(), example, str(path), dynamo=dynamo, verbose=False)
        from bnnhw.frontend import LoadOptions

        graph = load(path, LoadOptions(input_type="bipolar"))
        layers = [n.name for n in graph.nodes if isinstance(n.op, (Conv, Dense))]
        assert layers == ["layers_0_conv1", "layers_1_conv1", "fc"]


def test_nodes_that_compute_weights_do_not_hide_the_name_of_their_module(tmp_path: Path) -> None:
    sketch = Sketch(["N", 6])
    for name in ("b1/conv", "conv1", "dense1"):
        sketch.node("Identity", [sketch.constant(np.ones(1))])
        sketch.nodes[-1].name = f"/{name}/Mul"
        sketch.op("MatMul", sketch.constant(sketch.signs(6, 6)), name=f"/{name}/MatMul")
        sketch.sign()
    sketch.op("MatMul", sketch.constant(sketch.signs(6, 6)), name="same")
    sketch.sign().op("MatMul", sketch.constant(sketch.signs(6, 6)), name="same")
    graph = load(sketch.save(tmp_path / "m.onnx"), LoadOptions(input_type="bipolar"))
    names = [n.name for n in graph.nodes if isinstance(n.op, Dense)]
    assert names == ["b1_conv", "conv1", "dense1", "dense2", "dense3"]  # counts take no one's name
