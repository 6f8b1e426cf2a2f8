"""Export of Bi-Real networks, checkpoints of the authors' code, and plausible BatchNorms."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from bnnhw.cli import commands as cli
from bnnhw.errors import BnnhwError, ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.interpret.real import interpret_real, interpret_real_all
from bnnhw.ir.ops import Add, AveragePool, Binarize, Conv, Dense
from bnnhw.zoo.birealnet import BiRealNet
from bnnhw.zoo.checkpoint import load_checkpoint
from bnnhw.zoo.export import export_onnx
from bnnhw.zoo.networks import network
from bnnhw.zoo.plain import digits
from bnnhw.zoo.random_statistics import example_inputs, randomise_batch_norms


def small(stem: str = "cifar", *, normalise: bool = True, depth: int = 18) -> BiRealNet:
    torch.manual_seed(7)
    size = 32 if stem == "cifar" else 64
    model = BiRealNet(
        depth, classes=10, stem=stem, width=8, image=(size, size, 3), normalise=normalise
    )
    randomise_batch_norms(model)
    return model.eval()


@pytest.mark.parametrize(("stem", "normalise"), [("cifar", True), ("imagenet", True),
                                                 ("imagenet", False)])  # fmt: skip
def test_the_exported_graph_gives_the_scores_of_the_network(
    tmp_path: Path, stem: str, normalise: bool
) -> None:
    model, path = small(stem, normalise=normalise), tmp_path / "m.onnx"
    export_onnx(model, path)
    options = LoadOptions()
    if not normalise:
        options = LoadOptions(
            input_type="uint8",
            input_scale=(1 / 58.395, 1 / 57.12, 1 / 57.375),
            input_offset=(-123.675 / 58.395, -116.28 / 57.12, -103.53 / 57.375),
        )
    graph = load(path, options)
    images = np.random.default_rng(1).integers(0, 256, (3, *graph.tensors[graph.input].shape))
    with torch.no_grad():
        want = model(torch.from_numpy(graph.input_format.decode(images))).double().numpy()
    error = np.abs(interpret_real(graph, images) - want).max(axis=1)
    # A sign that float32 decides by its rounding may turn one image's scores.
    assert (error > 1e-4 * np.abs(want).max()).sum() <= 1, error
    kinds = [type(node.op) for node in graph.nodes]
    assert (kinds.count(Add), kinds.count(Binarize)) == (16, 16)
    assert (kinds.count(AveragePool), kinds.count(Dense)) == (4, 1)


def test_binary_weights_are_stored_as_int8_behind_a_cast_and_a_scale(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "m.onnx"
    export_onnx(model, path)
    proto = onnx.load(path)
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    signs = {name: a for name, a in stored.items() if a.dtype == np.int8}
    assert len(signs) == 16
    for name, array in signs.items():
        layer = name.removesuffix(".weight")
        assert set(np.unique(array)) == {-1, 1}
        latent = model.get_submodule(layer).weights.detach().reshape(array.shape).numpy()
        np.testing.assert_array_equal(array, np.where(latent > 0, 1, -1))
        alpha = np.abs(latent).mean(axis=(1, 2, 3))
        assert stored[f"{layer}.alpha"].shape == (len(array), 1, 1, 1)
        np.testing.assert_allclose(stored[f"{layer}.alpha"].ravel(), alpha, rtol=1e-6)
    assert stored["conv1.weight"].dtype == stored["fc.weight"].dtype == np.float32
    largest = max(np.asarray(a).nbytes for a in stored.values() if a.dtype != np.int8)
    assert largest <= 64 * 32 * 4, "no latent weights stay behind"
    operations = {node.op_type for node in proto.graph.node}
    assert not {"Abs", "ReduceMean", "Unsqueeze"} & operations, "of weights"
    assert "BatchNormalization" in operations
    graph = load(path)
    names = [n.name for n in graph.nodes if isinstance(n.op, (Conv, Dense))]
    assert names[:2] == ["conv1", "layer1_0_binary_conv"]
    assert "layer2_0_downsample_1" in names and names[-1] == "fc"
    first = path.read_bytes()
    export_onnx(small(), path)
    assert path.read_bytes() == first, "the bytes depend on the network alone"


def test_every_batch_norm_of_an_export_has_its_statistics(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "m.onnx"
    export_onnx(model, path)
    graph = load(path)
    layers = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(graph.statistics) == len(layers) == 20
    means = {round(float(s.mean[0]), 6) for s in graph.statistics.values()}
    assert means == {round(float(m.bias.detach()[0]), 6) for m in layers}


def test_random_batch_norms_tell_what_images_give(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "m.onnx"
    export_onnx(model, path)
    graph = load(path)
    images = example_inputs(model, 4, torch.Generator().manual_seed(9)).numpy()
    values = interpret_real_all(graph, graph.input_format.encode(images))
    for name, known in graph.statistics.items():
        apart = np.abs(values[name].mean(axis=(0, 2, 3)) - known.mean) / known.std
        ratio = values[name].std(axis=(0, 2, 3)) / known.std
        assert np.median(apart) < 0.6, name
        assert 0.6 < np.median(ratio) < 1.6, name
        assert known.std.min() > 0.1
        assert np.ptp(known.mean) > 0.1


def test_random_batch_norms_leave_mode_and_weights_alone() -> None:
    torch.manual_seed(1)
    model = digits().train()
    before = {k: v.clone() for k, v in model.state_dict().items() if "weight" in k}
    latent = [k for k in before if before[k].dim() > 1]
    randomise_batch_norms(model)
    assert model.training
    assert all(torch.equal(model.state_dict()[k], before[k]) for k in latent)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and all(m.momentum == 0.1 for m in norms)
    assert all(float(m.running_var.min()) > 0 and float(m.weight.detach().std()) > 0 for m in norms)


def authors_checkpoint(model: BiRealNet, path: Path) -> dict[str, torch.Tensor]:
    """What the authors' script saves: data-parallel names, and things beside the parameters."""
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    best = torch.tensor(56.4)
    torch.save({"epoch": 255, "state_dict": state, "best_top1_acc": best, "optimizer": {}}, path)
    return state


def test_checkpoints_of_the_authors_code_load(tmp_path: Path) -> None:
    source = small()
    state = authors_checkpoint(source, tmp_path / "model_best.pth.tar")
    name = "module.layer1.0.binary_conv.weights"
    assert state[name].shape == (8 * 8 * 9, 1)
    assert {"module.layer2.0.downsample.1.weight", "module.layer2.0.downsample.2.running_var",
            "module.fc.bias", "module.bn1.weight"} <= set(state)  # fmt: skip
    torch.manual_seed(99)
    target = BiRealNet(18, classes=10, stem="cifar", width=8, image=(32, 32, 3), normalise=True)
    load_checkpoint(target, tmp_path / "model_best.pth.tar")
    images = example_inputs(source, 2, torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(target.eval()(images), source(images))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "there is no such file"),
        ("text", "holds no parameters that can be read"),
        ("pickle", "holds no parameters that can be read"),
        ("list", "holds no parameters that can be read"),
        ("other width", "does not fit the network: size mismatch"),
        ("other network", "does not fit the network: Missing key"),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused(tmp_path: Path, what: str, message: str) -> None:
    path = tmp_path / "c.pt"
    if what == "text":
        path.write_text("no checkpoint")
    elif what == "pickle":
        torch.save({"state_dict": small}, path)
    elif what == "list":
        torch.save([1, 2], path)
    elif what == "other width":
        wide = BiRealNet(18, classes=10, stem="cifar", width=4, image=(32, 32, 3))
        torch.save(wide.state_dict(), path)
    elif what == "other network":
        torch.save(digits().state_dict(), path)
    with pytest.raises(BnnhwError) as caught:
        load_checkpoint(small(), path)
    assert message in caught.value.what
    assert caught.value.fix


def test_networks_from_elsewhere_are_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no export is defined for a Linear"):
        export_onnx(torch.nn.Linear(2, 2), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_the_command_exports_random_and_given_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def bnnhw(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bnnhw", "zoo", "export", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return int(caught.value.code or 0), capfd.readouterr().err

    random, given = (str(tmp_path / f"{name}.onnx") for name in ("random", "given"))
    assert bnnhw("birealnet18-cifar10", "-o", random)[0] == 0
    spreads = [np.ptp(s.std) for s in load(Path(random)).statistics.values()]
    assert len(spreads) == 20 and min(spreads) > 0.1, "random gains"
    model = network("birealnet18-cifar10")
    authors_checkpoint(model, tmp_path / "c.pth")
    arguments = ("birealnet18-cifar10", "-o", given, "--checkpoint")
    assert bnnhw(*arguments, str(tmp_path / "c.pth"))[0] == 0
    assert all((s.std == 1).all() for s in load(Path(given)).statistics.values())
    code, error = bnnhw(*arguments, str(tmp_path / "absent.pth"))
    assert code == 1 and "there is no such file" in error and "Traceback" not in error
