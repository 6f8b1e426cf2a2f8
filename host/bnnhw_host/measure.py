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
        counted = (
            f"{self.frame_cycles:,} cycles a frame" if self.frame_cycles else "one frame alone"
        )
        text += counted
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
class StreamCounters:
    """What an instrumented stream counted, beside the prediction.

    Attributes:
        stream: its name.
        writer: the layer that writes it.
        reader: the layer that reads it.
        depth: beats that its FIFO holds; 0 where it has none.
        high_water: most beats that the FIFO held; None where it has none.
        stall: cycles a frame in which a beat waited for the reader.
        starved: cycles a frame in which the reader waited for a beat.
        beats: that were read.
        predicted_stall: cycles a frame; None where they were not predicted.
        predicted_starved: see ``predicted_stall``.
        predicted_high_water: beats; None where they were not predicted.
    """

    stream: str
    writer: str
    reader: str
    depth: int
    high_water: int | None
    stall: float
    starved: float
    beats: int
    predicted_stall: float | None
    predicted_starved: float | None
    predicted_high_water: float | None


@dataclass(frozen=True)
class Profile:
    """The design's counters after some frames.

    Attributes:
        frames: how many.
        clock_mhz: the fabric's clock.
        counters: of the register block, by name, for these frames.
        predicted_cycles: per frame; 0 where they were not predicted.
        streams: of a build that was compiled with ``--instrument``, in the order of the data; else
            none.
    """

    frames: int
    clock_mhz: float
    counters: dict[str, int]
    predicted_cycles: int
    streams: tuple[StreamCounters, ...] = ()

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
        if self.streams:
            lines += ["cycles a frame (predicted)", *map("  ".join, _columns(self.streams))]
        return "\n".join(lines)

    def plot(self) -> Any:
        """A picture of the streams: where beats and readers waited, and how full FIFOs became.

        Returns:
            A figure of matplotlib.

        Raises:
            HostError: the build has no instruments, or matplotlib is not installed.
        """
        from bnnhw_host.profile_plot import plot_streams

        return plot_streams(self)


def _columns(streams: tuple[StreamCounters, ...]) -> list[list[str]]:
    """Rows of a table as text, each column padded."""
    rows = [["stream", "beat waited", "reader waited", "most in FIFO", "of"]]
    for s in streams:
        full = "" if s.high_water is None else _beside(s.high_water, s.predicted_high_water)
        rows.append(
            [
                s.stream,
                _beside(s.stall, s.predicted_stall),
                _beside(s.starved, s.predicted_starved),
                full,
                str(s.depth or ""),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]


def _beside(measured: float, predicted: float | None) -> str:
    return f"{measured:,.0f}" + ("" if predicted is None else f" ({predicted:,.0f})")


@dataclass(frozen=True)
class Counted:
    """All counters of a design at one time.

    Attributes:
        registers: of the register block, by name.
        streams: of each instrumented stream, by name.
    """

    registers: dict[str, int]
    streams: list[dict[str, int]]

    @staticmethod
    def of(registers: Registers) -> Counted:
        """Reads them."""
        return Counted(streams=registers.instruments(), registers=registers.counters())


def profile_of(
    before: Counted, after: Counted, manifest: Manifest, frames: int, clock: float
) -> Profile:
    """What was counted for ``frames`` more frames in one run than in the other."""
    counters = {name: after.registers[name] - value for name, value in before.registers.items()}
    counters["frame_cycles"] = after.registers["frame_cycles"]  # a measure, not a sum
    streams = []
    rows = zip(manifest.instruments, before.streams, after.streams, strict=True)
    for entry, first, last in rows:
        predicted = entry["predicted"] or {}
        streams.append(
            StreamCounters(
                stream=entry["stream"],
                writer=entry["layer"],
                reader=entry["reader_layer"],
                depth=entry["depth"],
                high_water=last.get("high_water"),
                stall=max(0, last["stall"] - first["stall"]) / frames,
                starved=max(0, last["starved"] - first["starved"]) / frames,
                beats=last["beats"] - first["beats"],
                predicted_stall=predicted.get("stall"),
                predicted_starved=predicted.get("starved"),
                predicted_high_water=predicted.get("high_water"),
            )
        )
    return Profile(frames, clock, counters, manifest.cycles_per_frame, tuple(streams))
