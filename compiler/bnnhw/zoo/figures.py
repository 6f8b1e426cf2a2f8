"""Parameters and operations of the zoo's networks, layer by layer, counted as the papers do.

A multiply-accumulate is one operation: a BOP where weights and activations are bits, else a FLOP.
OPs are BOPs / 64 + FLOPs (Liu et al., "Bi-Real Net", ECCV 2018). What has no weights counts
nothing, with two exceptions: XNOR-Net's K, and the windows that shortcuts which copy channels
average, where FTBNN's figures include them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bnnhw.zoo import fracbnn
from bnnhw.zoo.blocks import CopyConcat, ImageNetwork, ScaledBinaryConv2d
from bnnhw.zoo.layers import BinaryConv2d, BinaryLinear
from bnnhw.zoo.networks import network
from bnnhw.zoo.plain import BinaryCNN
from bnnhw.zoo.xnornet import XnorConv2d

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = 64
"""BOPs that count as one operation."""
_STORED_WORD = 32
"""Bits of a real parameter."""
_BINARY = (ScaledBinaryConv2d, XnorConv2d, BinaryConv2d, fracbnn.BinaryConv2d, BinaryLinear)


@dataclass(frozen=True)
class LayerFigures:
    """A layer that computes.

    Attributes:
        name: of the module; empty for all that has parameters and counts no operations.
        kind: "binary" or "real".
        operation: what it does, such as "conv 3x3, stride 2".
        shape: of the input and of the output, channels first.
        binary_parameters: weights of one bit.
        real_parameters: all others.
        bops: binary multiply-accumulates.
        flops: real ones.
    """

    name: str
    kind: str
    operation: str
    shape: tuple[tuple[int, ...], tuple[int, ...]]
    binary_parameters: int
    real_parameters: int
    bops: int
    flops: int

    @property
    def ops(self) -> float:
        """BOPs / 64 + FLOPs."""
        return self.bops / WORD + self.flops


@dataclass(frozen=True)
class Figures:
    """A network's layers, in the order in which they run, and their sums."""

    layers: tuple[LayerFigures, ...]

    @property
    def binary_parameters(self) -> int:
        """Weights of one bit."""
        return sum(layer.binary_parameters for layer in self.layers)

    @property
    def real_parameters(self) -> int:
        """All other parameters: real weights, BatchNorms' gains and biases, slopes, shifts."""
        return sum(layer.real_parameters for layer in self.layers)

    @property
    def parameters(self) -> int:
        """All parameters, each counted as one."""
        return self.binary_parameters + self.real_parameters

    @property
    def words(self) -> float:
        """All parameters in words of 32 bits, of which one holds 32 binary weights."""
        return self.binary_parameters / _STORED_WORD + self.real_parameters

    @property
    def bops(self) -> int:
        """Binary multiply-accumulates of one image."""
        return sum(layer.bops for layer in self.layers)

    @property
    def flops(self) -> int:
        """Real multiply-accumulates of one image."""
        return sum(layer.flops for layer in self.layers)

    @property
    def ops(self) -> float:
        """BOPs / 64 + FLOPs."""
        return self.bops / WORD + self.flops


def network_figures(
    name: str, *, image: int | None = None, width: int | None = None, classes: int | None = None
) -> Figures:
    """Figures of a network of the zoo; arguments and errors are those of ``network``.

    Nothing is computed, only shapes.
    """
    with torch.device("meta"):
        return figures(network(name, image=image, width=width, classes=classes))


def figures(model: nn.Module) -> Figures:
    """Figures of a network of the zoo, whose parameters may be on the device ``meta``."""
    found: list[LayerFigures] = []
    inside = [m.conv for m in model.modules() if isinstance(m, XnorConv2d)]
    hooks = [
        module.register_forward_hook(partial(_record, found, name, module))
        for name, module in model.named_modules()
        if isinstance(module, (*_BINARY, nn.Conv2d, nn.Linear, CopyConcat))
        and not any(module is one for one in inside)
    ]
    training = model.training
    with torch.no_grad():
        model.eval()(_shaped_input(model))
    model.train(training)
    for hook in hooks:
        hook.remove()
    if isinstance(model, BinaryCNN):
        found[0] = _on_pixels(found[0])
    rest = sum(p.numel() for p in model.parameters())
    rest -= sum(one.binary_parameters + one.real_parameters for one in found)
    other = LayerFigures("", "real", "BatchNorms, slopes, shifts", ((), ()), 0, rest, 0, 0)
    return Figures((*found, other))


def _record(
    found: list[LayerFigures],
    name: str,
    module: nn.Module,
    _: nn.Module,
    inputs: Sequence[Tensor],
    output: Tensor,
) -> None:
    shape = (tuple(inputs[0].shape[1:]), tuple(output.shape[1:]))
    if isinstance(module, CopyConcat):
        if isinstance(module.pool, nn.AvgPool2d):
            found.append(_averaged(name, module, shape))
        return
    weight = _weight(module)
    pixels = output[0, 0].numel() if output.dim() == 4 else 1
    sums = weight.numel() * pixels
    binary = isinstance(module, _BINARY)
    real = 0 if binary else sum(p.numel() for p in module.parameters())
    k = _k_flops(module, shape) if isinstance(module, XnorConv2d) and module.with_k else 0
    passes = 2 if isinstance(module, fracbnn.GatedConv2d) else 1  # high bits and low bits
    found.append(
        LayerFigures(
            name,
            "binary" if binary else "real",
            _operation(module, weight, shape),
            shape,
            weight.numel() if binary else 0,
            real,
            sums * passes if binary else 0,
            k if binary else sums,
        )
    )


def _weight(module: nn.Module) -> Tensor:
    """The weights of a layer, [outputs, inputs/groups, ...]."""
    if isinstance(module, ScaledBinaryConv2d):
        return module.latent()
    if isinstance(module, XnorConv2d):
        return module.conv.weight
    assert isinstance(module, (nn.Conv2d, nn.Linear))
    return module.weight


def _operation(
    module: nn.Module, weight: Tensor, shape: tuple[tuple[int, ...], tuple[int, ...]]
) -> str:
    if weight.dim() == 2:
        return "dense"
    words = [f"conv {weight.shape[2]}x{weight.shape[3]}"]
    stride = getattr(module.conv if isinstance(module, XnorConv2d) else module, "stride", 1)
    stride = stride[0] if isinstance(stride, tuple) else stride
    groups = shape[0][0] // weight.shape[1]
    words += [f"stride {stride}"] if stride != 1 else []
    words += [f"{groups} groups"] if groups != 1 else []
    words += ["two bits, gated"] if isinstance(module, fracbnn.GatedConv2d) else []
    words += ["times K"] if isinstance(module, XnorConv2d) and module.with_k else []
    return ", ".join(words)


def _k_flops(module: XnorConv2d, shape: tuple[tuple[int, ...], tuple[int, ...]]) -> int:
    """Sums of |x| over channels and then over windows, and the products with K."""
    (channels_in, height, width), (channels_out, rows, columns) = shape
    window = module.window[0] ** 2
    return channels_in * height * width + (window + channels_out) * rows * columns


def _averaged(
    name: str, module: CopyConcat, shape: tuple[tuple[int, ...], tuple[int, ...]]
) -> LayerFigures:
    """A shortcut: each channel is averaged once, however often it is copied."""
    assert isinstance(module.pool, nn.AvgPool2d)
    kernel = module.pool.kernel_size
    size = kernel if isinstance(kernel, int) else kernel[0]
    _, rows, columns = shape[1]
    flops = size * size * shape[0][0] * rows * columns
    operation = f"average {size}x{size}, {module.copies} copies"
    return LayerFigures(name, "real", operation, shape, 0, 0, 0, flops)


def _on_pixels(layer: LayerFigures) -> LayerFigures:
    """A layer whose weights are bits and whose inputs are not."""
    return LayerFigures(
        layer.name,
        layer.kind,
        f"{layer.operation}, on pixels",
        layer.shape,
        layer.binary_parameters,
        layer.real_parameters,
        0,
        layer.bops,
    )


def _shaped_input(model: nn.Module) -> Tensor:
    """One input of the network, without values."""
    device = next(model.parameters()).device
    image = getattr(model, "image", None)
    if image is None:
        first = next(m for m in model.modules() if isinstance(m, BinaryLinear))
        return torch.empty(1, first.in_features, device=device)
    if isinstance(model, ImageNetwork) and model.normalise is None:
        height, width, channels = image
        return torch.empty(1, channels, height, width, device=device)
    return torch.zeros(1, *image, dtype=torch.uint8, device=device)
