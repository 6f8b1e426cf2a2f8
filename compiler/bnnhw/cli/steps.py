"""Which step is at work, and how long it will take: on standard error."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from bnnhw.cli.output import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

HEARTBEAT = 60.0
"""Seconds between signs of life in a log."""
_NEWS = 10.0
"""Seconds between lines on a step that is counted."""


@contextlib.contextmanager
def named_steps(*, quiet: bool = False, verbose: bool = False) -> Iterator[Callable[[str], None]]:
    """Names the step at work on standard error, for how long it has been, and until when.

    A terminal shows a clock, or a bar where the step is counted; elsewhere there is a line per
    step, one each minute of it, and the estimate of its end where it is counted. ``verbose`` adds
    the time that each step took, and what the package logs, such as the passes.
    """
    if quiet:
        yield lambda step: None
    elif err.is_terminal and not verbose:
        with _bar() as bar:
            yield _OnTerminal(bar).begin
    else:
        heart = _InLog(timed=verbose)
        with _logged() if verbose else contextlib.nullcontext():
            try:
                yield heart.begin
            finally:
                heart.stop()


def duration(seconds: float) -> str:
    """A time in words: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Estimate:
    """When something that is counted will end."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._first: tuple[float, float] | None = None

    def left(self, share: float) -> float | None:
        """Seconds until all is done, where ``share`` of it is; None while that is unknown."""
        now = time.monotonic()
        if self._first is None:  # what came before the first news was no part of the work
            self._first = (now, share)
        began, before = self._first
        if share <= before or now <= began:
            return None
        return (now - began) * (1 - share) / (share - before)


def _bar() -> Progress:
    """The clock and bar of a terminal."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Left(TextColumn):
        """Time left, of what is counted."""

        def __init__(self) -> None:
            super().__init__("")

        def render(self, task: Any) -> Text:
            left = task.fields.get("left")
            return Text("" if left is None else f"about {duration(left)} left")

    class Bar(BarColumn):
        """A bar, of what is counted."""

        def render(self, task: Any) -> Any:
            return Text("") if task.total is None else super().render(task)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), Bar(20), TimeElapsedColumn())
    return Progress(*columns, Left(), console=err, transient=True)


class _OnTerminal:
    """One line that says what is at work."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._name = bar, ""
        self._estimate = Estimate()
        self._task = bar.add_task("starting", total=None)

    def begin(self, step: str) -> None:
        """Tells of a step, or how far it is."""
        name, share = getattr(step, "name", step), getattr(step, "share", None)
        if name != self._name:
            self._name, self._estimate = name, Estimate()
            self._bar.reset(self._task, description=step, total=None, left=None)
        if share is not None:
            left = self._estimate.left(share)
            self._bar.update(
                self._task, description=str(step), total=1.0, completed=share, left=left
            )


class _InLog:
    """A line per step, and signs of life."""

    def __init__(self, *, timed: bool) -> None:
        self._timed = timed
        self._stopped, self._step, self._since = threading.Event(), "starting", time.monotonic()
        self._told = time.monotonic()
        self._estimate = Estimate()
        self._beats = threading.Thread(target=self._beat, daemon=True)
        self._beats.start()

    def begin(self, step: str) -> None:
        """Tells of a step, or at times how far it is."""
        name, share = getattr(step, "name", step), getattr(step, "share", None)
        now = time.monotonic()
        if name != self._step:
            self._end()
            self._step, self._since, self._estimate = name, now, Estimate()
            self._say(f"... {name}")
        if share is None:
            return
        left = self._estimate.left(share)
        if left is not None and now - self._told >= _NEWS:
            self._say(f"... {step}, about {duration(left)} left")

    def stop(self) -> None:
        """Ends the signs of life."""
        self._stopped.set()
        self._beats.join()  # or a last sign of life might come behind the end
        self._end()

    def _end(self) -> None:
        if self._timed and self._step != "starting":
            self._say(f"    {time.monotonic() - self._since:.2f} s: {self._step}")

    def _say(self, line: str) -> None:
        self._told = time.monotonic()
        err.print(line, highlight=False, markup=False, soft_wrap=True)

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT):
            if time.monotonic() - self._told >= HEARTBEAT * 0.9:
                minutes = (time.monotonic() - self._since) / 60
                self._say(f"... {minutes:.0f} min so far: {self._step}")


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Prints what the package logs."""
    logger, handler = logging.getLogger("bnnhw"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("    %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
