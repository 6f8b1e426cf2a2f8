"""The command ``bnnhw explore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import bnnhw
from bnnhw.cli.completion import complete_board
from bnnhw.cli.options import (
    Calibrate,
    InputMean,
    InputOffset,
    InputScale,
    InputStd,
    InputType,
    Json,
    Model,
    Quiet,
    SignZero,
    Verbose,
    declarations,
    precision_options,
)
from bnnhw.cli.output import out, print_json
from bnnhw.cli.steps import named_steps

if TYPE_CHECKING:
    from bnnhw.api.exploration.question import Estimate

_INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""
_DEFAULT = "default"


def explore_command(
    model: Model,
    board: Annotated[
        list[str] | None,
        typer.Option(
            help="Repeatable; default all that `bnnhw boards` lists.",
            autocompletion=complete_board,
        ),
    ] = None,
    fps: Annotated[
        list[float] | None, typer.Option(help="A target in frames per second; repeatable.")
    ] = None,
    cycles: Annotated[
        list[int] | None, typer.Option(help="A target in cycles per frame; repeatable.")
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="The fastest design, then the other paces of its curve."),
    ] = False,
    clock: Annotated[float | None, typer.Option(help="Clock in MHz; default each board's.")] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="An alternative, repeatable: NAME=BITS, or several with commas; or 'default'."
        ),
    ] = None,
    stream_bits: Annotated[
        list[int] | None,
        typer.Option(help="An alternative, repeatable: one width for all streams."),
    ] = None,
    input_type: InputType = None,
    input_scale: InputScale = None,
    input_offset: InputOffset = None,
    input_mean: InputMean = None,
    input_std: InputStd = None,
    sign_zero: SignZero = "minus",
    calibrate: Calibrate = None,
    top_k: Annotated[int, typer.Option(help="Send the K best classes, not all scores.")] = 0,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check each precision against onnxruntime: its agreement."),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Processes; default one per core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler whose workers take part, not processes."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the estimates, .json or .csv, as they come."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw FPS against LUTs: .svg, or .png with matplotlib.")
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Estimate designs of a model for boards, targets and precisions, side by side.

    Nothing is built, and nothing verified but with --verify. Each design is told on standard error
    as it is found, then all in one table. Ctrl-C leaves those so far.
    """
    from bnnhw.api.exploration.results import headline

    table = None if as_json or quiet else _Table()
    if not as_json:
        typer.echo(headline(verified=verify))
    with named_steps(quiet=quiet or as_json, verbose=verbose) as progress:
        found = bnnhw.explore(
            model,
            boards=board or (),
            fps=fps or (),
            cycles=cycles or (),
            sweep=sweep,
            clock_mhz=clock,
            precisions=[_alternative(text) for text in precision or ()],
            stream_bits=stream_bits or (),
            **declarations(
                input_type, (input_scale, input_offset), (input_mean, input_std), sign_zero
            ),
            calibrate=calibrate or (),
            top_k=top_k,
            verify=verify,
            jobs=jobs,
            scheduler=scheduler,
            output=output,
            plot=plot,
            told=lambda estimate: None if table is None else table.add(estimate),
            progress=progress,
        )
    if as_json:
        print_json(found.to_json())
    else:
        for line in found.lines(out.width):
            typer.echo(line)
        for label, share in found.agreement.items():
            typer.echo(f"{label}: the same best class in integers and in float for {share:.1%}")
        typer.echo("*: none on its board is as fast with fewer LUTs, nor faster with as few")
        for path in (output, plot):
            if path is not None:
                typer.echo(f"written: {path}")
    if not found.complete:
        typer.echo(f"interrupted: {len(found.rows)} designs were estimated", err=True)
        raise typer.Exit(_INTERRUPTED)


def _alternative(text: str) -> dict[str, int]:
    return {} if text == _DEFAULT else precision_options(text.split(","))


class _Table:
    """Rows as they come, on standard error: columns as wide as what came so far."""

    def __init__(self) -> None:
        self._sizes: list[int] = []

    def add(self, estimate: Estimate) -> None:
        """Prints a row."""
        from bnnhw.api.exploration.results import HEADINGS, RIGHT, cells, said

        rows = [cells(estimate)]
        if not self._sizes:
            self._sizes = [
                max(len(word), least) for word, least in zip(HEADINGS, _LEAST, strict=True)
            ]
            rows.insert(0, HEADINGS)
        for row in rows:
            self._sizes = [max(a, len(b)) for a, b in zip(self._sizes, row, strict=True)]
            made = [
                cell.rjust(size) if place in RIGHT else cell.ljust(size)
                for place, (cell, size) in enumerate(zip(row, self._sizes, strict=True))
            ]
            last = "found" if row is HEADINGS else said(estimate)
            typer.echo(" ".join([*made, last]), err=True)


_LEAST = (11, 14, 9, 9, 9, 7, 6, 6, 5, 6)
"""Widths of the columns before any row is known."""
