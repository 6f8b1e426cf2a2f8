"""The choice of a folding: an optimisation under the board's resources."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import DoesNotFitError, FoldingError, MissedTargetError, UnbuildableError
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import LIMITED, Resources, budget, total
from bnnhw.hardware.folding import Folding, FoldingRequest, LayerFolding
from bnnhw.hardware.stages import Layer
from bnnhw.planning.candidates import PRICED_UNITS, Candidate, candidates, divisors, folding_key
from bnnhw.planning.memory_rates import memory_rates
from bnnhw.planning.multipliers import spare_dsp_blocks
from bnnhw.planning.packing import Option, memory_items, place_memories, placed_folding
from bnnhw.planning.placements import placements
from bnnhw.planning.refusal import resource_table, too_large
from bnnhw.planning.stage_lanes import fixed_cycles, slowest, stage_lanes
from bnnhw.planning.tile_packing import TilePacking
from bnnhw.planning.wiring import build_datapath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.board import Board
    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Stream
    from bnnhw.ir.ops import Floats, Ints
    from bnnhw.planning.network import Network
    from bnnhw.planning.target import Target

# Prices of a DSP block in LUTs, where layers of integer weights can use them.
_DSP_PRICES = (3.0, 20.0, 100.0, 500.0)
_TOO_SLOW = "  memory is too slow for the weights that do not fit the chip"


@dataclass(frozen=True)
class Choice:
    """A folding with its estimated cost.

    Attributes:
        folding: the folding.
        cycles: cycles per frame of the slowest stage.
        resources: by unit and FIFO, memories where they cost the board least.
    """

    folding: Folding
    cycles: int
    resources: Mapping[str, Resources]


class FoldingSearch:
    """The foldings of a network under a board's resources; its tables serve many targets.

    Args:
        network: the network.
        board: the board.
        request: what a folding file fixes.
        clock_mhz: clock; None takes the board's.
        like: a search of the same request, whose layers' candidates serve here too.

    Raises:
        FoldingError: the request is impossible.
    """

    def __init__(
        self,
        network: Network,
        board: Board,
        request: FoldingRequest | None = None,
        clock_mhz: float | None = None,
        like: FoldingSearch | None = None,
    ) -> None:
        self.network, self.board = network, board
        layers, stages = [s.name for s in network.layers], [s.name for s in network.stages]
        self.request = (request or FoldingRequest()).named(layers, stages)
        later = {name: stage.name for stage in network.stages for name, _ in stage.later}
        self.request.check(layers, stages, board.title, ultra=board.uram > 0, later=later)
        self.limit = budget(board)
        self.fixed = self.request.fixed_memories()
        self.fifos: Mapping[str, Stream] = {}
        self.memory = memory_rates(board, clock_mhz or board.clock_mhz)
        self._found: dict[object, list[Candidate]] = {} if like is None else like._found
        self.tables: dict[tuple[str, bool], list[Candidate]] = {}
        for layer, streamed in product(network.layers, (False, True)):
            key = (folding_key(network, layer, self.request), streamed)
            if key not in self._found:
                made = candidates(network, layer, self.request, board, streamed=streamed)
                self._found[key] = made
            self.tables[layer.name, streamed] = self._found[key]
        self.placements = placements(network, self.request, self.tables)
        self._discarded: UnbuildableError | None = None

    def choose(self, target: Target, fifos: Mapping[str, Stream] | None = None) -> Choice:
        """The folding that meets the target with the least of the board's resources.

        With a target of cycles, the cheapest design that meets it; without one, the fastest that
        fits, and the cheapest among those. Weights stay on the chip where they fit; else the last
        layers' come from memory, of as few layers as suffice.

        Args:
            target: what to reach.
            fifos: streams that will have FIFOs, of a design much like this one.

        Raises:
            FoldingError: no folding meets the target within the board. Names need and supply of
                every resource, and the fastest design that fits.
        """
        try:
            return self.meet(target, fifos or {})
        except DoesNotFitError as error:
            if target.cycles is None:
                raise
            try:
                fastest = self._fastest_of_all().cycles
                fix = f"the fastest design that fits takes {fastest} cycles per frame"
            except FoldingError:
                fix = "no folding of this network fits this board; choose a larger one"
            raise DoesNotFitError(error.what, where=error.where, fix=fix) from error

    def meet(self, target: Target, fifos: Mapping[str, Stream]) -> Choice:
        """As ``choose``, but a refusal does not look for the fastest design that fits."""
        self.fifos = fifos
        if target.cycles is None:
            return self._fastest_of_all()
        floor = self.floor()
        if target.cycles < floor:
            raise MissedTargetError(
                f"{target} is beyond any folding: the slowest stage, '{self.slowest()}', gives "
                f"{floor} cycles per frame",
                where="target",
                fix=f"ask for at least {floor} cycles per frame",
            )
        nearest = self.cheapest(target.cycles, self.fifos)
        if nearest is not None and not self.exceeds(nearest):
            return nearest
        self._check_joined(nearest)
        need = resource_table(total(nearest.resources), self.board) if nearest else _TOO_SLOW
        raise DoesNotFitError(
            f"{target.cycles} cycles per frame does not fit {self.board.title} "
            f"(estimated):\n{need}",
            where="target",
            fix="ask for more cycles per frame (fewer FPS), or choose a larger board",
        )

    def cheapest(self, cycles: int, fifos: Mapping[str, Stream]) -> Choice | None:
        """What meets a target of cycles with the least, even where that does not fit the board.

        Where several sets of layers may have their weights in memory, the first that fits, else
        the one that presses least on the board. None where no folding is that fast, or memory is
        not.
        """
        self.fifos = fifos
        found: list[Choice] = []
        for placement in self.placements:
            choice = None
            if cycles >= self._floor(placement):
                choice = self._cheapest(cycles, placement)
            if choice is not None and not self.exceeds(choice):
                return choice
            found += [choice] if choice is not None else []
        return min(found, key=lambda c: self.weigh(total(c.resources)), default=None)

    def floor(self) -> int:
        """Least cycles per frame of the slowest stage, of any folding."""
        return min(self._floor(placement) for placement in self.placements)

    def slowest(self) -> str:
        """The stage that takes most at its fastest folding, with the placement that is fastest."""
        return slowest(self.network, self._least(min(self.placements, key=self._floor)))

    def paces(self) -> list[int]:
        """The cycles per frame at which the choice may change, ascending.

        Between two of them it is that of the lower one.
        """
        network = self.network
        paces = {c.cycles for table in self.tables.values() for c in table}
        for stage in network.stages:
            if not isinstance(stage, Layer):
                paces |= {stage.beats * folds for folds in divisors(stage.lane_channels)}
        for placement in self.placements:
            paces |= {self.memory.least_cycles(self._bytes(placement))}
        floor = self.floor()
        return sorted({floor, *(pace for pace in paces if pace > floor)})

    def _floor(self, placement: frozenset[str]) -> int:
        """Least cycles per frame of any folding."""
        return max(*self._least(placement).values(), fixed_cycles(self.network))

    def _least(self, placement: frozenset[str]) -> dict[str, int]:
        keys = [(layer.name, layer.name in placement) for layer in self.network.layers]
        return {key[0]: min(c.cycles for c in self.tables[key]) for key in keys}

    def exceeds(self, choice: Choice) -> bool:
        """Whether a choice takes more than the board has."""
        return total(choice.resources).exceeds(self.limit)

    def _fastest_of_all(self) -> Choice:
        fastest, left = None, None
        for placement in self.placements:
            choice = self._fastest(placement, fastest.cycles if fastest else None)
            if choice is None or self.exceeds(choice):
                left = choice or left
            elif fastest is None or choice.cycles < fastest.cycles:
                fastest = choice
        if fastest is not None:
            return fastest
        self._check_joined(left)
        need = resource_table(total(left.resources), self.board) if left else _TOO_SLOW
        raise too_large(
            self.network, self.board, left.resources if left else None, need,
            max(map(len, self.placements)),
            lambda board: FoldingSearch(self.network, board).holds(),
        )  # fmt: skip

    def may_meet(self, target: Target) -> bool:
        """Whether the folding that costs least at a target, FIFOs aside, fits the board."""
        if target.cycles is None:
            return self.holds()
        choice = self.cheapest(target.cycles, {})
        return choice is not None and not self.exceeds(choice)

    def holds(self) -> bool:
        """Whether some folding fits: with any placement, the slowest."""
        for placement in self.placements:
            tables = [self.tables[n.name, n.name in placement] for n in self.network.layers]
            slowest = max(self._floor(placement), *(c.cycles for table in tables for c in table))
            choice = self._cheapest(slowest, placement)
            if choice is not None and not self.exceeds(choice):
                return True
        return False

    def _check_joined(self, choice: Choice | None) -> None:
        """Raises UnbuildableError where there is no choice because a file lets none be joined."""
        error = self._discarded
        if choice is None and error is not None:
            raise UnbuildableError(error.what, where=self.request.source, fix=error.fix)

    def _fastest(self, placement: frozenset[str], below: int | None = None) -> Choice | None:
        """The fastest that fits with a placement; the slowest of all where none does.

        With ``below``, only designs of fewer cycles are looked for.
        """
        floor = self._floor(placement)
        tables = [self.tables[layer.name, layer.name in placement] for layer in self.network.layers]
        targets = {max(c.cycles, floor) for table in tables for c in table}
        slowest = max(targets)
        best = self._cheapest(slowest, placement)
        if best is None or self.exceeds(best):
            return best
        # What fits is not quite a matter of pace alone: blocks and lanes come in steps.
        for pace in sorted(targets.union(self.paces())):
            if pace >= slowest or (below is not None and pace >= below):
                break
            if pace >= floor and self._may_fit(pace, placement):
                choice = self._cheapest(pace, placement)
                if choice is not None and not self.exceeds(choice):
                    return choice
        return best

    def _may_fit(self, cycles: int, placement: frozenset[str]) -> bool:
        """Whether layers might fit with the least of each resource, whatever else it takes."""
        least = np.zeros(len(fields(Resources)))
        for layer in self.network.layers:
            pace, needs = self._leasts[layer.name, layer.name in placement]
            least += needs[np.searchsorted(pace, cycles, side="right") - 1]
        return not Resources(*least.tolist()).exceeds(self.limit)

    @cached_property
    def _leasts(self) -> dict[tuple[str, bool], tuple[Ints, Floats]]:
        """By layer, the cycles of its candidates, and the least of each resource up to there."""
        found = {}
        for key, table in self.tables.items():
            ordered = sorted(table, key=lambda candidate: candidate.cycles)
            needs = np.array([tuple(vars(c.resources).values()) for c in ordered])
            cycles = np.array([c.cycles for c in ordered])
            found[key] = cycles, np.minimum.accumulate(needs) if table else needs
        return found

    def _cheapest(self, cycles: int, placement: frozenset[str]) -> Choice | None:
        """Over several prices of blocks, the choice that fits best within ``cycles``.

        None where memory is not fast enough for the weights that come from there, or no units
        join what was chosen.
        """
        if self.memory.least_cycles(self._bytes(placement)) > cycles:
            return None
        fitting = [
            [
                Option(c.fold, c.resources)
                for c in self.tables[layer.name, layer.name in placement]
                if c.cycles <= cycles
            ]
            for layer in self.network.layers
        ]
        multiplies = any(layer.weight_bits > 1 for layer in self.network.layers)
        choices = []
        for price in _DSP_PRICES if multiplies else (0.0,):
            try:
                choices.append(self._packed(fitting, cycles, placement, price))
            except UnbuildableError as error:
                self._discarded = error
        return min(choices, key=lambda c: self.weigh(total(c.resources)), default=None)

    def weigh(self, need: Resources) -> float:
        """How hard a design presses on the board; see _pressure."""
        return _pressure(need, self.limit)

    def _packed(
        self, fitting: list[list[Option]], cycles: int, placement: frozenset[str], dsp_price: float
    ) -> Choice:
        """The choice of least LUTs at a price of DSP blocks.

        Layers are first packed by themselves; then with all else that such a design holds.
        """
        names = [layer.name for layer in self.network.layers]
        packing = TilePacking(
            self.network, self.placements[placement], self.limit, dsp_price, self.weigh
        )
        folds = packing.pack(fitting)
        for _ in range(2):
            layers = {name: option.what for name, option in zip(names, folds, strict=True)}
            _, path = self._build(layers, cycles, placement)
            own = {f"{layer}_{unit}" for layer in layers for unit in PRICED_UNITS}
            others = {unit.name: unit for unit in path.units if unit.name not in own}
            items = memory_items(others, path.streams, self.fixed, self.limit)
            parts = design_resources(path)
            base = total({n: need for n, need in parts.items() if n not in items and n not in own})
            folds = packing.pack(fitting, list(items.values()), base)
        layers = {name: option.what for name, option in zip(names, folds, strict=True)}
        return self._evaluate(layers, cycles, placement)

    def _bytes(self, placement: frozenset[str]) -> dict[str, int]:
        """Bytes of weights per frame from memory, by layer."""
        chosen = (layer for layer in self.network.layers if layer.name in placement)
        return {layer.name: layer.weight.size * layer.weight_bits // 8 for layer in chosen}

    def _build(
        self, layers: Mapping[str, LayerFolding], cycles: int, placement: frozenset[str]
    ) -> tuple[Folding, Datapath]:
        tiled = self.placements[placement]
        lanes = stage_lanes(self.network, layers, cycles, self.request, tiled)
        folding = Folding(layers, lanes, tuple(loop.name for loop in self.network.loops))
        path = build_datapath(self.network, folding)
        for name, fifo in self.fifos.items():
            stream = path.streams.get(name)
            if stream is not None:
                depth = max(2, -(-fifo.depth * fifo.width // stream.width))
                path.streams[name] = replace(stream, depth=depth)
        return folding, path

    def _evaluate(
        self, layers: Mapping[str, LayerFolding], cycles: int, placement: frozenset[str]
    ) -> Choice:
        folding, path = self._build(layers, cycles, placement)
        path = spare_dsp_blocks(path, self.limit)
        placed = place_memories(path, self.limit, self.fixed)
        slowest = max(stream.beats for stream in path.streams.values())
        return Choice(placed_folding(folding, placed), slowest, design_resources(placed))


def _pressure(need: Resources, limit: Resources) -> float:
    """How hard a design presses on the board: below the limits, LUTs decide.

    They are what runs out when a design is placed.
    """
    shares = [getattr(need, name) / max(getattr(limit, name), 1.0) for name in LIMITED]
    over = sum(max(0.0, share - 1) for share in shares)
    lut, _, bram36, uram, dsp = shares
    return 1000 * over + lut + 0.25 * (bram36 + uram + dsp)
