"""The choice of a folding: an optimisation under the board's resources."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from bnnhw.chain import (
    Network,
    build_chain,
    layer_cycles,
    layer_input_lanes,
    needs_window,
    pe_array_unit,
    window_unit,
)
from bnnhw.cost import Resources, budget, chain_resources, total, unit_resources
from bnnhw.errors import FoldingError
from bnnhw.folding import Folding, FoldingRequest, LayerFolding
from bnnhw.stages import Layer, Pool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bnnhw.board import Board

# Relative prices of block RAM against LUTs, both as shares of what the board has.
_PRICES = (0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
# Wider memory words than this, in bits, only come from foldings that no board here can hold.
_MAX_LANES = 16384


@dataclass(frozen=True)
class Goal:
    """What the folding is to reach.

    Attributes:
        cycles: most cycles a frame may take; None for the fastest design that fits.
    """

    cycles: int | None = None


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


def choose_folding(
    network: Network, board: Board, goal: Goal, request: FoldingRequest | None = None
) -> Choice:
    """The folding that meets the goal with the least of the board's resources.

    With a goal of cycles, the cheapest design that meets it; without one, the fastest that fits,
    and the cheapest among those.

    Raises:
        FoldingError: no folding meets the goal within the board, or the request is impossible.
            Names need and supply of every resource, and the fastest design that fits.
    """
    request = request or FoldingRequest()
    request.check([s.name for s in network.layers], [s.name for s in network.stages])
    tables = {layer.name: _candidates(network, layer, request) for layer in network.layers}
    floor = max(
        max(min(c.cycles for c in table) for table in tables.values()), _fixed_cycles(network)
    )
    limit = budget(board)
    if goal.cycles is not None:
        if goal.cycles < floor:
            raise FoldingError(
                f"{goal.cycles} cycles a frame is beyond any folding: the least is {floor}",
                where="goal",
                fix=f"ask for at least {floor} cycles a frame",
            )
        choice = _cheapest(network, tables, goal.cycles, limit, request)
        if total(choice.resources).exceeds(limit):
            raise _does_not_fit(network, tables, board, choice, request, goal.cycles)
        return choice
    targets = sorted({max(c.cycles, floor) for table in tables.values() for c in table})
    low, high = 0, len(targets) - 1
    best = _cheapest(network, tables, targets[high], limit, request)
    if total(best.resources).exceeds(limit):
        raise _does_not_fit(network, tables, board, best, request, None)
    while low < high:
        middle = (low + high) // 2
        choice = _cheapest(network, tables, targets[middle], limit, request)
        if total(choice.resources).exceeds(limit):
            low = middle + 1
        else:
            high, best = middle, choice
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


def _does_not_fit(
    network: Network,
    tables: Mapping[str, list[Candidate]],
    board: Board,
    choice: Choice,
    request: FoldingRequest,
    cycles: int | None,
) -> FoldingError:
    need = resource_table(total(choice.resources), board)
    if cycles is None:
        return FoldingError(
            f"even the slowest folding does not fit {board.title} (estimated):\n{need}",
            where=f"network '{network.graph.name}'",
            fix="choose a larger board or a smaller network",
        )
    try:
        fastest = choose_folding(network, board, Goal(), request)
        fix = f"the fastest design that fits takes {fastest.cycles} cycles a frame"
    except FoldingError:
        fix = "no folding of this network fits this board; choose a larger one"
    return FoldingError(
        f"{cycles} cycles a frame does not fit {board.title} (estimated):\n{need}",
        where="goal",
        fix=fix,
    )


def _fixed_cycles(network: Network) -> int:
    """Beats a frame of the parts that no folding makes faster: the design's input."""
    first = network.stages[0]
    if isinstance(first, Layer):
        return 1
    _, height, width = first.image
    return height * width


def _cheapest(
    network: Network,
    tables: Mapping[str, list[Candidate]],
    cycles: int,
    limit: Resources,
    request: FoldingRequest,
) -> Choice:
    """Over several prices of block RAM, the choice that fits best within ``cycles``."""
    best: Choice | None = None
    best_pressure = 0.0
    for price in _PRICES:
        layers = {}
        for name, table in tables.items():
            fitting = [c for c in table if c.cycles <= cycles]
            layers[name] = min(
                fitting,
                key=lambda c: (
                    c.resources.lut / limit.lut + price * c.resources.bram36 / limit.bram36
                ),
            ).fold
        choice = _evaluate(network, Folding(layers, _lanes(network, layers, cycles, request)))
        need = total(choice.resources)
        shares = [
            need.lut / limit.lut,
            need.ff / limit.ff,
            need.bram36 / limit.bram36,
        ]
        # Below the limits LUTs decide, since they are what runs out when a design is placed.
        over = max(shares)
        pressure = 1000 * over if over > 1 else shares[0] + 0.25 * shares[2]
        if best is None or pressure < best_pressure:
            best, best_pressure = choice, pressure
    assert best is not None
    return best


def _evaluate(network: Network, folding: Folding) -> Choice:
    chain = build_chain(network, folding)
    cycles = max(stream.beats for stream in chain.streams.values())
    return Choice(folding, cycles, chain_resources(chain))


def _lanes(
    network: Network,
    layers: Mapping[str, LayerFolding],
    cycles: int,
    request: FoldingRequest,
) -> dict[str, int]:
    """Lanes of the stages without weights: those asked for, else as many as the pace needs."""
    lanes: dict[str, int] = {}
    current = 1
    following: Layer | None = None
    for i, stage in enumerate(network.stages):
        if isinstance(stage, Layer):
            current = layers[stage.name].pe
            continue
        channels, height, width = stage.image
        beats = height * width
        if isinstance(stage, Pool):
            window = stage.window
            if window.kernel != window.stride or any(window.pads):
                out_h, out_w = window.output_size(height, width)
                beats = max(beats, out_h * out_w * window.kernel[0] * window.kernel[1])
        wanted = request.lanes.get(stage.name)
        if wanted is not None:
            if channels % wanted:
                raise FoldingError(
                    f"{wanted} lanes do not divide the {channels} channels of '{stage.name}'",
                    where=request.source,
                    fix=f"choose a divisor of {channels}",
                )
            lanes[stage.name] = current = wanted
            continue
        if i == 0:
            following = next(s for s in network.stages if isinstance(s, Layer))
            current = min(layer_input_lanes(following, layers[following.name]), channels)
        if channels % current or beats * (channels // current) > cycles:
            current = next(
                n for n in _divisors(channels) if beats * (channels // n) <= cycles or n == channels
            )
        lanes[stage.name] = current
    return lanes


def _candidates(network: Network, layer: Layer, request: FoldingRequest) -> list[Candidate]:
    """All ways to fold a layer that no other way beats in cycles and every resource."""
    asked = request.layers.get(layer.name, {})
    facts = network.facts[layer.name]
    elem_bits = _elem_bits(layer)
    found = []
    for pe, simd in product(
        _allowed(asked, "pe", layer.features, layer, request),
        _allowed(asked, "simd", layer.taps, layer, request),
    ):
        if pe * simd > _MAX_LANES and not asked:
            continue
        for memory, buffer in product(_styles(asked, "memory"), _styles(asked, "buffer")):
            fold = LayerFolding(pe, simd, memory, buffer)
            if not needs_window(layer, fold) and buffer == "bram" and "buffer" not in asked:
                continue
            resources = unit_resources(*pe_array_unit(layer, facts, fold, elem_bits))
            _, height, width = layer.image
            inputs = height * width * layer.channels // layer_input_lanes(layer, fold)
            if needs_window(layer, fold):
                kind, params = window_unit(
                    layer.image,
                    layer.window,
                    elem_bits,
                    simd=simd,
                    repeats=layer.features // pe,
                    buffer=buffer,
                )
                resources += unit_resources(kind, params)
            found.append(Candidate(fold, max(layer_cycles(layer, fold), inputs), resources))
    return _pareto(found)


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
    """Drops candidates that another one beats or equals in cycles, LUT and BRAM."""
    ordered = sorted(
        candidates, key=lambda c: (c.cycles, c.resources.lut, c.resources.bram36, c.fold.pe)
    )
    front: list[Candidate] = []
    for c in ordered:
        if not any(
            f.resources.lut <= c.resources.lut and f.resources.bram36 <= c.resources.bram36
            for f in front
        ):
            front.append(c)
    return front


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _elem_bits(layer: Layer) -> int:
    if not layer.integer_input:
        return 1
    span = layer.input_high - layer.input_low
    return max(1, span.bit_length())
