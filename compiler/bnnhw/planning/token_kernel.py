"""The equations of the token-level model in machine code; see ``token_solve``."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnhw.ir.machine_code import compiled


@compiled
def advance(times: Any, ends: Any, events: Any, bounds: Any, index: Any, lag: Any) -> Any:
    """Moves the tokens of all events as far as they can; how many of each moved.

    Args:
        times: the cycle in which each token moves, event by event; filled in.
        ends: [events + 1]; where the tokens of each event begin, and the end of the last.
        events: [events + 1, 3]; tokens per frame, cycles from token to token, the first bound.
        bounds: [bounds, 4]; the event that is waited for, its tokens per frame, the least index
            that counts, and where ``index`` and ``lag`` begin.
        index: by bound and token of a frame, the token that it waits for.
        lag: likewise, how many cycles after that one it moves at the earliest.
    """
    count = len(ends) - 1
    moved = np.zeros(count, np.int64)
    beside = np.zeros((count, count), np.bool_)
    for event in range(count):
        for b in range(events[event, 2], events[event + 1, 2]):
            beside[bounds[b, 0], event] = bounds[b, 0] != event
    waiting = np.ones(count, np.bool_)
    while waiting.any():
        for event in range(count):
            if not waiting[event]:
                continue
            waiting[event] = False
            a_frame, pace = events[event, 0], events[event, 1]
            start = moved[event]
            time = times[ends[event] + start - 1] if start else -1
            for token in range(start, ends[event + 1] - ends[event]):
                frame, place = token // a_frame, token % a_frame
                earliest, ready = time + pace, True
                for b in range(events[event, 2], events[event + 1, 2]):
                    n = index[bounds[b, 3] + place]
                    if n < bounds[b, 2]:
                        continue
                    n += frame * bounds[b, 1]
                    if n < 0:
                        continue
                    other = bounds[b, 0]
                    if n >= moved[other]:
                        ready = False
                        break
                    earliest = max(earliest, times[ends[other] + n] + lag[bounds[b, 3] + place])
                if not ready:
                    break
                time = earliest
                times[ends[event] + token] = time
                moved[event] = token + 1
            if moved[event] > start:
                waiting |= beside[event]
    return moved
