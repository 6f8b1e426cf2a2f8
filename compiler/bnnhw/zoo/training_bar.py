"""How far a training is: a bar on a terminal, lines with an estimate of the end in a log."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TrainingBar:
    """Takes what ``train`` tells.

    Args:
        epochs: how many there will be.
        bar: of a terminal; None in a log.
        say: prints a line.
    """

    def __init__(self, epochs: int, bar: Progress | None, say: Callable[[str], None]) -> None:
        self._epochs, self._bar, self._say = epochs, bar, say
        self._began: tuple[float, float] | None = None
        self._share = 0.0
        self._task = None if bar is None else bar.add_task("epoch 1", total=1.0)

    def log(self, line: str) -> None:
        """A line per epoch; in a log with the time left."""
        left = self._left()
        self._say(line if self._bar is not None or left is None else f"{line}  {left}")

    def step(self, epoch: int, step: int, steps: int) -> None:
        """After each step of an epoch."""
        if self._began is None:  # epochs of an earlier run, and compiling, took no time of this one
            self._began = (time.monotonic(), (epoch + (step - 1) / steps) / self._epochs)
        self._share = (epoch + step / steps) / self._epochs
        if self._bar is not None and self._task is not None:
            name = f"epoch {epoch + 1}/{self._epochs}, step {step}/{steps}"
            self._bar.update(self._task, description=name, completed=self._share)

    def _left(self) -> str | None:
        """The time until all epochs are done, in words."""
        if self._began is None or self._share >= 1:
            return None
        since, before = self._began
        seconds = (time.monotonic() - since) * (1 - self._share) / (self._share - before)
        if seconds < 90:
            return f"about {seconds:.0f} s left"
        if seconds < 5400:
            return f"about {seconds / 60:.0f} min left"
        return f"about {seconds / 3600:.1f} h left"


@contextlib.contextmanager
def training_bar(
    epochs: int, say: Callable[[str], None], console: Console | None = None
) -> Iterator[TrainingBar]:
    """A bar on standard error where that is a terminal, or lines alone.

    Args:
        epochs: how many there will be.
        say: prints a line where there is no bar.
        console: of the bar; standard error where None.
    """
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield TrainingBar(epochs, None, say)
        return
    columns = (TextColumn("{task.description}"), BarColumn(20))
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=console, transient=True) as bar:
        yield TrainingBar(epochs, bar, lambda line: bar.console.print(line, highlight=False))
