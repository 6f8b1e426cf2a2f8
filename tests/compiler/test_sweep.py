"""Random networks through the whole compile: each is built exactly, or refused for a stated reason.

Every compile checks the integer graph against onnxruntime. A sample is in each run; the whole sweep
is among the slow tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.errors import BnnhwError, FoldingError
from random_networks import branched_network, plain_network, residual_network
from scaled_networks import scaled_network

if TYPE_CHECKING:
    from pathlib import Path

    from random_networks import RandomNetwork

PLAIN, RESIDUAL, BRANCHED, SCALED = 500, 200, 200, 200
PLAIN_STEP, RESIDUAL_STEP, BRANCHED_STEP, SCALED_STEP = 25, 20, 40, 80
CHUNKS = 10
TARGETS = (None, None, 3_000, 20_000)
REASONS = (
    r"a frame of \d+ elements of \d+ bit is \d+ bits, no whole number of bytes",
    r"all of its windows lie in the padding: its result is the same whatever the input",
    r"\d+ cycles per frame(, FIFOs included,)? (does not fit|is missed|is beyond any folding)",
)
"""Why a network may be refused; everything else must be built."""


def compile_random(network: RandomNetwork, seed: int, folder: Path) -> str:
    """Compiles a network; the reason where it was refused for one of ``REASONS``, else nothing."""
    model = network.sketch.save(folder / f"random_{seed}.onnx")
    kind = network.input_type
    target = TARGETS[seed % len(TARGETS)]
    options = CompileOptions(board="pynq-z2", cycles=target, input_type=kind)
    try:
        result = compile_model(model, folder / f"build_{seed}", options)
    except BnnhwError as error:
        reason = next((reason for reason in REASONS if re.match(reason, error.what)), None)
        if reason is None or not error.fix:
            raise
        if isinstance(error, FoldingError):  # the pace that it names is reached
            asked = int(re.findall(r"(\d+) cycles", error.fix)[0])
            again = CompileOptions(board="pynq-z2", cycles=asked, input_type=kind, verify=False)
            compile_model(model, folder / f"build_{seed}", again)
        return reason
    (check,) = result.report["verification"]
    assert check["mismatches"] == 0
    assert check["inputs"] >= 8
    assert target is None or result.report["cycles_per_frame"]["predicted"] <= target
    return ""


def sweep(make, seeds, folder: Path) -> None:
    """Compiles networks; most of them must be built."""
    reasons = [compile_random(make(seed), seed, folder) for seed in seeds]
    refused = [reason for reason in reasons if reason]
    print(f"{len(reasons) - len(refused)} built; refused: {refused}")
    assert len(refused) <= max(2, 0.2 * len(reasons))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("part", range(2))
def test_a_sample_of_plain_networks_is_built_exactly(tmp_path: Path, part: int) -> None:
    sweep(plain_network, range(part * PLAIN_STEP, PLAIN, 2 * PLAIN_STEP), tmp_path)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(0, RESIDUAL, RESIDUAL_STEP))
def test_a_sample_of_residual_networks_is_built_exactly(tmp_path: Path, seed: int) -> None:
    sweep(residual_network, [seed], tmp_path)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", range(0, BRANCHED, BRANCHED_STEP))
def test_a_sample_of_branched_networks_is_built_exactly(tmp_path: Path, seed: int) -> None:
    sweep(branched_network, [seed], tmp_path)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", range(0, SCALED, SCALED_STEP))
def test_a_sample_of_networks_with_products_is_built_exactly(tmp_path: Path, seed: int) -> None:
    sweep(scaled_network, [seed], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_networks_with_products_are_built_exactly(tmp_path: Path, chunk: int) -> None:
    sweep(scaled_network, range(chunk, SCALED, CHUNKS), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_branched_networks_are_built_exactly(tmp_path: Path, chunk: int) -> None:
    sweep(branched_network, range(chunk, BRANCHED, CHUNKS), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_plain_networks_are_built_exactly(tmp_path: Path, chunk: int) -> None:
    sweep(plain_network, range(chunk, PLAIN, CHUNKS), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_residual_networks_are_built_exactly(tmp_path: Path, chunk: int) -> None:
    sweep(residual_network, range(chunk, RESIDUAL, CHUNKS), tmp_path)
