"""Builds with images and the scores that the compiler's interpreter gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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


def save_case(case: Case, folder: Path) -> None:
    """Keeps images and scores beside a build, scores last."""
    np.save(folder / "images.npy", case.images)
    np.save(folder / "scores.npy", case.scores)


def load_case(folder: Path) -> Case:
    """What ``save_case`` kept."""
    return Case(folder / "build", np.load(folder / "images.npy"), np.load(folder / "scores.npy"))


def make_case(
    path: Path, model: str, count: int, board: str = "pynq-z2", **options: object
) -> Case:
    bnnhw.compile(
        asset_folder("models") / f"{model}.onnx",
        board=board,
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
    top = 17 if "digits" in manifest["network"] else 0
    return pixels % top if top else pixels
