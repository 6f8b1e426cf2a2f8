"""Where the memories of a design lie: in LUTs or in block RAM, packed so that all of them fit.

Each memory of a unit and each FIFO may lie in LUTs or in blocks, at a price that the cost model
knows. The choice is a multiple-choice knapsack: the fewest LUTs within the part's halves of
BRAM36. It is solved exactly, by dynamic programming over the halves (Dudzinski and Walukiewicz,
Exact methods for the knapsack problem and its generalizations, 1987).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bnnhw.errors import FoldingError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import Resources, total, unit_resources
from bnnhw.hardware.storage import FifoShape, fifo_shapes
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import BLOCK, LUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Design, Stream, Unit
    from bnnhw.hardware.folding import Folding, FoldingRequest

D = TypeVar("D", "Datapath", "Design")

STYLE_NAMES = {LUTS: "lut", BLOCK: "bram"}
# What a share of the block RAM counts against a share of the LUTs: a design that is short of
# neither keeps its LUTs, which are what runs out when it is placed.
_BLOCK_SHARE = 0.25
# Flip-flops hardly ever run out, but of two ways that cost the same LUTs take the smaller.
_FF_PRICE = 0.01


@dataclass(frozen=True)
class Option:
    """One way to have something, and what it takes.

    Attributes:
        what: handed back to who asked.
        resources: what it takes.
    """

    what: Any
    resources: Resources


def pack(
    items: Sequence[Sequence[Option]], limit: Resources, base: Resources, dsp_price: float = 0.0
) -> list[Option]:
    """One option of each item: those that take the least of ``limit`` beside ``base``.

    Block RAM within the limit where that is possible at all, else the least; LUTs as few as can
    be, though a block is used where it spares enough of them.

    Args:
        items: the options of each.
        limit: what may be used.
        base: what is used already.
        dsp_price: what a DSP block counts, in LUTs.
    """
    halves = [[round(2 * option.resources.bram36) for option in item] for item in items]
    room = int(2 * (limit.bram36 - base.bram36))
    size = 1 + max(room, sum(min(row) for row in halves), 0)
    best = np.zeros(size)
    picks = np.zeros((len(items), size), np.uint16)
    for number, (item, blocks) in enumerate(zip(items, halves, strict=True)):
        table = np.full((len(item), size), np.inf)
        for row, option, count in zip(table, item, blocks, strict=True):
            r = option.resources
            price = r.lut_packed + _FF_PRICE * r.ff + dsp_price * r.dsp
            if count < size:
                row[count:] = best[: size - count] + price
        picks[number] = table.argmin(axis=0)
        best = table.min(axis=0)
    share = _BLOCK_SHARE * np.arange(size) / max(2 * limit.bram36, 1.0)
    at = int(np.argmin(best / max(limit.lut_packed, 1.0) + share))
    chosen = []
    for item, blocks, pick in zip(reversed(items), reversed(halves), picks[::-1], strict=True):
        chosen.append(item[pick[at]])
        at -= blocks[pick[at]]
    return chosen[::-1]


def place_memories(design: D, limit: Resources, fixed: Mapping[str, str]) -> D:
    """The design with each memory where it costs the part least.

    Args:
        design: with its FIFOs, if they are known.
        limit: what may be used.
        fixed: by name of a unit or of a FIFO (the stream's name and "_fifo"), "lut" or "bram".
    """
    units = {unit.name: unit for unit in design.units}
    items = memory_items(units, design.streams, fixed)
    parts = design_resources(design)
    base = total({name: need for name, need in parts.items() if name not in items})
    chosen = dict(zip(items, pack(list(items.values()), limit, base), strict=True))
    streams = dict(design.streams)
    for name, option in chosen.items():
        if name in units:
            unit = units[name]
            units[name] = replace(unit, params={**unit.params, KINDS[unit.kind].style: option.what})
        else:
            stream = name.removesuffix("_fifo")
            streams[stream] = replace(streams[stream], shape=option.what)
    placed = type(design.units)(units.values())
    return replace(design, units=placed, streams=streams)


def check_memories(design: Design, request: FoldingRequest) -> None:
    """Raises FoldingError where a folding file places memories that the design does not have."""
    known = memory_items({unit.name: unit for unit in design.units}, design.streams, {})
    for name in request.memories:
        if name not in known:
            raise FoldingError(
                f"the design has no memory '{name}' that may lie in LUTs or in block RAM",
                where=request.source,
                fix=f"its memories are {', '.join(known) or 'none'}",
            )


def placed_folding(folding: Folding, design: Datapath | Design) -> Folding:
    """The folding that says of each layer where ``design`` keeps its weights and its window."""
    styles = {
        unit.name: STYLE_NAMES[unit.params[KINDS[unit.kind].style]]
        for unit in design.units
        if KINDS[unit.kind].style
    }
    layers = {
        name: replace(
            fold,
            memory=styles.get(f"{name}_pe_array", fold.memory),
            buffer=styles.get(f"{name}_window", fold.buffer),
        )
        for name, fold in folding.layers.items()
    }
    return replace(folding, layers=layers)


def memory_items(
    units: Mapping[str, Unit], streams: Mapping[str, Stream], fixed: Mapping[str, str]
) -> dict[str, list[Option]]:
    """The options of each memory that may lie in LUTs or in block RAM, by name."""
    items = {
        unit.name: [
            Option(style, unit_resources(unit.kind, {**unit.params, KINDS[unit.kind].style: style}))
            for style, name in STYLE_NAMES.items()
            if fixed.get(unit.name, name) == name
        ]
        for unit in units.values()
        if KINDS[unit.kind].style
    }
    for stream in streams.values():
        if stream.depth:
            name = f"{stream.name}_fifo"
            items[name] = [
                Option(shape, need)
                for shape, need in fifo_shapes(stream.width + stream.user, stream.depth)
                if fixed.get(name, _place(shape)) == _place(shape)
            ]
    return items


def _place(shape: FifoShape) -> str:
    return STYLE_NAMES[shape.ram_style]
