"""What was measured on a board beside what was predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnnhw_host.manifest import Manifest
    from bnnhw_host.registers import Registers


@dataclass(frozen=True)
class Throughput:
    """Frames back to back.

    Attributes:
        frames: how many.
        seconds: from the first transfer's start to the last one's end, packing left out.
        clock_mhz: the fabric's clock.
        frame_cycles: cycles between the last two frames, counted by the design.
        predicted_cycles: as the compiler predicted them; 0 where it did not.
    """

    frames: int
    seconds: float
    clock_mhz: float
    frame_cycles: int
    predicted_cycles: int

    @property
    def fps(self) -> float:
        """Frames per second, with the start and the end of transfers."""
        return self.frames / self.seconds

    @property
    def predicted_fps(self) -> float:
        """What the predicted cycles give at this clock."""
        return self.clock_mhz * 1e6 / self.predicted_cycles if self.predicted_cycles else 0.0

    def __str__(self) -> str:
        text = (
            f"{self.fps:,.0f} frames per second ({self.frames:,} frames, {self.clock_mhz:g} MHz); "
        )
        text += f"{self.frame_cycles:,} cycles a frame"
        if self.predicted_cycles:
            text += f", predicted {self.predicted_cycles:,} ({self.predicted_fps:,.0f} per second)"
        return text


@dataclass(frozen=True)
class Latency:
    """One frame alone.

    Attributes:
        seconds: from the start of its transfer to its scores in memory.
        clock_mhz: the fabric's clock.
        predicted_cycles: of the accelerator alone; 0 where it was not predicted.
    """

    seconds: float
    clock_mhz: float
    predicted_cycles: int

    def __str__(self) -> str:
        text = f"{self.seconds * 1e6:,.1f} us for one frame"
        if self.predicted_cycles:
            microseconds = self.predicted_cycles / self.clock_mhz
            text += f"; the accelerator's part is predicted as {microseconds:,.1f} us"
        return text


@dataclass(frozen=True)
class Profile:
    """The design's counters after some frames.

    Attributes:
        frames: how many.
        clock_mhz: the fabric's clock.
        counters: of the register block, by name.
        predicted_cycles: per frame; 0 where they were not predicted.
        instruments: a row for each stream that is instrumented: its name and layer, the FIFO's
            depth, and what was counted and predicted.
    """

    frames: int
    clock_mhz: float
    counters: dict[str, int]
    predicted_cycles: int
    instruments: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.frames:,} frames at {self.clock_mhz:g} MHz"]
        measured = f"{self.counters['frame_cycles']:,} cycles between the last two frames"
        if self.predicted_cycles:
            measured += f", predicted {self.predicted_cycles:,}"
        lines.append(measured)
        lines.append(
            f"input waited {self.counters['input_stalls']:,} cycles, scores "
            f"{self.counters['output_stalls']:,}"
        )
        return "\n".join(lines)


def profile_of(registers: Registers, manifest: Manifest, frames: int, clock: float) -> Profile:
    """Reads all counters of a design."""
    return Profile(frames, clock, registers.counters(), manifest.cycles_per_frame)
