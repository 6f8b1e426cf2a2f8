"""FracBNN's ResNet-20 for CIFAR-10 (Zhang et al., "FracBNN", FPGA 2021).

Images become bits by a thermometer code, activations have two bits, of which the second counts only
where the first one's sum exceeds a threshold. Parameters have the names and shapes of the authors'
released PyTorch code.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.zoo.blocks import CopyConcat, ImageNetwork, RPReLU, pooled_scores
from bnnhw.zoo.layers import BinaryActivation, weight_sign

_PIXELS = 256
_STEP = 8
_LEVELS = _PIXELS // _STEP
_BLOCKS = 3
_WEIGHT_CLIP = 1.3
_GATE_SLOPE = 5.0


class Thermometer(nn.Module):
    """uint8 pixels [N, H, W, C] as bits [N, 32*C, H, W] in {-1, +1}.

    Bit i of a pixel p, channel 32*c + i, is +1 where round(p / 8) > i, halves to even.
    """

    levels: Tensor

    def __init__(self) -> None:
        super().__init__()
        levels = torch.arange(_LEVELS, dtype=torch.float32)
        # round(p / 8) > i is p > 8i + 4 for even i, where the half rounds down, and >= for odd i.
        bounds = _STEP * levels + _STEP / 2 - 0.5 * (levels % 2)
        self.register_buffer("levels", bounds.reshape(-1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.float().permute(0, 3, 1, 2).unsqueeze(2)
        return torch.where(pixels > self.levels, 1.0, -1.0).flatten(1, 2)


class _TwoBits(torch.autograd.Function):
    """The nearest of -1, -1/3, 1/3 and 1 forward; the gradient passes where |x| < 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return two_bits(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x.abs() < 1)


def two_bits(x: Tensor) -> Tensor:
    """The nearest of -1, -1/3, 1/3 and 1 to each element."""
    return ((x.clamp(-1, 1) + 1) * 1.5).round() * (2 / 3) - 1


class BinaryConv2d(nn.Conv2d):
    """Convolution with weights in {-1, +1}, whose gradients pass where |w| <= 1.3."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, 3, stride, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.signs(), None, self.stride, self.padding)

    def signs(self) -> Tensor:
        """The weights as {-1, +1}, [Cout, Cin, 3, 3]."""
        weight = self.weight.clamp(-_WEIGHT_CLIP, _WEIGHT_CLIP)
        return weight_sign(weight, training=self.training)


class GatedConv2d(BinaryConv2d):
    """Convolution of two-bit activations with precision gating.

    The sum of the high bits, times 2/3, stands where it does not exceed ``threshold`` (one per
    output channel, [1, Cout, 1, 1]); elsewhere the sum of both bits does.
    """

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, stride=stride)
        self.high_bit = BinaryActivation(gradient="clipped")
        self.threshold = nn.Parameter(torch.full((1, channels_out, 1, 1), -1.0))

    def forward(self, x: Tensor) -> Tensor:
        high = super().forward(self.high_bit(x)) * (2 / 3)
        full = super().forward(x)
        if not self.training:
            return torch.where(high > self.threshold, full, high)
        soft = torch.sigmoid(_GATE_SLOPE * (high - self.threshold))
        hard = (soft > 0.5).to(soft.dtype)
        gate = hard + (soft - soft.detach()) * hard
        return (1 - gate) * high + gate * full


class FracBlock(nn.Module):
    """Two gated convolutions, each with BatchNorm, RPReLU, shortcut and a BatchNorm behind."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.rprelu1, self.rprelu2 = RPReLU(channels_out), RPReLU(channels_out)
        self.conv1 = GatedConv2d(channels_in, channels_out, stride=stride)
        self.conv2 = GatedConv2d(channels_out, channels_out)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels_out), nn.BatchNorm2d(channels_out)
        self.bn3, self.bn4 = nn.BatchNorm2d(channels_out), nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = CopyConcat(channels_out // channels_in)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rprelu1(self.bn1(self.conv1(self._quantised(x)))) + self.shortcut(x)
        y = self.bn3(y)
        y = self.rprelu2(self.bn2(self.conv2(self._quantised(y)))) + y
        return self.bn4(y)

    def _quantised(self, x: Tensor) -> Tensor:
        return _TwoBits.apply(x) if self.training else two_bits(x)


class FracBNN(ImageNetwork):
    """FracBNN's ResNet-20; takes uint8 images [N, H, W, 3].

    Args:
        classes: number of scores.
        stem: "cifar", or "imagenet" for a first convolution of stride 2 and a 3x3 max pool.
        width: channels of the first stage; the other two have 2 and 4 times as many.
        image: height, width and channels of the input.
    """

    no_parameters = ("encoder.placeholder",)

    def __init__(
        self,
        *,
        classes: int = 10,
        stem: str = "cifar",
        width: int = 16,
        image: tuple[int, int, int] = (32, 32, 3),
    ) -> None:
        super().__init__(image, stem=stem, normalise=True, name="FracBNN")
        shrinks = stem == "imagenet"
        self.normalise = Thermometer()
        self.conv1 = BinaryConv2d(_LEVELS * image[2], width, stride=2 if shrinks else 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool: nn.Module = nn.MaxPool2d(3, 2, padding=1) if shrinks else nn.Identity()
        channels = width
        for number in range(3):
            stage = nn.Sequential()
            for index in range(_BLOCKS):
                stride = 2 if number and not index else 1
                stage.append(FracBlock(channels, width << number, stride))
                channels = width << number
            self.add_module(f"layer{number + 1}", stage)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [N, classes]."""
        x = self.maxpool(self.bn1(self.conv1(self.prepared(x))))
        for number in range(1, 4):
            x = self.get_submodule(f"layer{number}")(x)
        return pooled_scores(x, self.linear)
