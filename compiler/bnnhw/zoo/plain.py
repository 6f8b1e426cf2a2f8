"""Plain binary networks without residual connections: CNV, small VGGs, and the MLPs LFC, SFC, TFC.

CNV, LFC, SFC and TFC are the topologies of Umuroglu et al., "FINN", FPGA 2017.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from bnnhw.zoo.layers import (
    BinaryActivation,
    BinaryConv2d,
    BinaryLinear,
    ImageNormaliser,
    ScalarScale,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class BinaryCNN(nn.Module):
    """Binary convolutions, then binary fully connected layers, then integer scores times a scale.

    Args:
        image: height, width and channels of the uint8 input image.
        convolutions: output channels of each 3x3 convolution; ``"pool"`` is a 2x2 max pool,
            taken before BatchNorm and sign.
        hidden: widths of the hidden fully connected layers.
        classes: number of scores.
        padding: zero padding of every convolution, in pixels.
    """

    def __init__(
        self,
        *,
        image: tuple[int, int, int],
        convolutions: Sequence[int | str],
        hidden: Sequence[int],
        classes: int,
        padding: int = 0,
    ) -> None:
        super().__init__()
        height, width, channels = image
        self.image = image
        self.normalise = ImageNormaliser()
        layers: list[nn.Module] = []
        pending: list[nn.Module] = []
        for item in convolutions:
            if item == "pool":
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
                continue
            layers += pending
            features = int(item)
            layers.append(BinaryConv2d(channels, features, 3, padding=padding))
            pending = [nn.BatchNorm2d(features), BinaryActivation()]
            channels = features
            height, width = height + 2 * padding - 2, width + 2 * padding - 2
        layers += [*pending, nn.Flatten()]
        features_in = channels * height * width
        for features in hidden:
            layers += [
                BinaryLinear(features_in, features),
                nn.BatchNorm1d(features),
                BinaryActivation(),
            ]
            features_in = features
        layers += [
            BinaryLinear(features_in, classes),
            ScalarScale(4 / math.sqrt(features_in)),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes] of images [N, H, W, C], uint8."""
        return self.layers(self.normalise(x))


class BinaryMLP(nn.Module):
    """Fully connected binary network on bipolar inputs in {-1, +1}."""

    def __init__(self, features_in: int, hidden: Sequence[int], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for features in hidden:
            layers += [
                BinaryLinear(features_in, features),
                nn.BatchNorm1d(features),
                BinaryActivation(),
            ]
            features_in = features
        layers += [BinaryLinear(features_in, classes), ScalarScale(4 / math.sqrt(features_in))]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes] of flattened images [N, features_in]."""
        return self.layers(x)


def cnv(*, width: int = 64, classes: int = 10) -> BinaryCNN:
    """CNV W1A1 for CIFAR-10: 64-64-pool-128-128-pool-256-256 unpadded, then 512-512-10.

    Args:
        width: channels of the first stage; everything else keeps its ratio to them.
        classes: number of scores.
    """
    narrow, middle, wide = width, 2 * width, 4 * width
    return BinaryCNN(
        image=(32, 32, 3),
        convolutions=(narrow, narrow, "pool", middle, middle, "pool", wide, wide),
        hidden=(8 * width, 8 * width),
        classes=classes,
    )


def digits(*, width: int = 32, classes: int = 10) -> BinaryCNN:
    """A small CNN for scikit-learn's 8x8 digits: 32-pool-64 padded, then 64-10.

    Args:
        width: channels of the first stage; everything else keeps its ratio to them.
        classes: number of scores.
    """
    return BinaryCNN(
        image=(8, 8, 1),
        convolutions=(width, "pool", 2 * width),
        hidden=(2 * width,),
        classes=classes,
        padding=1,
    )


def lfc(*, width: int = 1024, classes: int = 10) -> BinaryMLP:
    """LFC: 784-1024-1024-1024-10, or with hidden layers of another width."""
    return BinaryMLP(784, (width, width, width), classes)


def sfc(*, width: int = 256, classes: int = 10) -> BinaryMLP:
    """SFC: 784-256-256-256-10, or with hidden layers of another width."""
    return BinaryMLP(784, (width, width, width), classes)


def tfc(*, width: int = 64, classes: int = 10) -> BinaryMLP:
    """TFC: 784-64-64-64-10, or with hidden layers of another width."""
    return BinaryMLP(784, (width, width, width), classes)
