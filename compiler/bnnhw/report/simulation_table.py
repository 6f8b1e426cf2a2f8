"""What a simulation or a synthesis found, as tables of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bnnhw.report.facts import amount, lut_text, number, resource_facts, shell_text
from bnnhw.report.plain_table import plain_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
    print_checks(result.checks)
    classes = result.classes.tolist()
    more = f" and {len(classes) - _CLASSES} more" if len(classes) > _CLASSES else ""
    shown = [f"{c} {names[c]}" if c < len(names) else str(c) for c in classes[:_CLASSES]]
    typer.echo(f"classes: {(', ' if names else ' ').join(shown)}{more}")
    simulation = result.simulation
    cycles = simulation.cycles_per_frame
    row = (
        number(simulation.frames),
        number(cycles) if cycles else "one frame only",
        number(simulation.latency[0]),
        f"{number(clock * 1e6 / cycles)} at {clock:g} MHz" if cycles else "-",
    )
    _print_table(out, ("frames", "cycles per frame", "latency", "FPS"), [row])
    if streams:
        headings = ("stream", "beats", "stalled", "starved", "FIFO", "peak")
        _print_table(out, headings, _streams(simulation.streams), right=range(1, 6))
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


def _streams(statistics: Sequence[StreamStatistics]) -> list[tuple[str, ...]]:
    return [
        (
            s.stream,
            number(s.beats),
            number(s.stalled),
            number(s.starved),
            number(s.depth) if s.depth else "-",
            number(s.peak) if s.depth else "-",
        )
        for s in statistics
    ]


def print_synthesis(
    out: Console, report: dict[str, Any], result: Synthesis, checks: Sequence[Verification]
) -> None:
    """Prints the resources of a report, what LUT counts, and what the netlist computed."""
    columns = ("estimated", "synthesised", "usable", "available")
    rows = []
    for fact in resource_facts(report):
        amounts = (fact.estimated, fact.synthesised, fact.usable, fact.available)
        rows.append((fact.label, *("" if v is None else amount(fact.name, v) for v in amounts)))
    _print_table(out, ("resource", *columns), rows, right=range(1, 5))
    typer.echo(f"{lut_text(report)}, {number(result.lut_memory)} LUTs used as memory included")
    typer.echo(shell_text(report))
    print_checks(checks)
    if not checks:
        typer.echo("the netlist was not simulated")


def _print_table(
    out: Console,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
) -> None:
    for line in plain_table(headings, rows, right=right, width=out.width):
        typer.echo(line)


def print_checks(checks: Sequence[Verification]) -> None:
    """Prints how each comparison ended."""
    for check in checks:
        verdict = f"{check.mismatches} mismatching frames" if check.mismatches else "bit-exact"
        reason = f" ({check.note})" if check.mismatches else ""
        typer.echo(
            f"{check.what} against {check.against}: {check.inputs} frames, {verdict}{reason}"
        )
