"""Work spread over the processor's cores, by threads that share numpy's arrays.

numpy's BLAS has threads of its own. They wait for each other at every product, which costs more
than they give on the interpreter's small ones, and far more where other programs run: so BLAS is
held to one thread (by threadpoolctl), and whole parts of the work go side by side.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    T = TypeVar("T")
    R = TypeVar("R")


class Spread(Protocol):
    """Applies a function to items, maybe at the same time; the results in their order."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
        """The results."""


def one_after_the_other(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The plain ``Spread``."""
    return [function(item) for item in items]


@contextmanager
def cores(*, worthwhile: bool) -> Iterator[Spread]:
    """A ``Spread`` over all cores; a plain one where that is not ``worthwhile`` or possible."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with _blas().limit(limits=1):
        if not worthwhile or (count or 1) < 2:
            yield one_after_the_other
            return
        with ThreadPoolExecutor(count) as pool:
            yield lambda function, items: list(pool.map(function, items))


@cache
def _blas() -> ThreadpoolController:
    """What sets the number of threads of BLAS; looking for it takes 10 ms."""
    return ThreadpoolController().select(user_api="blas")
