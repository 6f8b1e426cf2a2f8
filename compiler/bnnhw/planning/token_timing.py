"""How units move tokens: their timing in beats, taken together token by token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.hardware.units import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.hardware.units.kind import Index, UnitTiming


@dataclass(frozen=True, eq=False)
class TokenTiming:
    """How one unit moves the tokens of a frame; a token moves when its last beat does.

    A token may have several beats. Four of the fields say which of them matters.

    Attributes:
        needs: [tokens out]; the last input token that each output token needs; -1 for none.
        latency: cycles from the input beat needed to the output beat.
        after: [tokens out]; how many beats of the output token follow the one whose need is the
            most urgent.
        before: [tokens out]; how many beats of the input token follow the one that is needed.
        first_after: [tokens out]; as ``after``, for the first beat that needs the token.
        first: [tokens out]; beats of the input token up to the one that it needs.
        frees: [tokens in]; the output token that frees the place of each input token.
        free_delay: cycles from the freeing beat to the input beat.
        within: [tokens in]; how many beats of the output token behind that one the freeing beat is.
        rest: [tokens in]; how many beats of the input token follow the one that is freed.
    """

    needs: Index
    latency: int
    after: Index
    before: Index
    first_after: Index
    first: Index
    frees: Index
    free_delay: int
    within: Index
    rest: Index

    def lag(self, beat_out: float) -> Index:
        """Cycles from the needed to the output token, whose beats are ``beat_out`` cycles apart."""
        return _cycles(self.latency - self.before + self.after * beat_out)

    def first_lag(self, beat_out: float) -> Index:
        """Cycles from the token before the needed one, where output beats are slow."""
        return _cycles(self.latency + self.first + self.first_after * beat_out)

    def delay(self, beat_out: float) -> Index:
        """Cycles from the freeing token to the input token."""
        return _cycles(self.free_delay + self.within * beat_out + self.rest)


def _cycles(time: NDArray[np.floating[Any]]) -> Index:
    return np.floor(time).astype(np.int64)


@lru_cache(maxsize=1024)
def part_in_tokens(
    kind: str, part: int, params: tuple[tuple[str, int], ...], beats: int, source: int, sink: int
) -> TokenTiming:
    """A part of a unit's timing in tokens; designs that differ in FIFOs alone ask the same again.

    Args:
        kind: of the unit.
        part: index into the kind's timing.
        params: the unit's.
        beats: per frame at the part's input.
        source: beats per token at its input.
        sink: likewise at its output.
    """
    return in_tokens(KINDS[kind].timing[part](dict(params), beats), source, sink)


def in_tokens(timing: UnitTiming, source: int, sink: int) -> TokenTiming:
    """A unit's timing in tokens of ``source`` and ``sink`` beats.

    An output token waits for the newest input token that one of its beats needs, and then for the
    beats from there on. What frees a beat of an input token counts as the token before it, and the
    beats from there on, unless it is itself a last beat.
    """
    if source == sink == 1:
        none = np.zeros_like(timing.needs)
        return TokenTiming(
            timing.needs, timing.latency, none, none, none, none,
            timing.frees, timing.free_delay, *2 * [np.zeros_like(timing.frees)],
        )  # fmt: skip
    needs = timing.needs.reshape(-1, sink)
    token = np.where(needs >= 0, needs // source, -1)
    newest = token.max(axis=1)
    after, before = np.arange(sink)[::-1], source - 1 - needs % source
    ahead = np.where(token == newest[:, None], after - before, np.iinfo(np.int32).min)
    every = np.arange(len(needs))
    beat = sink - 1 - ahead[:, ::-1].argmax(axis=1)
    first = (token == newest[:, None]).argmax(axis=1)
    frees = timing.frees.reshape(-1, source)
    whole = (frees % sink == sink - 1).astype(np.int64)
    freeing = frees // sink - (1 - whole)
    within = (1 - whole) * (frees % sink + 1)
    last = freeing[:, -1]
    # Of the beats that wait for the same token, the one that leaves the most to come.
    wait = np.where(freeing == last[:, None], within + np.arange(source)[::-1], -1)
    slowest = source - 1 - wait[:, ::-1].argmax(axis=1)
    # No token waits for one that needs it: beats inside a token may, and do not count.
    least = np.searchsorted(np.maximum.accumulate(newest), np.arange(len(last))) - 1
    return TokenTiming(
        newest, timing.latency, after[beat], before[every, beat],
        after[first], source - before[every, first],
        np.minimum(last, least), timing.free_delay,
        within[np.arange(len(last)), slowest], source - 1 - slowest,
    )  # fmt: skip
