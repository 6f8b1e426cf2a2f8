"""Random networks in every execution: interpreter, Verilog and HLS C++ agree in each stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bit_branches import BitBranches
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.verify.run_simulation import simulate_build
from random_networks import branched_network, plain_network, residual_network
from scaled_networks import scaled_network
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 4


def exact_everywhere(
    sketch: Sketch, input_type: str | None, target: int | None, folder: Path
) -> None:
    """Asserts that a model's build gives the interpreter's values in every execution."""
    options = CompileOptions(board="pynq-z2", cycles=target, input_type=input_type)
    compiled = compile_model(sketch.save(folder / "m.onnx"), folder / "build", options)
    outcome = simulate_build(compiled.build, None, FRAMES, hls=True, probes=("all",))
    assert [check.mismatches for check in outcome.checks] == [0] * len(outcome.checks)
    assert outcome.simulation.registers["errors"] == 0


def padded(kernel: tuple[int, int], pads: list[int], stride: int = 1) -> Sketch:
    """Two convolutions, of bits both, whose windows may lie in the padding alone."""
    sketch = Sketch(["N", 8, 5, 4], np.float32, seed=3)
    height, width, channels = 5, 4, 8
    for features in (12, 8):
        weight = sketch.signs(features, channels, *kernel)
        sketch.conv(channels, features, weight=weight, pads=pads, strides=[stride] * 2)
        sketch.batch_norm(features, spread=3).sign()
        height = (height + pads[0] + pads[2] - kernel[0]) // stride + 1
        width = (width + pads[1] + pads[3] - kernel[1]) // stride + 1
        channels = features
    return sketch.flatten().dense(channels * height * width, 5)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("kernel", "pads", "stride", "target"),
    [
        ((3, 3), [3, 3, 3, 3], 1, 4_000),
        ((3, 1), [1, 1, 1, 1], 1, None),
        pytest.param((2, 2), [2, 2, 2, 2], 1, 4_000, marks=pytest.mark.slow),
        pytest.param((2, 2), [2, 0, 1, 2], 2, None, marks=pytest.mark.slow),
        pytest.param((1, 1), [1, 1, 1, 1], 1, None, marks=pytest.mark.slow),
        pytest.param((3, 3), [3, 3, 3, 3], 2, None, marks=pytest.mark.slow),
    ],
)
def test_padding_as_wide_as_the_kernel_is_exact(
    tmp_path: Path, kernel: tuple[int, int], pads: list[int], stride: int, target: int | None
) -> None:
    exact_everywhere(padded(kernel, pads, stride), "bipolar", target, tmp_path)


@pytest.mark.parametrize(
    "seed", [7, *(pytest.param(n, marks=pytest.mark.slow) for n in range(100, 124))]
)
def test_plain_networks_are_exact(tmp_path: Path, seed: int) -> None:
    network = plain_network(seed)
    target = (None, 3_000)[seed % 2]
    exact_everywhere(network.sketch, network.input_type, target, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_residual_networks_are_exact(tmp_path: Path, seed: int) -> None:
    network = residual_network(seed)
    exact_everywhere(network.sketch, network.input_type, (None, 20_000)[seed % 2], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(200, 208))]
)
def test_branched_networks_are_exact(tmp_path: Path, seed: int) -> None:
    network = branched_network(seed)
    exact_everywhere(network.sketch, network.input_type, (None, 20_000)[seed % 2], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in range(300, 306))]
)
def test_branches_of_bits_are_exact(tmp_path: Path, seed: int) -> None:
    exact_everywhere(BitBranches(seed).grow(3), None, None, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [5, *(pytest.param(n, marks=pytest.mark.slow) for n in range(200, 208))]
)
def test_networks_with_products_are_exact(tmp_path: Path, seed: int) -> None:
    network = scaled_network(seed)
    exact_everywhere(network.sketch, network.input_type, (None, 20_000)[seed % 2], tmp_path)
