"""Folding: how many output channels (PE) and input lanes (SIMD) each layer works on a cycle."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bnnhw.errors import FoldingError, did_you_mean
from bnnhw.ir.names import identifier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

#: The widest word of Vitis HLS: the upper bound of AP_INT_MAX_W (UG1399, on types of any width).
WIDEST_WORD = 4096


@dataclass(frozen=True)
class LayerFolding:
    """How one layer of weights is folded.

    Attributes:
        pe: output channels per cycle; divides the layer's output channels.
        simd: input lanes per cycle; divides the layer's window, KH * KW * Cin.
        memory: where weights are kept: "lut" or "bram" on the chip, or "ddr".
        buffer: where the layer's input window is kept: "lut", "bram" or "uram".
        multiply: how a layer of integer weights multiplies: in LUTs ("lut"), one product a DSP
            block ("dsp") or two ("dsp2"); without meaning for binary weights.
        feed: elements per beat from the window unit, where SIMD spans taps. Each window is read
            once per pixel into a small memory, which repeats it for every tile of channels. 0 for
            no such memory: the window unit gives SIMD elements per beat, for each tile anew.
    """

    pe: int
    simd: int
    memory: str = "lut"
    buffer: str = "lut"
    multiply: str = "lut"
    feed: int = 0


@dataclass(frozen=True)
class Folding:
    """The folding of a whole network.

    Attributes:
        layers: by layer name.
        lanes: elements per beat of the stages without weights, by stage name; those left out keep
            the lanes of the stage before.
        loops: the first layer of each loop.
    """

    layers: Mapping[str, LayerFolding]
    lanes: Mapping[str, int] = field(default_factory=dict)
    loops: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text of a folding file."""
        layers = {
            name: {
                "pe": f.pe,
                "simd": f.simd,
                "memory": f.memory,
                "buffer": f.buffer,
                "multiply": f.multiply,
                "feed": f.feed,
            }
            for name, f in self.layers.items()
        }
        found = {"layers": layers, "lanes": dict(self.lanes), "loops": list(self.loops)}
        return json.dumps(found, indent=2) + "\n"


@dataclass(frozen=True)
class FoldingRequest:
    """What a folding file fixes: any subset of the fields of any layer, and lanes.

    Attributes:
        layers: by layer name, the fields given: pe, simd, memory, buffer, multiply, feed.
        lanes: by stage name.
        source: the file, for messages.
        memories: "lut", "bram" or "uram" by the name of any unit with a memory, or of a FIFO: that
            of its stream and "_fifo".
        loops: the first layer of each loop; None leaves the choice of loops free.
    """

    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lanes: Mapping[str, int] = field(default_factory=dict)
    source: str = "folding"
    memories: Mapping[str, str] = field(default_factory=dict)
    loops: tuple[str, ...] | None = None

    def named(self, layers: Collection[str], stages: Collection[str]) -> FoldingRequest:
        """The same by the network's own names: PyTorch's b1.conv1 is b1_conv1 here."""
        return replace(
            self,
            layers={spelled(name, layers): fields for name, fields in self.layers.items()},
            lanes={spelled(name, stages): lanes for name, lanes in self.lanes.items()},
        )

    def fixed_memories(self) -> dict[str, str]:
        """Where the file wants memories, layers' among them, by unit or FIFO."""
        layers = {
            f"{name}_{unit}": fields[key]
            for name, fields in self.layers.items()
            for key, unit in (("memory", "pe_array"), ("buffer", "window"))
            if fields.get(key) in ("lut", "bram", "uram")
        }
        return layers | dict(self.memories)

    def check(
        self,
        layers: list[str],
        stages: list[str],
        board: str,
        *,
        ultra: bool,
        later: Mapping[str, str],
    ) -> None:
        """Raises FoldingError where the file names what network or board do not have.

        Args:
            layers: the network's.
            stages: the network's.
            board: its name for people.
            ultra: whether it has UltraRAM.
            later: names of further passes in loops, each with that of the first.
        """
        for kind, names, known in (
            ("layer", self.layers, layers),
            ("stage", self.lanes, stages),
        ):
            for name in names:
                if first := later.get(spelled(name, later)):
                    raise FoldingError(
                        f"{kind} '{name}' is a further pass of '{first}' in a loop",
                        where=self.source,
                        fix=f"name '{first}', which stands for all passes, or leave the loop out",
                    )
                if name not in known:
                    raise FoldingError(
                        f"the network has no {kind} '{name}'",
                        where=self.source,
                        fix=did_you_mean(
                            name, known, f"its {kind}s are {', '.join(known) or 'none'}"
                        ),
                    )
        for name, place in self.fixed_memories().items():
            if place == "uram" and not ultra:
                raise FoldingError(
                    f"'{name}' is to lie in UltraRAM, and {board} has none",
                    where=self.source,
                    fix="choose lut or bram, or a board whose URAM in `bnnhw boards` is not 0",
                )


def spelled(name: str, names: Collection[str]) -> str:
    """The one of ``names`` that ``name`` means: PyTorch's b1.conv1 is b1_conv1 here."""
    return name if name in names or identifier(name) not in names else identifier(name)


_CHOICES = {
    "memory": ("lut", "bram", "ddr"),
    "buffer": ("lut", "bram", "uram"),
    "multiply": ("lut", "dsp", "dsp2"),
}


def read_folding(path: Path) -> FoldingRequest:
    """Reads a folding file.

    It holds {"layers": {name: {"pe", "simd", ...}}, "lanes": {}, "memories": {}, "loops": []}.

    Raises:
        FoldingError: the file is not readable, or holds unknown keys or values.
    """
    try:
        data = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FoldingError(
            f"is not a readable JSON file: {error}",
            where=str(path),
            fix="start from the folding.json of an earlier build",
        ) from error
    layers = _mapping(data, "the file", path).get("layers", {})
    lanes, memories = data.get("lanes", {}), data.get("memories", {})
    loops = data.get("loops")
    _only(data, ("layers", "lanes", "memories", "loops"), "the file", path)
    for name, fields in _mapping(layers, "layers", path).items():
        known = ("pe", "simd", "feed", *_CHOICES)
        _only(_mapping(fields, f"layer '{name}'", path), known, name, path)
        for key, value in fields.items():
            if key in _CHOICES:
                _one_of(_CHOICES[key], value, f"{key} of layer '{name}'", path)
            elif key != "feed" or value != 0:
                _positive(value, f"{key} of layer '{name}'", path)
    for name, value in _mapping(lanes, "lanes", path).items():
        _positive(value, f"lanes of stage '{name}'", path)
    for name, value in _mapping(memories, "memories", path).items():
        _one_of(_CHOICES["buffer"], value, f"the memory of '{name}'", path)
    if loops is not None and not (
        isinstance(loops, list) and all(isinstance(name, str) for name in loops)
    ):
        raise FoldingError(
            f"loops is {loops!r}, no list of names",
            where=str(path),
            fix="name the first layer of each loop; [] forbids loops, no loops leaves them free",
        )
    chosen = None if loops is None else tuple(loops)
    return FoldingRequest(layers, lanes, str(path), memories, chosen)


def _one_of(choices: tuple[str, ...], value: Any, what: str, path: Path) -> None:
    if value not in choices:
        raise FoldingError(
            f"{what} is {value!r}", where=str(path), fix=f"choose one of {', '.join(choices)}"
        )


def _mapping(value: Any, what: str, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FoldingError(
            f"{what} is no JSON object",
            where=str(path),
            fix="compare it with the folding.json of an earlier build",
        )
    return value


def _only(fields: Mapping[str, Any], known: tuple[str, ...], what: str, path: Path) -> None:
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise FoldingError(
            f"unknown key {', '.join(map(repr, unknown))} in {what}",
            where=str(path),
            fix=did_you_mean(unknown[0], known, f"known keys are {', '.join(known)}"),
        )


def _positive(value: Any, what: str, path: Path) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FoldingError(
            f"{what} is {value!r}, no positive integer", where=str(path), fix="give 1 or more"
        )
