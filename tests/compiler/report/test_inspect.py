"""``bnnhw inspect``: layers, operations, and how far an unsupported model can be read."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from bnnhw.cli import commands as cli
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions
from bnnhw.report.inspect import Inspection, Layer, inspect_model
from bnnhw.report.inspect_table import print_inspection
from bnnhw.zoo.shipped import shipped_model
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs ``bnnhw inspect``; gives exit code, output and error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setattr(sys, "argv", ["bnnhw", "inspect", *map(str, arguments)])
        monkeypatch.setattr(cli.out, "_width", 160)
        capfd.readouterr()  # what exporters log
        with pytest.raises(SystemExit) as caught:
            cli.main()
        shown = capfd.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return run


@pytest.mark.parametrize(
    ("name", "bops", "ops", "faster"),
    [("birealnet18", 1_676_279_808, 163_985_408, 11.06),
     ("birealnet34", 3_525_967_872, 192_886_784, 18.99)],
)  # fmt: skip
def test_bi_real_networks_have_the_published_operations(
    tmp_path: Path, inspect: Command, name: str, bops: int, ops: int, faster: float
) -> None:
    """The paper gives 1.63e8 and 1.93e8 OPs, and 11.06 and 18.99 times less than real networks."""
    torch = pytest.importorskip("torch")
    from bnnhw.zoo.export import export_onnx
    from bnnhw.zoo.networks import network

    torch.manual_seed(1)
    path = tmp_path / f"{name}.onnx"
    export_onnx(network(name), path)
    code, shown, error = inspect(path)
    blocks = {"birealnet18": 16, "birealnet34": 32}[name]
    assert (code, error) == (0, "")
    assert f"binary layers: {blocks} of {blocks + 5}\n" in shown
    assert f"operations: {bops:,} BOPs, 137,793,536 FLOPs, " in shown
    assert f"OPs = BOPs/64 + FLOPs = {ops:,} " in shown
    assert f"{faster} times fewer" in shown
    assert f"{blocks} Add, " in shown
    kept = {"birealnet18": 10_985_472, "birealnet34": 21_086_208}[name]
    assert f"weights: {kept:,} binary, 693,440 real" in shown


@pytest.mark.filterwarnings("ignore")
def test_all_16_layers_of_an_untouched_export_are_recognised(
    tmp_path: Path, inspect: Command
) -> None:
    torch = pytest.importorskip("torch")
    from straight_through import StraightThroughNet, trained_looking

    torch.manual_seed(3)  # some of these latent weights are 0
    model = trained_looking(StraightThroughNet((4, 4, 4, 4), 16, 10))
    path = tmp_path / "m.onnx"
    torch.onnx.export(model, (torch.zeros(1, 3, 64, 64),), path, dynamo=False)
    code, shown, error = inspect(path, "--json")
    data = json.loads(shown)
    assert code == 1 and "nothing in the model says to which integers they belong" in error
    assert data["totals"]["binary_layers"] == 16
    assert data["others"]["Sign"] == data["others"]["Add"] == 16
    assert not {"PRelu", "Clip", "Relu", "Lookup"} & set(data["others"])
    assert "16 of activations" in " ".join(data["notes"])
    assert "--input-type" in data["undeclared"]["fix"]
    assert data["unsupported"] is None


def test_80_columns_keep_names_and_figures_whole(tmp_path: Path) -> None:
    graph = inspect_model(small_cnn().save(tmp_path / "tiny.onnx")).graph
    long = Layer("/layer1/layer1.0/binary_conv/Conv", "Conv 3x3 /2", (64, 112, 112), "binary",
                 "binary", 115_605_504, 2_359_296, 75_497_472)  # fmt: skip
    short = Layer("fc", "Dense", (10,), "real", "real", 2560, 2560, 81_920)
    figures = ["Conv 3x3 /2", "64x112x112", "binary", "binary", "115,605,504", "2,359,296",
               "75,497,472"]  # fmt: skip
    for layers, width, lines_a_layer in (((long, short), 80, 2), ((short,), 80, 1),
                                         ((long, short), 120, 1)):  # fmt: skip
        shown = io.StringIO()
        print_inspection(Inspection(graph, layers), Console(file=shown, width=width))
        table = shown.getvalue().split("binary layers:")[0].splitlines()[1:]
        assert len(table) == lines_a_layer * (1 + len(layers))
        assert max(len(line) for line in table) <= width
        cells = [line.split() for line in table]
        if lines_a_layer == 2:
            assert cells[2] == [long.name] and " ".join(cells[3]) == " ".join(figures)
            assert cells[4] == ["fc"]
        elif len(layers) == 2:
            assert " ".join(cells[1]) == " ".join([long.name, *figures])
        assert len({line.index("input") for line in table if "input" in line}) == 1


def test_the_same_figures_in_json_as_in_the_table(tmp_path: Path, inspect: Command) -> None:
    path = small_cnn().save(tmp_path / "tiny.onnx")
    code, shown, error = inspect(path, "--json")
    data = json.loads(shown)
    assert (code, error) == (0, "")
    assert list(data) == [
        "network", "input", "layers", "others", "totals", "notes", "undeclared", "unsupported",
    ]  # fmt: skip
    first, second, last = data["layers"]
    assert first == {
        "name": "conv_7", "op": "Conv 3x3", "shape": [8, 6, 6], "weights": "binary",
        "input": "integer", "macs": 8 * 36 * 27, "parameters": 216, "weight_bits": 216,
        "bits": "",
    }  # fmt: skip
    assert (second["input"], second["macs"]) == ("binary", 6 * 9 * 72)
    assert (last["op"], last["input"], last["macs"]) == ("Dense", "binary", 54 * 5)
    totals = data["totals"]
    assert totals["bops"] == second["macs"] + last["macs"]
    assert totals["flops"] == first["macs"], "binary weights on pixels are no binary operations"
    assert totals["ops"] == totals["bops"] / 64 + totals["flops"]
    _, table, _ = inspect(path)
    for layer in data["layers"]:
        (row,) = (line for line in table.splitlines() if line.split()[:1] == [layer["name"]])
        assert f"{layer['macs']:,}" in row and (layer["bits"] or layer["input"]) in row


def test_strides_and_rectangles_are_shown(tmp_path: Path) -> None:
    sketch = image(9)
    sketch.conv(3, 4, weight=sketch.rng.normal(size=(4, 3, 3, 2)), strides=[2, 1]).sign()
    sketch.conv(4, 4, kernel=1, strides=[2, 2]).flatten().dense(32, 2)
    layers = inspect_model(sketch.save(tmp_path / "m.onnx")).layers
    assert [layer.op for layer in layers] == ["Conv 3x2 /2x1", "Conv 1x1 /2", "Dense"]
    assert [layer.weights for layer in layers] == ["real", "binary", "binary"]
    assert [layer.weight_bits for layer in layers] == [72 * 32, 16, 64]


def test_bits_are_bipolar_or_unipolar(tmp_path: Path, inspect: Command) -> None:
    sketch = image().conv(3, 4).sign().conv(4, 4, pads=1).batch_norm(4)
    sketch.op("Relu")
    sketch.op("Sign")
    sketch.conv(4, 4, pads=1).batch_norm(4)
    sketch.op("Greater", sketch.constant(np.zeros(1)))
    sketch.op("Cast", to=1)
    sketch.op("Sub", sketch.constant(np.full(1, 0.5)))
    sketch.op("MaxPool", kernel_shape=[2, 2])
    path = sketch.conv(4, 4).flatten().dense(4, 2).save(tmp_path / "m.onnx")
    layers = inspect_model(path).layers
    assert [layer.bits for layer in layers] == ["", "bipolar", "unipolar", "bipolar", ""]
    _, shown, _ = inspect(path)
    read = [line.split() for line in shown.splitlines()[2:6]]
    assert ["bipolar" in row for row in read[1:]] == [True, False, True]
    assert "unipolar" in read[2]


def test_what_is_neither_sign_nor_image_is_real(tmp_path: Path) -> None:
    sketch = image().conv(3, 4).sign()
    sketch.op("Mul", sketch.constant(np.array([1, 2, 3, 4]).reshape(4, 1, 1)))
    sketch.conv(4, 4, pads=1)
    sketch.op("AveragePool", kernel_shape=[2, 2])
    sketch.conv(4, 4).flatten().dense(4, 2)
    layers = inspect_model(sketch.save(tmp_path / "m.onnx")).layers
    assert [layer.input for layer in layers] == ["integer", "real", "real", "real"]


def test_an_unsupported_model_is_listed_up_to_the_node_and_the_reason(
    tmp_path: Path, inspect: Command
) -> None:
    sketch = image().conv(3, 4).sign().conv(4, 4, kernel=1).batch_norm(4)
    sketch.op("Elu")
    path = sketch.conv(4, 4).flatten().dense(16, 3).save(tmp_path / "m.onnx")
    code, shown, error = inspect(path)
    assert code == 1
    assert [line.split()[0] for line in shown.splitlines() if " Conv " in line] == [
        "conv_7", "conv_14",
    ]  # fmt: skip
    assert "operations: 256 BOPs" in shown
    assert error.startswith("error: node 'elu_")
    assert "fix: " in error and "Traceback" not in error
    code, shown, _ = inspect(path, "--json")
    assert code == 1
    reason = json.loads(shown)["unsupported"]
    assert reason["where"].startswith("node 'elu_") and reason["fix"]


def test_a_model_that_can_be_read_but_not_lowered_is_listed_whole(
    tmp_path: Path, inspect: Command
) -> None:
    path = image().conv(3, 4).sign().flatten().dense(64, 3).sign().save(tmp_path / "m.onnx")
    code, shown, error = inspect(path)
    assert code == 1
    assert "binary layers: 1 of 2" in shown
    assert "ends the network with bits" in error


def test_a_model_refused_at_its_first_node_has_an_empty_list(
    tmp_path: Path, inspect: Command
) -> None:
    sketch = image()
    sketch.op("Mean", sketch.tensor)
    code, shown, error = inspect(sketch.save(tmp_path / "m.onnx"))
    assert code == 1
    assert "binary layers: 0 of 0" in shown
    assert "Mean" in error


def test_a_rounding_without_limits_is_told_as_such(tmp_path: Path, inspect: Command) -> None:
    sketch = image().conv(3, 4).batch_norm(4)
    sketch.op("Round")
    code, shown, error = inspect(sketch.conv(4, 4).flatten().save(tmp_path / "m.onnx"))
    assert code == 1
    assert "Conv 3x3" in shown
    assert "nothing limits the result" in error


def test_an_undeclared_input_is_no_obstacle_to_inspection(tmp_path: Path, inspect: Command) -> None:
    sketch = Sketch(["N", 3, 6, 6]).conv(3, 4).sign().flatten().dense(64, 3)
    path = sketch.save(tmp_path / "m.onnx")
    code, shown, error = inspect(path)
    assert code == 1, "a compile would refuse it as it is"
    assert "error: input 'x': holds floats" in error and "--input-type" in error
    assert "binary layers: 1 of 2" in shown
    assert inspect_model(path).layers[0].input == "real"
    found = inspect_model(path, LoadOptions(input_type="bipolar"))
    assert (found.layers[0].input, found.undeclared) == ("binary", None)
    code, shown, error = inspect(path, "--input-type", "uint8", "--input-scale", "1/4,0.25,.25")
    assert (code, error) == (0, "")
    assert "a compile needs more" not in shown
    code, _, error = inspect(path, "--input-type", "uint8", "--input-scale", "1/4,0.25,tiny")
    assert code == 1 and "'tiny' is no number" in error


def test_what_no_declaration_of_the_input_mends_is_told_too(
    tmp_path: Path, inspect: Command
) -> None:
    """Ternary weights are refused whatever the input holds: a compile would say so in the end."""
    sketch = Sketch(["N", 3, 6, 6]).conv(3, 4).sign()
    weight = np.random.default_rng(0).integers(-1, 2, (8, 4, 3, 3)).astype(np.float32)
    sketch.op("Conv", sketch.constant(weight))
    sketch.batch_norm(8).sign().flatten().dense(32, 3)
    path = sketch.save(tmp_path / "m.onnx")
    code, shown, error = inspect(path)
    assert code == 1
    assert "a compile needs more: input 'x': holds floats" in shown
    assert "ternary" in error
    found = inspect_model(path)
    assert found.undeclared is not None and found.problem is not None
    declared = inspect_model(path, LoadOptions(input_type="uint8"))
    assert declared.undeclared is None
    assert declared.problem is not None and declared.problem.what == found.problem.what


def test_words_stay_whole_in_the_lines_below_the_table(tmp_path: Path) -> None:
    found = inspect_model(small_cnn().save(tmp_path / "m.onnx"))
    name = "encoder/stages.3/blocks.11/attention_free_mixer/pointwise_projection/binary_conv/Conv"
    found = replace(found, graph=replace(found.graph, notes=(f"first at node {name} (Conv)",)))
    text = io.StringIO()
    print_inspection(found, Console(file=text, width=60))
    assert name in text.getvalue().splitlines()


def test_files_that_are_no_models_are_errors_as_everywhere(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("no model")
    with pytest.raises(ModelError, match="is not an ONNX model"):
        inspect_model(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="there is no such file"):
        inspect_model(tmp_path / "absent.onnx")


@pytest.mark.parametrize("name", ["digits", "cnv"])
def test_shipped_models(name: str) -> None:
    found = inspect_model(shipped_model(name).path)
    assert found.problem is None and found.undeclared is None
    assert all(layer.weights == "binary" for layer in found.layers)
    assert [layer.input for layer in found.layers] == [
        "integer", *["binary"] * (len(found.layers) - 1),
    ]  # fmt: skip


def test_a_bit_of_few_counts_a_binary_operation() -> None:
    def layer(weights: str, kind: str) -> Layer:
        return Layer("conv", "Conv 3x3", (8, 4, 4), weights, kind, 1000, 72, 72)

    planes = {
        ("binary", "binary"): 1, ("binary", "uint2"): 2, ("binary", "int4"): 4,
        ("binary", "uint8"): 0, ("binary", "integer"): 0, ("binary", "real"): 0,
        ("int8", "uint2"): 0, ("real", "binary"): 0,
    }  # fmt: skip
    for (weights, kind), count in planes.items():
        assert layer(weights, kind).planes == count, (weights, kind)
    layers = layer("binary", "uint2"), layer("binary", "binary"), layer("real", "real")
    found = Inspection(inspect_model(shipped_model("digits").path).graph, layers)
    assert (found.macs, found.bops, found.flops) == (3000, 3000, 1000)
    assert found.to_json()["totals"]["ops_if_all_were_real"] == 3000


def test_integers_that_the_model_rounds_to_are_told(inspect: Command) -> None:
    path = shipped_model("birealnet18-cifar10").path
    layers = inspect_model(path).layers
    assert [(x.weights, x.input) for x in layers if x.weights != "binary"] == [
        ("int8", "integer"), *[("int8", "int8")] * 4
    ]  # fmt: skip
    assert sum(layer.is_binary for layer in layers) == 16
    code, shown, _ = inspect(path)
    assert code == 0
    assert "2,746,368 binary, 46,432 integer, 3.12 Mbit\n" in shown
