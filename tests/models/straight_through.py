"""Bi-Real networks in training-time arithmetic, as code in the wild spells them.

The forward pass computes sign(x) - f(x) + f(x), detached so that gradients flow through f only;
weights are scale * sign(w) - clip(w) + clip(w). Exported as they are, all of it is in the file.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StraightThroughSign(nn.Module):
    """sign(x), with the gradient of a piecewise quadratic."""

    def forward(self, x: Tensor) -> Tensor:
        below, left, right = ((x < edge).type(torch.float32) for edge in (-1, 0, 1))
        rising = (-1) * below + (x * x + 2 * x) * (1 - below)
        falling = rising * left + (-x * x + 2 * x) * (1 - left)
        smooth = falling * right + 1 * (1 - right)
        return torch.sign(x).detach() - smooth.detach() + smooth


class LatentConv(nn.Module):
    """3x3 convolution by scale * sign of latent weights, stored flat."""

    def __init__(self, channels: int, features: int, stride: int) -> None:
        super().__init__()
        self.stride, self.shape = stride, (features, channels, 3, 3)
        self.weights = nn.Parameter(torch.randn(features * channels * 9, 1) * 0.3)

    def forward(self, x: Tensor) -> Tensor:
        real = self.weights.view(self.shape)
        scale = abs(real)
        for axis in (3, 2, 1):
            scale = torch.mean(scale, dim=axis, keepdim=True)
        signs = scale.detach() * torch.sign(real)
        clipped = torch.clamp(real, -1.0, 1.0)
        binary = signs.detach() - clipped.detach() + clipped
        return F.conv2d(x, binary, stride=self.stride, padding=1)


class Block(nn.Module):
    """Sign, convolution and BatchNorm beside a shortcut."""

    def __init__(self, channels: int, features: int, stride: int) -> None:
        super().__init__()
        self.sign = StraightThroughSign()
        self.conv = LatentConv(channels, features, stride)
        self.norm = nn.BatchNorm2d(features)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != features:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2, stride=stride),
                nn.Conv2d(channels, features, 1, bias=False),
                nn.BatchNorm2d(features),
            )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.conv(self.sign(x))) + self.shortcut(x)
        return result


class StraightThroughNet(nn.Module):
    """A Bi-Real network on normalised float images [N, 3, H, W].

    Args:
        blocks: blocks of each stage; the widths double from stage to stage.
        width: channels of the first stage.
        classes: number of scores.
    """

    def __init__(self, blocks: tuple[int, ...] = (1, 2), width: int = 8, classes: int = 5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages: list[nn.Module] = []
        channels = width
        for stage, count in enumerate(blocks):
            features = width << stage
            for index in range(count):
                stages.append(Block(channels, features, 2 if stage and not index else 1))
                channels = features
        self.stages = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.maxpool(self.bn1(self.conv1(x))))
        x = self.avgpool(x)
        scores: Tensor = self.fc(x.view(x.size(0), -1))
        return scores


def trained_looking(model: nn.Module, seed: int = 1) -> nn.Module:
    """The model in evaluation mode, its BatchNorms random, with gains of both signs."""
    torch.manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 0.7, 0.5)
            nn.init.normal_(layer.bias, std=0.3)
            nn.init.normal_(layer.running_mean, std=0.5)
            layer.running_var.uniform_(0.5, 3)
    return model.eval()


class ShiftedBlock(nn.Module):
    """Learned shifts before the sign and around a PReLU, as ReActNet has them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shifts = nn.ParameterList(
            [nn.Parameter(torch.randn(1, channels, 1, 1) * 0.3) for _ in range(3)]
        )
        self.sign, self.conv = StraightThroughSign(), LatentConv(channels, channels, 1)
        self.norm, self.prelu = nn.BatchNorm2d(channels), nn.PReLU(channels)
        nn.init.normal_(self.prelu.weight, 0.25, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        before, inner, outer = (shift.expand_as(x) for shift in self.shifts)
        y = self.norm(self.conv(self.sign(x + before))) + x
        result: Tensor = self.prelu(y + inner) + outer
        return result
