"""What the token-level model says of each stream: how long it stalls and starves, what it holds.

A beat moves when it has come and its reader has room. The model knows both times: what the unit
before needs gives the first, what the unit behind frees the second. A beat that moves after it has
come was stalled, one that moves after there was room was starved for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.units import KINDS
from bnnhw.planning.token_model import DesignFlow
from bnnhw.planning.token_solve import ANY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design
    from bnnhw.planning.token_solve import Bound

_FRAMES, _MANY_FRAMES = 4, 16
_FEW_BEATS = 50_000
"""Per frame, of all streams: up to so many, more frames are solved, until streams that run ahead
into FIFOs have come to a stop."""


@dataclass(frozen=True)
class StreamForecast:
    """What a stream does in steady state, its source and sink never waiting.

    Attributes:
        stall: cycles per frame in which a beat is offered and not taken.
        starved: cycles per frame in which there is room and no beat.
        high_water: most beats that its FIFO holds; None without one.
    """

    stall: int
    starved: int
    high_water: int | None


def forecast(design: Design) -> dict[str, StreamForecast]:
    """By stream; those of weights from memory, which the model leaves out, are not in it.

    Raises:
        BnnhwError: the dataflow deadlocks.
    """
    beats = sum(stream.beats for stream in design.streams.values())
    model = DesignFlow(design, _MANY_FRAMES if beats <= _FEW_BEATS else _FRAMES)
    partners = {
        name: other
        for unit in design.units
        if KINDS[unit.kind].joins
        for name, other in zip(unit.sources, reversed(unit.sources), strict=True)
    }
    found = {}
    for name, stream in model.streams.items():
        stall, starved = _waits(model, name, partners.get(name))
        most = _most(model, name) if stream.depth else None
        found[name] = StreamForecast(stall, starved, most)
    return found


def _waits(model: DesignFlow, stream: str, partner: str | None) -> tuple[int, int]:
    """Cycles per frame, in the last frame solved, that a stream waits for room and for beats.

    Where it moves together with a partner, a beat of one that has come before the other's is
    stalled, and only then is there room for the other.
    """
    flow = model.flow
    leader, _ = flow.leader(model.read[stream])
    moved = np.asarray(flow.moved[leader])
    last = len(moved) - flow.tokens[leader]
    soonest = moved[last - 1 : -1] + flow.equations.pace[leader]
    come, room = soonest.copy(), soonest.copy()
    others = _before(model, partner) if partner else set()
    for bound in flow.equations.bounds[leader]:
        waits = room if bound.least == ANY or bound.other in others else come
        np.maximum(waits, _times(model, bound), out=waits)
    now = moved[last:]
    return int(np.maximum(now - come, 0).sum()), int(np.maximum(now - room, 0).sum())


def _before(model: DesignFlow, stream: str) -> set[int]:
    """The events that a stream's beats come from: into its FIFO, or into its writer."""
    flow, written = model.flow, model.written[stream]
    if model.design.streams[stream].depth:
        return {flow.leader(written)[0]}
    writer = next(unit for unit in model.design.units if stream in unit.sinks)
    return {link.source for link in flow.links if link.sink == written and writer.sources}


def _times(model: DesignFlow, bound: Bound) -> NDArray[np.int64]:
    """When each token of the last frame may move at the earliest, by one bound."""
    other = np.asarray(model.flow.moved[bound.other])
    index = bound.index + (model.frames - 1) * bound.step
    bounded = (bound.index >= bound.least) & (index >= 0)
    times = other[np.clip(index, 0, len(other) - 1)] + bound.lag
    return np.where(bounded, times, -1)


def _most(model: DesignFlow, stream: str) -> int:
    """The most beats that a FIFO holds, just behind one that enters."""
    written, read = model.written[stream], model.read[stream]
    group = model.flow.group[written]
    entered, left = (np.asarray(model.flow.moved[event]) for event in (written, read))
    inside = np.arange(1, len(entered) + 1) - np.searchsorted(left, entered, side="right")
    return min(int(inside.max()) * group, model.design.streams[stream].depth)
