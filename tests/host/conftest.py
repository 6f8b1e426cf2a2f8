"""Builds that the host's tests run, each compiled once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

import bnnhw
from bnnhw.assets import asset_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Case:
    """A build, images for it, and the scores that the compiler's interpreter gives."""

    path: Path
    images: NDArray[np.generic]
    scores: Array


def make_case(path: Path, model: str, count: int, **options: object) -> Case:
    bnnhw.compile(
        asset_folder("models") / f"{model}.onnx",
        board="pynq-z2",
        output=path,
        backends=["verilog"],
        **options,
    )
    images = _images(path, count)
    return Case(path, images, bnnhw.run(path, images).scores)


def _images(path: Path, count: int) -> NDArray[np.generic]:
    manifest = json.loads((path / "manifest.json").read_text())
    shape = (count, *manifest["input"]["shape"])
    pixels = np.random.default_rng(count).integers(0, 256, shape, np.uint8)
    top = {"digits": 17}.get(manifest["network"])
    return pixels % top if top else pixels


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """All weights on the chip, 128 cycles a frame."""
    return make_case(tmp_path_factory.mktemp("digits") / "build", "digits", 200, cycles=128)


@pytest.fixture(scope="session")
def with_memory(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The last two layers' weights in memory."""
    folder = tmp_path_factory.mktemp("memory")
    layers = {
        "dense3": {"pe": 4, "simd": 64, "memory": "ddr"},
        "dense4": {"pe": 1, "simd": 16, "memory": "ddr"},
    }
    (folder / "folding.json").write_text(json.dumps({"layers": layers}))
    return make_case(folder / "build", "digits", 60, folding=folder / "folding.json", cycles=2000)
