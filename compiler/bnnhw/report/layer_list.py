"""The dataflow as a list, for narrow windows: a line a unit, shortcuts along the right edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.report.picture import (
    LETTER,
    Arrow,
    Block,
    Box,
    Dataflow,
    Edge,
    blocks,
    edges,
    short,
    text_width,
    unit_about,
    unit_kind,
    unit_tip,
)

if TYPE_CHECKING:
    from bnnhw.report.facts import Report
    from bnnhw.report.picture import Line

_MARGIN, _PAD, _TITLE = 2, 8, 38
_ROW, _LINE, _GAP, _SPACE = 20, 15, 9, 20  # a unit, a further line in it, between units, blocks
_KIND_LETTERS = 13
_LANE = 9
_STEP = 30  # at the right edge, free of titles for the arrow from unit to unit


@dataclass
class _Lane:
    """A column beside the boxes, taken by one stream after another."""

    free_from: int = -1


def draw_list(report: Report, width: int) -> Dataflow:
    """The picture of a report's units and streams, ``width`` pixels wide."""
    links = edges(report)
    lanes, count = _lanes([e for e in links if e.skips])
    inner = width - 2 * _MARGIN - 2 * _PAD - (_LANE * count + 8 if count else 0)
    groups: list[Box] = []
    units: list[Box] = []
    y = 2
    for block in blocks(report):
        top = y
        y += _TITLE
        for i in range(block.first, block.last + 1):
            box = _row(report, i, links, y, inner)
            units.append(box)
            y += int(box.height) + _GAP
        y += _PAD - _GAP
        groups.append(_group(block, top, y - top, inner + 2 * _PAD))
        y += _SPACE
    edge = _MARGIN + 2 * _PAD + inner
    arrows = tuple(
        _shortcut(e, units, links, edge + _LANE * (lanes[i] + 1)) if e.skips else _step(e, units)
        for i, e in enumerate(sorted(links, key=_order))
    )
    return Dataflow(width, y - _SPACE + 2, tuple(groups), arrows, tuple(units))


def _order(edge: Edge) -> tuple[bool, int, int]:
    """Shortcuts first, in the order in which they begin."""
    return not edge.skips, min(edge.writer, edge.reader), edge.reader


def _lanes(skips: list[Edge]) -> tuple[list[int], int]:
    """The lane of each shortcut, in their order, and how many lanes there are."""
    lanes: list[_Lane] = []
    chosen = []
    for edge in sorted(skips, key=_order):
        begin, end = sorted((edge.writer, edge.reader))
        place = next((i for i, lane in enumerate(lanes) if lane.free_from <= begin), len(lanes))
        if place == len(lanes):
            lanes.append(_Lane())
        lanes[place].free_from = end
        chosen.append(place)
    return chosen, len(lanes)


def _incoming(links: list[Edge], unit: int) -> list[Edge]:
    """Streams that deserve a line at the unit that reads them: shortcuts, and FIFOs."""
    return [e for e in links if e.reader == unit and (e.skips or e.fifo)]


def _row(report: Report, index: int, links: list[Edge], y: int, width: int) -> Box:
    """A unit: what comes in, its kind, the one fact, and what goes out."""
    unit = report["units"][index]
    left, right = _MARGIN + _PAD, _MARGIN + _PAD + width
    incoming = _incoming(links, index)
    lines: list[Line] = [
        (right - 6, y + 13 + _LINE * i, "end", f"{'←' if e.skips else '↓'} {e.words}")
        for i, e in enumerate(incoming)
    ]
    base = y + _LINE * len(incoming) + 14
    out = next((e.label for e in links if e.writer == index), "")
    lines.append((right - 6, base, "end", out))
    about_x = left + 8 + _KIND_LETTERS * LETTER
    room = int((right - 10 - text_width(out) - about_x) / LETTER)
    lines.append((about_x, base, "start", short(unit_about(unit), room)))
    lines.insert(0, (left + 6, base, "start", short(unit_kind(unit), _KIND_LETTERS)))
    height = _ROW + _LINE * len(incoming)
    return Box(left, y, width, height, tuple(line for line in lines if line[3]), unit_tip(unit))


def _group(block: Block, y: int, height: int, width: int) -> Box:
    room = int((width - 2 * _PAD - _STEP) / LETTER)
    facts = list(block.facts)
    while len(" · ".join(facts)) > room:
        facts.pop()
    lines = (
        (_MARGIN + _PAD, y + 16, "start", short(block.name, room)),
        (_MARGIN + _PAD, y + 32, "start", " · ".join(facts)),
    )
    return Box(_MARGIN, y, width, height, lines, block.tip, block.loud)


def _step(edge: Edge, boxes: list[Box]) -> Arrow:
    """Straight down to the unit below, beside the titles."""
    a, b = boxes[edge.writer], boxes[edge.reader]
    x = a.x + a.width - _STEP / 2
    return Arrow(f"M{x:g} {a.y + a.height:g}V{b.y - 2:g}", edge.tip)


def _shortcut(edge: Edge, boxes: list[Box], links: list[Edge], lane: float) -> Arrow:
    """Out to the right, along a lane, and back to the line that names the stream."""
    a, b = boxes[edge.writer], boxes[edge.reader]
    right = a.x + a.width
    line = _incoming(links, edge.reader).index(edge)
    start = a.y + a.height - _ROW / 2
    end = b.y + 9 + _LINE * line
    return Arrow(f"M{right:g} {start:g}H{lane:g}V{end:g}H{right + 2:g}", edge.tip, skips=True)
