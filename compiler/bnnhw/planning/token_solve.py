"""Solves the max-plus equations of the token-level model, in Python or in machine code."""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.hardware.units.kind import Index

    _Expanded = tuple[array[int], array[int], array[int]]

ANY = -(1 << 62)
"""As ``Bound.least``: every entry counts."""
_MANY_TOKENS = 100_000
"""Beyond which machine code is worth loading: loops take seconds for so many in Python."""


@dataclass(frozen=True, eq=False)
class Bound:
    """What the tokens of an event wait for.

    Attributes:
        other: the event that they wait for.
        step: its tokens per frame.
        index: [tokens per frame]; its token in the first frame that each token waits for.
        least: entries of ``index`` below it wait for nothing in any frame.
        lag: [tokens per frame]; cycles after that one in which each token moves at the earliest.
    """

    other: int
    step: int
    index: Index
    least: int
    lag: Index


@dataclass(frozen=True, eq=False)
class Equations:
    """When the tokens of all events move.

    Attributes:
        tokens: by event, per frame.
        pace: by event, cycles from token to token at least.
        bounds: by event, what its tokens wait for.
        events: those whose tokens are asked for.
    """

    tokens: list[int]
    pace: list[int]
    bounds: list[list[Bound]]
    events: list[int]


def solve(equations: Equations, frames: int) -> dict[int, array[int]]:
    """By event, the cycle in which each token moves; fewer tokens where a deadlock stops them."""
    tokens = sum(equations.tokens[event] for event in equations.events)
    advance = machine_code() if tokens * frames > _MANY_TOKENS else None
    if advance is None:
        return in_python(equations, frames)
    return in_machine_code(advance, equations, frames)


@cache
def machine_code() -> Callable[..., Any] | None:
    """The compiled way; None where numba is missing or does not work here."""
    try:
        from bnnhw.planning.token_kernel import advance
    except Exception:
        return None
    return advance


def in_python(equations: Equations, frames: int) -> dict[int, array[int]]:
    """See ``solve``."""
    moved = {event: array("q") for event in equations.events}
    beside: dict[int, set[int]] = {event: set() for event in equations.events}
    expanded: dict[int, list[_Expanded]] = {event: [] for event in equations.events}
    for event in equations.events:
        for bound in equations.bounds[event]:
            index = _over_frames(bound, frames)
            lag = numbers(np.tile(bound.lag, frames))
            expanded[event].append((moved[bound.other], index, lag))
            if bound.other != event:
                beside[bound.other].add(event)
    waiting = deque(equations.events)
    queued = set(equations.events)
    while waiting:
        event = waiting.popleft()
        queued.discard(event)
        count = equations.tokens[event] * frames
        if _advance(moved[event], count, equations.pace[event], expanded[event]):
            waiting.extend(beside[event] - queued)
            queued |= beside[event]
    return moved


def in_machine_code(
    advance: Callable[..., Any], equations: Equations, frames: int
) -> dict[int, array[int]]:
    """See ``solve``."""
    chosen = equations.events
    number = {event: i for i, event in enumerate(chosen)}
    bounds = [bound for event in chosen for bound in equations.bounds[event]]
    tokens = np.array([equations.tokens[event] for event in chosen])
    first = np.cumsum([0, *(len(equations.bounds[event]) for event in chosen)])
    events = np.zeros((len(chosen) + 1, 3), np.int64)
    events[:-1, 0], events[:-1, 1] = tokens, [equations.pace[event] for event in chosen]
    events[:, 2] = first
    ends = np.cumsum([0, *(tokens * frames)])
    begin = np.cumsum([0, *(len(bound.index) for bound in bounds)])
    rows = [(number[b.other], b.step, b.least, at) for b, at in zip(bounds, begin, strict=False)]
    table = np.array(rows, np.int64).reshape(-1, 4)
    none = np.zeros(0, np.int64)
    index = np.concatenate([none, *(bound.index for bound in bounds)])
    lag = np.concatenate([none, *(bound.lag for bound in bounds)])
    times = np.zeros(ends[-1], np.int64)
    moved = advance(times, ends, events, table, index, lag)
    return {
        event: numbers(times[start : start + count])
        for event, start, count in zip(chosen, ends, moved, strict=False)
    }


def _advance(done: array[int], count: int, group: int, bounds: list[_Expanded]) -> bool:
    """Moves the tokens of one event as far as others have; whether any moved."""
    start = len(done)
    time = done[-1] if done else -1
    for token in range(start, count):
        earliest = time + group
        for other, index, extra in bounds:
            n = index[token]
            if n < 0:
                continue
            if n >= len(other):
                return len(done) > start
            bound = other[n] + extra[token]
            if bound > earliest:
                earliest = bound
        time = earliest
        done.append(time)
    return len(done) > start


def _over_frames(bound: Bound, frames: int) -> array[int]:
    """Indices of one frame repeated for all frames, in tokens counted from the first frame."""
    offsets = np.arange(frames)[:, None] * bound.step
    index = bound.index[None, :]
    return numbers(np.where(index < bound.least, -1, index + offsets))


def numbers(values: Index) -> array[int]:
    """As an array of 8 bytes a number, which is read as fast as a list, a fifth of the size."""
    return array("q", np.ascontiguousarray(values, np.int64).tobytes())
