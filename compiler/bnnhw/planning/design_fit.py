"""The design at each pace of a search, with its FIFOs, by the token-level model.

The search counts the cycles of the slowest stage alone, and no FIFOs. So its choice at a pace may
turn out slower than the pace, or too large. A target is met where the choice at *some* pace, the
target's or a faster one, gives a design that fits and that the model predicts within the target.
What a pace gives does not depend on the target: a target above one that is met is met as well, and
the design that a refusal names is found again when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnnhw.errors import REPORT, DoesNotFitError, FoldingError, InternalError, MissedTargetError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import total
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.lower import lower
from bnnhw.planning.multipliers import spare_dsp_blocks
from bnnhw.planning.packing import check_memories, place_memories, placed_folding
from bnnhw.planning.refusal import resource_table
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import ideal_cycles, predict

if TYPE_CHECKING:
    from bnnhw.hardware.cost.model import Resources
    from bnnhw.hardware.design import Design
    from bnnhw.hardware.folding import Folding
    from bnnhw.planning.search import Choice, FoldingSearch
    from bnnhw.planning.token_model import Prediction

# How often a choice is made again with room for the FIFOs of the one before.
_MAX_REFINEMENTS = 6


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
