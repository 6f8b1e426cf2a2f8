"""The commands that list what there is: boards, passes, shipped models, missing tools."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bnnhw.cli.completion import complete_board
from bnnhw.cli.options import Json
from bnnhw.cli.output import print_json, print_table

app = typer.Typer()


@app.command()
def boards(
    show: Annotated[
        str | None,
        typer.Option(help="Print the file that describes a board.", autocompletion=complete_board),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the boards."""
    from bnnhw.hardware.board import board_file, board_names, load_board

    if show:
        board = load_board(show)
        if as_json:
            print_json(asdict(board))
        else:
            typer.echo(board_file(show).read_text(), nl=False)
        return
    found = [load_board(name) for name in board_names()]
    if as_json:
        print_json([asdict(board) for board in found])
        return
    headings = ("board", "part", "MHz", "LUT", "FF", "BRAM36", "URAM", "DSP")
    rows = [
        (b.name, b.part, f"{b.clock_mhz:g}", *map(str, (b.lut, b.ff, b.bram36, b.uram, b.dsp)))
        for b in found
    ]
    print_table(headings, rows, right=range(2, 8))


@app.command(short_help="List the compiler's passes, in order.")
def passes(as_json: Json = False) -> None:
    """List the passes that turn a model into an integer graph, in order."""
    from bnnhw.passes import PIPELINE

    rows = [(one.name, one.description) for one in PIPELINE]
    if as_json:
        print_json([{"name": name, "description": text} for name, text in rows])
        return
    print_table(("pass", "what it does"), rows)


@app.command(short_help="List the trained networks that ship.")
def models(as_json: Json = False) -> None:
    """List the trained networks that come with bnnhw, with the path of each."""
    from bnnhw.zoo.shipped import shipped_models

    if as_json:
        print_json([{**asdict(model), "path": str(model.path)} for model in shipped_models()])
        return
    for model in shipped_models():  # no table: it would be wider than any terminal
        typer.echo(f"{model.name}  {model.path}")
        typer.echo(f"    accuracy: {model.accuracy}")
        typer.echo(f"    input:    {model.input}")
        typer.echo(f"    recipe:   {model.recipe}")


@app.command(short_help="Say what is missing on this machine.")
def doctor(as_json: Json = False) -> None:
    """Say what is missing on this machine and how to get it."""
    from bnnhw.cli.doctor import diagnose, readiness

    found = diagnose()
    able = readiness(found)
    if as_json:
        print_json({"found": [asdict(finding) for finding in found], "ready": able})
    else:
        rows = [("ok" if f.found else "--", f.what, f.needed_for, f.detail) for f in found]
        print_table(("", "what", "needed for", "found"), rows)
        for finding in found:
            if not finding.found:
                typer.echo(f"missing {finding.what}: {finding.fix}")
        said = (f"{what} {'yes' if can else 'no'}" for what, can in able.items())
        typer.echo(f"ready to: {', '.join(said)}")
    if not able["compile"]:
        raise typer.Exit(1)
