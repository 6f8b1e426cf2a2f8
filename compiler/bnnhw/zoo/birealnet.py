"""Bi-Real Net-18 and -34 (Liu et al., "Bi-Real Net", ECCV 2018), for ImageNet and small images.

A third, of depth 8, has three stages of two blocks. Parameters have the names and shapes of the
authors' released PyTorch code, so that their checkpoints load: ``layer1.0.binary_conv.weights`` is
flat, [Cout*Cin*3*3, 1].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.blocks import ImageNetwork, ScaledBinaryConv2d, resnet_stem
from bnnhw.zoo.layers import BinaryActivation

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAGES = {8: (2, 2, 2), 18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}
_CHECKPOINT_PREFIX = "module."


class BiRealBlock(nn.Module):
    """Sign, binary 3x3 convolution and BatchNorm, beside a real-valued shortcut."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.binary_activation = BinaryActivation()
        self.binary_conv: nn.Module = ScaledBinaryConv2d(channels_in, channels_out, stride=stride)
        self.bn1: nn.Module = nn.BatchNorm2d(channels_out)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.AvgPool2d(2, stride=stride),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )
        self.round: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = x if self.downsample is None else self.round(self.downsample(x))
        y: Tensor = self.round(self.bn1(self.binary_conv(self.binary_activation(x))))
        return self.round(y + shortcut)


class BiRealNet(ImageNetwork):
    """A Bi-Real Net that takes uint8 images [N, H, W, 3], or normalised floats [N, 3, H, W].

    Args:
        depth: 8, 18 or 34.
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
        super().__init__(image, stem=stem, normalise=normalise, name="Bi-Real Net")
        if depth not in _STAGES:
            raise ModelError(
                f"depth {depth} is unknown", where="Bi-Real Net", fix="choose depth 8, 18 or 34"
            )
        conv, self.maxpool = resnet_stem(image[2], width, stem)
        self.conv1: nn.Module = conv
        self.bn1: nn.Module = nn.BatchNorm2d(width)
        self.stages: list[str] = []
        channels = width
        for number, blocks in enumerate(_STAGES[depth]):
            features = width << number
            self.stages.append(f"layer{number + 1}")
            stage = _stage(channels, features, blocks, stride=2 if number else 1)
            self.add_module(self.stages[-1], stage)
            channels = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)
        self.round: nn.Module = nn.Identity()
        self.round_scores: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.maxpool(self.round(self.bn1(self.conv1(self.prepared(x)))))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        scores: Tensor = self.round_scores(self.fc(self.avgpool(x).flatten(1)))
        return scores


def _stage(channels: int, features: int, blocks: int, *, stride: int) -> nn.Sequential:
    first = BiRealBlock(channels, features, stride)
    return nn.Sequential(first, *(BiRealBlock(features, features, 1) for _ in range(1, blocks)))


def checkpoint_parameters(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters in a checkpoint of the authors' code or of ``bnnhw zoo train``.

    Takes the state itself or a mapping that holds it as ``state_dict`` or ``model``; drops the
    prefix ``module.`` of data-parallel training.
    """
    state = checkpoint.get("state_dict", checkpoint.get("model", checkpoint))
    return {name.removeprefix(_CHECKPOINT_PREFIX): value for name, value in state.items()}
