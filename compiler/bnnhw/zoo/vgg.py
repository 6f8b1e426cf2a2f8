"""Binarised VGG: VGG-11, -13, -16 and -19, and VGG-small of small images.

Topologies of Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015, and of Cai et
al., "Deep Learning with Low Precision by Half-wave Gaussian Quantization", CVPR 2017 (VGG-small).
The first convolution and the last layer are real, and all others binary, as in XNOR-Net.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import ImageNetwork, ScaledBinaryConv2d
from bnnhw.zoo.layers import BinaryActivation, BinaryLinear

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Convolutions of each stage, in units of the width: a 2x2 max pool ends a stage.
_TOPOLOGIES: dict[str, Sequence[Sequence[int]]] = {
    "11": ((1,), (2,), (4, 4), (8, 8), (8, 8)),
    "13": ((1, 1), (2, 2), (4, 4), (8, 8), (8, 8)),
    "16": ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8)),
    "19": ((1, 1), (2, 2), (4, 4, 4, 4), (8, 8, 8, 8), (8, 8, 8, 8)),
    "small": ((1, 1), (2, 2), (4, 4)),
}


class VGG(ImageNetwork):
    """Convolution, max pool where a stage ends, BatchNorm and sign, again and again.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        topology: "11", "13", "16", "19" or "small".
        classes: number of scores.
        stem: "imagenet" or "cifar"; decides how pixels are normalised, and where it is "imagenet",
            two binary layers 64 times as wide as the first stage precede the classifier (but in
            "small").
        width: channels of the first stage: 64, or 128 in "small".
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the topology is unknown.
    """

    def __init__(
        self,
        topology: str,
        *,
        classes: int = 10,
        stem: str = "cifar",
        width: int = 64,
        image: tuple[int, int, int] = (32, 32, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="VGG")
        if topology not in _TOPOLOGIES:
            raise ModelError(
                f"the topology {topology} is unknown",
                where="VGG",
                fix=f"choose {', '.join(_TOPOLOGIES)}",
            )
        layers, channels = nn.Sequential(), image[2]
        for stage in _TOPOLOGIES[topology]:
            for index, factor in enumerate(stage, 1):
                layers.append(_convolution(channels, factor * width, first=not len(layers)))
                channels = factor * width
                if index == len(stage):
                    layers.append(nn.MaxPool2d(2))
                layers.extend((nn.BatchNorm2d(channels), BinaryActivation(gradient="clipped")))
        shrunk = 1 << len(_TOPOLOGIES[topology])
        features = channels * (image[0] // shrunk) * (image[1] // shrunk)
        layers.append(nn.Flatten())
        if stem == "imagenet" and topology != "small":
            for _ in range(2):
                layers.append(BinaryLinear(features, 64 * width))
                features = 64 * width
                layers.extend((nn.BatchNorm1d(features), BinaryActivation(gradient="clipped")))
        self.layers = layers
        self.classifier = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        scores: Tensor = self.classifier(self.layers(self.prepared(x)))
        return scores


def _convolution(channels_in: int, channels_out: int, *, first: bool) -> nn.Module:
    if first:
        return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return ScaledBinaryConv2d(channels_in, channels_out)
