"""Exports networks of Larq Zoo with random weights: runs in ``.venv-larq``, as a user would.

    .venv-larq/bin/python tests/imports/export_larq.py FOLDER XNORNet QuickNet=32

Names in ``SMALL`` are networks of Larq Zoo's own factories with fewer blocks and filters.

The file has weights from the constructors (pretrained ones are downloads) and BatchNorms with
random gains and biases, whose statistics are those of random images, as after training. Beside each
model lie two images and the scores that Keras gives them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import larq_zoo as lqz
import numpy as np
import tensorflow as tf
import tf2onnx
from larq_zoo.literature.densenet import BinaryDenseNetFactory
from larq_zoo.literature.meliusnet import MeliusNetFactory
from larq_zoo.sota.quicknet import QuickNetFactory
from zookeeper import factory

CLASSES = 10


@factory
class SmallMeliusNetFactory(MeliusNetFactory):
    """Two sections of one block."""

    num_blocks = (1, 1)
    transition_features = (64, None)
    name = "meliusnet_small"


@factory
class SmallBinaryDenseNetFactory(BinaryDenseNetFactory):
    """Two blocks of two layers."""

    name = "binary_densenet_small"
    reduction = (2.0,)
    dilation_rate = (1, 1)
    layers = (2, 2)


#: Small enough to be simulated.
SMALL = {
    "SmallQuickNet": (QuickNetFactory, {"section_blocks": (1, 1), "section_filters": (16, 32)}),
    "SmallMeliusNet": (SmallMeliusNetFactory, {}),
    "SmallBinaryDenseNet": (SmallBinaryDenseNetFactory, {"initial_filters": 16, "growth_rate": 16}),
}


def images(size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth pixels [count, size, size, 3], 0 to 255."""
    coarse = rng.uniform(0, 255, (count, max(2, size // 8), max(2, size // 8), 3))
    smooth = tf.image.resize(coarse.astype(np.float32), (size, size)).numpy()
    fine = rng.uniform(0, 255, smooth.shape)
    return np.round(0.8 * smooth + 0.2 * fine).astype(np.uint8)


def randomise(model: tf.keras.Model, size: int, rng: np.random.Generator) -> None:
    """Gives BatchNorms gains, biases and the statistics of random images; PReLUs slopes."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.momentum = 0.0
            if layer.scale:
                layer.gamma.assign(rng.uniform(0.4, 1.2, layer.gamma.shape))
            if layer.center:
                layer.beta.assign(rng.normal(0, 0.3, layer.beta.shape))
        if isinstance(layer, tf.keras.layers.PReLU):
            layer.alpha.assign(rng.uniform(0.05, 0.4, layer.alpha.shape))
    count = max(4, 64 * 32 // size)  # the last layers of small images are one pixel each
    model(images(size, count, rng).astype(np.float32) / 255, training=True)


def export(name: str, size: int, folder: Path) -> None:
    """Writes NAME.onnx and NAME.npz."""
    rng = np.random.default_rng(1)
    tf.keras.utils.set_random_seed(1)
    options = {"weights": None, "input_shape": (size, size, 3), "num_classes": CLASSES}
    if name in SMALL:
        make, narrower = SMALL[name]
        model = make(**narrower, **options).build()
    else:
        make = getattr(lqz.literature, name, None) or getattr(lqz.sota, name)
        model = make(**options)
    randomise(model, size, rng)
    image = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
    tf2onnx.convert.from_keras(model, [image], opset=13, output_path=str(folder / f"{name}.onnx"))
    pixels = images(size, 2, rng)
    scores = model.predict(pixels.astype(np.float32) / 255, verbose=0)
    np.savez(folder / f"{name}.npz", x=pixels, scores=scores)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for argument in sys.argv[2:]:
        network, _, pixels_wide = argument.partition("=")
        export(network, int(pixels_wide or 224), target)
        print(network, flush=True)
        tf.keras.backend.clear_session()
