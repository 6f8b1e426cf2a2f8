"""Yosys's netlists of whole builds, gate by gate, against the interpreter."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bnnhw.assets import asset_folder
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.report.record import record_synthesis

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.backend.build import Build
    from bnnhw.verify.verification import Verification


def digits(count: int) -> NDArray[np.uint8]:
    """Images that training did not see."""
    images = (load_digits().images * 15).astype(np.uint8)[..., None]
    return images[-count:]


def check(build: Build, x: NDArray[np.uint8] | None, frames: int) -> Verification:
    """Synthesises a build, simulates its netlist, and holds it to the interpreter."""
    synthesis, (found,) = record_synthesis(build, x, frames, verify=True)
    assert synthesis.lut_cells > 0
    assert (found.what, found.against) == ("netlist", "interpreter")
    assert (found.inputs, found.mismatches) == (frames, 0)
    return found


def built(name: str, folder: Path, cycles: int) -> Build:
    """A build of a shipped model."""
    model = asset_folder("models") / f"{name}.onnx"
    options = CompileOptions(board="pynq-z2", cycles=cycles, verify=False)
    return compile_model(model, folder / "build", options).build


@pytest.mark.slow
def test_the_netlist_of_the_digits_is_exact(tmp_path: Path) -> None:
    check(built("digits", tmp_path, 8192), digits(3), 3)


@pytest.mark.slow
def test_the_netlist_of_the_demo_is_exact(tmp_path: Path) -> None:
    check(built("birealnet8-digits", tmp_path, 2000), digits(5), 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cycles"), [("cnv-cifar10", 32768), ("birealnet18-cifar10", 65536)]
)
def test_netlists_of_whole_networks_are_exact(name: str, cycles: int, tmp_path: Path) -> None:
    check(built(name, tmp_path, cycles), None, 2)


@pytest.mark.slow
def test_a_netlist_for_an_ultrascale_part_is_exact(tmp_path: Path) -> None:
    model = asset_folder("models") / "birealnet8-digits.onnx"
    options = CompileOptions(board="ultra96-v2", cycles=2000, verify=False)
    check(compile_model(model, tmp_path / "build", options).build, digits(3), 3)


@pytest.mark.slow
def test_the_netlist_of_birealnet18_at_224_is_exact_for_a_frame(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = tmp_path / "birealnet18.onnx"
    words = ["zoo", "export", "birealnet18", "-o", str(model)]
    subprocess.run([sys.executable, "-m", "bnnhw.cli", *words], check=True)
    options = CompileOptions(board="pynq-z2", cycles=405_000, verify=False)
    check(compile_model(model, tmp_path / "build", options).build, None, 1)
