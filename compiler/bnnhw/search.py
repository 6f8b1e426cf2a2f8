"""The choice of a folding: an optimisation under the board's resources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from bnnhw.cost import Resources, budget, design_resources, total, unit_resources
from bnnhw.datapath import build_datapath
from bnnhw.errors import FoldingError
from bnnhw.folding import Folding, FoldingRequest, LayerFolding
from bnnhw.ir.types import Integer
from bnnhw.stages import Join, Layer, Pool, Rescale
from bnnhw.unit_params import (
    MULTIPLY,
    element_bits,
    layer_cycles,
    layer_input_lanes,
    needs_window,
    pairs_fit,
    pe_array_unit,
    window_cycles,
    window_unit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bnnhw.board import Board
    from bnnhw.goal import Goal
    from bnnhw.network import Network
    from bnnhw.stages import Stage

# Relative prices of block RAM against LUTs, both as shares of what the board has.
_PRICES = (0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
# The same for DSP blocks, where layers of integer weights can use them.
_DSP_PRICES = (0.05, 0.5, 3.0)
# Wider memory words than this, in bits, only come from foldings that no board here can hold.
_MAX_LANES = 16384


@dataclass(frozen=True)
class Candidate:
    """One way to fold a layer, with its estimated price.

    Attributes:
        fold: PE, SIMD and memories.
        cycles: cycles a frame, of the PE array or of the input, whichever is more.
        resources: estimated resources of the layer's units.
    """

    fold: LayerFolding
    cycles: int
    resources: Resources


@dataclass(frozen=True)
class Choice:
    """A folding with its estimated cost.

    Attributes:
        folding: the folding.
        cycles: cycles a frame of the slowest stage.
        resources: by unit.
    """

    folding: Folding
    cycles: int
    resources: Mapping[str, Resources]


class FoldingSearch:
    """The foldings of a network under a board's resources; its tables serve many goals.

    Args:
        network: the network.
        board: the board.
        request: what a folding file fixes.

    Raises:
        FoldingError: the request is impossible.
    """

    def __init__(
        self, network: Network, board: Board, request: FoldingRequest | None = None
    ) -> None:
        self.network, self.board = network, board
        self.request = request or FoldingRequest()
        self.request.check([s.name for s in network.layers], [s.name for s in network.stages])
        tables: dict[object, list[Candidate]] = {}
        self.tables: dict[str, list[Candidate]] = {}
        for layer in network.layers:
            key = _likeness(network, layer, self.request)
            if key not in tables:
                tables[key] = _candidates(network, layer, self.request)
            self.tables[layer.name] = tables[key]
        fastest = [min(c.cycles for c in table) for table in self.tables.values()]
        self.floor = max(*fastest, _fixed_cycles(network))
        self.limit = budget(board)

    def choose(self, goal: Goal, reserve: Resources | None = None) -> Choice:
        """The folding that meets the goal with the least of the board's resources.

        With a goal of cycles, the cheapest design that meets it; without one, the fastest that
        fits, and the cheapest among those.

        Args:
            goal: what to reach.
            reserve: what FIFOs will need on top, to be left free.

        Raises:
            FoldingError: no folding meets the goal within the board. Names need and supply of
                every resource, and the fastest design that fits.
        """
        self.limit = budget(self.board) - (reserve or Resources())
        if goal.cycles is None:
            return self._fastest()
        if goal.cycles < self.floor:
            raise FoldingError(
                f"{goal.cycles} cycles a frame is beyond any folding: the least is {self.floor}",
                where="goal",
                fix=f"ask for at least {self.floor} cycles a frame",
            )
        choice = self._cheapest(goal.cycles)
        if not total(choice.resources).exceeds(self.limit):
            return choice
        need = resource_table(total(choice.resources), self.board)
        try:
            fix = f"the fastest design that fits takes {self._fastest().cycles} cycles a frame"
        except FoldingError:
            fix = "no folding of this network fits this board; choose a larger one"
        raise FoldingError(
            f"{goal.cycles} cycles a frame does not fit {self.board.title} (estimated):\n{need}",
            where="goal",
            fix=fix,
        )

    def _fastest(self) -> Choice:
        targets = sorted({max(c.cycles, self.floor) for t in self.tables.values() for c in t})
        low, high = 0, len(targets) - 1
        best = self._cheapest(targets[high])
        if total(best.resources).exceeds(self.limit):
            need = resource_table(total(best.resources), self.board)
            raise FoldingError(
                f"even the slowest folding does not fit {self.board.title} (estimated):\n{need}",
                where=f"network '{self.network.graph.name}'",
                fix="choose a larger board or a smaller network",
            )
        while low < high:
            middle = (low + high) // 2
            choice = self._cheapest(targets[middle])
            if total(choice.resources).exceeds(self.limit):
                low = middle + 1
            else:
                high, best = middle, choice
        return best

    def _cheapest(self, cycles: int) -> Choice:
        """Over several prices of block RAM, the choice that fits best within ``cycles``."""
        limit = self.limit
        fitting = {
            name: [c for c in table if c.cycles <= cycles] for name, table in self.tables.items()
        }
        best: Choice | None = None
        best_pressure = 0.0
        seen: set[tuple[LayerFolding, ...]] = set()
        multiplies = any(layer.weight_bits > 1 for layer in self.network.layers)
        for price, dsp in product(_PRICES, _DSP_PRICES if multiplies else (0.0,)):

            def cost(c: Candidate, price: float = price, dsp: float = dsp) -> float:
                r = c.resources
                blocks = price * r.bram36 / limit.bram36 + dsp * r.dsp / max(limit.dsp, 1.0)
                return r.lut / limit.lut + blocks

            layers = {name: min(table, key=cost).fold for name, table in fitting.items()}
            key = tuple(layers.values())
            if key in seen:
                continue
            seen.add(key)
            lanes = _lanes(self.network, layers, cycles, self.request)
            choice = _evaluate(self.network, Folding(layers, lanes))
            need = total(choice.resources)
            shares = (
                need.lut / limit.lut,
                need.ff / limit.ff,
                need.bram36 / limit.bram36,
                need.dsp / max(limit.dsp, 1.0),
            )
            # Below the limits LUTs decide: they are what runs out when a design is placed.
            over = max(shares)
            pressure = 1000 * over if over > 1 else shares[0] + 0.25 * (shares[2] + shares[3])
            if best is None or pressure < best_pressure:
                best, best_pressure = choice, pressure
        assert best is not None
        return best


def resource_table(need: Resources, board: Board) -> str:
    """A small table of need against supply."""
    limit = budget(board)
    lines = [f"  {'resource':<10}{'need':>10}{'usable':>10}{'on part':>10}"]
    for name in ("lut", "ff", "bram36", "dsp"):
        have, usable, wanted = (
            getattr(board, name),
            getattr(limit, name),
            getattr(need, name),
        )
        mark = "  <- too much" if wanted > usable else ""
        lines.append(f"  {name:<10}{wanted:>10.0f}{usable:>10.0f}{have:>10}{mark}")
    return "\n".join(lines)


def _fixed_cycles(network: Network) -> int:
    """Beats a frame that stages without weights take at the least: a whole pixel a beat."""
    return max(
        (_beats(stage) for stage in network.stages if not isinstance(stage, Layer)), default=1
    )


def _beats(stage: Stage) -> int:
    """Beats a frame of a stage without weights when a beat is a whole pixel."""
    height, width = stage.image[1:]
    if isinstance(stage, Pool) and not stage.tiles_image:
        out_h, out_w = stage.out_size
        return max(height * width, out_h * out_w * stage.window.kernel[0] * stage.window.kernel[1])
    return height * width


def _evaluate(network: Network, folding: Folding) -> Choice:
    path = build_datapath(network, folding)
    cycles = max(stream.beats for stream in path.streams.values())
    return Choice(folding, cycles, design_resources(path))


def _lanes(
    network: Network,
    layers: Mapping[str, LayerFolding],
    cycles: int,
    request: FoldingRequest,
) -> dict[str, int]:
    """Lanes of the stages without weights: those asked for, else as many as the pace needs.

    Stages on bits keep the lanes that they are given where these suffice; on integers a lane costs
    an adder or a multiplier, and they take as few as the pace allows.
    """
    lanes: dict[str, int] = {}
    current = {network.graph.input: _input_lanes(network, layers)}
    for stage in network.stages:
        if isinstance(stage, Layer):
            current[stage.output] = layers[stage.name].pe
            continue
        channels, beats = stage.channels, _beats(stage)
        wanted = request.lanes.get(stage.name)
        if wanted is not None and channels % wanted:
            raise FoldingError(
                f"{wanted} lanes do not divide the {channels} channels of '{stage.name}'",
                where=request.source,
                fix=f"choose a divisor of {channels}",
            )
        least = next(
            n for n in _divisors(channels) if beats * (channels // n) <= cycles or n == channels
        )
        given = min(current[tensor] for tensor in stage.inputs)
        keep = channels % given == 0 and given >= least
        if isinstance(stage, (Rescale, Join)) or (
            isinstance(stage, Pool) and isinstance(stage.element, Integer)
        ):
            keep = keep and given == least
        lanes[stage.name] = wanted or (given if keep else least)
        current[stage.output] = lanes[stage.name]
    return lanes


def _input_lanes(network: Network, layers: Mapping[str, LayerFolding]) -> int:
    """Elements a beat at the design's input: what the first layer reads."""
    following = next(s for s in network.stages if isinstance(s, Layer))
    channels = network.stages[0].channels
    return min(layer_input_lanes(following, layers[following.name]), channels)


def _likeness(network: Network, layer: Layer, request: FoldingRequest) -> object:
    """Equal for layers that the same foldings suit at the same price."""
    facts = network.facts[layer.name]
    return (
        layer.image, layer.window, layer.features, layer.element, layer.weight_bits,
        layer.threshold is None, facts.acc_bits, facts.rows, facts.columns,
        repr(request.layers.get(layer.name)),
    )  # fmt: skip


def _candidates(network: Network, layer: Layer, request: FoldingRequest) -> list[Candidate]:
    """All ways to fold a layer that no other way beats in cycles and every resource."""
    asked = request.layers.get(layer.name, {})
    found: list[Candidate] = []
    for pe, simd in product(
        _allowed(asked, "pe", layer.features, layer, request),
        _allowed(asked, "simd", layer.taps, layer, request),
    ):
        if pe * simd > _MAX_LANES and not asked:
            continue
        found += _folds(network, layer, pe, simd, asked)
    return _pareto(found)


def _folds(
    network: Network, layer: Layer, pe: int, simd: int, asked: Mapping[str, Any]
) -> list[Candidate]:
    """A folding with each place for its weights and its window."""
    facts, elem_bits = network.facts[layer.name], element_bits(layer.element)
    fold = LayerFolding(pe, simd)
    _, height, width = layer.image
    inputs = height * width * layer.channels // layer_input_lanes(layer, fold)
    cycles = max(layer_cycles(layer, fold), inputs)
    buffers = {}
    for buffer in _styles(asked, "buffer"):
        if not needs_window(layer, fold):
            buffers = {buffer: Resources()}
            break
        kind, params = window_unit(
            layer.image,
            layer.window,
            elem_bits,
            simd=simd,
            repeats=layer.features // pe,
            buffer=buffer,
        )
        cycles = max(cycles, window_cycles(kind, params))
        buffers[buffer] = unit_resources(kind, params)
    found = []
    for memory, multiply in product(_styles(asked, "memory"), _multiplies(layer, pe, asked)):
        array = LayerFolding(pe, simd, memory, multiply=multiply)
        weights = unit_resources(*pe_array_unit(layer, facts, array))
        found += [
            Candidate(replace(array, buffer=buffer), cycles, weights + resources)
            for buffer, resources in buffers.items()
        ]
    return found


def _multiplies(layer: Layer, pe: int, asked: Mapping[str, Any]) -> list[str]:
    """The ways a layer may multiply; two products share a DSP block where channels pair up."""
    if layer.weight_bits == 1:
        return ["lut"]
    if "multiply" in asked:
        return [str(asked["multiply"])]
    return [way for way in MULTIPLY if way != "dsp2" or pairs_fit(layer, pe)]


def _allowed(
    asked: Mapping[str, Any], key: str, whole: int, layer: Layer, request: FoldingRequest
) -> list[int]:
    if key not in asked:
        return _divisors(whole)
    value = int(asked[key])
    if whole % value:
        what = "output channels" if key == "pe" else "window (KH * KW * Cin)"
        raise FoldingError(
            f"{key} = {value} of layer '{layer.name}' does not divide its {what}, {whole}",
            where=request.source,
            fix=f"choose one of {', '.join(map(str, _divisors(whole)))}",
        )
    return [value]


def _styles(asked: Mapping[str, Any], key: str) -> list[str]:
    return [str(asked[key])] if key in asked else ["lut", "bram"]


def _pareto(candidates: list[Candidate]) -> list[Candidate]:
    """Drops candidates that another one beats or equals in cycles, LUT, BRAM and DSP."""

    def order(c: Candidate) -> tuple[float, ...]:
        r = c.resources
        return c.cycles, r.lut, r.bram36, r.dsp, c.fold.pe

    ordered = sorted(candidates, key=order)
    front: list[Candidate] = []
    for c in ordered:
        if not any(
            f.resources.lut <= c.resources.lut
            and f.resources.bram36 <= c.resources.bram36
            and f.resources.dsp <= c.resources.dsp
            for f in front
        ):
            front.append(c)
    return front


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]
