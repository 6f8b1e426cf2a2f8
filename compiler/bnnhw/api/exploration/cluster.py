"""Questions answered by the workers of a Dask cluster."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from bnnhw.api.exploration.estimate import answer, version
from bnnhw.api.exploration.workers import Futures
from bnnhw.errors import BnnhwError, ToolError
from bnnhw.version import __version__

if TYPE_CHECKING:
    from concurrent.futures import Future

    from bnnhw.api.exploration.question import Estimate, Question

_SECONDS = 15
"""For a scheduler to answer, and for its first worker."""
OPTION = "option --scheduler"


class Cluster(Futures):
    """The workers of a scheduler.

    Args:
        address: of the scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        BnnhwError: dask.distributed is missing, the scheduler does not answer, it has no worker,
            or its workers have another version of this package, or none.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        try:
            from dask.distributed import Client
        except ImportError as error:
            raise ToolError(
                "a cluster needs dask.distributed", where=OPTION, fix="pip install 'bnnhw[explore]'"
            ) from error
        try:
            _reach(address)
            self._client = Client(address, timeout=_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise BnnhwError(
                f"no scheduler answers at {address}: {error or type(error).__name__}",
                where=OPTION,
                fix="give the address that `dask scheduler` prints, such as tcp://HOST:8786",
            ) from error
        try:
            self._check(address)
        except BnnhwError:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def _check(self, address: str) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError as error:
            raise BnnhwError(
                f"the scheduler at {address} has no workers",
                where=OPTION,
                fix=f"start some: `dask worker {address}`",
            ) from error
        try:
            versions = set(self._client.run(version).values())
        except Exception as error:  # whatever they lack, it is raised here
            raise _differs(f"cannot import bnnhw {__version__}: {error}") from error
        if versions != {__version__}:
            raise _differs(f"have bnnhw {', '.join(sorted(versions))}, and here is {__version__}")

    def share(self, graph: bytes) -> Any:
        """Sends a graph to all workers."""
        return self._client.scatter(graph, broadcast=True)

    def start(self, graph: Any, question: Question) -> Future[Estimate]:
        """Begins an answer on some worker."""
        future: Future[Estimate] = self._executor.submit(answer, graph, question)
        return future

    def close(self) -> None:
        """Takes back what is open, and leaves the cluster."""
        for future in self._open:
            future.cancel()
        self._client.close()


def _reach(address: str) -> None:
    """Raises OSError or ValueError where nothing listens: a client would try for long."""
    kind, _, place = address.rpartition("://")
    if kind in ("", "tcp", "tls"):
        host, _, port = place.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()


def _differs(what: str) -> BnnhwError:
    return BnnhwError(
        f"its workers {what}",
        where=OPTION,
        fix=f"install bnnhw {__version__} where the workers run, and start them anew",
    )
