"""Why a network fits a board at no folding, and what would hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import DoesNotFitError, FoldingError
from bnnhw.hardware.board import board_names, load_board
from bnnhw.hardware.cost.model import COUNTED, LABELS, LIMITED, RARE, Resources, budget, total

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bnnhw.hardware.board import Board
    from bnnhw.planning.network import Network

_NAMED = 3
"""Layers that are named: those that need most."""
TOO_MUCH = "<- too much"
"""Ends the rows of a table of which there is not enough."""
_PLURALS = {
    "lut_packed": "LUTs",
    "ff": "flip-flops",
    "bram36": "block RAM",
    "uram": "UltraRAM",
    "dsp": "DSP blocks",
}


def too_large(
    network: Network,
    board: Board,
    need: Mapping[str, Resources] | None,
    table: str,
    streamed: int,
    holds: Callable[[Board], bool],
) -> DoesNotFitError:
    """The error for a network that fits at no folding.

    Args:
        network: the network.
        board: the board.
        need: resources by unit of the slowest design; None where memory is too slow for all.
        table: need against supply.
        streamed: the most layers whose weights were tried to come from memory.
        holds: whether another board holds the network.
    """
    said = [f"even the slowest folding does not fit {board.title} (estimated):\n{table}"]
    if need is not None:
        said.append(f"what needs most: {', '.join(_largest(network, board, need))}")
    said.append(
        f"weights from memory were tried, of the last {streamed} layers and fewer"
        if streamed
        else "no layer's weights can come from memory in this network"
    )
    larger = _board_that_holds(board, holds)
    return DoesNotFitError(
        ";\n".join(said),
        where=f"network '{network.graph.name}'",
        fix=f"--board {larger} holds it, or choose a smaller network"
        if larger
        else "choose a smaller network: no board here holds it",
    )


def _largest(network: Network, board: Board, need: Mapping[str, Resources]) -> list[str]:
    """The layers that take most of what runs out first, with their share of the board."""
    limit = budget(board)

    def share(needed: Resources, name: str) -> float:
        return float(getattr(needed, name)) / max(float(getattr(limit, name)), 1.0)

    whole = total(need)
    scarce = max(LIMITED, key=lambda name: share(whole, name))
    names = sorted((stage.name for stage in network.stages), key=len, reverse=True)
    by_stage: dict[str, Resources] = {}
    for unit, resources in need.items():
        stage = next((n for n in names if unit == n or unit.startswith(f"{n}_")), unit)
        by_stage[stage] = by_stage.get(stage, Resources()) + resources
    order = sorted(by_stage, key=lambda name: -getattr(by_stage[name], scarce))
    return [
        f"'{name}' ({share(by_stage[name], scarce):.0%} of the {_PLURALS[scarce]})"
        for name in order[:_NAMED]
    ]


def _board_that_holds(board: Board, holds: Callable[[Board], bool]) -> str:
    """The smallest larger board that holds the network at some folding; "" where none does."""
    boards = sorted((load_board(name) for name in board_names()), key=lambda other: other.lut)
    for other in boards:
        if other.lut <= board.lut:
            continue
        try:
            if holds(other):
                return other.name
        except FoldingError:
            continue
    return ""


def resource_table(need: Resources, board: Board) -> str:
    """A small table of need against supply.

    What is usable is less by what the board's file reserves for the shell.
    """
    limit = budget(board)
    lines = [f"  {'resource':<10}{'need':>10}{'usable':>10}{'reserved':>10}{'on part':>10}"]
    for name in LIMITED:
        of = COUNTED[name]
        if name in RARE and not getattr(board, of):
            continue
        amounts = (getattr(need, name), getattr(limit, name), getattr(board.shell, of, 0))
        row = f"  {LABELS[name]:<10}" + "".join(f"{value:>10,.0f}" for value in amounts)
        row += f"{getattr(board, of):>10,}"
        row += f"  {TOO_MUCH}" if amounts[0] > amounts[1] else ""
        lines.append(row)
    return "\n".join(lines)
