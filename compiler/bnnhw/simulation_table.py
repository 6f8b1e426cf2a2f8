"""What a simulation found, as tables of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.run_simulation import SimulationOutcome


def print_simulation(out: Console, result: SimulationOutcome, clock: float) -> None:
    """Prints cycles, FPS at ``clock`` MHz, each stream, and how each comparison ended."""
    simulation = result.simulation
    table = Table("frames", "cycles a frame", "latency", "FPS", box=None)
    cycles = simulation.cycles_per_frame
    table.add_row(
        str(simulation.frames),
        str(cycles) if cycles else "one frame only",
        str(simulation.latency[0]),
        f"{clock * 1e6 / cycles:,.1f} at {clock:g} MHz" if cycles else "-",
    )
    out.print(table)
    streams = Table("stream", "beats", "stalled", "starved", "FIFO", "peak", box=None)
    for s in simulation.streams:
        streams.add_row(
            s.stream,
            str(s.beats),
            str(s.stalled),
            str(s.starved),
            str(s.depth or "-"),
            str(s.peak) if s.depth else "-",
        )
    out.print(streams)
    for check in result.checks:
        verdict = f"{check.mismatches} mismatching frames" if check.mismatches else "bit-exact"
        reason = f" ({check.note})" if check.mismatches else ""
        typer.echo(
            f"{check.what} against {check.against}: {check.inputs} frames, {verdict}{reason}"
        )
    if simulation.wave:
        typer.echo(f"waves: {simulation.wave}")
        if simulation.wave.suffix == ".vcd":
            typer.echo(
                "VCD, since the headers for FST are missing: apt-get install liblz4-dev zlib1g-dev"
            )
