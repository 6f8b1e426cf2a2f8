"""The dataflow as a picture: boxes for units, grouped by layer, wrapped to a width.

Units follow one another in stream order. A group stands to the right of the one before while the
row lasts, then on the next row. Where the width holds one unit only, all is one column.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bnnhw.report_facts import TIMES, Report, amount, bottleneck_layers, number

_UNIT_W, _UNIT_H = 130, 74
_GAP_X, _GAP_Y = 58, 44
_PAD, _TITLE = 10, 24
_MARGIN = 22
_LETTER = 7.25  # width of a letter of the usual fixed-width fonts at 12 px
_LINE = 16
_SHORT_NAME = 14

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
        label: elements a beat x bits, as a line of a Box.
        fifo: the FIFO's box, where there is one.
        tip: tooltip.
    """

    path: str
    label: Line
    fifo: Box | None
    tip: str


@dataclass(frozen=True)
class Dataflow:
    """The picture: its size, then what to draw, back to front."""

    width: float
    height: float
    groups: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    units: tuple[Box, ...]


def draw_dataflow(report: Report, width: int) -> Dataflow:
    """The picture of a report's units and streams, at most ``width`` pixels wide."""
    inner = width - 2 * _MARGIN - 2 * _PAD
    columns = max(1, (inner + _GAP_X) // (_UNIT_W + _GAP_X))
    unit_w = _UNIT_W if columns > 1 else inner
    busiest = set(bottleneck_layers(report))
    plans = {layer["name"]: layer for layer in report["layers"]}
    groups: list[Box] = []
    units: list[Box] = []
    left, top, row_h = _MARGIN, 4, 0
    for name, run in groupby(report["units"], key=lambda unit: unit["layer"]):
        members = list(run)
        across = min(columns, len(members))
        down = -(-len(members) // across)
        group_w = 2 * _PAD + across * unit_w + (across - 1) * _GAP_X
        group_h = _TITLE + _PAD + down * _UNIT_H + (down - 1) * _GAP_Y
        if left > _MARGIN and left + group_w > width - _MARGIN:
            left, top = _MARGIN, top + row_h + _GAP_Y
            row_h = 0
        place = (left, top, group_w, group_h)
        groups.append(_group(name, plans.get(name), place, loud=name in busiest))
        for i, unit in enumerate(members):
            x = left + _PAD + (i % across) * (unit_w + _GAP_X)
            y = top + _TITLE + (i // across) * (_UNIT_H + _GAP_Y)
            units.append(_unit(unit, x, y, unit_w))
        left += group_w + _GAP_X - 2 * _PAD
        row_h = max(row_h, group_h)
    arrows = _arrows(report, units)
    right = max(box.x + box.width for box in groups) + _MARGIN
    return Dataflow(right, top + row_h + 4, tuple(groups), arrows, tuple(units))


def _arrows(report: Report, boxes: list[Box]) -> tuple[Arrow, ...]:
    """An arrow a stream: straight to the unit drawn next, else a curve below those between."""
    writer = {name: i for i, unit in enumerate(report["units"]) for name in unit["sinks"]}
    reader = {name: i for i, unit in enumerate(report["units"]) for name in unit["sources"]}
    arrows = []
    for stream in report["streams"]:
        a, b = writer[stream["name"]], reader[stream["name"]]
        if b == a + 1:
            inside = report["units"][a]["layer"] == report["units"][b]["layer"]
            arrows.append(_arrow(stream, boxes[a], boxes[b], inside=inside))
        else:
            arrows.append(_curve(stream, boxes[a], boxes[b]))
    return tuple(arrows)


def _group(
    name: str, plan: dict[str, Any] | None, place: tuple[int, int, int, int], *, loud: bool
) -> Box:
    """The name on the left, the cycles on the right where both leave the middle to an arrow."""
    x, y, width, height = place
    room = int((width - 2 * _PAD) / _LETTER)
    if plan is None:
        if width > _UNIT_W + 2 * _PAD:
            room = room // 2 - 1
        return Box(x, y, width, height, ((x + _PAD, y + 16, "start", _short(name, room)),), name)
    cycles = f"{number(plan['cycles'])} cycles"
    tip = f"{name}: {plan['kind']}, PE {plan['pe']} {TIMES} SIMD {plan['simd']}, {cycles} a frame"
    lines: list[Line] = []
    if len(cycles) <= room // 2 - 1 and room // 2 - 1 >= min(len(name), _SHORT_NAME):
        room = room // 2 - 1
        lines.append((x + width - _PAD, y + 16, "end", cycles))
    lines.append((x + _PAD, y + 16, "start", _short(name, room)))
    return Box(x, y, width, height, tuple(lines), tip, loud)


def _unit(unit: dict[str, Any], x: int, y: int, width: int) -> Box:
    kind = unit["kind"].removeprefix("bnn_").replace("_", " ")
    need = unit["estimated"]
    texts = [kind, _about(unit), f"{amount('lut', need['lut'])} LUT"]
    if need["bram36"]:
        texts.append(f"{amount('bram36', need['bram36'])} BRAM")
    room = int((width - 8) / _LETTER)
    middle = x + width / 2
    first = y + (_UNIT_H - len(texts) * _LINE) / 2 + 12
    lines = tuple(
        (middle, first + _LINE * i, "middle", _short(t, room)) for i, t in enumerate(texts)
    )
    params = ", ".join(f"{key} {value}" for key, value in unit["params"].items())
    return Box(x, y, width, _UNIT_H, lines, f"{unit['name']} ({unit['kind']}): {params}")


def _about(unit: dict[str, Any]) -> str:
    """The one thing about a unit that says most."""
    p = unit["params"]
    if "PE" in p and "SIMD" in p:
        return f"PE {p['PE']} {TIMES} SIMD {p['SIMD']}"
    if "KERNEL_H" in p and p["KERNEL_H"] * p["KERNEL_W"] * p["HEIGHT"] * p["WIDTH"] == 1:
        return f"{p['CHANNELS']} inputs"
    if "KERNEL_H" in p:
        return f"{p['KERNEL_H']}{TIMES}{p['KERNEL_W']}, SIMD {p['SIMD']}"
    if "POOL_H" in p:
        return f"{p['POOL_H']}{TIMES}{p['POOL_W']}, {_lanes(p['LANES'])}"
    if "IN_LANES" in p and "OUT_LANES" in p:
        return f"{p['IN_LANES']} → {p['OUT_LANES']} lanes"
    if "K" in p and "CLASSES" in p:
        return f"best {p['K']} of {p['CLASSES']}"
    if "BYTES" in p:
        return f"{p['BYTES']} bytes a beat"
    if "LANES" in p:
        return _lanes(p["LANES"])
    return str(unit["name"])


def _lanes(count: int) -> str:
    return f"{count} lane{'' if count == 1 else 's'}"


def _arrow(stream: dict[str, Any], a: Box, b: Box, *, inside: bool) -> Arrow:
    label, tip, depth = _label(stream), _stream_tip(stream), stream["depth"]
    a_y, b_y = a.y + a.height / 2, b.y + b.height / 2
    if a.y == b.y and a.x < b.x:
        start, end = a.x + a.width, b.x - 2
        middle = (start + end) / 2
        path = f"M{start:g} {a_y:g}H{end:g}"
        fifo = _fifo(("FIFO", str(depth)), middle, a_y + 6) if depth else None
        return Arrow(path, (middle, a_y - 6, "middle", label), fifo, tip)
    bottom = a.y + a.height
    if a.x == b.x and (inside or a.width > _UNIT_W):
        x = a.x + a.width / 2
        path = f"M{x:g} {bottom:g}V{b.y - 2:g}"
        low = bottom + 0.5 * (_GAP_Y - 8) + 2
        fifo = _fifo((f"FIFO {depth}",), x - 50, low - 13) if depth else None
        return Arrow(path, (x + 8, low, "start", label), fifo, tip)
    # To the next row: down, back along the space between the rows, and in from the left.
    x = a.x + a.width / 2
    edge = _MARGIN / 2
    lane = b.y - _GAP_Y / 2 - (0 if inside else _TITLE)
    path = f"M{x:g} {bottom:g}V{lane:g}H{edge:g}V{b_y:g}H{b.x - 2:g}"
    fifo = _fifo((f"FIFO {depth}",), edge + 90, lane - 9) if depth else None
    return Arrow(path, (x - 6, lane - 5, "end", label), fifo, tip)


def _curve(stream: dict[str, Any], a: Box, b: Box) -> Arrow:
    """A stream that passes other units by: a shortcut."""
    start, end = a.x + a.width * 0.75, b.x + b.width * 0.25
    top, bottom = a.y + a.height, b.y + b.height
    low = max(top, bottom) + _GAP_Y * 0.8
    path = f"M{start:g} {top:g}C{start:g} {low:g} {end:g} {low:g} {end:g} {bottom + 2:g}"
    depth = stream["depth"]
    text = f"{_label(stream)}, FIFO {depth}" if depth else _label(stream)
    return Arrow(path, (start + 6, top + 14, "start", text), None, _stream_tip(stream))


def _label(stream: dict[str, Any]) -> str:
    return f"{stream['lanes']}{TIMES}{stream['elem_bits']}b"


def _stream_tip(stream: dict[str, Any]) -> str:
    tip = (
        f"{stream['name']}: {stream['lanes']} elements of {stream['elem_bits']} bits a beat, "
        f"{number(stream['beats'])} beats a frame"
    )
    depth = stream["depth"]
    return f"{tip}, FIFO of {number(depth)} beats" if depth else tip


def _fifo(texts: tuple[str, ...], middle: float, top: float) -> Box:
    width = max(len(text) for text in texts) * _LETTER + 8
    height = len(texts) * 13 + 5
    lines = tuple((middle, top + 13 * (i + 1), "middle", text) for i, text in enumerate(texts))
    return Box(middle - width / 2, top, width, height, lines, "")


def _short(text: str, room: int) -> str:
    """Both ends of a text that is too long: exporters' names differ at either."""
    if len(text) <= room:
        return text
    tail = max(1, room // 2)
    return f"{text[: max(1, room - tail - 1)]}…{text[-tail:]}"
