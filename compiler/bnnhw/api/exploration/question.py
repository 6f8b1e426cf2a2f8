"""What is asked of one design, and the answer: picklable, since workers may be far away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.cost.model import LABELS, LIMITED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.board import Board
    from bnnhw.planning.target import Target

FITS, REFUSED, FAILED = "fits", "refused", "failed"
"""Verdicts: a design meets the target on the board; none does; something else went wrong."""
FASTEST = "fastest"
DEFAULT = "default"
"""The alternative of widths that a compile without ``--precision`` has."""


@dataclass(frozen=True)
class Question:
    """One design to estimate.

    Attributes:
        board: the board.
        clock_mhz: the clock.
        target: what to reach.
        label: the target as the user gave it.
        precision: the name of the alternative of widths.
        top_k: 0 for all scores, else the number of best classes to send.
        paces: whether the answer is to say at which other paces designs fit.
    """

    board: Board
    clock_mhz: float
    target: Target
    label: str
    precision: str
    top_k: int = 0
    paces: bool = False


@dataclass(frozen=True)
class Estimate:
    """The answer: a design that fits, or why there is none. All figures are estimated.

    Attributes:
        board: name of the board.
        target: what was to be reached, as the user gave it.
        precision: the name of the alternative of widths.
        clock_mhz: the clock.
        verdict: "fits", "refused" or "failed".
        cycles_per_frame: predicted by the token-level model; None where nothing fits.
        fps: frames per second at the clock.
        latency_cycles: from the first beat of a frame to its last score.
        resources: amounts by name, as in ``report.json``.
        shares: of what a design may take of each, by name.
        ddr_bytes_per_frame: weights from memory.
        memory_share: of the bytes per second that memory gives for weights.
        loops: the first layer of each loop.
        reason: why there is no design, in one line.
        seconds: that the estimate took.
        paces: cycles per frame at which other designs fit, where that was asked.
    """

    board: str
    target: str
    precision: str
    clock_mhz: float
    verdict: str
    cycles_per_frame: int | None = None
    fps: float | None = None
    latency_cycles: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    ddr_bytes_per_frame: int = 0
    memory_share: float = 0.0
    loops: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    paces: tuple[int, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether there is a design."""
        return self.verdict == FITS

    def to_json(self) -> dict[str, Any]:
        """The estimate as JSON holds it."""
        found = dict(vars(self))
        del found["paces"]
        found["resources"], found["shares"] = dict(self.resources), dict(self.shares)
        return found | {"loops": list(self.loops)}

    def flat(self) -> dict[str, Any]:
        """The estimate as a row of a CSV file."""
        found = self.to_json()
        resources, shares = found.pop("resources"), found.pop("shares")
        reason, seconds = found.pop("reason"), found.pop("seconds")
        for name in LIMITED:
            label = LABELS[name]
            found[label], found[f"{label}, share"] = resources.get(name), shares.get(name)
        return found | {"loops": " ".join(self.loops), "reason": reason, "seconds": seconds}


def unanswered(question: Question, verdict: str, reason: str, seconds: float = 0.0) -> Estimate:
    """The answer where there is no design."""
    return Estimate(
        question.board.name,
        question.label,
        question.precision,
        question.clock_mhz,
        verdict,
        reason=reason,
        seconds=round(seconds, 2),
    )
