"""Exports small Brevitas networks with random weights: runs in ``.venv-brevitas``.

    .venv-brevitas/bin/python tests/imports/export_brevitas.py FOLDER [NAME..]

Each network is written as QONNX and as QCDQ (NAME.qonnx.onnx, NAME.qcdq.onnx) where Brevitas can,
with four images and the scores that Brevitas gives them. BatchNorms have the statistics of random
images. What Brevitas refuses is said in NAME.qonnx.txt or NAME.qcdq.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from brevitas.core.function_wrapper import TensorClamp
from brevitas.core.restrict_val import RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    SignedTernaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
    Uint8ActPerTensorFloatMaxInit,
)
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable


class BinaryPerChannel(SignedBinaryWeightPerTensorConst):
    """Binary weights with the mean of |w| of each output channel as scale (XNOR-Net)."""

    scaling_per_output_channel = True
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS
    scaling_stats_op = "ave"
    restrict_scaling_type = RestrictValueType.LOG_FP


class BinaryStats(SignedBinaryWeightPerTensorConst):
    """Binary weights with one scale, the mean of |w|, which are not clamped in place."""

    tensor_clamp_impl = TensorClamp
    scaling_impl_type = ScalingImplType.STATS
    scaling_stats_op = "ave"
    restrict_scaling_type = RestrictValueType.FP


class FineReLU(Uint8ActPerTensorFloatMaxInit):
    """ReLU of a known range."""

    max_val = 2.0


def sign() -> nn.Module:
    return QuantIdentity(act_quant=SignedBinaryActPerTensorConst)


def relu(bits: int) -> nn.Module:
    return QuantReLU(act_quant=FineReLU, bit_width=bits)


def conv(cin: int, cout: int, quant: type, **options: object) -> nn.Module:
    settings = {"padding": 1, "bias": False, **options}
    return QuantConv2d(cin, cout, 3, weight_quant=quant, **settings)


def cnn(
    quant: type, act: Callable[[], nn.Module], *, bits: int | None = None, bias: bool = False
) -> nn.Module:
    """Three convolutions and a fully connected layer on images of 8x8."""
    options = {"bias": bias, **({"weight_bit_width": bits} if bits else {})}
    last = {"weight_bit_width": bits} if bits else {}
    dense = QuantLinear(32, 10, weight_quant=quant, bias=True, **last)
    return nn.Sequential(
        conv(3, 8, quant, **options), nn.BatchNorm2d(8), act(),
        conv(8, 8, quant, **options), nn.MaxPool2d(2), nn.BatchNorm2d(8), act(),
        conv(8, 8, quant, **options), nn.MaxPool2d(2), nn.BatchNorm2d(8), act(),
        nn.Flatten(), dense,
    )  # fmt: skip


class Residual(nn.Module):
    """Bi-Real blocks: activation, quantised convolution, BatchNorm, plus the shortcut."""

    def __init__(
        self, quant: type, act: Callable[[], nn.Module], *, requantise: bool = False, **bits: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.blocks = nn.ModuleList(
            nn.Sequential(act(), conv(8, 8, quant, **bits), nn.BatchNorm2d(8)) for _ in range(2)
        )
        shared = QuantIdentity(act_quant=Int8ActPerTensorFloat)
        self.shared = shared if requantise else nn.Identity()
        self.last = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = self.shared(x) + self.shared(block(x))
        return self.last(x)


def quantised_input(net: nn.Module) -> nn.Module:
    """The network behind a QuantIdentity of 8 bits."""
    return nn.Sequential(QuantIdentity(act_quant=Uint8ActPerTensorFloat), *net)


NETWORKS = {
    "binary": lambda: cnn(SignedBinaryWeightPerTensorConst, sign),
    "binary-bias": lambda: cnn(SignedBinaryWeightPerTensorConst, sign, bias=True),
    "binary-stats": lambda: cnn(BinaryStats, sign),
    "binary-channel": lambda: cnn(BinaryPerChannel, sign),
    "binary-input": lambda: quantised_input(cnn(BinaryPerChannel, sign)),
    "binary-relu2": lambda: cnn(SignedBinaryWeightPerTensorConst, lambda: relu(2)),
    "binary-relu3": lambda: cnn(BinaryPerChannel, lambda: relu(3)),
    "binary-relu4": lambda: cnn(BinaryPerChannel, lambda: relu(4)),
    "ternary": lambda: cnn(SignedTernaryWeightPerTensorConst, sign),
    "int2": lambda: cnn(Int8WeightPerTensorFloat, sign, bits=2),
    "int4-channel": lambda: cnn(Int8WeightPerChannelFloat, sign, bits=4),
    "int2-relu2": lambda: cnn(Int8WeightPerTensorFloat, lambda: relu(2), bits=2),
    "int4-relu4": lambda: cnn(Int8WeightPerTensorFloat, lambda: relu(4), bits=4),
    "int4-channel-relu3": lambda: cnn(Int8WeightPerChannelFloat, lambda: relu(3), bits=4),
    "int4-input": lambda: quantised_input(cnn(Int8WeightPerTensorFloat, lambda: relu(2), bits=4)),
    "residual": lambda: Residual(BinaryPerChannel, sign),
    "residual-quant": lambda: Residual(BinaryPerChannel, sign, requantise=True),
    "residual-int2": lambda: Residual(
        Int8WeightPerChannelFloat, lambda: relu(2), requantise=True, weight_bit_width=2
    ),
}


def export(name: str, folder: Path) -> None:
    """Writes what ``NETWORKS`` calls ``name``."""
    torch.manual_seed(1)
    net = NETWORKS[name]()
    generator = torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm1d)):
            nn.init.uniform_(layer.weight, 0.4, 1.2, generator=generator)
            nn.init.normal_(layer.bias, std=0.3, generator=generator)
            layer.momentum = 1.0
    pixels = torch.randint(0, 256, (64, 3, 8, 8), generator=generator)
    with torch.no_grad():
        for _ in range(4):  # statistics of activations, then of BatchNorms behind them
            net(pixels / 255)
        net.eval()
        scores = net(pixels[:4] / 255)
    scores = getattr(scores, "value", scores)
    np.savez(folder / f"{name}.npz", x=pixels[:4].numpy().astype(np.uint8), scores=scores.numpy())
    for kind, write in (("qonnx", export_qonnx), ("qcdq", export_onnx_qcdq)):
        path = folder / f"{name}.{kind}.onnx"
        try:
            write(net, pixels[:1] / 255, str(path))
        except Exception as error:
            path.unlink(missing_ok=True)
            path.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}\n")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for network in sys.argv[2:] or NETWORKS:
        export(network, target)
        print(network, flush=True)
