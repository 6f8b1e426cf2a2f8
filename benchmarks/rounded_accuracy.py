"""Accuracy in integers against float of small residual networks with many kinds of activations.

Trains twenty networks on scikit-learn's digits (8x8, or enlarged to 16x16), exports them as their
authors would, compiles them with default options, and compares integers with float on the 360 test
images, which nothing else has seen, and on these moved by up to a pixel, as in training: 3,240, of
which one more or less is not a third of a point. Noise is 1 % of a deviation behind each BatchNorm
of the float model.

    make accuracy
    python benchmarks/rounded_accuracy.py --only prelu --keep models
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from bnnhw.compiler import integer_graph
from bnnhw.ir.ops import FixedAdd
from bnnhw.verify.model import check_against_onnxruntime
from bnnhw.zoo.layers import BinaryActivation, BinaryConv2d, ImageNormaliser, clip_latent_weights

TRAINED, BATCH = 1437, 64


@dataclass(frozen=True)
class Case:
    """One network: blocks of sign, 3x3 binary convolution, BatchNorm, addition, activation.

    Attributes:
        name: of the case.
        activation: what follows the addition; a key of ``ACTIVATIONS``.
        blocks: binary convolutions.
        size: height and width of the images.
        channels: of all layers.
        shifted: whether each sign has a learnt shift per channel (RSign).
        unipolar: whether the activation yields {0, 1}.
        shrink: the block behind which an average pool halves the image, the shortcut with it.
        spelling: of the sign: ">=", ">" or "sign" (torch.sign, which is 0 at 0).
    """

    name: str
    activation: str
    blocks: int
    size: int = 8
    channels: int = 24
    shifted: bool = False
    unipolar: bool = False
    shrink: int = 0
    spelling: str = ">="


class Sign(nn.Module):
    """Sign as {-1, +1} in one of the spellings that people use."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.spelling, self.training_sign = spelling, BinaryActivation()

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.training_sign(x)
        if self.spelling == "sign":
            return torch.sign(x)
        return torch.where(x >= 0 if self.spelling == ">=" else x > 0, 1.0, -1.0)


class Scaled(nn.Module):
    """PReLU with a slope on either side: r * x where x > 0, else l * x (FPReLU of FTBNN)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.right = nn.Parameter(torch.rand(channels) + 0.5)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x) * self.right.reshape(1, -1, 1, 1)


class Shifted(nn.Module):
    """PReLU between two shifts (RPReLU of ReActNet)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.act = nn.PReLU(channels)
        self.after = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.before) + self.after


def slopes(low: float, high: float):
    """A PReLU whose slopes start evenly spread."""

    def make(channels: int) -> nn.Module:
        act = nn.PReLU(channels)
        with torch.no_grad():
            act.weight.copy_(torch.linspace(low, high, channels))
        return act

    return make


ACTIVATIONS = {
    "none": lambda c: nn.Identity(),
    "relu": lambda c: nn.ReLU(),
    "leaky0.01": lambda c: nn.LeakyReLU(0.01),
    "leaky0.1": lambda c: nn.LeakyReLU(0.1),
    "prelu": nn.PReLU,
    "prelu_flat": slopes(0.0, 0.02),
    "prelu_wide": slopes(-0.5, 5.0),
    "rprelu": Shifted,
    "fprelu": Scaled,
    "hardtanh": lambda c: nn.Hardtanh(-1.3, 1.3),
}

CASES = (
    Case("leaky0.01-2", "leaky0.01", 2),
    Case("leaky0.01-6", "leaky0.01", 6),
    Case("leaky0.1-2", "leaky0.1", 2),
    Case("leaky0.1-6", "leaky0.1", 6, spelling="sign"),
    Case("prelu-2", "prelu", 2),
    Case("prelu-6", "prelu", 6, spelling="sign"),
    Case("prelu-4-16", "prelu", 4, 16, shrink=2),
    Case("prelu-8-16", "prelu", 8, 16, shrink=2),
    Case("flat-4", "prelu_flat", 4),
    Case("flat-4-16", "prelu_flat", 4, 16, shrink=2),
    Case("wide-4", "prelu_wide", 4),
    Case("wide-4-16", "prelu_wide", 4, 16, shrink=2),
    Case("relu-4", "relu", 4, unipolar=True, spelling=">"),
    Case("relu-4-16", "relu", 4, 16, unipolar=True, shrink=2, spelling=">"),
    Case("none-6", "none", 6),
    Case("none-8-16", "none", 8, 16, shrink=2, spelling="sign"),
    Case("reactnet-4", "rprelu", 4, shifted=True),
    Case("reactnet-8-16", "rprelu", 8, 16, shifted=True, shrink=2),
    Case("ftbnn-4", "fprelu", 4, spelling=">"),
    Case("ftbnn-8-16", "fprelu", 8, 16, unipolar=True, shrink=2),
)


class Block(nn.Module):
    """activation(shortcut(x) + BatchNorm(conv(sign(x + shift))))."""

    def __init__(self, case: Case, *, stride: int = 1) -> None:
        super().__init__()
        c = case.channels
        self.shift = nn.Parameter(torch.zeros(1, c, 1, 1)) if case.shifted else None
        self.sign, self.unipolar = Sign(case.spelling), case.unipolar
        self.conv = BinaryConv2d(c, c, 3, stride=stride, padding=1)
        self.norm = nn.BatchNorm2d(c)
        self.act = ACTIVATIONS[case.activation](c)
        self.pool = nn.AvgPool2d(2) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        bits = self.sign(x if self.shift is None else x + self.shift)
        if self.unipolar:
            bits = (bits + 1) / 2
        return self.act(self.pool(x) + self.norm(self.conv(bits)))


class Net(nn.Module):
    """Real first layer, blocks, global average, real classifier."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.input = ImageNormaliser((0.0,), (255.0,))
        self.stem = nn.Conv2d(1, case.channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(case.channels)
        self.blocks = nn.Sequential(
            *(Block(case, stride=1 + (i + 1 == case.shrink)) for i in range(case.blocks))
        )
        self.classifier = nn.Linear(case.channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.norm(self.stem(self.input(x))))
        return self.classifier(x.mean((2, 3)))


def digits(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [1797, size, size, 1] and labels."""
    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images.reshape(-1, 1, 8, 8).astype(np.float32)) * (255 / 16)
    if size != 8:
        x = F.interpolate(x, size=(size, size), mode="bilinear")
    return x.round().to(torch.uint8).permute(0, 2, 3, 1).numpy(), labels


def moved(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Images [N, H, W, 1] moved by 1 - rows [N] and 1 - columns [N] pixels."""
    places = torch.arange(x.shape[1])
    padded = F.pad(x.permute(0, 3, 1, 2).float(), (1, 1, 1, 1), mode="reflect").to(torch.uint8)
    rows, columns = (first[:, None] + places for first in (rows, columns))
    index = torch.arange(len(x))[:, None, None]
    return padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]


def shifted(x: Tensor) -> Tensor:
    """Images [N, H, W, 1] moved by up to a pixel, each by its own."""
    return moved(x, *(torch.randint(0, 3, (len(x),)) for _ in range(2)))


def neighbours(images: np.ndarray) -> np.ndarray:
    """Images [N, H, W, 1] in each of the nine places of ``shifted``: [9 * N, H, W, 1]."""
    x = torch.from_numpy(images)
    places = [(torch.full((len(x),), r), torch.full((len(x),), c)) for r, c in np.ndindex(3, 3)]
    return torch.cat([moved(x, *place) for place in places]).numpy()


def trained(case: Case, epochs: int) -> Net:
    """The network of a case after ``epochs``."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    images, labels = digits(case.size)
    x, y = torch.from_numpy(images[:TRAINED]), torch.from_numpy(labels[:TRAINED]).long()
    net = Net(case).train()
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    steps = epochs * (TRAINED // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for _ in range(epochs):
        for batch in torch.randperm(TRAINED)[: TRAINED // BATCH * BATCH].split(BATCH):
            loss = F.cross_entropy(net(shifted(x[batch])), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            clip_latent_weights(net)
    return net.eval()


def export(net: Net, case: Case, path: Path) -> None:
    """As authors do it, but that BatchNorm is kept, whose statistics give the ranges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.zeros(1, case.size, case.size, 1, dtype=torch.uint8),), path, dynamo=False,
            opset_version=17, input_names=["image"], output_names=["scores"],
            dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip


def main() -> None:
    """Prints a line per network; fails where one loses more than the points allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="folder of models; those there are taken")
    parser.add_argument(
        "--allow", type=float, default=1.0, help="points of accuracy to lose on the images moved"
    )
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    titles = (
        "float", "integers", "same class", "under noise", "turned", "under noise", "moved: float",
        "integers",
    )  # fmt: skip
    print(f"{'network':16}" + "".join(f"{title:>13}" for title in titles) + "  streams")
    lost = []
    for case in CASES:
        if options.only not in case.name:
            continue
        path = folder / f"{case.name}.onnx"
        if not path.exists():
            export(trained(case, options.epochs), case, path)
        graph = integer_graph(path)
        images, labels = (a[TRAINED:] for a in digits(case.size))
        found = check_against_onnxruntime(path, graph, inputs=images, labels=labels).accuracy
        many = neighbours(images)
        more = check_against_onnxruntime(
            path, graph, inputs=many, labels=np.tile(labels, len(many) // len(images))
        ).accuracy
        assert found is not None
        assert more is not None
        assert more.float_top1 is not None
        assert more.integer_top1 is not None
        figures = (
            found.float_top1, found.integer_top1, found.agreement, found.noise_agreement,
            found.turned, found.noise_turned, more.float_top1, more.integer_top1,
        )  # fmt: skip
        widths = sorted({n.op.dtype.bits for n in graph.nodes if isinstance(n.op, FixedAdd)})
        line = f"{case.name:16}" + "".join(f"{figure or 0:13.1%}" for figure in figures)
        print(f"{line}  {', '.join(map(str, widths))} bits", flush=True)
        if 100 * (more.float_top1 - more.integer_top1) > options.allow:
            lost.append(case.name)
    if lost:
        sys.exit(f"more than {options.allow} points lost: {', '.join(lost)}")


if __name__ == "__main__":
    main()
