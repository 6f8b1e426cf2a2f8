"""The networks of the papers: their figures and their exports."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")


from bnnhw.cli import commands as cli
from bnnhw.errors import BnnhwError, ModelError
from bnnhw.zoo import export
from bnnhw.zoo.blocks import FPReLU
from bnnhw.zoo.export import export_onnx
from bnnhw.zoo.figures import figures, network_figures
from bnnhw.zoo.fracbnn import FracBNN
from bnnhw.zoo.ftbnn import FTBNN
from bnnhw.zoo.layers import BinaryActivation
from bnnhw.zoo.names import ENTRIES, FTBNN_ROWS, NETWORKS
from bnnhw.zoo.networks import network
from bnnhw.zoo.printed import FIGURES, PRINTED, compare
from bnnhw.zoo.random_statistics import example_inputs, randomise_batch_norms
from bnnhw.zoo.reactnet import ReActMobileNet, ReActResNet
from bnnhw.zoo.vgg import VGG
from bnnhw.zoo.xnornet import XnorResNet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Small widths, for which everything divides.
WIDTHS = {
    **dict.fromkeys(("birealnet50", "reactnet-a", "reactnet-b", "reactnet-c"), 4),
    **dict.fromkeys(("ftbnn18-g3-90m", "xnoralexnet", "xnoralexnet-k"), 6),
    **{"ftbnn18-g5-90m": 10, "ftbnn18-g8-90m": 16},
}
FAMILIES = (
    *("birealnet50", "fracbnn20", "ftbnn18", "ftbnn18-g1-90m", "ftbnn18-g3-90m"),
    *("ftbnn18-g5-90m", "ftbnn18-g8-90m", "reactnet-a", "reactnet-b", "reactnet-c", "reactnet18"),
    *("vgg-small", "vgg11", "vgg13", "vgg16", "vgg19"),
    *("xnoralexnet", "xnoralexnet-k", "xnornet18", "xnornet18-k"),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(name: str, *, image: int = 32, width: int | None = None) -> torch.nn.Module:
    torch.manual_seed(5)
    model = network(name, image=image, width=width or WIDTHS.get(name, 8), classes=10)
    randomise_batch_norms(model)
    return model.eval()


def scores_of(path: Path, images: torch.Tensor) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )  # fmt: skip
    return session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]


# ---- figures


@pytest.mark.parametrize(
    ("name", "bops", "flops", "ops"),
    [
        ("birealnet18", 1676.3, 137.8, 164.0),
        ("birealnet34", 3526.0, 137.8, 192.9),
        ("birealnet50", 3596.6, 569.6, 625.8),
        ("xnornet18", 1676.3, 137.8, 164.0),
        ("xnornet18-k", 1676.3, 141.1, 167.3),
        ("reactnet18", 1676.3, 137.8, 164.0),
        ("reactnet-a", 4816.9, 11.9, 87.1),
        ("reactnet-b", 4688.4, 44.0, 117.2),
        ("reactnet-c", 4688.4, 140.3, 213.6),
        ("ftbnn18-g1-90m", 4515.8, 19.0, 89.5),
    ],
)
def test_operations_are_those_of_the_papers(
    name: str, bops: float, flops: float, ops: float
) -> None:
    found = network_figures(name)
    counted = [round(count / 1e6, 1) for count in (found.bops, found.flops, found.ops)]
    assert counted == [bops, flops, ops]


def test_weights_are_those_of_the_topologies() -> None:
    assert network_figures("birealnet18").binary_parameters == 10_985_472
    assert network_figures("birealnet34").binary_parameters == 21_086_208
    assert network_figures("birealnet50").binary_parameters == 20_672_512
    assert network_figures("reactnet-a").binary_parameters == 28_253_184
    found = network_figures("vgg16")
    biases = 12 * 64 + 2 * 4096  # not counted: binary layers have none
    assert 138.0e6 < found.parameters + biases < 138.5e6


@pytest.mark.parametrize("name", PRINTED)
def test_printed_figures_agree_or_say_why_not(name: str) -> None:
    compared = compare(name, network_figures(name))
    assert [one.figure for one in compared] == [FIGURES[key] for key in PRINTED[name].figures]
    for one in compared:
        assert one.agrees == (not one.reason)
    apart = {one.figure for one in compared if not one.agrees}
    assert apart == {
        "birealnet18": {"OPs"},
        "reactnet18": {"OPs"},
        "reactnet-b": {"OPs"},
        "ftbnn18-g1-90m": {"parameters in 32-bit words"},
    }.get(name, set())


def test_slopes_that_hold_a_gain_make_the_printed_parameters_of_ftbnn() -> None:
    model = FTBNN(18, derived=True, width=100)
    slopes = sum(m.left.numel() for m in model.modules() if isinstance(m, FPReLU))
    assert round((figures(model).words - slopes) / 1e6, 2) == 1.66


@pytest.mark.parametrize("name", ["cnv", "fracbnn20", "lfc", "reactnet-c", "vgg11", "xnoralexnet-k",
                                  "ftbnn44-g5-90m", "ftbnn34-g8-135m"])  # fmt: skip
def test_the_list_has_the_figures_of_the_definitions(name: str) -> None:
    found = network_figures(name)
    assert (found.parameters, round(found.ops)) == (ENTRIES[name].parameters, ENTRIES[name].ops)


def test_derived_networks_of_ftbnn_keep_their_budgets() -> None:
    depths, groups = {row[1] for row in FTBNN_ROWS}, {row[2] for row in FTBNN_ROWS}
    assert (depths, groups) == ({18, 34, 44}, {1, 3, 5, 8})
    assert len(FTBNN_ROWS) == 2 * 3 * 4
    for budget, _, count, width, _, ops in FTBNN_ROWS:
        assert width % (2 * count) == 0
        assert abs(ops / 1e6 - budget) / budget < 0.04


def test_real_parameters_and_binary_ones_are_all_parameters() -> None:
    model = small("xnornet18-k")
    found = figures(model)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.words == found.binary_parameters / 32 + found.real_parameters
    assert {layer.kind for layer in found.layers} == {"binary", "real"}


# ---- exports


@pytest.mark.parametrize("name", FAMILIES)
def test_exports_agree_with_pytorch(name: str, tmp_path: Path) -> None:
    model, path = small(name), tmp_path / "m.onnx"
    export_onnx(model, path)
    images = example_inputs(model, 3, torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = model(images).numpy()
    assert want.shape == (3, 10) and np.ptp(want) > 0
    assert np.allclose(scores_of(path, images), want, rtol=0, atol=1e-4 * np.abs(want).max())
    stored = onnx.load(path).graph.initializer
    signs = [t for t in stored if t.data_type == onnx.TensorProto.INT8]
    binary = [one for one in figures(model).layers if one.binary_parameters]
    assert len(signs) == len(binary) > 4
    assert {tuple(np.unique(onnx.numpy_helper.to_array(t))) for t in signs} == {(-1, 1)}


LARGE = {
    "reactnet18": ReActResNet,
    "reactnet-a": ReActMobileNet,
    "xnornet18": XnorResNet,
    "ftbnn18-g1-90m": partial(FTBNN, 18, derived=True),
    "fracbnn20": FracBNN,
}


@pytest.mark.parametrize("name", LARGE)
def test_stems_for_large_images_export_too(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    options = {} if name == "fracbnn20" else {"normalise": True}
    model = LARGE[name](stem="imagenet", width=4, image=(64, 64, 3), classes=7, **options)
    randomise_batch_norms(model)
    export_onnx(model.eval(), tmp_path / "m.onnx")
    images = example_inputs(model, 4, torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = model(images).numpy()
    error = np.abs(scores_of(tmp_path / "m.onnx", images) - want).max(axis=1)
    # A sign that float32 decides by its rounding may turn one image's scores.
    assert (error > 1e-4 * np.abs(want).max()).sum() <= 1, error


@pytest.mark.parametrize("name", FAMILIES)
def test_networks_come_for_images_of_224_and_of_32(name: str) -> None:
    width = WIDTHS.get(name, 8)
    for image in (224, 32):
        layers = network_figures(name, image=image, width=width).layers
        assert layers[0].shape[0][1:] == (image, image)
        classes = {224: 1000, 32: 10}[image]
        assert next(one for one in reversed(layers) if one.name).shape[1] == (classes,)


def test_large_dense_layers_are_exported_without_arithmetic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    model = VGG("11", stem="imagenet", width=2, classes=7, normalise=True)
    randomise_batch_norms(model)
    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    export_onnx(model.eval(), paths[0])
    monkeypatch.setattr(export, "_LARGEST", 1000)
    export_onnx(model, paths[1])
    images = example_inputs(model, 2, torch.Generator().manual_seed(1))
    assert np.array_equal(*(scores_of(path, images) for path in paths))
    stored = [{t.name for t in onnx.load(p).graph.initializer if t.data_type == 3} for p in paths]
    assert stored[0] == stored[1] and len(stored[0]) == 9
    assert sum(type(m).__name__ == "BinaryLinear" for m in model.modules()) == 2


def test_every_parameter_learns() -> None:
    for name in FAMILIES:
        torch.manual_seed(1)
        model = network(name, image=32, width=WIDTHS.get(name, 8), classes=10).train()
        model.to(memory_format=torch.channels_last)
        model(example_inputs(model, 4, torch.Generator().manual_seed(1))).square().sum().backward()
        still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert still == (["layers.0.down_conv1x1.weight"] if name == "birealnet50" else []), name


def test_the_variant_with_relu_has_bits_of_0_and_1(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = FTBNN(18, unipolar=True, classes=10, stem="cifar", width=4, image=(32, 32, 3),
                  normalise=True, derived=True)  # fmt: skip
    randomise_batch_norms(model)
    seen: set[float] = set()
    signs = [m for m in model.eval().modules() if isinstance(m, BinaryActivation)]
    hooks = [
        one.register_forward_hook(lambda _, __, y: seen.update(y.unique().tolist()))
        for one in signs
    ]
    images = example_inputs(model, 2, torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = model(images).numpy()
    assert len(signs) == 18 and seen == {0.0, 1.0}
    for hook in hooks:
        hook.remove()
    export_onnx(model, tmp_path / "m.onnx")
    got = scores_of(tmp_path / "m.onnx", images)
    assert np.allclose(got, want, rtol=0, atol=1e-4 * np.abs(want).max())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("reactnet", {}, "is not in the zoo"),
        ("cnv", {"image": 224}, "no stem for images of 224"),
        ("reactnet18", {"image": 64}, "no stem for images of 64"),
        ("reactnet18", {"width": 0}, "cannot have width=0"),
        ("ftbnn18-g5-90m", {"width": 12}, "a width of 12 does not divide"),
        ("reactnet-b", {"width": 6}, "a width of 6 does not divide"),
        ("xnoralexnet", {"width": 32}, "a width of 32 does not divide"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(BnnhwError, match=message) as caught:
        network(name, **options)
    assert caught.value.fix


def test_unknown_variants_are_refused() -> None:
    with pytest.raises(ModelError, match="the stem square is unknown"):
        FTBNN(18, stem="square")
    with pytest.raises(ModelError, match="depth 20 is unknown"):
        FTBNN(20)


# ---- commands


def bnnhw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["bnnhw", "zoo", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    printed = capsys.readouterr()
    assert not caught.value.code, printed.err
    return printed.out


def test_list_shows_names_papers_and_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = bnnhw(monkeypatch, capsys, "list").splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(NETWORKS)
    (row,) = (line for line in lines if line.startswith("reactnet-a "))
    assert row.split() == ["reactnet-a", "ReActNet", "2020", "224x224", "32", "29.34", "87.13"]
    entries = json.loads(bnnhw(monkeypatch, capsys, "list", "--json"))
    assert [entry["name"] for entry in entries] == list(NETWORKS)


def test_describe_shows_layers_and_what_the_paper_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = bnnhw(monkeypatch, capsys, "describe", "reactnet-b")
    assert "feature.1.real_pw" in text and "conv 1x1, 4 groups" in text
    assert "OPs: 1.63e8, here 117,231,616: the BOPs / 64 and FLOPs printed beside it" in text
    assert "BOPs: 4.69e9, and here 4,688,445,440" in text
    arguments = ("describe", "ftbnn18-g3-90m", "--image", "32", "--width", "12", "--json")
    found = json.loads(bnnhw(monkeypatch, capsys, *arguments))
    assert found["printed"] == []
    assert found["layers"][0]["shape"] == [[3, 32, 32], [6, 32, 32]]
    assert found["ops"] == sum(layer["ops"] for layer in found["layers"])


def test_export_takes_image_width_and_classes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    options = ("--image", "32", "--width", "4", "--classes", "3")
    bnnhw(monkeypatch, capsys, "export", "reactnet-a", "-o", str(path), *options)
    assert scores_of(path, torch.zeros(2, 32, 32, 3, dtype=torch.uint8)).shape == (2, 3)
