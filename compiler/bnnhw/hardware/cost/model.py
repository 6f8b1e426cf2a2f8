"""Resources of units and designs, estimated by a model fitted to synthesis.

Each unit has a few features, computed from its parameters; LUTs and flip-flops are sums of
features times coefficients. ``tools/fit_cost.py`` measures units with Yosys and fits the
coefficients; data, coefficients and errors are in ``cost_model.json``. Block RAM and UltraRAM are
rules, not fits.

LUTs are counted twice. ``lut`` are Yosys's estimated logic cells: it lets every small LUT share a
6-input LUT with another. ``lut_cells`` are the LUT primitives of the netlist: none shares. Both
have LUTs used as memory or shift register on top. A part's dual-output LUT holds two functions of
at most five inputs together, so that two LUT3 must have an input in common, and Vivado joins such
pairs within bounds: the guide to Versal designs (UG1388) calls more than 40 % of joined cells a
cause of congestion. In the units here all pairs that Yosys assumes are about 55 % of the cells;
half of these pairs, 27 %, is what a design is budgeted with: the mean of both counts,
``lut_packed``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.units import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.board import Board

_MODEL = Path(__file__).parent / "cost_model.json"


@dataclass(frozen=True)
class Resources:
    """Amounts of each resource.

    Attributes:
        lut: estimated logic cells, every small LUT sharing one, and LUTs used as memory.
        ff: flip-flops.
        bram36: 36-kbit blocks, halves allowed.
        dsp: DSP blocks.
        lut_cells: LUT primitives, none sharing, and LUTs used as memory; 0 where nobody counted.
        uram: UltraRAMs, of 288 kbit.
    """

    lut: float = 0.0
    ff: float = 0.0
    bram36: float = 0.0
    dsp: float = 0.0
    lut_cells: float = 0.0
    uram: float = 0.0

    @property
    def lut_packed(self) -> float:
        """LUTs that a design is budgeted with: half of the pairs that ``lut`` assumes share one."""
        return (self.lut + max(self.lut, self.lut_cells)) / 2

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram36 + other.bram36,
            self.dsp + other.dsp,
            self.lut_cells + other.lut_cells,
            self.uram + other.uram,
        )

    def __sub__(self, other: Resources) -> Resources:
        return Resources(
            self.lut - other.lut,
            self.ff - other.ff,
            self.bram36 - other.bram36,
            self.dsp - other.dsp,
            self.lut_cells - other.lut_cells,
            self.uram - other.uram,
        )

    def exceeds(self, limit: Resources) -> bool:
        """Whether any amount is over the limit's."""
        return any(getattr(self, name) > getattr(limit, name) for name in LIMITED)

    def amounts(self) -> dict[str, float]:
        """All amounts by name, as in reports."""
        return {name: getattr(self, name) for name in COUNTED}


#: All amounts in the order of reports, and what of the part each takes.
COUNTED = {
    "lut": "lut",
    "lut_cells": "lut",
    "lut_packed": "lut",
    "ff": "ff",
    "bram36": "bram36",
    "uram": "uram",
    "dsp": "dsp",
}
#: Those that a part limits.
LIMITED = ("lut_packed", "ff", "bram36", "uram", "dsp")
#: Those that most parts have none of: tables leave them out there.
RARE = ("uram",)
#: Their names for people.
LABELS = {
    "lut_packed": "LUT",
    "ff": "flip-flops",
    "bram36": "BRAM36",
    "uram": "URAM",
    "dsp": "DSP",
}
#: The share of each resource that a part's design may take: a full part cannot be routed.
USABLE = {"lut": 0.85, "ff": 0.90, "bram36": 1.0, "uram": 1.0, "dsp": 1.0}


def budget(board: Board) -> Resources:
    """What the accelerator may use of a board's part, beside the shell around it."""
    return Resources(
        lut=max(0.0, board.lut * USABLE["lut"] - board.shell.lut),
        ff=max(0.0, board.ff * USABLE["ff"] - board.shell.ff),
        bram36=max(0.0, board.bram36 * USABLE["bram36"] - board.shell.bram36),
        dsp=board.dsp * USABLE["dsp"],
        uram=board.uram * USABLE["uram"],
    )


def unit_resources(kind: str, params: Mapping[str, int]) -> Resources:
    """Estimated resources of one unit."""
    return _estimated(kind, tuple(params.items()))


@lru_cache(maxsize=1 << 16)
def _estimated(kind: str, items: tuple[tuple[str, int], ...]) -> Resources:
    unit, params = KINDS[kind], dict(items)
    features = unit.features(params)
    model = _model()[kind]
    lut, cells, ff = (
        sum(coefficient * feature for coefficient, feature in zip(row, features, strict=True))
        for row in (model["lut"], model["lut_cells"], model["ff"])
    )
    return Resources(
        lut, ff, unit.bram36(params), unit.dsp(params), max(lut, cells), unit.uram(params)
    )


def total(parts: Mapping[str, Resources]) -> Resources:
    """The sum of all parts."""
    return sum(parts.values(), Resources())


@cache
def _model() -> dict[str, Any]:
    return json.loads(_MODEL.read_text())["units"]
