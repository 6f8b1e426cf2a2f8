"""The blocks of the papers: their values and their gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

import torch.nn.functional as F

from bnnhw.zoo.blocks import CopyConcat, FPReLU, RPReLU, RSign, ScaledBinaryConv2d
from bnnhw.zoo.layers import BinaryActivation
from bnnhw.zoo.networks import network


def test_gradients_are_those_of_the_papers() -> None:
    x = torch.tensor([-2.0, -0.75, -0.25, 0.0, 0.5, 1.0, 3.0])
    for kind, want in (
        ("approx", [0.0, 0.5, 1.5, 2.0, 1.0, 0.0, 0.0]),
        ("clipped", [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    ):
        for unipolar in (False, True):
            leaf = x.clone().requires_grad_()
            y = BinaryActivation(gradient=kind, unipolar=unipolar)(leaf)
            y.sum().backward()
            assert leaf.grad is not None
            assert (leaf.grad * (2 if unipolar else 1)).tolist() == want
            low = 0.0 if unipolar else -1.0
            assert y.tolist() == [low, low, low, low, 1.0, 1.0, 1.0]


def test_weight_gradients_know_the_magnitude() -> None:
    conv = ScaledBinaryConv2d(1, 1, kernel=1)
    with torch.no_grad():
        conv.weights.fill_(0.5)
    conv(torch.full((1, 1, 1, 1), 3.0)).sum().backward()
    assert conv.weights.grad is not None and conv.weights.grad.item() == 1.5
    xnor = network("xnornet18", image=32, width=4).layers[0].conv1
    with torch.no_grad():
        xnor.conv.weight.fill_(0.5)
        xnor.conv.weight[0, 0, 0, 0] = -2.0
    xnor.binary_weight()[0].sum().backward()
    grad, alpha, taps = xnor.conv.weight.grad[0], (0.5 * 35 + 2) / 36, 36
    assert grad[0, 0, 0].item() == pytest.approx(1 / taps)
    assert grad[1, 1, 1].item() == pytest.approx(1 / taps + alpha)


def test_activations_are_those_of_the_papers() -> None:
    x = torch.randn(2, 3, 4, 4)
    sign, rprelu, fprelu = RSign(3), RPReLU(3), FPReLU(3)
    for module in (sign, rprelu, fprelu):
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter)
    assert torch.equal(sign.eval()(x), torch.where(x + sign.bias > 0, 1.0, -1.0))
    moved = x + rprelu.shift_x.bias
    slope = rprelu.prelu.weight[:, None, None]
    want = torch.where(moved > 0, moved, slope * moved) + rprelu.shift_y.bias
    assert torch.allclose(rprelu(x), want)
    left, right = fprelu.left[:, None, None], fprelu.right[:, None, None]
    with torch.no_grad():
        fprelu.right[1] = -0.5
    assert torch.equal(fprelu(x), torch.where(x > 0, right * x, left * x))
    assert torch.allclose(fprelu.eval()(x), fprelu.train()(x), atol=1e-6)
    with torch.no_grad():
        fprelu.right[0] = 0.0
    assert torch.allclose(fprelu.eval()(x), fprelu.train()(x), atol=1e-5)
    copied = CopyConcat(2, kernel=3)(x)
    assert copied.shape == (2, 6, 2, 2)
    assert torch.equal(copied[:, :3], copied[:, 3:])
    assert torch.allclose(copied[:, :3, 1, 1], x[:, :, 1:4, 1:4].mean(dim=(2, 3)))


def test_k_is_the_mean_of_magnitudes_over_channels_and_window() -> None:
    layer = network("xnornet18-k", image=32, width=8).layers[2].conv1
    x = torch.randn(2, 8, 16, 16)
    with torch.no_grad():
        normed = layer.bn(x)
        box = torch.full((1, 1, 3, 3), 1 / 9)
        k = F.conv2d(normed.abs().mean(dim=1, keepdim=True), box, None, 2, 1)
        want = F.conv2d(torch.where(normed > 0, 1.0, -1.0), layer.binary_weight(), None, 2, 1) * k
        assert torch.allclose(layer(x), want, atol=1e-6)
