"""What a compile is to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnhw.errors import BnnhwError, FoldingError


@dataclass(frozen=True)
class Goal:
    """What the folding is to reach.

    Attributes:
        cycles: most cycles a frame may take; None for the fastest design that fits.
    """

    cycles: int | None = None


def check_goal(fps: float | None, cycles: int | None, clock: float | None) -> None:
    """Refuses goals and clocks that no network could meet."""
    if fps is not None and cycles is not None:
        raise FoldingError(
            "--fps and --cycles exclude each other", where="goal", fix="give one of them"
        )
    if fps is not None and not 0 < fps < math.inf:
        raise FoldingError(
            f"{fps:g} FPS is no goal", where="option --fps", fix="give a positive number"
        )
    if cycles is not None and cycles < 1:
        raise FoldingError(
            f"{cycles} cycles is no goal", where="option --cycles", fix="give 1 or more"
        )
    if clock is not None and not 1 <= clock <= 1000:
        raise BnnhwError(
            f"{clock:g} MHz is no clock for an FPGA",
            where="option --clock",
            fix="give MHz, 1 to 1000; 100 to 200 is usual for the boards here",
        )
