"""What a compile is to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bnnhw.errors import BnnhwError, FoldingError


@dataclass(frozen=True)
class Target:
    """What the folding is to reach.

    Attributes:
        cycles: most cycles per frame may take; None for the fastest design that fits.
        fps: the frames per second that were asked for; None where cycles were.
        clock_mhz: the clock at which ``fps`` counts.
    """

    cycles: int | None = None
    fps: float | None = None
    clock_mhz: float = 0.0

    @staticmethod
    def of_fps(fps: float, clock_mhz: float) -> Target:
        """The target of so many frames per second."""
        return Target(_cycles(fps, clock_mhz), fps, clock_mhz)

    def __str__(self) -> str:
        assert self.cycles is not None
        if self.fps is None:
            return _frame(self.cycles)
        return f"{self.fps:.10g} FPS ({_frame(self.cycles)} at {self.clock_mhz:g} MHz)"

    def pace(self, cycles: int) -> str:
        """How fast a design of so many cycles per frame is, in the unit of the target."""
        if self.fps is None:
            return _frame(cycles)
        return f"{reachable_fps(cycles, self.clock_mhz):.10g} FPS ({_frame(cycles)})"


def _frame(cycles: int) -> str:
    return f"{cycles} cycle{'' if cycles == 1 else 's'} per frame"


def _cycles(fps: float, clock_mhz: float) -> int:
    return max(1, int(clock_mhz * 1e6 / fps))


def reachable_fps(cycles: int, clock_mhz: float) -> float:
    """A round number of frames per second that ``cycles`` per frame reach."""
    fps = clock_mhz * 1e6 / cycles
    digits = max(0, 3 - int(math.log10(fps))) if fps >= 1 else 6
    step = 10.0**-digits
    rounded = round(math.floor(fps / step) * step, digits)
    return rounded if _cycles(rounded, clock_mhz) >= cycles else round(rounded - step, digits)


def check_speed(fps: float | None, cycles: int | None, clock: float | None) -> None:
    """Refuses targets and clocks that no network could meet."""
    if fps is not None and cycles is not None:
        raise FoldingError(
            "--fps and --cycles exclude each other", where="target", fix="give one of them"
        )
    if fps is not None and not 0 < fps < math.inf:
        raise FoldingError(
            f"{fps:g} FPS is no target", where="option --fps", fix="give a positive number"
        )
    if cycles is not None and cycles < 1:
        raise FoldingError(
            f"{cycles} cycles is no target", where="option --cycles", fix="give 1 or more"
        )
    if clock is not None and not 1 <= clock <= 1000:
        raise BnnhwError(
            f"{clock:g} MHz is no clock for an FPGA",
            where="option --clock",
            fix="give MHz, 1 to 1000; 100 to 200 is usual for the boards here",
        )
