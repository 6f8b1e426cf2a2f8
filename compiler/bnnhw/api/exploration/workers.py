"""Who answers questions: this process, processes beside it, or a cluster's; one interface."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from bnnhw.api.exploration.estimate import answer, one_line
from bnnhw.api.exploration.question import FAILED, Estimate, Question, unanswered
from bnnhw.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that keep libraries of a worker to its one core."""


class Workers(Protocol):
    """Answers questions, in whatever order."""

    def share(self, graph: bytes) -> Any:
        """A graph as ``ask`` takes it: sent once where workers are far away."""

    def ask(self, graph: Any, question: Question) -> None:
        """Takes a question."""

    def finished(self, *, wait: bool) -> Iterator[tuple[Question, Estimate]]:
        """Answers that are there; with ``wait`` at least one, as long as a question is open."""

    def close(self) -> None:
        """Ends all work at once."""


class Here:
    """This process, one question after the other."""

    def __init__(self) -> None:
        self._open: deque[tuple[bytes, Question]] = deque()

    def share(self, graph: bytes) -> Any:
        """The graph itself."""
        return graph

    def ask(self, graph: Any, question: Question) -> None:
        """Takes a question."""
        self._open.append((graph, question))

    def finished(self, *, wait: bool) -> Iterator[tuple[Question, Estimate]]:
        """Answers the next question, if it is worth waiting for."""
        if wait and self._open:
            graph, question = self._open.popleft()
            yield question, answer(graph, question)

    def close(self) -> None:
        """Drops what is open."""
        self._open.clear()


class Futures:
    """Questions whose answers come as futures; made complete by whoever starts them."""

    def __init__(self) -> None:
        self._open: dict[Future[Estimate], Question] = {}

    def start(self, graph: Any, question: Question) -> Future[Estimate]:
        """Begins an answer."""
        raise NotImplementedError

    def ask(self, graph: Any, question: Question) -> None:
        """Takes a question."""
        self._open[self.start(graph, question)] = question

    def finished(self, *, wait: bool) -> Iterator[tuple[Question, Estimate]]:
        """Answers that are there, in the order of their questions."""
        if not self._open:
            return
        timeout = None if wait else 0
        done, _ = concurrent.futures.wait(self._open, timeout, return_when=FIRST_COMPLETED)
        for future in [one for one in self._open if one in done]:
            question = self._open.pop(future)
            error = future.exception()
            if error is None:
                yield question, future.result()
            elif isinstance(error, ToolError):
                yield question, unanswered(question, FAILED, one_line(error))
            else:  # a worker that was lost
                reason = f"the worker failed: {type(error).__name__}: {error}".splitlines()[0]
                yield question, unanswered(question, FAILED, reason)


class Processes(Futures):
    """Processes of this machine, each started when it is first needed.

    They are programs of their own: nothing of the caller runs in them, so that scripts need no
    guard of their main part, and Ctrl-C reaches the caller alone.
    """

    def __init__(self, jobs: int) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(jobs, "bnnhw-explore")
        self._own = threading.local()
        self._started: list[subprocess.Popen[bytes]] = []
        self._closed = False

    def share(self, graph: bytes) -> Any:
        """The graph itself: it goes to a process with each question."""
        return graph

    def start(self, graph: Any, question: Question) -> Future[Estimate]:
        """Begins an answer in a process that is free."""
        return self._threads.submit(self._answer, graph, question)

    def close(self) -> None:
        """Ends all processes."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _answer(self, graph: bytes, question: Question) -> Estimate:
        process = getattr(self._own, "process", None)
        if process is None or process.poll() is not None:
            process = self._own.process = self._begin()
        assert process.stdin is not None and process.stdout is not None
        try:
            pickle.dump((graph, question), process.stdin)
            process.stdin.flush()
            found: Estimate = pickle.load(process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self._own.process = None
            raise ToolError(
                f"a worker process ended with exit code {process.wait()}",
                fix="give fewer --jobs, where memory ran out",
            ) from error
        return found

    def _begin(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise ToolError("the work has ended", fix="start it again")
        paths = os.pathsep.join(path for path in sys.path if path)
        process = subprocess.Popen(
            [sys.executable, "-m", "bnnhw.api.exploration.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, **dict.fromkeys(_THREADS, "1")},
            start_new_session=True,
        )
        self._started.append(process)
        return process
