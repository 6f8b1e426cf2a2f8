"""Steps of long work, as they are told to whoever waits for it."""

from __future__ import annotations


class Step(str):
    """The name of a step that is counted, and how far it is.

    As text it says both: "simulating: 3 of 10 frames". It is told again as it gets on.

    Attributes:
        name: of the step.
        done: how many are done.
        total: of how many.
        share: share of the work that is done, 0 to 1; finer than ``done`` where that is known.
    """

    name: str
    done: int
    total: int
    share: float

    def __new__(
        cls, name: str, done: int, total: int, what: str, share: float | None = None
    ) -> Step:
        """A step that has done ``done`` of ``total`` things called ``what``."""
        step = super().__new__(cls, f"{name}: {done:,} of {total:,} {what}")
        step.name, step.done, step.total = name, done, total
        step.share = done / max(1, total) if share is None else share
        return step
