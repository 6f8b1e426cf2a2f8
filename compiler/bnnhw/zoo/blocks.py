"""What the residual networks of several papers are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.layers import BinaryActivation, ImageNormaliser, weight_sign

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Mean and standard deviation of ImageNet's pixels, as torchvision's recipes have them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STEMS = ("imagenet", "cifar")
_TINY = 2.0**-20
"""Slope in place of 0 where something is divided by it."""


class ImageNetwork(nn.Module):
    """A network with real layers that takes images.

    Args:
        image: height, width and channels of its input.
        stem: "imagenet" or "cifar"; decides how pixels are normalised.
        normalise: whether the input is uint8 images [N, H, W, C], normalised by the network, or
            normalised floats [N, C, H, W].
        name: of the network, for errors.

    Raises:
        ModelError: the stem is unknown.
    """

    #: Names in checkpoints of the authors that hold no parameters.
    no_parameters: tuple[str, ...] = ()

    def __init__(
        self, image: tuple[int, int, int], *, stem: str, normalise: bool, name: str
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ModelError(
                f"the stem {stem} is unknown", where=name, fix=f"choose {' or '.join(STEMS)}"
            )
        self.image = image
        self.normalise: nn.Module | None = None
        if normalise:
            self.normalise = ImageNormaliser(*_normalisation(stem))

    def prepared(self, x: Tensor) -> Tensor:
        """Normalised floats [N, C, H, W] of the network's input."""
        prepared: Tensor = x if self.normalise is None else self.normalise(x)
        return prepared


class ScaledBinaryConv2d(nn.Module):
    """Convolution with weights alpha_c * {-1, +1}; alpha_c is the mean of |w|.

    Weights' gradients pass where |w| <= 1, times alpha_c, and are clipped elsewhere; alpha_c gets
    none: the magnitude-aware gradient of Liu et al., "Bi-Real Net", ECCV 2018. The parameter is
    ``weights``, [Cout*Cin/groups*kernel*kernel, 1]; a checkpoint may have ``weight`` instead,
    [Cout, Cin/groups, kernel, kernel]: the authors' code knows both.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        kernel: height and width; padding keeps the size.
        stride: of both axes.
        groups: of channels, each convolved by itself.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride, self.groups, self.padding = stride, groups, kernel // 2
        self.shape = (channels_out, channels_in // groups, kernel, kernel)
        taps = channels_in // groups * kernel * kernel
        self.weights = nn.Parameter((torch.rand(channels_out * taps, 1) * 2 - 1) / taps**0.5)

    def latent(self) -> Tensor:
        """The weights as they are trained, [Cout, Cin/groups, kernel, kernel]."""
        return self.weights.view(self.shape)

    def alpha(self) -> Tensor:
        """The scale of each output channel, [Cout]."""
        return self.latent().detach().abs().mean(dim=(1, 2, 3))

    def forward(self, x: Tensor) -> Tensor:
        weight, scale = self.latent(), self.alpha()
        signs = weight_sign(weight.clamp(-1, 1), training=self.training)
        if torch.onnx.is_in_onnx_export() or not self.training:
            return self._convolved(x, signs * scale[:, None, None, None])
        # The scale behind the sum: signs are exact in bfloat16.
        return self._convolved(x, signs) * scale[:, None, None]

    def _convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(x, weight, None, self.stride, self.padding, groups=self.groups)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        shaped = state.get(f"{prefix}weight")
        if shaped is not None and tuple(shaped.shape) == self.shape:
            state[f"{prefix}weights"] = state.pop(f"{prefix}weight").reshape(-1, 1)
        super()._load_from_state_dict(state, prefix, *rest)


class Shift(nn.Module):
    """x + bias, per channel; ``bias`` is [1, channels, 1, 1]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class RSign(Shift):
    """sign(x + bias) as {-1, +1}, per channel: RSign of Liu et al., "ReActNet", ECCV 2020.

    The bias is minus the threshold; the gradient is that of Bi-Real Net.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.sign = BinaryActivation()

    def forward(self, x: Tensor) -> Tensor:
        return self.sign(super().forward(x))


class RPReLU(nn.Module):
    """PReLU between two shifts: RPReLU of Liu et al., "ReActNet", ECCV 2020.

    Its parameters are ``shift_x.bias`` and ``shift_y.bias``, [1, channels, 1, 1], and
    ``prelu.weight``, [channels].
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift_x, self.shift_y = Shift(channels), Shift(channels)
        self.prelu = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.shift_y(self.prelu(self.shift_x(x)))


class FPReLU(nn.Module):
    """right * x where x > 0, else left * x, both per channel and trained.

    The fully trainable PReLU of Su et al., "FTBNN", 2020. It begins as PReLU does: 1 and 0.25. In
    evaluation and in exports it is a PReLU of slope left / right, times right.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.right = nn.Parameter(torch.ones(channels))
        self.left = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return torch.where(x > 0, self.right[:, None, None], self.left[:, None, None]) * x
        right = torch.where(self.right == 0, _TINY, self.right)
        return F.prelu(x, self.left / right) * right[:, None, None]


class CopyConcat(nn.Module):
    """Shortcut without parameters: averages over windows of stride 2, then copies channels.

    [N, C, H, W] becomes [N, copies*C, H/2, W/2], channel c as c, C+c and so on.

    Args:
        copies: how often each channel appears.
        kernel: of the average: 2, or 3 with a border of zeros that counts.
        stride: 1 leaves the size.
    """

    def __init__(self, copies: int = 2, *, kernel: int = 2, stride: int = 2) -> None:
        super().__init__()
        self.copies = copies
        self.pool: nn.Module = nn.Identity()
        if stride != 1:
            self.pool = nn.AvgPool2d(kernel, stride, padding=(kernel - 1) // 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.pool(x)] * self.copies, dim=1)


def check_multiple(width: int, of: int, *, name: str) -> None:
    """Raises ModelError where ``width`` is no multiple of ``of``."""
    if width % of:
        raise ModelError(
            f"a width of {width} does not divide", where=name, fix=f"choose a multiple of {of}"
        )


def resnet_stem(channels: int, width: int, stem: str) -> tuple[nn.Conv2d, nn.Module]:
    """First convolution, and what comes behind its BatchNorm, of a residual network.

    Args:
        channels: of the image.
        width: channels of the output.
        stem: "imagenet" for 7x7 of stride 2 and 3x3 max pool of stride 2, "cifar" for 3x3.
    """
    if stem == "imagenet":
        conv = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        return conv, nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.Identity()


def pooled_scores(x: Tensor, classifier: nn.Module) -> Tensor:
    """Scores [N, classes] from the mean of each channel of [N, C, H, W]."""
    scores: Tensor = classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))
    return scores


def _normalisation(stem: str) -> tuple[Sequence[float], Sequence[float]]:
    if stem == "imagenet":
        return [255 * m for m in IMAGENET_MEAN], [255 * s for s in IMAGENET_STD]
    return [128.0], [128.0]
