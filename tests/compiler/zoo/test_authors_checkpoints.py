"""Checkpoints of the authors' code: names, shapes, and scores by a plain reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F

from bnnhw.zoo.checkpoint import load_checkpoint
from bnnhw.zoo.networks import network

if TYPE_CHECKING:
    from pathlib import Path


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{p}": (channels,) for p in parts} | {f"{name}.num_batches_tracked": ()}


def shift(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.bias": (1, channels, 1, 1)}


def flat(name: str, outputs: int, inputs: int, kernel: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weights": (outputs * inputs * kernel * kernel, 1)}


def shaped(name: str, outputs: int, inputs: int, kernel: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs, kernel, kernel)}


def residual_names(width: int, *, react: bool, weights: Any = flat) -> dict[str, tuple[int, ...]]:
    """Of birealnet18 in Bi-Real-net and in ReActNet/resnet, for images of 32 or 224."""
    found = norm("bn1", width) | {"fc.weight": (10, 8 * width), "fc.bias": (10,)}
    channels = width
    for stage in range(4):
        for block in range(4):
            name, features = f"layer{stage + 1}.{block}", width << stage
            found |= weights(f"{name}.binary_conv", features, channels, 3)
            found |= norm(f"{name}.bn1", features)
            if react:
                found |= shift(f"{name}.move0", channels) | shift(f"{name}.move1", features)
                found |= shift(f"{name}.move2", features) | {f"{name}.prelu.weight": (features,)}
            if stage and not block:
                found |= shaped(f"{name}.downsample.1", features, channels, 1)
                found |= norm(f"{name}.downsample.2", features)
            channels = features
    return found


def mobile_names(width: int) -> dict[str, tuple[int, ...]]:
    """Of ReActNet/mobilenet."""
    found = shaped("feature.0.conv1", width, 3, 3) | norm("feature.0.bn1", width)
    found |= {"fc.weight": (10, 32 * width), "fc.bias": (10,)}
    channels = width
    for number, factor in enumerate([2, 4, 4, 8, 8, *[16] * 6, 32, 32], 1):
        name, features = f"feature.{number}", factor * width
        for place, count in (("1", channels), ("2", features)):
            found |= shift(f"{name}.move{place}2", count) | shift(f"{name}.move{place}3", count)
            found |= shift(f"{name}.move{place}1", channels)
            found |= {f"{name}.prelu{place}.weight": (count,)}
        found |= flat(f"{name}.binary_3x3", channels, channels, 3) | norm(f"{name}.bn1", channels)
        if channels == features:
            found |= flat(f"{name}.binary_pw", channels, channels, 1)
            found |= norm(f"{name}.bn2", channels)
        else:
            for half in (1, 2):
                found |= flat(f"{name}.binary_pw_down{half}", channels, channels, 1)
                found |= norm(f"{name}.bn2_{half}", channels)
        channels = features
    return found


def bottleneck_names(width: int) -> dict[str, tuple[int, ...]]:
    """Of Bi-Real-net/BiReal_50."""
    found = shaped("conv1", width, 3, 3) | norm("bn1", width)
    found |= {"fc.weight": (10, 32 * width), "fc.bias": (10,)}
    channels, number = width, 0
    for stage, blocks in enumerate((3, 4, 6, 3)):
        features = 4 * width << stage
        for _ in range(blocks):
            name, middle = f"layers.{number}", features // 4
            found |= shaped(f"{name}.conv1", middle, channels, 1)
            found |= shaped(f"{name}.conv2", middle, middle, 3)
            found |= shaped(f"{name}.conv3", features, middle, 1)
            found |= norm(f"{name}.bn1", middle) | norm(f"{name}.bn2", middle)
            found |= norm(f"{name}.bn3", features)
            if channels != features:
                found |= shaped(f"{name}.down_conv1x1", middle, channels // 4, 1)
                found |= shaped(f"{name}.downsample.1", features, channels, 1)
                found |= norm(f"{name}.downsample.2", features)
            channels, number = features, number + 1
    return found


def fractional_names(width: int) -> dict[str, tuple[int, ...]]:
    """Of FracBNN/fracbnn_cifar10."""
    found = shaped("conv1", width, 96, 3) | norm("bn1", width)
    found |= {"linear.weight": (10, 4 * width), "linear.bias": (10,)}
    found |= {"encoder.placeholder": (4, 3, 32, 32, 32)}
    channels = width
    for stage in range(3):
        features = width << stage
        for block in range(3):
            name = f"layer{stage + 1}.{block}"
            for place, inputs in (("1", channels), ("2", features)):
                found |= shaped(f"{name}.conv{place}", features, inputs, 3)
                found |= {f"{name}.conv{place}.threshold": (1, features, 1, 1)}
                found |= shift(f"{name}.rprelu{place}.shift_x", features)
                found |= shift(f"{name}.rprelu{place}.shift_y", features)
                found |= {f"{name}.rprelu{place}.prelu.weight": (features,)}
            for place in "1234":
                found |= norm(f"{name}.bn{place}", features)
            channels = features
    return found


State = dict[str, torch.Tensor]


def filled(shapes: dict[str, tuple[int, ...]]) -> State:
    """A state of these names, for which no BatchNorm hides what comes before."""
    generator = torch.Generator().manual_seed(3)
    state = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator) * 0.4
        if name.endswith("running_var"):
            values = values.abs() + 20
        elif ".bn" in name or name.startswith("bn") or "downsample.2" in name:
            values = values + (1 if name.endswith("weight") else 0)
        state[name] = torch.tensor(1) if name.endswith("tracked") else values
    return state


def load(model: torch.nn.Module, state: State, path: Path) -> torch.nn.Module:
    renamed = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 1, "state_dict": renamed, "optimizer": {}}, path)
    load_checkpoint(model, path)
    return model.eval()


def sign(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, 1.0, -1.0)


def bn(x: torch.Tensor, state: State, name: str) -> torch.Tensor:
    mean, var, gain, bias = (
        state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(x, mean, var, gain, bias)


def scaled(x: torch.Tensor, w: torch.Tensor, stride: int = 1) -> torch.Tensor:
    alpha = w.abs().mean(dim=(1, 2, 3), keepdim=True)
    return F.conv2d(x, alpha * sign(w), None, stride, w.shape[-1] // 2)


def rprelu(x: torch.Tensor, state: State, before: str, slope: str, after: str) -> torch.Tensor:
    return F.prelu(x + state[before], state[slope]) + state[after]


def images_of(count: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (count, 32, 32, 3), generator=torch.Generator().manual_seed(4),
                         dtype=torch.uint8)  # fmt: skip


def classified(x: torch.Tensor, state: State, name: str = "fc") -> torch.Tensor:
    return F.linear(x.mean(dim=(2, 3)), state[f"{name}.weight"], state[f"{name}.bias"])


def check(model: torch.nn.Module, want: torch.Tensor) -> None:
    with torch.no_grad():
        got = model(images_of())
    assert want.std() > 0.01
    assert torch.allclose(got, want, rtol=0, atol=1e-4 * float(want.abs().max()))


@pytest.mark.parametrize("react", [False, True])
@pytest.mark.parametrize("weights", [flat, shaped])
def test_the_authors_residual_networks_load(react: bool, weights: Any, tmp_path: Path) -> None:
    state = filled(shaped("conv1", 8, 3, 3) | residual_names(8, react=react, weights=weights))
    model = network("reactnet18" if react else "birealnet18", image=32, width=8)
    assert set(model.state_dict()) == {
        name.replace("binary_conv.weight", "binary_conv.weights") if weights is shaped else name
        for name in state
    }
    load(model, state, tmp_path / "c.pth.tar")
    x = (images_of().float().permute(0, 3, 1, 2) - 128) / 128
    x = bn(F.conv2d(x, state["conv1.weight"], padding=1), state, "bn1")
    for stage in range(4):
        for block in range(4):
            name = f"layer{stage + 1}.{block}"
            stride = 2 if stage and not block else 1
            shortcut = x
            if stride == 2:
                shortcut = F.conv2d(F.avg_pool2d(x, 2), state[f"{name}.downsample.1.weight"])
                shortcut = bn(shortcut, state, f"{name}.downsample.2")
            latent = state[f"{name}.binary_conv.{'weights' if weights is flat else 'weight'}"]
            latent = latent.reshape(shortcut.shape[1], x.shape[1], 3, 3)
            bits = sign(x + state[f"{name}.move0.bias"] if react else x)
            x = bn(scaled(bits, latent, stride), state, f"{name}.bn1") + shortcut
            if react:
                parts = (f"{name}.{p}" for p in ("move1.bias", "prelu.weight", "move2.bias"))
                x = rprelu(x, state, *parts)
    check(model, classified(x, state))


def test_the_authors_mobile_network_loads(tmp_path: Path) -> None:
    state = filled(mobile_names(4))
    model = network("reactnet-a", image=32, width=4)
    assert set(model.state_dict()) == set(state)
    load(model, state, tmp_path / "c.pth.tar")
    x = (images_of().float().permute(0, 3, 1, 2) - 128) / 128
    x = bn(F.conv2d(x, state["feature.0.conv1.weight"], padding=1), state, "feature.0.bn1")
    for number in range(1, 14):
        name, channels = f"feature.{number}", x.shape[1]

        def weight(part: str, kernel: int, name: str = name, channels: int = channels) -> Any:
            return state[f"{name}.{part}.weights"].view(channels, channels, kernel, kernel)

        def act(x: Any, place: str, name: str = name) -> Any:
            parts = (f"move{place}2.bias", f"prelu{place}.weight", f"move{place}3.bias")
            return rprelu(x, state, *(f"{name}.{p}" for p in parts))

        stride = 2 if number in (2, 4, 6, 12) else 1
        y = scaled(sign(x + state[f"{name}.move11.bias"]), weight("binary_3x3", 3), stride)
        x = act(bn(y, state, f"{name}.bn1") + (F.avg_pool2d(x, 2) if stride == 2 else x), "1")
        bits = sign(x + state[f"{name}.move21.bias"])
        if f"{name}.binary_pw.weights" in state:
            y = bn(scaled(bits, weight("binary_pw", 1)), state, f"{name}.bn2") + x
        else:
            halves = [
                bn(scaled(bits, weight(f"binary_pw_down{i}", 1)), state, f"{name}.bn2_{i}") + x
                for i in (1, 2)
            ]
            y = torch.cat(halves, dim=1)
        x = act(y, "2")
    check(model, classified(x, state))


def test_the_authors_bottlenecks_load(tmp_path: Path) -> None:
    state = filled(bottleneck_names(4))
    model = network("birealnet50", image=32, width=4)
    assert {name.replace(".weights", ".weight") for name in model.state_dict()} == set(state)
    load(model, state, tmp_path / "c.pth.tar")
    x = (images_of().float().permute(0, 3, 1, 2) - 128) / 128
    wide = narrow = bn(F.conv2d(x, state["conv1.weight"], padding=1), state, "bn1")
    for number in range(16):
        name, down = f"layers.{number}", f"layers.{number}.downsample.1.weight" in state
        stride = 2 if down and number else 1
        w1, w2, w3 = (state[f"{name}.conv{i}.weight"] for i in (1, 2, 3))
        if number:
            x = bn(scaled(sign(wide), w1), state, f"{name}.bn1")
            x = x + (F.conv2d(narrow, state[f"{name}.down_conv1x1.weight"]) if down else narrow)
        else:
            clipped = torch.where(wide < -1, 0.1 * wide - 0.9, wide)
            clipped = torch.where(clipped > 1, 0.1 * clipped + 0.9, clipped)
            x = bn(F.conv2d(clipped, w1), state, f"{name}.bn1")
        narrow = bn(scaled(sign(x), w2, stride), state, f"{name}.bn2")
        narrow = narrow + (F.avg_pool2d(x, 2) if stride == 2 else x)
        y = bn(scaled(sign(narrow), w3), state, f"{name}.bn3")
        if down:
            wide = F.avg_pool2d(wide, stride)
            wide = F.conv2d(wide, state[f"{name}.downsample.1.weight"])
            wide = bn(wide, state, f"{name}.downsample.2")
        wide = y + wide
    check(model, classified(wide, state))


def test_the_authors_fractional_network_loads(tmp_path: Path) -> None:
    state = filled(fractional_names(4))
    model = network("fracbnn20", width=4)
    assert set(model.state_dict()) == set(state) - {"encoder.placeholder"}
    load(model, state, tmp_path / "c.pth.tar")
    levels = torch.arange(32).view(1, 1, -1, 1, 1)
    steps = torch.round(images_of().float().permute(0, 3, 1, 2) / 8).unsqueeze(2)
    x = ((levels < steps).float() * 2 - 1).reshape(2, 96, 32, 32)
    x = bn(F.conv2d(x, sign(state["conv1.weight"]), padding=1), state, "bn1")

    def gated(x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        delta = 2 / 3
        x = torch.round((x.clamp(-1, 1) + 1) / delta) * delta - 1
        w = sign(state[f"{name}.weight"])
        high = F.conv2d(sign(x), w, None, stride, 1) * 2 / 3
        full = F.conv2d(x, w, None, stride, 1)
        return torch.where(high - state[f"{name}.threshold"] > 0, full, high)

    def act(x: torch.Tensor, name: str) -> torch.Tensor:
        parts = ("shift_x.bias", "prelu.weight", "shift_y.bias")
        return rprelu(x, state, *(f"{name}.{p}" for p in parts))

    for stage in range(3):
        for block in range(3):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            shortcut = torch.cat([F.avg_pool2d(x, 2)] * 2, dim=1) if stride == 2 else x
            y = act(bn(gated(x, f"{name}.conv1", stride), state, f"{name}.bn1"), f"{name}.rprelu1")
            y = bn(y + shortcut, state, f"{name}.bn3")
            x = act(bn(gated(y, f"{name}.conv2", 1), state, f"{name}.bn2"), f"{name}.rprelu2") + y
            x = bn(x, state, f"{name}.bn4")
    check(model, classified(x, state, "linear"))
