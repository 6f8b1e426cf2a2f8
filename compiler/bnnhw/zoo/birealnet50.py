"""Bi-Real Net-50 (Liu et al., "Bi-Real Net", IJCV 2020): bottlenecks with two streams.

Parameters have the names and shapes of the authors' released PyTorch code.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.zoo.blocks import (
    ImageNetwork,
    ScaledBinaryConv2d,
    check_multiple,
    pooled_scores,
    resnet_stem,
)
from bnnhw.zoo.layers import BinaryActivation

_BLOCKS = (3, 4, 6, 3)
_EXPANSION = 4


class LeakyClip(nn.Module):
    """x in [-1, 1], and a tenth of its slope outside; continuous."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.9 * F.hardtanh(x) + 0.1 * x


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, each beside a shortcut of the stream as wide as its result.

    Args:
        channels_in: of the wide stream.
        channels_out: of the wide stream's result; the narrow one has a quarter.
        stride: of the 3x3 convolution.
        first: whether this is the network's first, whose first convolution is real.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, *, first: bool) -> None:
        super().__init__()
        middle = channels_out // _EXPANSION
        self.first = first
        self.binary_activation = BinaryActivation()
        self.leaky_clip = LeakyClip()
        if first:
            self.conv1: nn.Module = nn.Conv2d(channels_in, middle, 1, bias=False)
        else:
            self.conv1 = ScaledBinaryConv2d(channels_in, middle, kernel=1)
        self.conv2 = ScaledBinaryConv2d(middle, middle, stride=stride)
        self.conv3 = ScaledBinaryConv2d(middle, channels_out, kernel=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(middle), nn.BatchNorm2d(middle)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.pooling: nn.Module = nn.Identity() if stride == 1 else nn.AvgPool2d(2, 2)
        self.down_conv1x1: nn.Module = nn.Identity()
        self.downsample: nn.Module = nn.Identity()
        if channels_in != channels_out:
            # The first block has the weights of down_conv1x1 too, and does not use them.
            self.down_conv1x1 = nn.Conv2d(channels_in // _EXPANSION, middle, 1, bias=False)
            self.downsample = nn.Sequential(
                nn.AvgPool2d(stride, stride),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, streams: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Narrow and wide stream behind the block."""
        narrow, wide = streams
        if self.first:
            x: Tensor = self.bn1(self.conv1(self.leaky_clip(wide)))
        else:
            x = self.bn1(self.conv1(self.binary_activation(wide))) + self.down_conv1x1(narrow)
        x = self.bn2(self.conv2(self.binary_activation(x))) + self.pooling(x)
        y = self.bn3(self.conv3(self.binary_activation(x))) + self.downsample(wide)
        return x, y


class BiRealNet50(ImageNetwork):
    """Bi-Real Net-50; takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        classes: number of scores.
        stem: "imagenet" (7x7 convolution of stride 2, 3x3 max pool) or "cifar" (3x3 convolution).
        width: channels of the stem; stages have 4, 8, 16 and 32 times as many. A multiple of 4.
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the stem is unknown, or the width no multiple of 4.
    """

    def __init__(
        self,
        *,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 64,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="Bi-Real Net-50")
        check_multiple(width, _EXPANSION, name="Bi-Real Net-50")
        self.conv1, self.maxpool = resnet_stem(image[2], width, stem)
        self.bn1 = nn.BatchNorm2d(width)
        self.layers, channels = nn.ModuleList(), width
        for number, blocks in enumerate(_BLOCKS):
            features = _EXPANSION * width << number
            for index in range(blocks):
                stride = 2 if number and not index else 1
                first = not len(self.layers)
                self.layers.append(Bottleneck(channels, features, stride, first=first))
                channels = features
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.maxpool(self.bn1(self.conv1(self.prepared(x))))
        streams = (x, x)
        for block in self.layers:
            streams = block(streams)
        return pooled_scores(streams[1], self.fc)
