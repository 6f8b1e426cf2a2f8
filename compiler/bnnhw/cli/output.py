"""What commands print and write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SOME = 20
"""So many classes are listed."""

out = Console(soft_wrap=False)
err = Console(stderr=True)


def print_notes(notes: Iterable[str], *, quiet: bool = False) -> None:
    """Says on standard error what was done to inputs."""
    for note in () if quiet else notes:
        typer.echo(f"note: {note}", err=True)


def print_classes(names: Sequence[str]) -> None:
    """Lists the names of a build's classes, where it has some."""
    if names:
        shown = ", ".join(f"{i} {name}" for i, name in enumerate(names[:SOME]))
        more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
        typer.echo(f"classes: {shown}{more}")


def amount(size: int) -> str:
    """Bytes in words: "40 kB", "1.2 GB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.{1 if size < 10 * factor else 0}f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"


def print_verdicts(report: dict[str, Any]) -> None:
    """Prints how a build's comparisons ended, and what is lost in integers: the least there is."""
    from bnnhw.report.facts import accuracy_alarms, accuracy_text, clock_alarms, verdict

    for check in report["verification"]:
        what = f"{check['what']} against {check['against']}, {check['inputs']} inputs"
        typer.echo(f"{verdict(check)}: {what}")
    if text := accuracy_text(report):
        typer.echo(f"accuracy: {text}")
    for alarm in clock_alarms(report):
        typer.echo(f"WARNING: {alarm}")
    for alarm in accuracy_alarms(report):
        typer.echo(f"WARNING: {alarm}; {report['accuracy']['ways_out']}")


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> None:
    """Prints a table whose names are never cut nor wrapped."""
    from bnnhw.report.plain_table import plain_table

    for line in plain_table(headings, rows, right=right, width=out.width):
        typer.echo(line)


def print_json(data: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Prints JSON on standard output."""
    typer.echo(json.dumps(data, indent=2))


def print_error(text: str) -> None:
    """Unbroken lines, so that paths can be copied, and no markup: names may hold brackets."""
    err.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True, highlight=False)
