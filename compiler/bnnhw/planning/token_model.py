"""Token-level model of a design: when each beat moves, without simulating any logic.

Output beat j of a unit moves when three things hold: the input beats that it needs have moved and
the unit's latency has passed; beat j-1 moved at least a cycle before; the next unit has room. Input
beat i moves when the output beats that free its place have moved. These are max-plus equations over
all units. They are solved token by token for a few frames: a token is what the equations count, a
single beat in small designs, else all beats of one pixel. The model gives cycles per frame, latency
and what FIFOs must hold, without the simulation that it must agree with to 1 %.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import BnnhwError
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import UnitTiming
from bnnhw.planning.token_solve import ANY, Bound, Equations, numbers, solve
from bnnhw.planning.token_timing import TokenTiming, in_tokens, part_in_tokens

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design, Stream, Unit

_FRAMES, _MOST_FRAMES = 4, 64
# Beats of all streams in a frame up to which a token is one beat.
_EXACT_BEATS = 500_000


@dataclass(frozen=True)
class Prediction:
    """What the model says of a design.

    Attributes:
        cycles_per_frame: cycles between frames in steady state.
        latency_cycles: cycles from the first beat of a frame in to its last beat out, when it is
            the first frame.
        exact: whether tokens were single beats.
    """

    cycles_per_frame: int
    latency_cycles: int
    exact: bool = True


@dataclass(frozen=True, eq=False)
class Link:
    """A unit (or a part of one) between two events, in tokens of these.

    Attributes:
        source: the event of its input.
        sink: the event of its output.
        timing: in tokens.
    """

    source: int
    sink: int
    timing: TokenTiming


@dataclass
class Flow:
    """The equations of a design and, once solved, the cycle in which each token moves.

    Attributes:
        group: beats a token, by event.
        tokens: tokens per frame, by event.
        links: the units between events.
        moved: by event, the cycle in which each token (its last beat) moves.
        tied: whether events that pass on token by token count as one, some cycles apart. Where a
            token is a pixel, units that hold less than a pixel keep their ends in step.
        equations: what was solved, of the events that lead others.
    """

    tied: bool = False
    equations: Equations = field(default_factory=lambda: Equations([], [], [], []))
    group: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    moved: list[array[int]] = field(default_factory=list)
    _leader: list[tuple[int, int]] = field(default_factory=list)

    def event(self, beats: int, group: int) -> int:
        """A new event of ``beats`` per frame."""
        self.group.append(group)
        self.tokens.append(beats // group)
        self._leader.append((len(self._leader), 0))
        return len(self.group) - 1

    def link(self, source: int, sink: int, timing: UnitTiming) -> None:
        """Puts a unit between two events."""
        self.connect(source, sink, in_tokens(timing, self.group[source], self.group[sink]))

    def connect(self, source: int, sink: int, coarse: TokenTiming) -> None:
        """Puts a unit, timed in tokens, between two events."""
        lag = coarse.lag(1)
        in_step = np.array_equal(coarse.needs, np.arange(self.tokens[source]))
        in_step = in_step and lag.min() == lag.max()
        # Units that free a place a cycle later are memories, which may hold whole tokens.
        holds = coarse.free_delay > 0
        if self.tied and in_step and not holds and self._tie(source, sink, int(lag[0])):
            return
        self.links.append(Link(source, sink, coarse))

    def _tie(self, source: int, sink: int, lag: int) -> bool:
        """Makes ``sink`` follow ``source`` after ``lag`` cycles; whether they were apart."""
        (a, after_a), (b, after_b) = self.leader(source), self.leader(sink)
        if a == b:
            return False
        self._leader[b] = (a, after_a + lag - after_b)
        return True

    def leader(self, event: int) -> tuple[int, int]:
        """The event that leads ``event``, and the cycles from that one to it."""
        leader, after = self._leader[event]
        while self._leader[leader][0] != leader:
            after += self._leader[leader][1]
            leader = self._leader[leader][0]
        self._leader[event] = (leader, after)
        return leader, after

    def solve(self, frames: int) -> None:
        """Solves the equations for ``frames`` frames.

        Raises:
            BnnhwError: the equations have no solution: the dataflow deadlocks.
        """
        found = [self.leader(event) for event in range(len(self.tokens))]
        pace = [0] * len(self.tokens)
        for event, (leader, _) in enumerate(found):
            pace[leader] = max(pace[leader], self.group[event])
        bounds: list[list[Bound]] = [[] for _ in self.tokens]
        for link in self.links:
            (source, after_source), (sink, after_sink) = found[link.source], found[link.sink]
            have, want = self.tokens[link.source], self.tokens[link.sink]
            timing, later = link.timing, after_source - after_sink
            # Beats of a token are as far apart as the slowest event that is tied to it lets them.
            beat_out = pace[sink] / self.group[link.sink]
            needed = Bound(source, have, timing.needs, 0, timing.lag(beat_out) + later)
            bounds[sink].append(needed)
            if beat_out > 1:
                lag = timing.first_lag(beat_out) + later
                bounds[sink].append(replace(needed, index=timing.needs - 1, least=-1, lag=lag))
            delay = timing.delay(beat_out) - later
            bounds[source].append(Bound(sink, want, timing.frees, ANY, delay))
        leaders = [event for event, (leader, _) in enumerate(found) if leader == event]
        self.equations = Equations(self.tokens, pace, bounds, leaders)
        solved = solve(self.equations, frames)
        leading = [solved.get(event, array("q")) for event in range(len(self.tokens))]
        self.moved = [
            leading[leader] if after == 0 else numbers(np.asarray(leading[leader]) + after)
            for leader, after in found
        ]
        wanted = [count * frames for count in self.tokens]
        if any(len(m) != c for m, c in zip(self.moved, wanted, strict=True)):
            raise BnnhwError(
                "the dataflow deadlocks in the token model",
                where="FIFO depths",
                fix="this is a defect of the compiler: report it with the model",
            )


def ideal_cycles(design: Design) -> int:
    """Cycles per frame of the busiest stream or port: one beat per cycle, without a pause."""
    beats = [stream.beats for stream in design.streams.values()]
    return max(*beats, design.input_port.beats, design.output_port.beats)


def predict(design: Design) -> Prediction:
    """Cycles per frame and latency of a design with a source and a sink that never wait.

    Where FIFOs still fill after a few frames, more are solved: in the long run no frame takes less
    than the beats of a stream.
    """
    frames, found = _FRAMES, DesignFlow(design).prediction()
    while found.cycles_per_frame < ideal_cycles(design) and frames < _MOST_FRAMES:
        frames *= 4
        found = DesignFlow(design, frames).prediction()
    return found


class DesignFlow:
    """The solved model of a design whose source and sink never wait.

    Args:
        design: the design.
        frames: how many frames flow, one behind the other.

    Attributes:
        flow: the equations, solved.
        written: the event in which each stream's beats leave its writer.
        read: the event in which they enter its reader; the same without a FIFO.
        inside: the unit of each event between the parts of one.
        source: the event of the input port.
        sink: the event of the output port.

    Raises:
        BnnhwError: the dataflow deadlocks.
    """

    def __init__(self, design: Design, frames: int = _FRAMES) -> None:
        self.design, self.frames = design, frames
        weights = weight_streams(design)
        self.streams = {n: s for n, s in design.streams.items() if n not in weights}
        self.exact = sum(s.beats for s in self.streams.values()) <= _EXACT_BEATS
        self.flow = Flow(tied=not self.exact)
        self.written: dict[str, int] = {}
        self.read: dict[str, int] = {}
        self.inside: dict[int, Unit] = {}
        streams = list(self.streams.values())
        self.source = self._event(design.input_port.beats, streams[0].pixels)
        self.sink = self._event(design.output_port.beats, streams[-1].pixels)
        self._add_streams()
        for unit in design.units:
            if weights.intersection(unit.sinks):
                continue
            if KINDS[unit.kind].merges or KINDS[unit.kind].scales:
                self._meet(unit)
                continue
            parts = list(range(len(KINDS[unit.kind].timing)))
            start = self.read[unit.sources[0]] if unit.sources else self.source
            for i, end in enumerate([self.written[name] for name in unit.sinks] or [self.sink]):
                own = parts[i : i + 1] if KINDS[unit.kind].splits else parts
                self._chain(unit, start, own, end)
        self.flow.solve(frames)

    def prediction(self) -> Prediction:
        """Cycles per frame and latency."""
        flow = self.flow
        out = flow.tokens[self.sink]
        ends = [flow.moved[self.sink][(f + 1) * out - 1] for f in range(self.frames)]
        first = flow.moved[self.source][0] - flow.group[self.source] + 1
        return Prediction(ends[-1] - ends[-2], ends[0] - first + 1, self.exact)

    def arrival(self, stream: str) -> int:
        """The cycle in which the first token enters the FIFO on ``stream``."""
        return self.flow.moved[self.written[stream]][0]

    def occupancy(self, stream: str) -> int:
        """The most beats that the FIFO on ``stream`` holds at a time."""
        written, read = self.written[stream], self.read[stream]
        group = self.flow.group[written]
        entered, left = (np.asarray(self.flow.moved[event]) for event in (written, read))
        # Just before token i leaves, what has entered and not left waits.
        inside = np.searchsorted(entered, left, side="right") - np.arange(len(left))
        return int(inside.max()) * group + group - 1

    def _event(self, beats: int, pixels: int) -> int:
        return self.flow.event(beats, 1 if self.exact else _group(beats, pixels))

    def _add_streams(self) -> None:
        """Events of all streams; the two streams into a join move together."""
        joined = {
            unit.sources[1]: unit.sources[0] for unit in self.design.units if KINDS[unit.kind].joins
        }
        streams = self.streams
        for name, stream in streams.items():
            if stream.depth or name not in joined:
                self.written[name] = self._event(stream.beats, stream.pixels)
            if name not in joined:
                self.read[name] = (
                    self._event(stream.beats, stream.pixels) if stream.depth else self.written[name]
                )
        for second, first in joined.items():
            self.read[second] = self.read[first]
            self.written.setdefault(second, self.read[first])
        for name, stream in streams.items():
            if stream.depth:
                self.flow.link(self.written[name], self.read[name], fifo_timing(stream))

    def _meet(self, unit: Unit) -> None:
        """A unit that takes the beats of its inputs in turn, or one with several of the first."""
        end, kind = self.written[unit.sinks[0]], KINDS[unit.kind]
        ends = (end, self.read[unit.sources[0]] if kind.scales else end)
        for part, (name, sink) in enumerate(zip(unit.sources, ends, strict=True)):
            self._connect(unit, part, self.read[name], sink, self.design.streams[name].beats)

    def _chain(self, unit: Unit, start: int, parts: list[int], end: int) -> None:
        """The parts of a unit one after another, with events in between."""
        beats = self.design.streams[unit.sources[0]].beats if unit.sources else 0
        for part in parts[:-1]:
            timing = KINDS[unit.kind].timing[part](unit.params, beats)
            middle = self._event(timing.beats_out, self.flow.tokens[start])
            self.inside[middle] = unit
            self.flow.link(start, middle, timing)
            start = middle
        self._connect(unit, parts[-1], start, end, beats)

    def _connect(self, unit: Unit, part: int, start: int, end: int, beats: int) -> None:
        """A part of a unit between two events; what comes in tokens of many beats is kept."""
        groups = self.flow.group[start], self.flow.group[end]
        if groups == (1, 1):
            self.flow.link(start, end, KINDS[unit.kind].timing[part](unit.params, beats))
            return
        params = tuple(unit.params.items())
        self.flow.connect(start, end, part_in_tokens(unit.kind, part, params, beats, *groups))


def fifo_timing(stream: Stream) -> UnitTiming:
    """The FIFO on ``stream``."""
    index, shape = np.arange(stream.beats), stream.shape
    return UnitTiming(index, index - stream.depth, shape.latency(stream.depth), shape.free_delay)


def weight_streams(design: Design) -> set[str]:
    """The streams between memory and PE arrays.

    Weights keep up by construction: readers run ahead by the longest latency, and the board's
    bandwidth was checked.
    """
    found: set[str] = set()
    for unit in design.units:
        if KINDS[unit.kind].reads_memory or (unit.sources and found.issuperset(unit.sources)):
            found.update(unit.sinks)
    return found


def _group(beats: int, pixels: int) -> int:
    """The least divisor of ``beats`` that leaves at most ``pixels`` tokens per frame."""
    return next(g for g in range(1, beats + 1) if beats % g == 0 and beats // g <= max(pixels, 1))
