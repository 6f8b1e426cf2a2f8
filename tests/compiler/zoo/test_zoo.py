"""Training, data and export of the zoo's networks."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from bnnhw.errors import BnnhwError
from bnnhw.frontend import load
from bnnhw.frontend.options import LoadOptions
from bnnhw.interpret.interpreter import interpret
from bnnhw.passes import PIPELINE, run
from bnnhw.zoo.data import digit_images, load_data
from bnnhw.zoo.export import export_onnx
from bnnhw.zoo.networks import NETWORKS
from bnnhw.zoo.plain import digits
from bnnhw.zoo.train import RECIPES, Recipe, accuracy, augment, train

SHORT = Recipe(epochs=3, batch=64, learning_rate=5e-3, shift=1)


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = digits()
    train_set, test_set = load_data("digits", None)
    score = train(model, SHORT, train_set, test_set)
    return model, score, test_set


def test_a_few_epochs_are_far_better_than_chance(trained):
    _, score, _ = trained
    assert score > 0.5


def test_exported_integers_rank_the_classes_as_the_trained_model_does(trained, tmp_path):
    model, score, (images, labels) = trained
    path = tmp_path / "digits.onnx"
    export_onnx(model, path)
    graph = run(load(path, LoadOptions()), PIPELINE)
    scores = interpret(graph, graph.input_format.encode(images))
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(images)).numpy()
    assert np.allclose(graph.output_map.apply(scores), expected, rtol=1e-5, atol=1e-5)
    assert (scores.argmax(axis=1) == labels).mean() == pytest.approx(score, abs=1e-6)


def test_training_resumes_where_its_checkpoint_ends(tmp_path):
    train_set, test_set = load_data("digits", None)
    small = tuple(a[:128] for a in train_set), tuple(a[:64] for a in test_set)
    lines: list[str] = []
    path = tmp_path / "checkpoint.pt"
    torch.manual_seed(1)
    train(digits(), Recipe(epochs=1, batch=64, learning_rate=1e-3), *small, checkpoint=path)
    recipe = Recipe(epochs=2, batch=64, learning_rate=1e-3)
    train(digits(), recipe, *small, checkpoint=path, log=lines.append)
    assert len(lines) == 1 and lines[0].startswith("epoch 2/2")


def test_augmentation_moves_pixels_but_makes_none_up():
    images = torch.from_numpy(digit_images()[0][:16])
    moved = augment(images, Recipe(1, 1, 1.0, shift=2, flip=True), torch.Generator())
    assert moved.shape == images.shape and moved.dtype == torch.uint8
    for before, after in zip(images, moved, strict=True):
        assert set(after.flatten().tolist()) <= set(before.flatten().tolist())


def test_accuracy_is_that_of_evaluation_mode(trained):
    model, score, (images, labels) = trained
    assert accuracy(model, torch.from_numpy(images), torch.from_numpy(labels)) == score


PLAIN = ("cnv", "digits", "lfc", "sfc", "tfc")


def test_recipes_are_of_networks_of_the_zoo():
    assert set(RECIPES) < set(NETWORKS)
    assert set(PLAIN) < set(RECIPES)


@pytest.mark.parametrize("name", PLAIN)
def test_every_plain_network_compiles(name, tmp_path):
    path = tmp_path / f"{name}.onnx"
    export_onnx(NETWORKS[name](), path)
    options = LoadOptions(input_type="bipolar" if name.endswith("fc") else None)
    graph = run(load(path, options), PIPELINE)
    assert graph.tensors[graph.output].shape == (10,)


def test_missing_data_says_which_files(tmp_path):
    with pytest.raises(BnnhwError, match="cifar10_train"):
        load_data("cnv", None)
    with pytest.raises(BnnhwError, match="mnist_train"):
        load_data("lfc", tmp_path)
