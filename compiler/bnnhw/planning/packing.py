"""Where the memories of a design lie: in LUTs, block RAM or UltraRAM, packed so that all fit.

Each memory of a unit and each FIFO may lie in LUTs or in blocks, at a price that the cost model
knows. The choice is a multiple-choice knapsack: the fewest LUTs within the part's halves of
BRAM36. It is solved exactly, by dynamic programming over the halves (Dudzinski and Walukiewicz,
Exact methods for the knapsack problem and its generalizations, 1987).

UltraRAMs have a price in LUTs instead (a Lagrange multiplier): the part's LUTs against its
UltraRAMs, as block RAM is weighed. It is raised until no more are taken than there are. A memory
then lies in UltraRAM where block RAM runs out, or where it would take a larger share of the part's
block RAM: one of a KV260 is worth 2.1 BRAM36, one of a ZCU104 3.1, of the 8 that it could hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bnnhw.errors import FoldingError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import Resources, budget, total, unit_resources
from bnnhw.hardware.storage import FifoShape, fifo_shapes
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import BLOCK, LUTS, ULTRA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Design, Stream, Unit
    from bnnhw.hardware.folding import Folding, FoldingRequest

D = TypeVar("D", "Datapath", "Design")

STYLE_NAMES = {LUTS: "lut", BLOCK: "bram", ULTRA: "uram"}
# What a share of the block RAM counts against a share of the LUTs: a design that is short of
# neither keeps its LUTs, which are what runs out when it is placed.
_BLOCK_SHARE = 0.25
# Flip-flops hardly ever run out, but of two ways that cost the same LUTs take the smaller.
_FF_PRICE = 0.01
# How often the price of an UltraRAM is doubled, and how often the doubling is then halved.
_DOUBLINGS, _HALVINGS = 16, 4


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

    Block RAM and UltraRAM within the limit where that is possible at all, else the least; LUTs as
    few as can be, though a block is used where it spares enough of them.

    Args:
        items: the options of each.
        limit: what may be used.
        base: what is used already.
        dsp_price: what a DSP block counts, in LUTs.
    """
    if not limit.uram:
        return _packed(items, limit, base, (dsp_price, 0.0))

    def at(price: float) -> tuple[list[Option], bool]:
        chosen = _packed(items, limit, base, (dsp_price, price))
        return chosen, sum(option.resources.uram for option in chosen) <= limit.uram - base.uram

    low = high = _BLOCK_SHARE * limit.lut_packed / limit.uram
    chosen, fits = at(high)
    if fits:
        return chosen
    for _ in range(_DOUBLINGS):
        low, high = high, 2 * high
        chosen, fits = at(high)
        if fits:
            break
    for _ in range(_HALVINGS if fits else 0):
        middle = (low + high) / 2
        other, fits = at(middle)
        if fits:
            chosen, high = other, middle
        else:
            low = middle
    return chosen


def _packed(
    items: Sequence[Sequence[Option]],
    limit: Resources,
    base: Resources,
    prices: tuple[float, float],
) -> list[Option]:
    """The same where a DSP block and an UltraRAM have these prices, and no limit."""
    halves = [[round(2 * option.resources.bram36) for option in item] for item in items]
    room = int(2 * (limit.bram36 - base.bram36))
    size = 1 + max(room, sum(min(row) for row in halves), 0)
    best = np.zeros(size)
    picks = np.zeros((len(items), size), np.uint16)
    for number, (item, blocks) in enumerate(zip(items, halves, strict=True)):
        table = np.full((len(item), size), np.inf)
        for row, option, count in zip(table, item, blocks, strict=True):
            r = option.resources
            price = r.lut_packed + _FF_PRICE * r.ff + prices[0] * r.dsp + prices[1] * r.uram
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
        fixed: by name of a unit or of a FIFO (the stream's name and "_fifo"), "lut", "bram" or
            "uram".
    """
    units = {unit.name: unit for unit in design.units}
    items = memory_items(units, design.streams, fixed, limit)
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
    """Raises FoldingError where a folding file places memories as the design does not have them."""
    units = {unit.name: unit for unit in design.units}
    known = memory_items(units, design.streams, {}, budget(design.board))
    for name, place in request.memories.items():
        if name not in known:
            raise FoldingError(
                f"the design has no memory '{name}' that may lie in LUTs or in block RAM",
                where=request.source,
                fix=f"its memories are {', '.join(known) or 'none'}",
            )
        places = dict.fromkeys(_place(option.what) for option in known[name])
        if place not in places:
            raise FoldingError(
                f"memory '{name}' cannot lie in '{place}'"
                + (": its contents come with the bitstream" if _is_rom(units.get(name)) else ""),
                where=request.source,
                fix=f"choose one of {', '.join(places)}",
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
    units: Mapping[str, Unit],
    streams: Mapping[str, Stream],
    fixed: Mapping[str, str],
    limit: Resources,
) -> dict[str, list[Option]]:
    """The options of each memory that may lie in several places, by name.

    UltraRAM is among them where ``limit`` has any.
    """
    ultra = limit.uram > 0
    items = {}
    for unit in units.values():
        kind = KINDS[unit.kind]
        styles = [style for style in kind.styles if ultra or style != ULTRA]
        if kind.style and len(styles) > 1:
            options = [
                Option(style, unit_resources(unit.kind, {**unit.params, kind.style: style}))
                for style in styles
            ]
            items[unit.name] = _there(options, fixed.get(unit.name))
    for stream in streams.values():
        if stream.depth:
            name = f"{stream.name}_fifo"
            shapes = fifo_shapes(stream.width + stream.user, stream.depth, ultra=ultra)
            items[name] = _there([Option(*each) for each in shapes], fixed.get(name))
    return items


def _there(options: list[Option], place: str | None) -> list[Option]:
    """Those at a place; all where there are none: ``check_memories`` refuses such a file."""
    return [option for option in options if place == _place(option.what)] or options


def _place(what: int | FifoShape) -> str:
    """The name of a place: of a style, or of a FIFO's shape."""
    return STYLE_NAMES[what if isinstance(what, int) else what.ram_style]


def _is_rom(unit: Unit | None) -> bool:
    return unit is not None and ULTRA not in KINDS[unit.kind].styles
