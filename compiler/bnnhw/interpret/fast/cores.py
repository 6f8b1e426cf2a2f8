"""Work spread over the processor's cores, by threads that share numpy's arrays.

numpy's BLAS has threads of its own. They wait for each other at every product, which costs more
than they give on the interpreter's small ones, and far more where other programs run: so BLAS is
held to one thread (by threadpoolctl), and whole parts of the work go side by side.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    T = TypeVar("T")
    R = TypeVar("R")


_MISSING = object()
_PATIENCE = 0.5
"""How long the caller waits for others, as a share of the time that its own part took."""


class Spread(Protocol):
    """Applies a function to items, maybe at the same time; the results in their order.

    The function may be called twice for an item, and must do the same both times.
    """

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
        """The results."""


def one_after_the_other(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The plain ``Spread``."""
    return [function(item) for item in items]


def core_count() -> int:
    """Cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


@contextmanager
def cores(*, worthwhile: bool) -> Iterator[Spread]:
    """A ``Spread`` over all cores; a plain one where that is not ``worthwhile`` or possible."""
    count = core_count()
    with _blas().limit(limits=1):
        if not worthwhile or count < 2:
            yield one_after_the_other
            return
        yield _Shared(_pool(count - 1), count - 1)


class _Shared:
    """A ``Spread`` over the calling thread and helpers, each taking the next item when it is free.

    Where other programs hold the cores, a helper may be kept from one for long: the caller does not
    wait for one that has not begun, and after a while does itself what others have not finished.
    """

    def __init__(self, pool: ThreadPoolExecutor, helpers: int) -> None:
        self._pool = pool
        self._helpers = helpers

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
        todo = list(items)
        results: list[Any] = [_MISSING] * len(todo)
        left = iter(range(len(todo)))

        def work() -> None:
            for i in left:
                results[i] = function(todo[i])

        helpers = [self._pool.submit(work) for _ in range(min(self._helpers, len(todo) - 1))]
        start = time.perf_counter()
        work()
        patience = _PATIENCE * (time.perf_counter() - start)
        for helper in helpers:
            if not helper.cancel():
                with suppress(TimeoutError):
                    helper.result(patience)
        for i, result in enumerate(results):
            if result is _MISSING:
                results[i] = function(todo[i])
        return results


@cache
def _pool(helpers: int) -> ThreadPoolExecutor:
    """Threads that stay: to end them is to wait until each has been given a core once more."""
    return ThreadPoolExecutor(helpers, "bnnhw-core")


@cache
def _blas() -> ThreadpoolController:
    """What sets the number of threads of BLAS; looking for it takes 10 ms."""
    return ThreadpoolController().select(user_api="blas")
