"""Networks that round while training: what is exported computes exactly what hardware does."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.frontend import import_file
from bnnhw.frontend.model_file import read_proto
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import FixedAdd, FixedAffine, IntegerConv, IntegerDense
from bnnhw.ir.types import Integer
from bnnhw.passes import run
from bnnhw.verify.model import Session, check_against_onnxruntime
from bnnhw.zoo.birealnet import BiRealNet
from bnnhw.zoo.checkpoint import load_checkpoint
from bnnhw.zoo.export import export_onnx
from bnnhw.zoo.plain import digits
from bnnhw.zoo.random_statistics import example_inputs, randomise_batch_norms
from bnnhw.zoo.rounding import FixedPoint, add_rounding, exportable, frozen, has_rounding
from bnnhw.zoo.train import Recipe, train

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


def small(*, rounding: bool = True) -> BiRealNet:
    torch.manual_seed(3)
    model = BiRealNet(8, classes=10, stem="cifar", width=8, image=(16, 16, 3), normalise=True)
    randomise_batch_norms(model)
    if rounding:
        add_rounding(model.eval(), images(model, 16))
    return model.eval()


def images(model: nn.Module, count: int, seed: int = 4) -> torch.Tensor:
    return example_inputs(model, count, torch.Generator().manual_seed(seed))


def test_a_fixed_point_type_rounds_half_up_and_saturates() -> None:
    layer = FixedPoint(4)
    layer.step.fill_(0.25)
    x = torch.tensor([0.0, 0.124, 0.125, -0.125, -0.126, 1.6, 1.75, 9, -2, -9])
    want = [0.0, 0.0, 0.25, 0.0, -0.25, 1.5, 1.75, 1.75, -2, -2]
    assert layer.eval()(x).tolist() == want
    assert layer.train()(x).tolist() == want


def test_gradients_pass_where_nothing_saturates() -> None:
    layer = FixedPoint(4).train()
    x = torch.tensor([-9.0, -3.3, 0.2, 6.9, 9.0], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_types_hold_nearly_all_of_what_they_saw() -> None:
    model = small(rounding=False)
    seen: list[torch.Tensor] = []
    model.round.register_forward_hook(lambda module, inputs, output: seen.append(output))
    model(images(model, 16))
    add_rounding(model, images(model, 16))
    assert isinstance(model.round, FixedPoint)
    assert (seen[0].abs() <= model.round.high * model.round.step).float().mean() > 0.999


def test_the_exported_network_is_the_integer_graph(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "m.onnx"
    export_onnx(exportable(model), path)
    imported = import_file(path)
    graph = run(imported.graph)
    x = images(model, 24).numpy()
    session = Session(read_proto(path), imported, [imported.scores])
    want = session.run(x)[0]
    got = graph.output_map.apply(interpret(graph, graph.input_format.encode(x)))
    np.testing.assert_array_equal(got, want)
    with torch.no_grad():
        np.testing.assert_array_equal(frozen(model)(torch.from_numpy(x)).numpy(), want)
    assert len(np.unique(want)) > 50
    widths = {n.op.dtype.bits for n in graph.nodes if isinstance(n.op, FixedAdd)}
    assert widths == {8}
    layers = [n.op for n in graph.nodes if isinstance(n.op, (IntegerConv, IntegerDense))]
    assert all(np.abs(op.weight).max() <= 127 and op.weight_bits <= 8 for op in layers)
    affines = [n.op for n in graph.nodes if isinstance(n.op, FixedAffine)]
    assert max(int(np.abs(op.multiplier).max()) for op in affines) <= 255
    assert graph.tensors[graph.output].dtype == Integer(16, True, affines[-1].dtype.frac)
    found = check_against_onnxruntime(path, graph).accuracy
    assert found is not None
    assert (found.largest_difference, found.agreement) == (0, 1)


def test_rounded_weights_and_biases_are_near_the_trained_ones() -> None:
    model = small()
    made = frozen(model)
    conv, norm = model.conv1, model.bn1
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    want = conv.weight * gain.reshape(-1, 1, 1, 1)
    largest = want.abs().flatten(1).max(dim=1).values.reshape(-1, 1, 1, 1)
    assert ((made.conv1.weight - want).abs() <= largest / 127).all()
    assert torch.allclose(made.conv1.bias, norm.bias - norm.running_mean * gain, atol=1e-3)
    block, rounded = model.layer1[0], made.layer1[0]
    scale = block.bn1.weight / (block.bn1.running_var + block.bn1.eps).sqrt()
    alpha = block.binary_conv.weights.view(block.binary_conv.shape).abs().mean(dim=(1, 2, 3))
    error = (rounded.bn1.scale.flatten() - scale * alpha).abs()
    assert (error <= (scale * alpha).abs().max() / 127).all()


def test_the_live_network_is_near_the_frozen_one() -> None:
    model = small()
    x = images(model, 64, seed=6)
    with torch.no_grad():
        live, made = model(x), frozen(model)(x)
    assert float((live - made).std()) < 0.7 * float(live.std())


def test_training_begins_to_round_when_its_recipe_says(tmp_path: Path) -> None:
    """And goes on from a checkpoint of either part to the same parameters."""
    recipe = Recipe(epochs=1, batch=8, learning_rate=1e-3, restarts=((2, 0.5),), rounded_epochs=2)
    x = images(small(rounding=False), 24).numpy()
    data = (x, np.arange(24) % 10)

    def run_until(path: Path, epoch: int) -> BiRealNet:
        """Training that is interrupted in ``epoch``, before its checkpoint is saved."""

        def stop(line: str) -> None:
            if line.startswith(f"epoch {epoch}/"):
                raise KeyboardInterrupt

        model = small(rounding=False)
        train(model, recipe, data, data, checkpoint=path, log=stop)
        return model

    states = [run_until(tmp_path / "whole.pt", 0).state_dict()]
    path = tmp_path / "parts.pt"
    for epoch in (2, 3):
        with pytest.raises(KeyboardInterrupt):
            run_until(path, epoch)
        assert has_rounding(torch.load(path)["model"]) == (epoch == 3)
    model = run_until(path, 0)
    states.append(model.state_dict())
    assert has_rounding(states[0])
    assert all(torch.equal(a, states[1][name]) for name, a in states[0].items())
    loaded = small(rounding=False)
    load_checkpoint(loaded, path)
    with torch.no_grad():
        assert torch.equal(frozen(loaded)(torch.from_numpy(x)), frozen(model)(torch.from_numpy(x)))


def test_networks_without_exact_normalisation_are_refused() -> None:
    with pytest.raises(ModelError, match="power of two"):
        add_rounding(BiRealNet(18, width=8, image=(32, 32, 3), normalise=True))
    with pytest.raises(ModelError, match="BinaryCNN"):
        add_rounding(digits())
