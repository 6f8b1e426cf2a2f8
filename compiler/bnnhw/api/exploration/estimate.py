"""One estimate: the fit of an integer graph to a board, and nothing written or verified."""

from __future__ import annotations

import pickle
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from bnnhw.api.exploration.question import FAILED, FITS, REFUSED, Estimate, Question, unanswered
from bnnhw.errors import BnnhwError, FoldingError, defects_at
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import LIMITED, RARE, budget, total
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.fit import fit_design
from bnnhw.planning.network import Network
from bnnhw.planning.refusal import TOO_MUCH
from bnnhw.planning.search import FoldingSearch
from bnnhw.version import __version__

if TYPE_CHECKING:
    from bnnhw.hardware.board import Board
    from bnnhw.ir.graph import Graph

_GRAPHS = 4
"""So many graphs a worker keeps, each with the searches of its boards."""


def packed(graph: Graph) -> bytes:
    """A graph as ``answer`` takes it, in whatever process."""
    return pickle.dumps(graph, protocol=pickle.HIGHEST_PROTOCOL)


def version() -> str:
    """The version of the package in whatever process calls this."""
    return __version__


def answer(graph: bytes, question: Question) -> Estimate:
    """The estimate that a question asks for; what goes wrong is in its reason."""
    began = time.perf_counter()
    try:
        with defects_at(f"the estimate for {question.board.name}"):
            return _estimated(_estimator(graph), question, began)
    except BnnhwError as error:
        verdict = REFUSED if isinstance(error, FoldingError) else FAILED
        return unanswered(question, verdict, one_line(error), time.perf_counter() - began)


def one_line(error: BnnhwError) -> str:
    """An error in one line: of a table of resources, those of which there is not enough."""
    first, *rest = error.what.splitlines()
    rows = [line.split() for line in rest if line.endswith(TOO_MUCH)]
    lacks = ", ".join(f"{label} {need} of {usable}" for label, need, usable, *_ in rows)
    said = f"{first.rstrip(':')}: {lacks}" if lacks else first.rstrip(";:")
    return f"{error.where}: {said}" if error.where and error.where != "target" else said


class _Estimator:
    """A graph with a search on each board, whose tables serve all targets."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._searches: dict[tuple[Board, float, int], FoldingSearch] = {}

    def search(self, question: Question) -> FoldingSearch:
        """The search of a question's board, made when it is first asked for."""
        key = question.board, question.clock_mhz, question.top_k
        if key not in self._searches:
            network = Network(self.graph, question.top_k)
            self._searches[key] = FoldingSearch(
                network, question.board, clock_mhz=question.clock_mhz
            )
        return self._searches[key]


@lru_cache(maxsize=_GRAPHS)
def _estimator(graph: bytes) -> _Estimator:
    return _Estimator(pickle.loads(graph))


def _estimated(of: _Estimator, question: Question, began: float) -> Estimate:
    board, clock = question.board, question.clock_mhz
    plain, wanted = of.search(question), question.target.cycles
    if wanted is not None and wanted < plain.floor():  # no need to look for the nearest
        plain.meet(question.target, {})
    search, (design, folding, prediction) = fit_design(
        plain.network, board, question.target, FoldingRequest(), clock, plain
    )
    need, limit = total(design_resources(design)), budget(board)
    names = [name for name in LIMITED if name not in RARE or getattr(limit, name)]
    cycles, port = prediction.cycles_per_frame, design.memory_port
    per_frame = port.bytes_per_frame if port else 0
    curve = resource_curve(search, design) if question.paces else []
    return Estimate(
        board.name,
        question.label,
        question.precision,
        clock,
        FITS,
        cycles,
        round(clock * 1e6 / cycles, 3),
        prediction.latency_cycles,
        {name: round(value, 1) for name, value in need.amounts().items()},
        {
            name: round(getattr(need, name) / getattr(limit, name), 4)
            for name in names
            if getattr(limit, name)
        },
        per_frame,
        round(per_frame / (cycles * search.memory.all_ports), 4),
        folding.loops or (),
        seconds=round(time.perf_counter() - began, 2),
        paces=tuple(point.cycles for point in curve if point.fits and not point.chosen),
    )
