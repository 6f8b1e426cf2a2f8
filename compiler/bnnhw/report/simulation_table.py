"""What a simulation or a synthesis found, as tables of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from bnnhw.report.facts import number, shell_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bnnhw.backend.yosys import Synthesis
    from bnnhw.verify.run_simulation import SimulationOutcome
    from bnnhw.verify.simulate import StreamStatistics
    from bnnhw.verify.verification import Verification

_CLASSES = 20
"""So many classes are printed."""


def print_simulation(
    out: Console,
    result: SimulationOutcome,
    clock: float,
    names: Sequence[str] = (),
    *,
    streams: bool = False,
) -> None:
    """Prints how each comparison ended, classes, cycles, FPS at a clock in MHz, and streams."""
    _print_checks(result.checks)
    classes = result.classes.tolist()
    more = f" and {len(classes) - _CLASSES} more" if len(classes) > _CLASSES else ""
    shown = [f"{c} {names[c]}" if c < len(names) else str(c) for c in classes[:_CLASSES]]
    typer.echo(f"classes: {(', ' if names else ' ').join(shown)}{more}")
    simulation = result.simulation
    table = Table("frames", "cycles per frame", "latency", "FPS", box=None)
    cycles = simulation.cycles_per_frame
    table.add_row(
        number(simulation.frames),
        number(cycles) if cycles else "one frame only",
        number(simulation.latency[0]),
        f"{clock * 1e6 / cycles:,.1f} at {clock:g} MHz" if cycles else "-",
    )
    out.print(table)
    if streams:
        out.print(_streams(simulation.streams))
        typer.echo(
            "beats: moved; stalled: cycles with a beat offered and not taken; starved: cycles in "
            "which the\nreader waited; FIFO: beats it holds; peak: most that it held"
        )
    if simulation.wave:
        typer.echo(f"waves: {simulation.wave}")
        if simulation.wave.suffix == ".vcd":
            typer.echo(
                "VCD, since the headers for FST are missing: apt-get install liblz4-dev zlib1g-dev"
            )


def _streams(statistics: Sequence[StreamStatistics]) -> Table:
    table = Table("stream", "beats", "stalled", "starved", "FIFO", "peak", box=None)
    for s in statistics:
        table.add_row(
            s.stream,
            number(s.beats),
            number(s.stalled),
            number(s.starved),
            number(s.depth) if s.depth else "-",
            number(s.peak) if s.depth else "-",
        )
    return table


def print_synthesis(
    out: Console, report: dict[str, Any], result: Synthesis, checks: Sequence[Verification]
) -> None:
    """Prints the resources of a report, what LUT counts, and what the netlist computed."""
    columns = ("estimated", "synthesised", "usable", "available")
    table = Table("resource", *columns, box=None)
    for name, row in report["resources"].items():
        table.add_row(name, *("" if row[k] is None else f"{row[k]:g}" for k in columns))
    out.print(table)
    typer.echo(
        f"lut = {result.logic_cells} estimated logic cells, lut_cells = {result.lut_cells} LUT "
        f"cells, each + {result.lut_memory} LUTs used as memory; lut_packed is half way between"
    )
    typer.echo(shell_text(report))
    _print_checks(checks)
    if not checks:
        typer.echo("the netlist was not simulated")


def _print_checks(checks: Sequence[Verification]) -> None:
    for check in checks:
        verdict = f"{check.mismatches} mismatching frames" if check.mismatches else "bit-exact"
        reason = f" ({check.note})" if check.mismatches else ""
        typer.echo(
            f"{check.what} against {check.against}: {check.inputs} frames, {verdict}{reason}"
        )
