"""The design that meets a target: the search's choice with its FIFOs, and loops where need be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bnnhw.errors import DoesNotFitError, FoldingError, MissedTargetError
from bnnhw.hardware.folding import Folding, FoldingRequest
from bnnhw.planning.bounds import design_bounds
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.design_fit import DesignFit
from bnnhw.planning.even_widths import even_widths
from bnnhw.planning.loops import chosen_loops, find_loops
from bnnhw.planning.network import Network
from bnnhw.planning.schedule import schedule
from bnnhw.planning.search import FoldingSearch

if TYPE_CHECKING:
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.planning.bounds import Bounds
    from bnnhw.planning.curve import CurvePoint
    from bnnhw.planning.design_fit import Fitted
    from bnnhw.planning.schedule import Schedule
    from bnnhw.planning.target import Target
    from bnnhw.planning.token_model import Prediction

_STRAINED = 0.85
"""The share of a board's LUTs above which a design is hard to place: loops are tried then too."""


@dataclass(frozen=True)
class Fit:
    """What was found for a network on a board.

    Attributes:
        graph: what it computes: the graph that was given, or with loops one of wider streams.
        design: the hardware.
        folding: the folding of its layers.
        prediction: of the token-level model.
        curve: what other paces would take.
        schedule: when each layer works on a frame, and what costs cycles beside.
        bounds: what keeps it from being faster.
    """

    graph: Graph
    design: Design
    folding: Folding
    prediction: Prediction
    curve: list[CurvePoint]
    schedule: Schedule
    bounds: Bounds


def fit_network(
    graph: Graph,
    board: Board,
    target: Target,
    request: FoldingRequest,
    clock_mhz: float,
    top_k: int = 0,
    *,
    instrument: bool = False,
) -> Fit:
    """The design of an integer graph that meets ``target`` on ``board``; see lower_fitting.

    Where none does without loops, or only just, runs of equal blocks become loops, the last ones
    first.
    """
    network = Network(graph, top_k, instrument)
    search, (design, folding, prediction) = fit_design(network, board, target, request, clock_mhz)
    network = search.network
    if request != FoldingRequest():  # other paces are free of what a folding file fixes
        search = FoldingSearch(network, board, clock_mhz=clock_mhz)
    curve, bounds = resource_curve(search, design), design_bounds(search, design)
    return Fit(network.graph, design, folding, prediction, curve, schedule(design), bounds)


def fit_design(
    network: Network,
    board: Board,
    target: Target,
    request: FoldingRequest,
    clock_mhz: float,
    like: FoldingSearch | None = None,
) -> tuple[FoldingSearch, tuple[Design, Folding, Prediction]]:
    """As fit_network, but the design alone, and the search that found it, perhaps with loops.

    Args:
        network: the network, without loops.
        board: the board.
        target: what to reach.
        request: what a folding file fixes.
        clock_mhz: the clock.
        like: a search of the same graph, board and request, whose candidates serve here too.
    """
    first, *others = _networks(network, request)
    search = FoldingSearch(first, board, request, clock_mhz, like=like)
    found = _soonest(search, others, target, clock_mhz) if others else None
    if found is None:
        try:
            found = search, lower_fitting(search, target, clock_mhz)
        except (DoesNotFitError, MissedTargetError) as error:
            raise _tried(error, others) from error
    return found


def _soonest(
    plain: FoldingSearch, others: list[Network], target: Target, clock_mhz: float
) -> tuple[FoldingSearch, tuple[Design, Folding, Prediction]] | None:
    """The first with a design near the target, of a network without loops and then with some.

    Where that design is strained and takes weights from memory, which is what loops cost, more
    loops are tried too, and the design that is faster or else presses less on the board is taken.
    """
    best: tuple[FoldingSearch, Fitted] | None = None
    for network in (plain.network, *others):
        try:  # what a folding file says of a layer may be nothing for a loop
            search = plain
            if network is not plain.network:
                search = FoldingSearch(network, plain.board, plain.request, clock_mhz, like=plain)
            fits = search.may_meet(target)
            fitted = DesignFit(search, clock_mhz).soon(target) if fits else None
        except FoldingError:
            continue
        if fitted is not None:
            if best is None or _rank(search, fitted, target) < _rank(*best, target):
                best = search, fitted
            if not _strained(search, fitted):
                break
    if best is None:
        return None
    search, fitted = best
    return search, (fitted.design, fitted.folding, fitted.prediction)


def _rank(search: FoldingSearch, fitted: Fitted, target: Target) -> tuple[int, float]:
    """What makes a design better, least first: cycles where no target is set, then pressure."""
    return (0 if target.cycles else fitted.cycles), search.weigh(fitted.need)


def _strained(search: FoldingSearch, fitted: Fitted) -> bool:
    """Whether a design that takes weights from memory takes nearly all LUTs of the board."""
    streams = any(layer.memory == "ddr" for layer in fitted.folding.layers.values())
    return streams and fitted.need.lut_packed > _STRAINED * search.limit.lut_packed


def _tried(error: FoldingError, networks: list[Network]) -> FoldingError:
    """The error, which says what loops were tried in vain."""
    if not networks:
        return error
    names = ", ".join(f"'{loop.name}'" for loop in networks[-1].loops)
    what = f"{error.what};\nruns of equal blocks were tried as loops, those that begin with {names}"
    return type(error)(what, where=error.where, fix=error.fix)


def _networks(plain: Network, request: FoldingRequest) -> list[Network]:
    """The network with each set of loops to try, in order: those that a folding file names, or none
    and ever more, the last ones first.
    """
    even = replace(plain, graph=even_widths(plain.graph))
    loops = find_loops(even.blocks)
    if request.loops is not None:
        chosen = chosen_loops(loops, request)
        return [replace(even, loops=chosen) if chosen else plain]
    more = [tuple(loops[first:]) for first in reversed(range(len(loops)))]
    return [plain, *(replace(even, loops=some) for some in more)]


def lower_fitting(
    search: FoldingSearch, target: Target, clock_mhz: float
) -> tuple[Design, Folding, Prediction]:
    """The design that meets ``target``, by the token-level model and within the board.

    Raises:
        FoldingError: there is none; blames the folding file where it is what stands in the way.
    """
    try:
        fitted = DesignFit(search, clock_mhz).meet(target)
    except (DoesNotFitError, MissedTargetError) as error:
        raise _blamed(error, search, target, clock_mhz) from error
    return fitted.design, fitted.folding, fitted.prediction


def _blamed(
    error: FoldingError, search: FoldingSearch, target: Target, clock_mhz: float
) -> FoldingError:
    """The error, or one that blames the folding file where all is well without it."""
    if search.request == FoldingRequest():
        return error
    free = DesignFit(FoldingSearch(search.network, search.board, clock_mhz=clock_mhz), clock_mhz)
    try:
        without = free.meet(target).cycles
    except FoldingError:
        if error.where == "target":
            return error
        try:
            without = free.fastest().cycles
        except FoldingError:
            return error
    wanted = "smaller" if isinstance(error, DoesNotFitError) else "larger"
    return type(error)(
        f"with what this file fixes, {error.what}",
        where=search.request.source,
        fix=f"fix less, or {wanted} PE and SIMD; without the file the network fits "
        f"{search.board.title} at {target.pace(without)}",
    )
