"""Bi-Real Net-18 and -34 (Liu et al., "Bi-Real Net", ECCV 2018), for ImageNet and small images.

A third, of depth 8, has three stages of two blocks. Parameters have the names and shapes of the
authors' released PyTorch code, so that their checkpoints load: ``layer1.0.binary_conv.weights`` is
flat, [Cout*Cin*3*3, 1].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.layers import BinaryActivation, ImageNormaliser, weight_sign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Mean and standard deviation of ImageNet's pixels, as torchvision's recipes have them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_STAGES = {8: (2, 2, 2), 18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}
_CHECKPOINT_PREFIX = "module."


class ScaledBinaryConv2d(nn.Module):
    """3x3 convolution, padding 1, with weights alpha_c * {-1, +1}; alpha_c is the mean of |w|.

    Weights' gradients pass where |w| <= 1 and are clipped elsewhere; alpha_c gets none.
    """

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.shape = (channels_out, channels_in, 3, 3)
        taps = channels_in * 9
        self.weights = nn.Parameter((torch.rand(channels_out * taps, 1) * 2 - 1) / taps**0.5)

    def alpha(self) -> Tensor:
        """The scale of each output channel, [Cout]."""
        return self.weights.detach().view(self.shape).abs().mean(dim=(1, 2, 3))

    def forward(self, x: Tensor) -> Tensor:
        weight, scale = self.weights.view(self.shape), self.alpha()
        signs = weight_sign(weight.clamp(-1, 1), training=self.training)
        if torch.onnx.is_in_onnx_export() or not self.training:
            return F.conv2d(x, signs * scale[:, None, None, None], None, self.stride, 1)
        # The scale behind the sum: signs are exact in bfloat16.
        return F.conv2d(x, signs, None, self.stride, 1) * scale[:, None, None]


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


class BiRealNet(nn.Module):
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
        super().__init__()
        if depth not in _STAGES or stem not in ("imagenet", "cifar"):
            raise ModelError(
                f"depth {depth} with the {stem} stem is unknown",
                where="Bi-Real Net",
                fix="choose depth 8, 18 or 34 and the stem imagenet or cifar",
            )
        self.image = image
        self.normalise = ImageNormaliser(*_normalisation(stem)) if normalise else None
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(image[2], width, 7, stride=2, padding=3, bias=False)
            self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1)
        else:
            self.conv1 = nn.Conv2d(image[2], width, 3, padding=1, bias=False)
            self.maxpool = nn.Identity()
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
        if self.normalise is not None:
            x = self.normalise(x)
        x = self.maxpool(self.round(self.bn1(self.conv1(x))))
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


def _normalisation(stem: str) -> tuple[Sequence[float], Sequence[float]]:
    if stem == "imagenet":
        return [255 * m for m in IMAGENET_MEAN], [255 * s for s in IMAGENET_STD]
    return [128.0], [128.0]
