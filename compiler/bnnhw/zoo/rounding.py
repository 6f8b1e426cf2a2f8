"""Fixed-point numbers in the zoo's residual networks: rounded while training, exact in the export.

A network with rounding holds its streams, the inputs of its real layers and these layers' weights
as fixed-point numbers. ``frozen`` then makes all its constants such that float32 arithmetic gives
every value exactly, in whatever order it adds: the exported model computes what hardware does.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnnhw.errors import ModelError
from bnnhw.zoo.birealnet import BiRealBlock, BiRealNet
from bnnhw.zoo.blocks import ScaledBinaryConv2d
from bnnhw.zoo.layers import ImageNormaliser, weight_sign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STREAM_BITS, WEIGHT_BITS, SCORE_BITS = 8, 8, 16
_PIXEL_STEP = 2.0**-7
"""Of the images, as they are normalised."""
_MULTIPLIER_BITS = 8
"""Of the magnitude of what accumulators are multiplied by."""
_EXACT = 2.0**23
"""Integers up to twice this are exact in float32; a half step has room beside."""
_QUANTILE = 0.9999
"""Share of a stream's values that its type holds when training with rounding begins."""


class FixedPoint(nn.Module):
    """saturate(floor(x / step + 1/2)) * step, signed; the gradient passes where nothing saturates.

    Args:
        bits: width of the type. The step is a power of two, chosen by ``add_rounding``.
    """

    step: Tensor

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.low, self.high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        self.register_buffer("step", torch.tensor(1.0))
        self.seen: list[float] | None = None
        self.constant = 0.0  # the step, once it is frozen

    def forward(self, x: Tensor) -> Tensor:
        if self.seen is not None:
            size = x.abs().flatten()
            self.seen.append(float(size.kthvalue(max(1, int(_QUANTILE * len(size)))).values))
            return x
        if self.constant:
            steps = (x * (1 / self.constant) + 0.5).floor()
            return steps.clamp(self.low, self.high) * self.constant
        x = x.float()
        limited = x.clamp(self.low * self.step, self.high * self.step)
        rounded = (x / self.step + 0.5).floor().clamp(self.low, self.high) * self.step
        return limited + (rounded - limited).detach() if self.training else rounded


class ConvOfRounded(nn.Conv2d):
    """A convolution of rounded inputs with the geometry of ``source``."""

    def __init__(
        self, source: nn.Conv2d, inputs: nn.Module, weight: Tensor, bias: Tensor | None = None
    ) -> None:
        super().__init__(
            source.in_channels, source.out_channels, source.kernel_size,  # type: ignore[arg-type]
            stride=source.stride, padding=source.padding, bias=bias is not None,  # type: ignore[arg-type]
        )  # fmt: skip
        self.inputs = inputs
        self.weight = _parameter(weight)
        if bias is not None:
            self.bias = _parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.inputs(x))


class LinearOfRounded(nn.Linear):
    """A fully connected layer of rounded inputs."""

    def __init__(self, inputs: nn.Module, weight: Tensor, bias: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0])
        self.inputs = inputs
        self.weight, self.bias = _parameter(weight), _parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.inputs(x))


class RoundedConv2d(ConvOfRounded):
    """One whose weights are rounded too, once BatchNorm has scaled them.

    Weights have ``WEIGHT_BITS``, in steps of a power of two for each output channel.
    """

    def __init__(self, source: nn.Conv2d, norm: nn.BatchNorm2d, inputs: nn.Module) -> None:
        super().__init__(source, inputs, source.weight)
        self._norm = (norm,)  # in a tuple, so that its parameters are not registered twice

    def gain(self) -> Tensor:
        """What BatchNorm multiplies by, [Cout, 1, 1, 1]."""
        return _line(self._norm[0])[0].detach().reshape(-1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        gain = self.gain()
        gain = torch.where(gain == 0, 1.0, gain)
        weight = _rounded_weight(self.weight * gain) / gain
        return F.conv2d(self.inputs(x), weight, None, self.stride, self.padding)


class RoundedLinear(LinearOfRounded):
    """One whose weights are rounded too, all in steps of one size."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.inputs(x), _rounded_weight(self.weight, whole=True), self.bias)


class Scale(nn.Module):
    """x * scale + shift, per channel of images."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale.reshape(-1, 1, 1))
        self.register_buffer("shift", shift.reshape(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


def add_rounding(model: nn.Module, images: Tensor | None = None) -> None:
    """Puts rounding into ``model``; its parameters stay.

    Args:
        model: with its own normalisation, by powers of two.
        images: uint8 [N, H, W, C]; the steps of all types follow from them. None leaves the steps
            to a checkpoint that is loaded next.

    Raises:
        ModelError: the network is no Bi-Real Net, or its normalisation is not exact in float32.
    """
    if not isinstance(model, BiRealNet):
        raise ModelError(
            f"rounding is not defined for a {type(model).__name__}",
            where="zoo train",
            fix="set rounded_epochs=0 in its recipe",
        )
    normaliser = model.normalise
    if not isinstance(normaliser, ImageNormaliser) or (normaliser.std != 1 / _PIXEL_STEP).any():
        raise ModelError(
            "its rounding would not be exact: images are not normalised by a power of two",
            where="Bi-Real Net",
            fix="take the cifar stem with normalise=True",
        )
    model.conv1 = _rounded_conv(model.conv1, model.bn1, nn.Identity())
    model.round = FixedPoint(STREAM_BITS)
    for name in model.stages:
        # One type for all that a stage's additions join; the first stage goes on with the stem's.
        stream = model.round if name == model.stages[0] else FixedPoint(STREAM_BITS)
        for block in model.get_submodule(name).children():
            assert isinstance(block, BiRealBlock)
            block.round = stream
            if isinstance(block.downsample, nn.Sequential):
                _, conv, norm = block.downsample
                block.downsample[1] = _rounded_conv(conv, norm, FixedPoint(STREAM_BITS))
    model.fc = RoundedLinear(FixedPoint(STREAM_BITS), model.fc.weight, model.fc.bias)
    model.round_scores = FixedPoint(SCORE_BITS)
    if images is not None:
        with _observed(model):
            model(images)


def _rounded_conv(conv: nn.Module, norm: nn.Module, inputs: nn.Module) -> RoundedConv2d:
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return RoundedConv2d(conv, norm, inputs)


def has_rounding(state: Mapping[str, Any]) -> bool:
    """Whether a network's state is that of one with rounding."""
    return "round.step" in state


def exportable(model: nn.Module) -> nn.Module:
    """What is exported of a network: itself, or its ``frozen`` copy where it has rounding."""
    if isinstance(model, BiRealNet) and isinstance(model.round, FixedPoint):
        return frozen(model)
    return model


def frozen(model: BiRealNet) -> BiRealNet:
    """A copy of a network with rounding, for evaluation: every constant exact in float32.

    BatchNorms become multiplications and additions by multiples of a power of two, or weights and
    biases. No value, in steps of the finest number added, exceeds 2^24.
    """
    made = copy.deepcopy(model).eval()
    with torch.no_grad():
        assert isinstance(made.conv1, RoundedConv2d)
        assert isinstance(made.fc, RoundedLinear)
        made.conv1, made.bn1 = _frozen_conv(made.conv1), nn.Identity()
        for block in made.modules():
            if not isinstance(block, BiRealBlock):
                continue
            assert isinstance(block.binary_conv, ScaledBinaryConv2d)
            assert isinstance(block.bn1, nn.BatchNorm2d)
            block.binary_conv, block.bn1 = _frozen_binary(block.binary_conv, block.bn1)
            if isinstance(block.downsample, nn.Sequential):
                assert isinstance(block.downsample[1], RoundedConv2d)
                block.downsample[1] = _frozen_conv(block.downsample[1])
                block.downsample[2] = nn.Identity()
        made.fc = _frozen_linear(made.fc)
        for one in made.modules():
            if isinstance(one, FixedPoint):
                one.constant = float(one.step)
    return made


def _frozen_conv(layer: RoundedConv2d) -> ConvOfRounded:
    weight = layer.weight * layer.gain()
    step = _weight_step(weight).flatten()
    rounding = layer.inputs
    unit = step * (rounding.step if isinstance(rounding, FixedPoint) else _PIXEL_STEP)
    bias = _line(layer._norm[0])[1]
    return ConvOfRounded(layer, rounding, _rounded_weight(weight), (bias / unit).round() * unit)


def _frozen_binary(layer: ScaledBinaryConv2d, norm: nn.BatchNorm2d) -> tuple[nn.Conv2d, Scale]:
    weight = layer.latent()
    gain, shift = _line(norm)
    scale = gain * layer.alpha()
    reach = weight[0].numel()
    largest = min(
        _EXACT / float((scale.abs() * reach + shift.abs()).max()),
        (2.0**_MULTIPLIER_BITS - 1) / float(scale.abs().max()),
    )
    unit = 2.0 ** -float(torch.tensor(largest).log2().floor())
    made = nn.Conv2d(layer.shape[1], layer.shape[0], 3, stride=layer.stride, padding=1, bias=False)
    made.weight = nn.Parameter(weight_sign(weight, training=False))
    return made, Scale((scale / unit).round() * unit, (shift / unit).round() * unit)


def _line(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What a BatchNorm with fixed statistics multiplies by and adds, [channels] each."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    return gain, norm.bias - norm.running_mean * gain


def _frozen_linear(layer: RoundedLinear) -> LinearOfRounded:
    assert isinstance(layer.inputs, FixedPoint)
    unit = _weight_step(layer.weight, whole=True) * layer.inputs.step
    weight, bias = _rounded_weight(layer.weight, whole=True), (layer.bias / unit).round() * unit
    return LinearOfRounded(layer.inputs, weight, bias)


def _parameter(values: Tensor) -> nn.Parameter:
    return values if isinstance(values, nn.Parameter) else nn.Parameter(values)


def _rounded_weight(weight: Tensor, *, whole: bool = False) -> Tensor:
    """Weights in steps of a power of two; the gradient passes straight through."""
    step = _weight_step(weight, whole=whole)
    return weight + ((weight / step).round() * step - weight).detach()


def _weight_step(weight: Tensor, *, whole: bool = False) -> Tensor:
    """The least power of two, by output channel or of the whole, that ``WEIGHT_BITS`` do with."""
    top = (1 << (WEIGHT_BITS - 1)) - 1
    rows = weight.detach().abs().flatten(1)
    largest = rows.max() if whole else rows.max(dim=1).values
    step = 2.0 ** (largest.clamp(min=1e-12) / top).log2().ceil()
    return step if whole else step.reshape(-1, *(1,) * (weight.ndim - 1))


@contextmanager
def _observed(model: BiRealNet) -> Iterator[None]:
    """Within, types round nothing; afterwards each holds what it has seen."""
    types = [m for m in model.modules() if isinstance(m, FixedPoint)]
    training = model.training
    model.eval()
    for one in types:
        one.seen = []
    with torch.no_grad():
        yield
    for one in types:
        seen = torch.tensor(one.seen).max()
        one.step.fill_(2.0 ** float((seen / one.high).log2().ceil()))
        one.seen = None
    model.train(training)
