"""The dataflow in rows, for wide windows: units from left to right, shortcuts between the rows.

Between two rows lie tracks. A stream that does not go to the unit on its right leaves its unit
downwards, runs along a track, and enters its reader from above (the first of a row: from the left;
one of the same row: from below). What passes whole rows by does so in a lane at the right edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from bnnhw.report.picture import (
    LETTER,
    Arrow,
    Block,
    Box,
    Dataflow,
    Edge,
    Line,
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

_UNIT_W, _UNIT_H = 56, 42
_PAD, _TITLE = 10, 24
_LEFT, _RIGHT = 20, 8
_TRACK, _LANE, _CLEAR = 25, 14, 8
_STEP = 24  # between units that no stream joins
_LEAST_NAME = 6


@dataclass
class _Row:
    """Units side by side; ``titled`` where a block begins."""

    units: list[int] = field(default_factory=list)
    titled: bool = False


@dataclass
class _Run:
    """A piece of a stream along a track.

    Attributes:
        edge: index of the stream.
        gap: the row that it runs above.
        left: where it begins.
        right: where it ends.
        track: counted from above.
    """

    edge: int
    gap: int
    left: float
    right: float
    track: int = 0


@dataclass(frozen=True)
class _Place:
    """Left edge and width of a unit, and its row."""

    x: float
    width: float
    row: int


@dataclass
class _Route:
    """Where a stream goes that does not go straight.

    Attributes:
        exit: x at the lower edge of its writer.
        entry: x at the reader's edge; None where it enters from the left.
        below: whether it enters from below.
        runs: one, or two with a lane between.
        lane: x of the lane.
        rows: first and last row beside the lane.
    """

    exit: float
    entry: float | None
    below: bool
    runs: list[_Run]
    lane: float = 0.0


def draw_rows(report: Report, width: int) -> Dataflow:
    """The picture of a report's units and streams, at most ``width`` pixels wide."""
    lanes = 0
    while True:
        picture = _Picture(report, width, lanes)
        if picture.lanes <= lanes:
            return picture.draw()
        lanes = picture.lanes


class _Picture:
    """One attempt with a given number of lanes at the right edge."""

    def __init__(self, report: Report, width: int, lanes: int) -> None:
        self.units = report["units"]
        self.blocks = blocks(report)
        self.edges = edges(report)
        self.right = width - _RIGHT - _LANE * lanes
        self.rows: list[_Row] = []
        self.places: dict[int, _Place] = {}
        self._place_units()
        self.ports: dict[int, list[float]] = {}
        self.routes: dict[int, _Route] = {}
        for i, edge in enumerate(self.edges):
            if not self._straight(edge):
                self.routes[i] = self._route(i, edge)
        self.lanes = self._assign_lanes()
        self.tracks = self._assign_tracks()
        self.tops = self._row_tops()
        right = max(place.x + place.width for place in self.places.values()) + _PAD
        self.width = (self.right + _LANE * self.lanes if self.lanes else right) + _RIGHT

    def _straight(self, edge: Edge) -> bool:
        same = self.places[edge.writer].row == self.places[edge.reader].row
        return same and not edge.skips

    def _place_units(self) -> None:
        """Blocks side by side while they fit; one that fits no row is wrapped."""
        joined = {e.reader: e for e in self.edges if not e.skips}
        widths = [
            max(_UNIT_W, 14 + max(text_width(t) for t in (unit_kind(u), unit_about(u))))
            for u in self.units
        ]
        steps = [_step(joined.get(i)) for i in range(len(self.units))]
        left, x = _LEFT + _PAD, 0.0
        for block in self.blocks:
            inside = range(block.first, block.last + 1)
            size = sum(widths[i] for i in inside) + sum(steps[i] for i in inside[1:]) + _PAD
            after = x + steps[block.first] + 2 * _PAD
            if not self.rows or after + size > self.right:
                self.rows.append(_Row())
                after = left
            self.rows[-1].titled = True
            x = after
            for i in inside:
                step = steps[i] if i > block.first else 0
                if self.rows[-1].units and x + step + widths[i] + _PAD > self.right:
                    self.rows.append(_Row())
                    x, step = left, 0
                self.places[i] = _Place(x + step, widths[i], len(self.rows) - 1)
                self.rows[-1].units.append(i)
                x += step + widths[i]
            if self.places[block.first].row != len(self.rows) - 1:
                x = self.right  # a wrapped block has its rows to itself

    def _route(self, index: int, edge: Edge) -> _Route:
        a, b = self.places[edge.writer], self.places[edge.reader]
        exit_x = self._port(a.row + 1, a, 0.7 if edge.skips else 0.5)
        below = a.row == b.row and edge.reader > edge.writer
        gap = b.row + 1 if below else b.row
        from_left = not edge.skips and self.rows[b.row].units[0] == edge.reader
        entry = None if from_left else self._port(gap, b, 0.5)
        end = _LEFT / 2 if entry is None else entry
        if a.row + 1 == gap:
            runs = [_Run(index, gap, min(exit_x, end), max(exit_x, end))]
        else:
            runs = [
                _Run(index, a.row + 1, exit_x, self.right + _LANE),
                _Run(index, gap, end, self.right + _LANE),
            ]
        return _Route(exit_x, entry, below, runs)

    def _port(self, gap: int, place: _Place, share: float) -> float:
        """An x at a unit's edge at which nothing else passes through the gap."""
        taken = self.ports.setdefault(gap, [])
        wish = place.x + place.width * share
        shifts = (s * sign for s in range(0, int(place.width / 2), 6) for sign in (1, -1))
        free = (
            wish + shift
            for shift in shifts
            if place.x + 6 <= wish + shift <= place.x + place.width - 6
            and all(abs(wish + shift - x) >= _CLEAR for x in taken)
        )
        taken.append(next(free, wish))
        return taken[-1]

    def _assign_lanes(self) -> int:
        """Gives each stream with two runs a lane; returns the number of lanes."""
        taken: list[list[tuple[int, int]]] = []
        for route in self.routes.values():
            if len(route.runs) == 1:
                continue
            low, high = sorted(run.gap for run in route.runs)
            fits = (i for i, lane in enumerate(taken) if all(high < a or b < low for a, b in lane))
            place = next(fits, len(taken))
            if place == len(taken):
                taken.append([])
            taken[place].append((low, high))
            route.lane = self.right + _LANE * (place + 0.5)
            for run in route.runs:
                run.right = route.lane
        return len(taken)

    def _assign_tracks(self) -> dict[int, int]:
        """Gives each run a track; returns the number of tracks of each gap."""
        counts: dict[int, int] = {}
        runs = [run for route in self.routes.values() for run in route.runs]
        runs.sort(key=lambda run: (run.gap, not self.edges[run.edge].skips, run.edge))
        taken: dict[tuple[int, int], list[_Run]] = {}
        for run in runs:
            while any(
                run.left < other.right + _CLEAR and other.left < run.right + _CLEAR
                for other in taken.get((run.gap, run.track), [])
            ):
                run.track += 1
            taken.setdefault((run.gap, run.track), []).append(run)
            counts[run.gap] = max(counts.get(run.gap, 0), run.track + 1)
        return counts

    def _row_tops(self) -> list[float]:
        """The upper edge of the units of each row, then that of what is below the last."""
        tops = []
        y = 4.0
        for i, row in enumerate(self.rows):
            y += self._gap_height(i) + (_TITLE if row.titled else 0)
            tops.append(y)
            y += _UNIT_H + _PAD
        return [*tops, y + self._gap_height(len(self.rows))]

    def _gap_height(self, gap: int) -> float:
        tracks = self.tracks.get(gap, 0)
        return _TRACK * tracks + 10 if tracks else 0 if gap in (0, len(self.rows)) else 14

    def _track_y(self, run: _Run) -> float:
        """A track's y: the first lies below the row above."""
        top = 4.0 if run.gap == 0 else self.tops[run.gap - 1] + _UNIT_H + _PAD
        return top + _TRACK * (run.track + 0.5) + 4

    def draw(self) -> Dataflow:
        """The picture as boxes and arrows."""
        arrows = [
            self._bent(edge, self.routes[i]) if i in self.routes else self._across(edge)
            for i, edge in enumerate(self.edges)
        ]
        arrows.sort(key=lambda arrow: arrow.skips)
        units = tuple(self._unit(i) for i in range(len(self.units)))
        groups = tuple(self._group(block) for block in self.blocks)
        return Dataflow(self.width, self.tops[-1] + 4, groups, tuple(arrows), units)

    def _unit(self, index: int) -> Box:
        place, unit = self.places[index], self.units[index]
        y, middle = self.tops[place.row], place.x + place.width / 2
        texts = [text for text in (unit_kind(unit), unit_about(unit)) if text]
        first = y + _UNIT_H / 2 + 4 - 8 * (len(texts) - 1)
        lines = tuple((middle, first + 16 * i, "middle", t) for i, t in enumerate(texts))
        return Box(place.x, y, place.width, _UNIT_H, lines, unit_tip(unit))

    def _group(self, block: Block) -> Box:
        places = [self.places[i] for i in range(block.first, block.last + 1)]
        x = min(p.x for p in places) - _PAD
        right = max(p.x + p.width for p in places) + _PAD
        y = self.tops[places[0].row] - _TITLE
        bottom = self.tops[places[-1].row] + _UNIT_H + _PAD
        cuts = [
            route.entry
            for i, route in self.routes.items()
            if route.entry is not None
            and not route.below
            and self.places[self.edges[i].reader].row == places[0].row
            and x < route.entry < right
        ]
        lines = _title(block, x + _PAD, right - _PAD, y + 16, sorted(cuts))
        return Box(x, y, right - x, bottom - y, lines, block.tip, block.loud)

    def _across(self, edge: Edge) -> Arrow:
        """To the unit on the right: the label above the line, the FIFO below."""
        a, b = self.places[edge.writer], self.places[edge.reader]
        y = self.tops[a.row] + _UNIT_H / 2
        start, end = a.x + a.width, b.x - 2
        middle = (start + end) / 2
        fifo = _plate(edge.fifo, middle, y + 14) if edge.fifo else None
        label = (middle, y - 6, "middle", edge.label)
        return Arrow(f"M{start:g} {y:g}H{end:g}", edge.tip, label, fifo)

    def _bent(self, edge: Edge, route: _Route) -> Arrow:
        a, b = self.places[edge.writer], self.places[edge.reader]
        path = f"M{route.exit:g} {self.tops[a.row] + _UNIT_H:g}V{self._track_y(route.runs[0]):g}"
        if len(route.runs) == 2:
            path += f"H{route.lane:g}V{self._track_y(route.runs[1]):g}"
        top = self.tops[b.row]
        if route.entry is None:
            path += f"H{_LEFT / 2:g}V{top + _UNIT_H / 2:g}H{b.x - 2:g}"
        else:
            path += f"H{route.entry:g}V{top + _UNIT_H + 2 if route.below else top - 2:g}"
        run = max(route.runs, key=lambda run: run.right - run.left)
        text = edge.words
        middle = self._free_spot(run, text_width(text) + 8)
        y = self._track_y(run)
        if edge.fifo:
            plate = _plate(text, middle, y)
            return Arrow(path, edge.tip, None, plate, edge.skips)
        return Arrow(path, edge.tip, (middle, y - 4, "middle", text), None, edge.skips)

    def _free_spot(self, run: _Run, width: float) -> float:
        """The place on a track nearest to its middle that no other stream crosses."""
        half = width / 2 + 4
        low, high = run.left + half, run.right - half
        middle = (run.left + run.right) / 2
        spots = sorted(
            (low + 4 * i for i in range(int((high - low) / 4) + 1)),
            key=lambda x: (abs(x - middle), x),
        )
        crossing = self.ports.get(run.gap, [])
        free = (x for x in spots if all(abs(x - port) >= half for port in crossing))
        return next(free, min(max(middle, half), self.width - half))


def _step(edge: Edge | None) -> float:
    """Room between two units: for the label and the FIFO of the stream between."""
    if edge is None:
        return _STEP
    return max(text_width(edge.label) + 20, text_width(edge.fifo) + 24 if edge.fifo else 0)


def _plate(text: str, middle: float, y: float) -> Box:
    """A FIFO: a box around its text, the middle of both given."""
    width = text_width(text) + 8
    return Box(middle - width / 2, y - 9, width, 18, ((middle, y + 4, "middle", text),), "")


def _title(
    block: Block, left: float, right: float, y: float, cuts: list[float]
) -> tuple[Line, ...]:
    """Name on the left, facts on the right, where arrows from above leave room."""
    edges = [left - _CLEAR, *cuts, right + _CLEAR]
    rooms = [(a + _CLEAR, b - _CLEAR) for a, b in pairwise(edges)]
    enough = min(len(block.name), 2 * _LEAST_NAME) * LETTER
    fitting = [room for room in rooms if room[1] - room[0] >= enough]
    named = fitting[0] if fitting else max(rooms, key=lambda room: room[1] - room[0])
    name = short(block.name, max(1, int((named[1] - named[0]) / LETTER)))
    lines: list[Line] = [(named[0], y, "start", name)]
    rooms[rooms.index(named)] = (named[0] + text_width(name) + 2 * LETTER, named[1])
    for count in range(len(block.facts), 0, -1):
        text = " · ".join(block.facts[:count])
        ends = [high for low, high in rooms if high - low >= text_width(text)]
        if ends:
            return (*lines, (ends[-1], y, "end", text))
    return tuple(lines)
