"""Plausible BatchNorms for networks with random weights.

A fresh BatchNorm has gain 1, bias 0 and statistics that fit nothing, which makes an untrained
network's streams say nothing about a trained one's. Here gains and biases are random, and means and
variances are those that random images give, as after training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import ImageNetwork
from bnnhw.zoo.layers import BinaryLinear
from bnnhw.zoo.plain import BinaryCNN, BinaryMLP

_IMAGES = 4
_COARSE = 8


def example_inputs(model: nn.Module, count: int, generator: torch.Generator) -> Tensor:
    """Random inputs: smooth uint8 images [N, H, W, C], bipolar vectors, or normalised floats.

    Raises:
        ModelError: the network is none of the zoo's.
    """
    if isinstance(model, BinaryMLP):
        features = next(m for m in model.modules() if isinstance(m, BinaryLinear)).in_features
        return torch.where(torch.rand(count, features, generator=generator) > 0.5, 1.0, -1.0)
    if not isinstance(model, (BinaryCNN, ImageNetwork)):
        raise ModelError(
            f"no export is defined for a {type(model).__name__}",
            where="zoo export",
            fix="give a network of the zoo",
        )
    height, width, channels = model.image
    size = (max(2, height // _COARSE), max(2, width // _COARSE))
    coarse = torch.rand(count, channels, *size, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    fine = torch.rand(count, channels, height, width, generator=generator)
    images = 0.8 * smooth + 0.2 * fine
    if isinstance(model, ImageNetwork) and model.normalise is None:
        return (images - 0.5) / 0.25
    return (255 * images).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def randomise_batch_norms(model: nn.Module, *, seed: int = 1) -> None:
    """Gives all BatchNorms random gains and biases, and statistics of random inputs.

    Args:
        model: a network of the zoo; its other parameters stay.
        seed: of gains, biases and inputs.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        nn.init.uniform_(layer.weight, 0.4, 1.2, generator=generator)
        nn.init.normal_(layer.bias, std=0.3, generator=generator)
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over batches, here of one
    training = model.training
    model.train()
    with torch.no_grad():
        model(example_inputs(model, _IMAGES, generator))
    model.train(training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
