"""When each layer works on a frame, and what keeps the busiest stream from moving always.

Taken from the solved token-level model. The busiest stream moves a beat in each cycle but for its
gaps; what the frame takes beyond its beats are these gaps. A token behind a gap waited for another
event. That event either moved late itself, for the same kind of reason, or was moving as fast as it
can: then it is the cause.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.units import KINDS
from bnnhw.planning.token_model import DesignFlow
from bnnhw.planning.token_solve import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bnnhw.hardware.design import Design
    from bnnhw.planning.token_solve import Bound

_GAPS = 5000
"""So many gaps of a frame are traced; the others are shared out as these are."""
_CHAIN = 10_000
"""Steps to a cause, at most."""
_MORE_FRAMES = 24
"""So many are solved where after a few the stream still runs ahead into FIFOs behind it."""
_FEW_BEATS = 50_000
"""Per frame, of all streams: up to so many those frames take no time to speak of."""
FILL, INPUT, BORDER, STALL = "fill", "input", "border", "stall"
"""Causes: waits for the first beats of a frame; for later ones; for a window unit or pool that
passes over more columns and rows than it gives windows, as at padding; for room behind."""
INPUT_PORT, OUTPUT_PORT = "the input port", "the output port"


@dataclass(frozen=True)
class Lost:
    """Cycles per frame in which the busiest stream does not move.

    Attributes:
        cause: "fill", "input", "border" or "stall".
        layer: the layer, or port, that it waits for.
        cycles: per frame.
    """

    cause: str
    layer: str
    cycles: int


@dataclass(frozen=True)
class Schedule:
    """What a frame is made of.

    Attributes:
        active: by layer of weights, for each of two frames that follow one another the cycle before
            its first input beat and that of its last result, counted from the frame's arrival.
        busiest: the layer whose stream has the most beats per frame, or a port.
        lost: what the frame takes beyond these beats, the most first.
    """

    active: Mapping[str, tuple[tuple[int, int], ...]]
    busiest: str
    lost: tuple[Lost, ...]


def schedule(design: Design) -> Schedule:
    """The schedule of a design whose source and sink never wait."""
    model = _Scheduled(DesignFlow(design))
    found = model.schedule()
    if found is None and sum(s.beats for s in design.streams.values()) <= _FEW_BEATS:
        found = _Scheduled(DesignFlow(design, _MORE_FRAMES)).schedule()
    return found or model.untraced()


class _Scheduled:
    """A solved model, asked for causes."""

    def __init__(self, model: DesignFlow) -> None:
        self._model, self._flow = model, model.flow
        units = model.design.units
        self._writers = {name: unit for unit in units for name in unit.sinks}
        self._readers = {name: unit for unit in units for name in unit.sources}
        self._cycles = model.prediction().cycles_per_frame
        self._moved: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        # Streams by event; of several that move together the first, whose unit comes first.
        self._streams: dict[int, str] = {}
        for table in (model.written, model.read):
            for name, event in table.items():
                self._streams.setdefault(event, name)

    def schedule(self) -> Schedule | None:
        """The schedule; None where no busiest stream is in steady state yet."""
        for event, busiest, beats in self._busiest():
            lost = self._lost(event)
            if sum(one.cycles for one in lost) == self._cycles - beats:
                return Schedule(self._active(), busiest, lost)
        return None

    def untraced(self) -> Schedule:
        """The schedule with what is lost put down to the busiest itself."""
        _, busiest, beats = next(self._busiest())
        over = self._cycles - beats
        return Schedule(self._active(), busiest, (Lost(FILL, busiest, over),) if over > 0 else ())

    def _times(self, event: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        if event not in self._moved:
            self._moved[event] = np.asarray(self._flow.moved[event])
        return self._moved[event]

    def _active(self) -> dict[str, tuple[tuple[int, int], ...]]:
        flow, model = self._flow, self._model
        begin = int(self._times(model.source)[0]) - flow.group[model.source]
        found: dict[str, tuple[tuple[int, int], ...]] = {}
        entries: dict[str, int] = {}
        for unit in model.design.units:
            if unit.sources and unit.sources[0] in model.streams:  # not of weights
                entries.setdefault(unit.layer, model.read[unit.sources[0]])
            if not KINDS[unit.kind].sums:
                continue
            first, last = entries[unit.layer], model.written[unit.sinks[0]]
            per_frame, ends = flow.tokens[first], flow.tokens[last]
            found[unit.layer] = tuple(
                (
                    int(self._times(first)[frame * per_frame]) - flow.group[first] - begin,
                    int(self._times(last)[(frame + 1) * ends - 1]) - begin,
                )
                for frame in range(2)
            )
        return found

    def _busiest(self) -> Iterator[tuple[int, str, int]]:
        """The events with the most beats per frame, whose they are, and that many: layers first."""
        model, design = self._model, self._model.design
        streams = model.streams.values()
        ports = (
            (design.input_port.beats, model.source, INPUT_PORT),
            (design.output_port.beats, model.sink, OUTPUT_PORT),
        )
        most = max(*(s.beats for s in streams), *(beats for beats, *_ in ports))
        arrays = {layer.name for layer in design.layers if layer.cycles == most}
        busy = [s.name for s in streams if s.beats == most]
        busy.sort(key=lambda name: self._reader(name) not in arrays)
        for name in busy:
            for event in dict.fromkeys((model.read[name], model.written[name])):
                yield event, self._reader(name), most
        yield from ((event, name, most) for beats, event, name in ports if beats == most)

    def _reader(self, stream: str) -> str:
        return self._readers[stream].layer if stream in self._readers else OUTPUT_PORT

    def _lost(self, event: int) -> tuple[Lost, ...]:
        """The gaps of an event in the last frame, by cause."""
        leader, _ = self._flow.leader(event)
        moved, pace = self._times(leader), self._flow.equations.pace[leader]
        per_frame = self._flow.tokens[leader]
        start = len(moved) - per_frame
        gaps = np.diff(moved[start - 1 :]) - pace
        order = np.argsort(-gaps, kind="stable")[: np.count_nonzero(gaps)]
        found: Counter[tuple[str, str]] = Counter()
        for i in order[:_GAPS].tolist():
            found[self._cause(leader, start + i)] += int(gaps[i])
        rest, traced = int(gaps[order[_GAPS:]].sum()), sum(found.values())
        shares = {key: cycles + rest * cycles // traced for key, cycles in found.items()}
        lost = [Lost(cause, layer, cycles) for (cause, layer), cycles in shares.items()]
        return tuple(sorted(lost, key=lambda one: -one.cycles))

    def _cause(self, event: int, token: int) -> tuple[str, str]:
        """Why a token moves late, and the layer that it waits for."""
        first = token % self._flow.tokens[event] == 0
        kind, unit = "", None
        for _ in range(_CHAIN):
            bound, other, forward = self._binding(event, token)
            if bound is None:
                break
            kind = kind or ((FILL if first else INPUT) if forward else STALL)
            event, token = bound.other, other
            unit = self._model.inside.get(event, unit)
            moved, pace = self._times(event), self._flow.equations.pace[event]
            if token == 0 or moved[token] - moved[token - 1] <= pace:
                break
        own = (*unit.sources, *unit.sinks) if unit else ()
        if unit and (event in self._model.inside or self._streams.get(event) in own):
            return BORDER, unit.layer
        return kind or FILL, self._layer(event, downstream=kind == STALL)

    def _binding(self, event: int, token: int) -> tuple[Bound | None, int, bool]:
        """What a token waited for: the bound, the other event's token, whether it comes before."""
        at = self._times(event)[token]
        frame, i = divmod(token, self._flow.tokens[event])
        for bound in self._flow.equations.bounds[event]:
            if bound.index[i] < bound.least:
                continue
            other = int(bound.index[i]) + frame * bound.step
            if other >= 0 and self._times(bound.other)[other] + bound.lag[i] == at:
                return bound, other, bound.least != ANY
        return None, 0, True

    def _layer(self, event: int, *, downstream: bool) -> str:
        """Whose an event is: of a stream, its writer's or its reader's."""
        if event == self._model.source:
            return INPUT_PORT
        if event == self._model.sink:
            return OUTPUT_PORT
        units = self._readers if downstream else self._writers
        return units[self._streams[event]].layer
