"""FTBNN (Su et al., "FTBNN: Rethinking Non-linearity for 1-bit CNNs and Going Beyond", 2020).

The baseline is Bi-Real Net with an FPReLU behind each BatchNorm. Networks derived from it have a
lighter stem, shortcuts without parameters, which copy and concatenate, and groups of channels.

The stem, the windows of the shortcuts and the widths follow from the figures of Table 4's row of 18
layers and one group; the authors' code could not be compared. What they give for other rows is not
checked against the table, nor is how 44 layers spread over the stages, nor the second budget.
"""

from __future__ import annotations

from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import (
    CopyConcat,
    FPReLU,
    ImageNetwork,
    ScaledBinaryConv2d,
    check_multiple,
    pooled_scores,
    resnet_stem,
)
from bnnhw.zoo.layers import BinaryActivation

_STAGES = {18: (4, 4, 4, 4), 34: (6, 8, 12, 6), 44: (8, 12, 14, 8)}


class FTBlock(nn.Module):
    """Sign, binary 3x3 convolution, BatchNorm and FPReLU, beside a shortcut.

    Args:
        channels_in: channels of the input.
        channels_out: as many, or twice as many.
        stride: of the convolution.
        groups: of the convolution.
        copies: whether a shortcut that widens copies channels, or is a real 1x1 convolution.
        unipolar: whether the sign gives {0, 1}, as it does behind ReLU, which is then the
            non-linearity in place of FPReLU.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: int,
        *,
        groups: int = 1,
        copies: bool = True,
        unipolar: bool = False,
    ) -> None:
        super().__init__()
        self.sign = BinaryActivation(unipolar=unipolar)
        self.conv = ScaledBinaryConv2d(channels_in, channels_out, stride=stride, groups=groups)
        self.bn = nn.BatchNorm2d(channels_out)
        self.activation: nn.Module = nn.ReLU() if unipolar else FPReLU(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if copies and (stride != 1 or channels_in != channels_out):
            self.shortcut = CopyConcat(channels_out // channels_in, kernel=3, stride=stride)
        elif stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2, stride=stride),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.bn(self.conv(self.sign(x)))) + self.shortcut(x)


class FTBNN(ImageNetwork):
    """FTBNN, the baseline or a derived network.

    Takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        depth: 18, 34 or 44.
        groups: of all binary convolutions; of a derived network.
        derived: whether the stem is a real 3x3 convolution and two binary ones and shortcuts copy;
            else it is Bi-Real Net's stem, and shortcuts that widen are real convolutions.
        unipolar: whether ReLU takes FPReLU's place, and signs give {0, 1}.
        classes: number of scores.
        stem: "imagenet" (shrinks images by 4) or "cifar" (keeps their size).
        width: channels of the first stage; each other has twice as many as the one before. A
            multiple of twice the groups for a derived network, whose stem has half as many.
        image: height, width and channels of the input.
        normalise: whether the input is uint8 images, normalised by the network.

    Raises:
        ModelError: the depth or stem is unknown, or the width does not divide.
    """

    def __init__(
        self,
        depth: int = 18,
        *,
        groups: int = 1,
        derived: bool = False,
        unipolar: bool = False,
        classes: int = 1000,
        stem: str = "imagenet",
        width: int = 64,
        image: tuple[int, int, int] = (224, 224, 3),
        normalise: bool = False,
    ) -> None:
        super().__init__(image, stem=stem, normalise=normalise, name="FTBNN")
        if depth not in _STAGES:
            raise ModelError(
                f"depth {depth} is unknown", where="FTBNN", fix="choose depth 18, 34 or 44"
            )
        if derived:
            check_multiple(width, 2 * groups, name=f"FTBNN of {groups} groups")
            self.stem: nn.Module = _light_stem(image[2], width, stem, groups, unipolar=unipolar)
        else:
            conv, pool = resnet_stem(image[2], width, stem)
            self.stem = nn.Sequential(conv, nn.BatchNorm2d(width), pool)
        self.layers = nn.Sequential()
        channels = width
        for number, blocks in enumerate(_STAGES[depth]):
            for index in range(blocks):
                block = FTBlock(
                    channels,
                    width << number,
                    2 if number and not index else 1,
                    groups=groups,
                    copies=derived,
                    unipolar=unipolar,
                )
                self.layers.append(block)
                channels = width << number
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        return pooled_scores(self.layers(self.stem(self.prepared(x))), self.fc)


def _light_stem(
    channels: int, width: int, stem: str, groups: int, *, unipolar: bool
) -> nn.Sequential:
    """A real and two binary 3x3 convolutions, the last twice as wide, without shortcuts."""
    narrow, stride = width // 2, 2 if stem == "imagenet" else 1
    layers = nn.Sequential(
        nn.Conv2d(channels, narrow, 3, stride, padding=1, bias=False), nn.BatchNorm2d(narrow)
    )
    for features, step in ((narrow, 1), (width, stride)):
        layers.append(nn.ReLU() if unipolar else FPReLU(narrow))
        layers.append(BinaryActivation(unipolar=unipolar))
        layers.append(ScaledBinaryConv2d(narrow, features, stride=step, groups=groups))
        layers.append(nn.BatchNorm2d(features))
    return layers
