"""What commands print and write."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

HEARTBEAT = 60.0
"""Seconds between signs of life in a log."""

SOME = 20
"""So many classes are listed."""

out = Console(soft_wrap=False)
err = Console(stderr=True)


@contextlib.contextmanager
def named_steps(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Names the step at work on standard error, and for how long it has been.

    A terminal shows a clock; elsewhere there is a line per step, and one each minute of it.
    """
    if quiet:
        yield lambda step: None
    elif err.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=err, transient=True) as clock:
            task = clock.add_task("starting", total=None)
            yield lambda step: clock.reset(task, description=step, total=None)
    else:
        heart = _Heart()
        try:
            yield heart.begin
        finally:
            heart.stop()


class _Heart:
    """Says each minute which step is still at work."""

    def __init__(self) -> None:
        self._stopped, self._step, self._since = threading.Event(), "starting", time.monotonic()
        threading.Thread(target=self._beat, daemon=True).start()

    def begin(self, step: str) -> None:
        self._step, self._since = step, time.monotonic()
        err.print(f"... {step}")

    def stop(self) -> None:
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT):
            minutes = (time.monotonic() - self._since) / 60
            err.print(f"... {minutes:.0f} min so far: {self._step}")


def print_notes(notes: Iterable[str]) -> None:
    """Says on standard error what was done to inputs."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def print_classes(names: Sequence[str]) -> None:
    """Lists the names of a build's classes, where it has some."""
    if names:
        shown = ", ".join(f"{i} {name}" for i, name in enumerate(names[:SOME]))
        more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
        typer.echo(f"classes: {shown}{more}")


def print_json(data: dict[str, Any]) -> None:
    """Prints JSON on standard output."""
    typer.echo(json.dumps(data, indent=2))


def print_error(text: str) -> None:
    """Unbroken lines, so that paths can be copied, and no markup: names may hold brackets."""
    err.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True, highlight=False)
