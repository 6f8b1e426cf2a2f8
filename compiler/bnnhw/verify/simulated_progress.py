"""How far a simulation is, told while it runs."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from bnnhw.verify.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bnnhw.backend.build import Build

_INTERVAL = 0.5
_NEARLY = 0.99
"""Share of the work that is done at most before the simulation has ended."""


def expected_cycles(build: Build, frames: int, pauses: float = 0.0) -> float:
    """Cycles that frames take back to back, as predicted; ``pauses`` is a share of them, idle."""
    try:
        report = build.report
        latency = report["latency_cycles"]["predicted"]
        interval = report["cycles_per_frame"]["predicted"]
    except Exception:  # a build without a report can be simulated as well
        return float("nan")
    return float((latency + (frames - 1) * interval) / (1 - pauses))


@contextlib.contextmanager
def told_progress(
    path: Path,
    name: str,
    frames: int,
    cycles: float,
    progress: Callable[[str], None],
) -> Iterator[None]:
    """Tells of the simulation that runs meanwhile, from a thread of its own.

    Args:
        path: the file where the bench writes cycles and frames.
        name: of the step.
        frames: how many there will be.
        cycles: how many they will take, about; nan where that is unknown.
        progress: told a ``Step`` whenever there is news.
    """
    ended = threading.Event()

    def watch() -> None:
        before = None
        while not ended.wait(_INTERVAL):
            try:
                done, out = map(int, path.read_text().split())
            except (OSError, ValueError):  # not begun
                continue
            if (done, out) == before:
                continue
            before = done, out
            share = done / cycles if cycles > 0 else out / frames
            progress(Step(name, out, frames, "frames", min(_NEARLY, max(share, out / frames))))

    progress(Step(name, 0, frames, "frames", 0.0))
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
