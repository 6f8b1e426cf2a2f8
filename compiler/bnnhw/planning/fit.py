"""The design that meets a target: the search's choice with its FIFOs, by the token-level model.

The search counts the cycles of the slowest stage alone, and no FIFOs. So its choice at a pace may
turn out slower than the pace, or too large. A target is met where the choice at *some* pace, the
target's or a faster one, gives a design that fits and that the model predicts within the target.
What a pace gives does not depend on the target: a target above one that is met is met as well, and
the design that a refusal names is found again when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bnnhw.errors import REPORT, DoesNotFitError, FoldingError, InternalError, MissedTargetError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import total
from bnnhw.hardware.folding import Folding, FoldingRequest
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.even_widths import even_widths
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.loops import chosen_loops, find_loops
from bnnhw.planning.lower import lower
from bnnhw.planning.multipliers import spare_dsp_blocks
from bnnhw.planning.network import Network
from bnnhw.planning.packing import check_memories, place_memories, placed_folding
from bnnhw.planning.refusal import resource_table
from bnnhw.planning.schedule import schedule
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import ideal_cycles, predict

if TYPE_CHECKING:
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.cost.model import Resources
    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.planning.curve import CurvePoint
    from bnnhw.planning.schedule import Schedule
    from bnnhw.planning.search import Choice
    from bnnhw.planning.token_model import Prediction

# How often a choice is made again with room for the FIFOs of the one before.
_MAX_REFINEMENTS = 6
_STRAINED = 0.85
"""The share of a board's LUTs above which a design is hard to place: loops are tried then too."""


@dataclass(frozen=True)
class Fitted:
    """A design with its folding and what the model predicts of it.

    Attributes:
        design: with FIFOs and with memories in their places.
        folding: the folding.
        prediction: of the token-level model.
        need: estimated resources.
    """

    design: Design
    folding: Folding
    prediction: Prediction
    need: Resources

    @property
    def cycles(self) -> int:
        """Cycles per frame."""
        return self.prediction.cycles_per_frame


@dataclass
class DesignFit:
    """The designs of a search at its paces; each is made once.

    Attributes:
        search: the search.
        clock_mhz: clock frequency, for the record.
    """

    search: FoldingSearch
    clock_mhz: float
    _at: dict[int, Fitted | None] = field(default_factory=dict)
    _fastest: Fitted | None = None
    # What designs need that do not fit with their FIFOs, by pace; None for the fastest.
    _too_large: dict[int | None, Resources] = field(default_factory=dict)

    def meet(self, target: Target) -> Fitted:
        """The design that meets a target, the cheapest of the paces tried; see the module.

        Raises:
            FoldingError: none does; names a pace that is reached, if the network fits at all.
        """
        if target.cycles is None:
            return self.fastest()
        paces = self.search.paces()
        met = self._near(target.cycles, paces) or self._below(target.cycles, paces)
        if met is None:
            raise self._refusal(target, paces)
        return met

    def soon(self, target: Target) -> Fitted | None:
        """As ``meet``, but of the paces near the target alone; None where none of them does."""
        if target.cycles is None:
            return self.fastest()
        return self._near(target.cycles, self.search.paces())

    def fastest(self) -> Fitted:
        """The fastest design that fits.

        Where its FIFOs do not, the first of the slower ones with which they do.

        Raises:
            DoesNotFitError: none does.
        """
        if self._fastest is None:
            self._fastest = self._find_fastest()
        return self._fastest

    def _find_fastest(self) -> Fitted:
        first = self.search.meet(Target(), {})
        fitted = self._fitted(first, None)
        if fitted is not None:
            return fitted
        for pace in self.search.paces():
            fitted = self.at(pace) if pace > first.cycles else None
            if fitted is not None:
                return fitted
        raise self._does_not_fit("the design, with its FIFOs,", self._too_large[None])

    def at(self, pace: int) -> Fitted | None:
        """The design at a pace; None where it does not fit."""
        if pace not in self._at:
            choice = self.search.cheapest(pace, {})
            fits = choice is not None and not self.search.exceeds(choice)
            self._at[pace] = self._fitted(choice, pace) if choice is not None and fits else None
        return self._at[pace]

    def _near(self, cycles: int, paces: list[int]) -> Fitted | None:
        """The first that meets the target as the pace is raised by what it was missed by."""
        pace, step = _at_most(paces, cycles), 0
        while pace:
            fitted = self.at(pace)
            if fitted is None or fitted.cycles <= cycles:
                return fitted
            step = max(fitted.cycles - cycles, 2 * step)
            pace = _at_most(paces, min(cycles - step, pace - 1))
        return None

    def _below(self, cycles: int, paces: list[int]) -> Fitted | None:
        """The first that meets the target at any pace, the slowest first, or the fastest of all."""
        for pace in reversed(paces[: bisect_right(paces, cycles)]):
            fitted = self.at(pace)
            if fitted is not None and fitted.cycles <= cycles:
                return fitted
        try:
            fitted = self.fastest()
        except FoldingError:
            return None
        return fitted if fitted.cycles <= cycles else None

    def _fitted(self, choice: Choice, pace: int | None) -> Fitted | None:
        """The design of a choice, made again at its pace while FIFOs do not fit beside it."""
        search = self.search
        for _ in range(_MAX_REFINEMENTS):
            made = self._lowered(choice)
            if not made.need.exceeds(search.limit):
                return made
            self._too_large[pace] = made.need
            # FIFOs came on top: the same again with room for them.
            fifos = {s.name: s for s in made.design.streams.values() if s.depth}
            again: Choice | None
            if pace is None:
                try:
                    again = search.meet(Target(), fifos)
                except FoldingError:
                    return None
            else:
                again = search.cheapest(pace, fifos)
            if again is None or search.exceeds(again) or again.folding == choice.folding:
                return None
            choice = again
        return None

    def _lowered(self, choice: Choice) -> Fitted:
        search = self.search
        design = lower(search.network, choice.folding, board=search.board, clock_mhz=self.clock_mhz)
        design, _ = size_fifos(spare_dsp_blocks(design, search.limit))
        check_memories(design, search.request)
        design = place_memories(design, search.limit, search.fixed)
        folding = placed_folding(choice.folding, design)
        prediction = predict(design)
        _check_pace(design, prediction)
        return Fitted(design, folding, prediction, total(design_resources(design)))

    def _refusal(self, target: Target, paces: list[int]) -> FoldingError:
        """Why no design meets the target, and the nearest pace that one reaches."""
        assert target.cycles is not None
        try:
            fitting = [self.fastest()]
        except FoldingError as error:
            return error
        late = [f for pace in paces if pace <= target.cycles and (f := self._at.get(pace))]
        nearest = min(fitted.cycles for fitted in fitting + late)
        fix = f"ask for {target.pace(nearest)}: the fastest design that fits"
        floor, choice = self.search.floor(), self.search.cheapest(target.cycles, {})
        if late:
            best = min(fitted.cycles for fitted in late)
            what = f"{target} is missed: the model predicts {target.pace(best)}"
        elif target.cycles < floor:
            what = (
                f"{target} is beyond any folding: the slowest stage, '{self.search.slowest()}', "
                f"gives {target.pace(floor)}"
            )
        elif (need := self._too_large.get(_at_most(paces, target.cycles))) is not None:
            return self._does_not_fit(f"{target}, FIFOs included,", need, fix)
        elif choice is not None:
            return self._does_not_fit(str(target), total(choice.resources), fix)
        else:
            what = f"{target} is too fast for weights that come from memory"
        return MissedTargetError(what, where="target", fix=fix)

    def _does_not_fit(self, what: str, need: Resources, fix: str = "") -> DoesNotFitError:
        title, table = self.search.board.title, resource_table(need, self.search.board)
        return DoesNotFitError(
            f"{what} does not fit {title} (estimated):\n{table}",
            where="target" if fix else f"network '{self.search.network.graph.name}'",
            fix=fix or "choose a larger board or a smaller network",
        )


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
    """

    graph: Graph
    design: Design
    folding: Folding
    prediction: Prediction
    curve: list[CurvePoint]
    schedule: Schedule


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
    first, *others = _networks(Network(graph, top_k, instrument), request)
    search = FoldingSearch(first, board, request, clock_mhz)
    found = _soonest(search, others, target, clock_mhz) if others else None
    if found is None:
        try:
            found = search, lower_fitting(search, target, clock_mhz)
        except (DoesNotFitError, MissedTargetError) as error:
            raise _tried(error, others) from error
    search, (design, folding, prediction) = found
    network = search.network
    if request != FoldingRequest():  # other paces are free of what a folding file fixes
        search = FoldingSearch(network, board, clock_mhz=clock_mhz)
    curve = resource_curve(search, design)
    return Fit(network.graph, design, folding, prediction, curve, schedule(design))


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


def _check_pace(design: Design, prediction: Prediction) -> None:
    """Raises InternalError where a frame would take less than the beats of a stream."""
    cycles, ideal = prediction.cycles_per_frame, ideal_cycles(design)
    if cycles < ideal:
        raise InternalError(
            f"internal error: the model predicts {cycles} cycles per frame, and a stream has "
            f"{ideal} beats",
            where=f"network '{design.name}'",
            fix=REPORT,
        )


def _at_most(paces: list[int], cycles: int) -> int:
    """The slowest pace within ``cycles``; 0 where there is none."""
    index = bisect_right(paces, cycles)
    return paces[index - 1] if index else 0
