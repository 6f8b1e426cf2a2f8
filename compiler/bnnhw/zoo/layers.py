"""Binary building blocks: signs with straight-through gradients, binary convolution and linear.

Weights are trained as real latent values and used as their signs. ``sign(0)`` is -1 (bit 0)
everywhere, in training and in export, so that the exported graph and the trained model agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class _ApproxSign(torch.autograd.Function):
    """sign(x) forward; the derivative of Bi-Real Net's piecewise quadratic backward.

    Liu et al., "Bi-Real Net", ECCV 2018, eq. 6: 2 + 2x on [-1, 0), 2 - 2x on [0, 1), else 0.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x > 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (2 - 2 * x.abs()).clamp_(min=0)


class _ClippedSign(torch.autograd.Function):
    """sign(x) forward; the gradient passes where |x| <= 1 (Hubara et al., NIPS 2016)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x > 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class _WeightSign(torch.autograd.Function):
    """sign(w) forward; identity backward (latent weights are clipped by the optimiser step)."""

    @staticmethod
    def forward(ctx: Any, w: Tensor) -> Tensor:
        return torch.where(w > 0, 1.0, -1.0).to(w.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


class BinaryActivation(nn.Module):
    """Sign of every element, as {-1, +1}, or {0, 1}.

    Args:
        gradient: "approx" for Bi-Real Net's (ApproxSign), "clipped" for BinaryNet's, which passes
            where |x| <= 1.
        unipolar: whether the result is {0, 1}: what sign(x) gives where x went through ReLU.
    """

    def __init__(self, *, gradient: str = "approx", unipolar: bool = False) -> None:
        super().__init__()
        self.gradient, self.unipolar = gradient, unipolar

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export() or not self.training:
            return torch.where(x > 0, 1.0, 0.0 if self.unipolar else -1.0)
        sign: Tensor = (_ClippedSign if self.gradient == "clipped" else _ApproxSign).apply(x)
        return (sign + 1) / 2 if self.unipolar else sign


class BinaryConv2d(nn.Conv2d):
    """2-D convolution with weights in {-1, +1}; no bias (BatchNorm follows)."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__(
            channels_in, channels_out, kernel, stride=stride, padding=padding, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, binary_weight(self), None, self.stride, self.padding)


class BinaryLinear(nn.Linear):
    """Fully connected layer with weights in {-1, +1}; no bias (BatchNorm or a scale follows)."""

    def __init__(self, features_in: int, features_out: int) -> None:
        super().__init__(features_in, features_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, binary_weight(self))


class ImageNormaliser(nn.Module):
    """uint8 pixels, NHWC, to floats (x - mean) / std, NCHW.

    With the default, x/128 - 1 in [-1, 1), every value is exact in floating point.

    Args:
        mean: one value, or one per channel, in units of pixels (0 to 255).
        std: likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] = (128.0,), std: Sequence[float] = (128.0,)) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            buffer = torch.tensor(values).reshape(1, -1, 1, 1)
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x.float().permute(0, 3, 1, 2) - self.mean) / self.std


class ScalarScale(nn.Module):
    """One positive factor for all scores: keeps the ranking, gives the loss a usable range."""

    def __init__(self, initial: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(initial)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.abs()


def binary_weight(layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The layer's weights as {-1, +1}, with the straight-through gradient while training."""
    return weight_sign(layer.weight, training=layer.training)


def weight_sign(weight: Tensor, *, training: bool) -> Tensor:
    """The signs of ``weight``, {-1, +1}; gradients pass straight through while training."""
    return _WeightSign.apply(weight) if training else torch.where(weight > 0, 1.0, -1.0)


def clip_latent_weights(model: nn.Module) -> None:
    """Clamps every binary layer's latent weights to [-1, 1] (BinaryConnect)."""
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, (BinaryConv2d, BinaryLinear)):
                layer.weight.clamp_(-1, 1)
