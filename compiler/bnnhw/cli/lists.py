"""The commands that list what there is: boards, passes, shipped models, missing tools."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bnnhw.hardware.board import board_file, board_names, load_board

app = typer.Typer()


@app.command()
def boards(
    show: Annotated[str | None, typer.Option(help="Print the file that describes a board.")] = None,
) -> None:
    """List the boards."""
    if show:
        load_board(show)
        typer.echo(board_file(show).read_text(), nl=False)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("board", "part", "MHz", "LUT", "FF", "BRAM36", "DSP", "name"):
        table.add_column(heading, no_wrap=heading != "name")
    for name in board_names():
        b = load_board(name)
        amounts = (f"{b.clock_mhz:g}", *(str(v) for v in (b.lut, b.ff, b.bram36, b.dsp)))
        table.add_row(b.name, b.part, *amounts, b.title)
    Console(soft_wrap=False).print(table)


@app.command()
def passes() -> None:
    """List the passes that turn a model into an integer graph, in order."""
    from bnnhw.passes import PIPELINE

    table = Table("pass", "what it does", box=None)
    for one in PIPELINE:
        table.add_row(one.name, one.description)
    Console(soft_wrap=False).print(table)


@app.command()
def models() -> None:
    """List the trained networks that come with bnnhw, with the path of each."""
    from bnnhw.zoo.shipped import shipped_models

    for model in shipped_models():  # no table: that would cut paths at the terminal's width
        typer.echo(f"{model.name}  {model.path}")
        typer.echo(f"    accuracy: {model.accuracy}")
        typer.echo(f"    input:    {model.input}")
        typer.echo(f"    recipe:   {model.recipe}")


@app.command()
def doctor() -> None:
    """Say what is missing on this machine and how to get it."""
    from bnnhw.cli.doctor import diagnose, readiness

    table = Table("", "what", "needed for", "found", box=None)
    missing = []
    found = diagnose()
    for finding in found:
        mark = "[green]ok[/]" if finding.found else "[red]--[/]"
        table.add_row(mark, finding.what, finding.needed_for, finding.detail)
        if not finding.found:
            missing.append(f"{finding.what}: {finding.fix}")
    Console(soft_wrap=False).print(table)
    for line in missing:
        typer.echo(f"missing {line}")
    able = readiness(found)
    said = (f"{what} {'yes' if can else 'no'}" for what, can in able.items())
    typer.echo(f"ready to: {', '.join(said)}")
    if not able["compile"]:
        raise typer.Exit(1)
