"""ReActNet (Liu et al., "ReActNet", ECCV 2020): A, B, C on MobileNet, and 18 on Bi-Real Net-18.

Parameters have the names and shapes of the authors' released PyTorch code. That code has no B and
no C: these follow the paper's figures, see ``MobileBlock``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import (
    ImageNetwork,
    RSign,
    ScaledBinaryConv2d,
    Shift,
    check_multiple,
    pooled_scores,
    resnet_stem,
)

#: Groups of the real pointwise convolutions that widen; 0 where these are binary.
VARIANTS = {"a": 0, "b": 4, "c": 1}
#: Output channels of each block in units of the stem's width, and its stride.
_MOBILE = (
    *((2, 1), (4, 2), (4, 1), (8, 2), (8, 1)),
    *((16, 2), (16, 1), (16, 1), (16, 1), (16, 1), (16, 1)),
    *((32, 2), (32, 1)),
)
_STAGES = {18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}


class ResidualBlock(nn.Module):
    """Bi-Real Net's block with RSign before the convolution and RPReLU behind the addition."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.move0 = RSign(channels_in)
        self.binary_conv = ScaledBinaryConv2d(channels_in, channels_out, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.move1 = Shift(channels_out)
        self.prelu = nn.PReLU(channels_out)
        self.move2 = Shift(channels_out)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.AvgPool2d(2, stride=stride),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.bn1(self.binary_conv(self.move0(x))) + shortcut
        return self.move2(self.prelu(self.move1(y)))


class ReActResNet(ImageNetwork):
    """ReActNet on Bi-Real Net-18 or -34.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        depth: 18 or 34.
        classes: number of scores.
        stem: "imagenet" (7x7 convolution of stride 2, 3x3 max pool) or "cifar" (3x3 convolution).
        width: channels of the first stage; each other has twice as many as the one before.
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the depth or stem is unknown.
    """

    def __init__(
        self,
        depth: int = 18,
        *,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 64,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="ReActNet")
        if depth not in _STAGES:
            raise ModelError(
                f"depth {depth} is unknown", where="ReActNet", fix="choose depth 18 or 34"
            )
        self.conv1, self.maxpool = resnet_stem(image[2], width, stem)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for number, blocks in enumerate(_STAGES[depth]):
            features, stage = width << number, nn.Sequential()
            for index in range(blocks):
                stride = 2 if number and not index else 1
                stage.append(ResidualBlock(channels, features, stride))
                channels = features
            self.add_module(f"layer{number + 1}", stage)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.maxpool(self.bn1(self.conv1(self.prepared(x))))
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return pooled_scores(x, self.fc)


class FirstConvolution(nn.Module):
    """Real 3x3 convolution and BatchNorm."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn1(self.conv1(x))
        return y


class MobileBlock(nn.Module):
    """A 3x3 convolution and a pointwise one, each with RSign, BatchNorm, shortcut and RPReLU.

    A block that widens has two pointwise convolutions on the same bits, each beside the same
    shortcut, and concatenates them. In ReActNet-B and -C one real convolution, of 4 groups or of 1,
    takes the place of both: it reads what RSign would have read, and the shortcut is copied.

    Args:
        channels_in: channels of the input.
        channels_out: as many, or twice as many.
        stride: of the 3x3 convolution; its shortcut is averaged over 2x2 pixels where it is 2.
        real_groups: groups of the real pointwise convolution; 0 for binary ones.
    """

    def __init__(
        self, channels_in: int, channels_out: int, stride: int, *, real_groups: int = 0
    ) -> None:
        super().__init__()
        self.widens = channels_in != channels_out
        self.real = self.widens and real_groups > 0
        self.move11 = RSign(channels_in)
        self.binary_3x3 = ScaledBinaryConv2d(channels_in, channels_in, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels_in)
        self.pooling: nn.Module = nn.Identity() if stride == 1 else nn.AvgPool2d(2, 2)
        self.move12 = Shift(channels_in)
        self.prelu1 = nn.PReLU(channels_in)
        self.move13 = Shift(channels_in)
        if self.real:
            self.real_pw = nn.Conv2d(channels_in, channels_out, 1, groups=real_groups, bias=False)
            self.bn2 = nn.BatchNorm2d(channels_out)
        else:
            self.move21 = RSign(channels_in)
        if not self.widens:
            self.binary_pw = ScaledBinaryConv2d(channels_in, channels_out, kernel=1)
            self.bn2 = nn.BatchNorm2d(channels_out)
        elif not self.real:
            self.binary_pw_down1 = ScaledBinaryConv2d(channels_in, channels_in, kernel=1)
            self.binary_pw_down2 = ScaledBinaryConv2d(channels_in, channels_in, kernel=1)
            self.bn2_1, self.bn2_2 = nn.BatchNorm2d(channels_in), nn.BatchNorm2d(channels_in)
        self.move22 = Shift(channels_out)
        self.prelu2 = nn.PReLU(channels_out)
        self.move23 = Shift(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.binary_3x3(self.move11(x))) + self.pooling(x)
        x = self.move13(self.prelu1(self.move12(x)))
        return self.move23(self.prelu2(self.move22(self._pointwise(x))))

    def _pointwise(self, x: Tensor) -> Tensor:
        """The pointwise convolutions of [N, Cin, H, W] with their shortcuts, [N, Cout, H, W]."""
        if self.real:
            return self.bn2(self.real_pw(x)) + torch.cat([x, x], dim=1)
        bits = self.move21(x)
        if not self.widens:
            return self.bn2(self.binary_pw(bits)) + x
        first = self.bn2_1(self.binary_pw_down1(bits)) + x
        second = self.bn2_2(self.binary_pw_down2(bits)) + x
        return torch.cat([first, second], dim=1)


class ReActMobileNet(ImageNetwork):
    """ReActNet-A, -B or -C: 13 blocks on MobileNet's widths.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        variant: "a", "b" or "c".
        classes: number of scores.
        stem: "imagenet" (3x3 convolution of stride 2) or "cifar" (of stride 1).
        width: channels of the stem, 32 in the paper; the last blocks have 32 times as many. A
            multiple of 4 for "b".
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the variant or stem is unknown, or the width no multiple of the groups.
    """

    def __init__(
        self,
        variant: str = "a",
        *,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 32,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="ReActNet")
        if variant not in VARIANTS:
            raise ModelError(
                f"the variant {variant} is unknown", where="ReActNet", fix="choose a, b or c"
            )
        check_multiple(width, max(1, VARIANTS[variant]), name="ReActNet")
        stride = 2 if stem == "imagenet" else 1
        self.feature = nn.ModuleList([FirstConvolution(image[2], width, stride)])
        channels = width
        for factor, stride in _MOBILE:
            block = MobileBlock(channels, factor * width, stride, real_groups=VARIANTS[variant])
            self.feature.append(block)
            channels = factor * width
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.prepared(x)
        for block in self.feature:
            x = block(x)
        return pooled_scores(x, self.fc)
