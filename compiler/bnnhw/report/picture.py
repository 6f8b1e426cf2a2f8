"""What the pictures of a dataflow are made of: boxes, arrows, and the words in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.ends import INPUT, OUTPUT
from bnnhw.report.facts import TIMES, Report, amount, bottleneck_layers, number

_ENDS = (INPUT.name, OUTPUT.name)
LETTER = 7.25  # width of a letter of the usual fixed-width fonts at 12 px

Line = tuple[float, float, str, str]


@dataclass(frozen=True)
class Box:
    """A rectangle with lines of text, their baselines given.

    Attributes:
        x: left edge.
        y: top edge.
        width: width.
        height: height.
        lines: (x, baseline y, text anchor, text) of each line.
        tip: all that is known of it, for a tooltip.
        loud: whether it is the bottleneck.
    """

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]
    tip: str
    loud: bool = False


@dataclass(frozen=True)
class Arrow:
    """A stream.

    Attributes:
        path: SVG path data.
        tip: tooltip.
        label: elements per beat x bits, as a line of a Box; None where a box says it.
        fifo: the box of its FIFO, or of its label where that stands on the line.
        skips: whether it passes other units by: a shortcut.
    """

    path: str
    tip: str
    label: Line | None = None
    fifo: Box | None = None
    skips: bool = False


@dataclass(frozen=True)
class Dataflow:
    """The picture: its size, then what to draw, back to front."""

    width: float
    height: float
    groups: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    units: tuple[Box, ...]


@dataclass(frozen=True)
class Block:
    """Units that follow one another: a layer with weights and what works on its results, or a loop.

    Attributes:
        name: of the layer; of a loop its passes and the layers that its blocks begin with.
        first: index of the first unit.
        last: index of the last unit.
        facts: cycles and estimated cost, the parts to be shown while there is room.
        tip: all that is known of it.
        loud: whether it is the bottleneck.
    """

    name: str
    first: int
    last: int
    facts: tuple[str, ...]
    tip: str
    loud: bool


@dataclass(frozen=True)
class Edge:
    """A stream between two units, by their indices.

    Attributes:
        stream: of the report.
        writer: the unit that gives it.
        reader: the unit that takes it.
        joins: whether it adds to another layer's.
        back: whether it is the way back of a loop.
    """

    stream: dict[str, Any]
    writer: int
    reader: int
    joins: bool = False
    back: bool = False

    @property
    def skips(self) -> bool:
        """Whether units stand between the two."""
        return self.reader != self.writer + 1

    @property
    def shortcut(self) -> bool:
        """Whether it ends in an addition, past the layers between."""
        return self.skips and self.joins and not self.back

    @property
    def label(self) -> str:
        """Elements per beat and their bits."""
        return f"{self.stream['lanes']}{TIMES}{self.stream['elem_bits']}b"

    @property
    def fifo(self) -> str:
        """The FIFO and its depth; empty where there is none."""
        depth = self.stream["depth"]
        return f"FIFO {number(depth)}" if depth else ""

    @property
    def words(self) -> str:
        """What it is where it is a shortcut or a way back, label and FIFO."""
        return " ".join(word for word in (self._part, self.label, self.fifo) if word)

    @property
    def tip(self) -> str:
        """All about the stream."""
        s = self.stream
        tip = (
            f"{s['name']}: {f'a {self._part}, ' if self._part else ''}{s['lanes']} elements of "
            f"{s['elem_bits']} bits per beat, {number(s['beats'])} beats per frame"
        )
        return f"{tip}, FIFO of {number(s['depth'])} beats" if s["depth"] else tip

    @property
    def _part(self) -> str:
        return "way back" if self.back else "shortcut" if self.shortcut else ""


def blocks(report: Report) -> list[Block]:
    """The units in runs: one begins at each layer with weights, at a loop, and at either end."""
    plans = {layer["name"]: layer for layer in report["layers"]}
    units = report["units"]
    starts: list[int] = []
    current, around = None, ""
    for i, unit in enumerate(units):
        layer, loop = unit["layer"], unit.get("loop", "")
        begins = not starts or unit["kind"] in _ENDS
        begins = begins or (not loop and layer in plans and layer != current)
        if begins or loop != around:
            starts.append(i)
            current, around = layer, loop
    busiest = set(bottleneck_layers(report))
    found = []
    for first, end in zip(starts, [*starts[1:], len(units)], strict=True):
        if units[first].get("loop"):
            found.append(_loop_block(report, first, end))
            continue
        name = units[first]["layer"]
        cost = _cost(units[first:end])
        plan = plans.get(name)
        tip = f"{name}: {', '.join(cost)}"
        if plan is not None:
            cycles = f"{number(plan['cycles'])} cycles"
            cost = (cycles, *cost)
            tip = f"{name}: {plan['kind']}, PE {plan['pe']} {TIMES} SIMD {plan['simd']}, "
            tip += f"{cycles} per frame; with what follows it {', '.join(cost[1:])}"
        found.append(Block(name, first, end - 1, cost, tip, name in busiest))
    return found


def loops(report: Report) -> dict[str, list[tuple[str, ...]]]:
    """The layers of each pass of each loop, in order, by the loop's name."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for name in dict.fromkeys(unit.get("loop") for unit in report["units"]):
        if name:
            inside = {unit["layer"] for unit in report["units"] if unit.get("loop") == name}
            layers = [layer for layer in report["layers"] if layer["name"] in inside]
            passes = [(layer["name"], *layer["later"]) for layer in layers]
            found[name] = list(zip(*passes, strict=True))
    return found


def _loop_block(report: Report, first: int, end: int) -> Block:
    """All units of a loop, which a frame passes several times."""
    units = report["units"][first:end]
    passes = loops(report)[units[0]["loop"]]
    own = [layer for layer in report["layers"] if layer["name"] in passes[0]]
    cycles = f"{number(max(layer['cycles'] for layer in own))} cycles"
    name = f"loop of {len(passes)} passes: {', '.join(layers[0] for layers in passes)}"
    each = "; ".join(f"{i}. {', '.join(layers)}" for i, layers in enumerate(passes, 1))
    cost = (cycles, *_cost(units))
    tip = f"loop of {len(passes)} passes: {each}; {cycles} per frame, {', '.join(cost[1:])}"
    loud = not {*passes[0]}.isdisjoint(bottleneck_layers(report))
    return Block(name, first, end - 1, cost, tip, loud)


def edges(report: Report) -> list[Edge]:
    """The streams from unit to unit, in the report's order."""
    units = report["units"]
    inside = {i: block.name for block in blocks(report) for i in range(block.first, block.last + 1)}
    writers = {name: i for i, unit in enumerate(units) for name in unit["sinks"]}
    readers = {name: i for i, unit in enumerate(units) for name in unit["sources"]}
    found = []
    for stream in report["streams"]:
        writer, reader = writers.get(stream["name"]), readers.get(stream["name"])
        if writer is not None and reader is not None:
            joins = KINDS[units[reader]["kind"]].joins and inside[writer] != inside[reader]
            loop = units[writer].get("loop", "")
            back = reader < writer and loop != "" and loop == units[reader].get("loop")
            found.append(Edge(stream, writer, reader, joins, back))
    return found


def unit_kind(unit: dict[str, Any]) -> str:
    """What it is in a word or two."""
    return unit.get("label") or KINDS[unit["kind"]].about


def unit_about(unit: dict[str, Any]) -> str:
    """The one thing about a unit that says most; empty where its kind says all."""
    p = unit["params"]
    if KINDS[unit["kind"]].reads_memory:
        return "from DDR"
    if "PE" in p and "SIMD" in p:
        return f"PE {p['PE']} {TIMES} SIMD {p['SIMD']}"
    if "KERNEL_H" in p and p["KERNEL_H"] * p["KERNEL_W"] * p["HEIGHT"] * p["WIDTH"] == 1:
        return f"{p['CHANNELS']} inputs"
    if unit["name"].endswith("_replay"):
        return f"played {p['REPEATS']}{TIMES}, SIMD {p['SIMD']}"
    if "KERNEL_H" in p and "LANES" in p:
        return f"{p['KERNEL_H']}{TIMES}{p['KERNEL_W']}, {_lanes(p['LANES'])}"
    if "KERNEL_H" in p:
        return f"{p['KERNEL_H']}{TIMES}{p['KERNEL_W']}, SIMD {p['SIMD']}"
    if "POOL_H" in p:
        return f"{p['POOL_H']}{TIMES}{p['POOL_W']}, {_lanes(p['LANES'])}"
    if "IN_LANES" in p and "OUT_LANES" in p:
        return f"{p['IN_LANES']} → {p['OUT_LANES']}"
    if "K" in p and "CLASSES" in p:
        return f"best {p['K']} of {p['CLASSES']}"
    if "BYTES" in p:
        return f"{p['BYTES']} bytes per beat"
    if "LANES" in p:
        return _lanes(p["LANES"])
    return ""


def unit_tip(unit: dict[str, Any]) -> str:
    """All about a unit."""
    params = ", ".join(f"{key} {value}" for key, value in unit["params"].items())
    cost = ", ".join(_cost([unit]))
    return f"{unit['name']} ({unit['kind']}): {cost}{'; ' if params else ''}{params}"


def short(text: str, room: int) -> str:
    """Both ends of a text that is too long: exporters' names differ at either."""
    if len(text) <= room:
        return text
    tail = max(1, room // 2)
    return f"{text[: max(1, room - tail - 1)]}…{text[-tail:]}"


def text_width(text: str) -> float:
    """Pixels that a text takes."""
    return len(text) * LETTER


def _lanes(count: int) -> str:
    return f"{count} lane{'' if count == 1 else 's'}"


def _cost(units: list[dict[str, Any]]) -> tuple[str, ...]:
    """Estimated LUT, and block RAM, UltraRAM and DSP where there are any."""
    names = ("lut_packed", "bram36", "uram", "dsp")
    total = {name: sum(unit["estimated"].get(name, 0) for unit in units) for name in names}
    shown = [f"{amount('lut_packed', total['lut_packed'])} LUT"]
    if total["bram36"]:
        shown.append(f"{amount('bram36', total['bram36'])} BRAM")
    if total["uram"]:
        shown.append(f"{amount('uram', total['uram'])} URAM")
    if total["dsp"]:
        shown.append(f"{amount('dsp', total['dsp'])} DSP")
    return tuple(shown)
