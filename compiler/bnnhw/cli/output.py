"""What commands print and write."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

out = Console(soft_wrap=False)
err = Console(stderr=True)


@contextlib.contextmanager
def named_steps(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Names the step at work on standard error; a spinner where that is a terminal."""
    if quiet or not err.is_terminal:
        yield (lambda step: None) if quiet else (lambda step: err.print(f"... {step}"))
        return
    with err.status("starting") as status:
        yield lambda step: status.update(step)


def print_json(data: dict[str, Any]) -> None:
    """Prints JSON on standard output."""
    typer.echo(json.dumps(data, indent=2))


def print_error(text: str) -> None:
    """Unbroken lines, so that paths can be copied, and no markup: names may hold brackets."""
    err.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True, highlight=False)


def save(path: Path | None, scores: np.ndarray[Any, Any]) -> None:
    """Writes scores to a .npy file, where one is given."""
    if path is not None:
        with path.open("wb") as file:  # numpy.save would add .npy to any other name
            np.save(file, scores)
