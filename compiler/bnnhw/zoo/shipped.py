"""The trained networks that come with bnnhw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bnnhw.assets import asset_folder
from bnnhw.errors import BnnhwError, did_you_mean


@dataclass(frozen=True)
class ShippedModel:
    """One trained network; ``models/models.json`` describes all.

    Attributes:
        name: short name.
        path: the ONNX file.
        accuracy: measured accuracy and what it was measured on.
        input: what it takes.
        recipe: the command that trained it.
    """

    name: str
    path: Path
    accuracy: str
    input: str
    recipe: str


def shipped_models() -> list[ShippedModel]:
    """All shipped networks, in the order of models.json."""
    folder = asset_folder("models")
    entries = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    return [
        ShippedModel(e["name"], folder / e["file"], e["accuracy"], e["input"], e["recipe"])
        for e in entries
    ]


def shipped_model(name: str) -> ShippedModel:
    """The shipped network called ``name``."""
    for model in shipped_models():
        if model.name == name:
            return model
    names = [model.name for model in shipped_models()]
    raise BnnhwError("no such model", where=f"model '{name}'", fix=did_you_mean(name, names))


def model_file(name: Path | str) -> Path:
    """A file as it is, or the one of the shipped network of that name, which a build may have."""
    shipped = {model.name: model.path for model in shipped_models()}
    return Path(name) if Path(name).is_file() else shipped.get(str(name), Path(name))
