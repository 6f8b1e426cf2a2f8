"""XNOR-Net (Rastegari et al., "XNOR-Net", ECCV 2016): ResNet-18 and AlexNet, with and without K.

K is, for each output pixel, the mean of |input| over channels and window; the binary convolution is
multiplied by it. The authors' released code leaves it out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import ImageNetwork, check_multiple, pooled_scores, resnet_stem
from bnnhw.zoo.layers import BinaryActivation, weight_sign


class XnorConv2d(nn.Module):
    """BatchNorm, sign, and a convolution with weights alpha_c * {-1, +1}, [N, C, H, W] likewise.

    The gradient of the sign passes where |x| <= 1; that of a weight is the one of its estimate
    times 1/n + alpha_c * 1(|w| <= 1), n weights a channel (section 3.1 of the paper).

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        kernel: height and width.
        stride: of both axes.
        padding: zeros on each side.
        with_k: whether the result is multiplied by K.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        with_k: bool = False,
    ) -> None:
        super().__init__()
        self.window = (kernel, stride, padding)
        self.with_k = with_k
        self.bn = nn.BatchNorm2d(channels_in)
        self.sign = BinaryActivation(gradient="clipped")
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(x)
        _, stride, padding = self.window
        y = F.conv2d(self.sign(x), self.binary_weight(), None, stride, padding)
        if not self.with_k:
            return y
        kernel, stride, padding = self.window
        return y * F.avg_pool2d(x.abs().mean(dim=1, keepdim=True), kernel, stride, padding)

    def binary_weight(self) -> Tensor:
        """alpha_c * {-1, +1}, [Cout, Cin, kernel, kernel]."""
        weight = self.conv.weight
        alpha = weight.detach().abs().mean(dim=(1, 2, 3), keepdim=True)
        if not self.training:
            return weight_sign(weight, training=False) * alpha
        estimate = weight_sign(weight.clamp(-1, 1), training=True) * alpha
        return estimate + (weight - weight.detach()) / weight[0].numel()


class XnorBlock(nn.Module):
    """Two binary 3x3 convolutions beside a shortcut, real and pointwise where the size changes."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, *, with_k: bool) -> None:
        super().__init__()
        self.conv1 = XnorConv2d(
            channels_in, channels_out, 3, stride=stride, padding=1, with_k=with_k
        )
        self.conv2 = XnorConv2d(channels_out, channels_out, 3, padding=1, with_k=with_k)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x)) + self.downsample(x)


class XnorResNet(ImageNetwork):
    """XNOR-Net's ResNet-18, in the order BatchNorm, sign, convolution.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        with_k: whether binary convolutions are multiplied by K.
        classes: number of scores.
        stem: "imagenet" (7x7 convolution of stride 2, 3x3 max pool) or "cifar" (3x3 convolution).
        width: channels of the first stage; each other has twice as many as the one before.
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.
    """

    def __init__(
        self,
        *,
        with_k: bool = False,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 64,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="XNOR-Net")
        self.conv1, self.maxpool = resnet_stem(image[2], width, stem)
        self.bn1 = nn.BatchNorm2d(width)
        channels, layers = width, nn.Sequential()
        for number in range(4):
            for index in range(2):
                stride = 2 if number and not index else 1
                layers.append(XnorBlock(channels, width << number, stride, with_k=with_k))
                channels = width << number
        self.layers = layers
        self.bn2 = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(self.prepared(x)))))
        return pooled_scores(F.relu(self.bn2(self.layers(x))), self.fc)


class XnorAlexNet(ImageNetwork):
    """XNOR-Net's AlexNet: fully connected layers are convolutions over the whole image.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        with_k: whether binary convolutions are multiplied by K.
        classes: number of scores.
        stem: "imagenet" (11x11 convolution of stride 4) or "cifar" (3x3 convolution).
        width: channels of the first layer, a multiple of 3; 96 in the paper. The others are 8/3, 4,
            4, 8/3, 128/3 and 128/3 times as wide.
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the width is no multiple of 3, or the image too small for three pools.
    """

    def __init__(
        self,
        *,
        with_k: bool = False,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 96,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="XNOR-AlexNet")
        check_multiple(width, 3, name="XNOR-AlexNet")
        narrow, middle, wide = width * 8 // 3, width * 4, width * 128 // 3
        size = (image[0] + 4 - 11) // 4 + 1 if stem == "imagenet" else image[0]
        for _ in range(3):
            size = (size - 3) // 2 + 1
        if size < 1 or image[0] != image[1]:
            raise ModelError(
                f"images of {image[0]}x{image[1]} do not fit",
                where="XNOR-AlexNet",
                fix="take square ones of 32 or 224 pixels",
            )
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(image[2], width, 11, stride=4, padding=2)
        else:
            self.conv1 = nn.Conv2d(image[2], width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.features = nn.Sequential(
            nn.MaxPool2d(3, 2),
            XnorConv2d(width, narrow, 5, padding=2, with_k=with_k),
            nn.MaxPool2d(3, 2),
            XnorConv2d(narrow, middle, 3, padding=1, with_k=with_k),
            XnorConv2d(middle, middle, 3, padding=1, with_k=with_k),
            XnorConv2d(middle, narrow, 3, padding=1, with_k=with_k),
            nn.MaxPool2d(3, 2),
            XnorConv2d(narrow, wide, size, with_k=with_k),
            XnorConv2d(wide, wide, 1, with_k=with_k),
        )
        self.bn2 = nn.BatchNorm2d(wide)
        self.fc = nn.Linear(wide, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.features(F.relu(self.bn1(self.conv1(self.prepared(x)))))
        scores: Tensor = self.fc(torch.flatten(F.relu(self.bn2(x)), 1))
        return scores
