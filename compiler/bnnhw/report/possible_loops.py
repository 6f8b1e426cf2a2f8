"""The runs of equal blocks in a model, each of which a folding file may make a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.stages import Layer
from bnnhw.passes import run as run_passes
from bnnhw.planning.even_widths import even_widths
from bnnhw.planning.loops import find_loops
from bnnhw.planning.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph


@dataclass(frozen=True)
class PossibleLoop:
    """A run of equal blocks.

    Attributes:
        name: its first layer, by which a folding file names the loop.
        passes: its number of blocks: how often a frame would pass the loop.
        blocks: the layers of each block, in order.
        weight_bits: bits of weights of all blocks, which would come from memory.
    """

    name: str
    passes: int
    blocks: tuple[tuple[str, ...], ...]
    weight_bits: int


def possible_loops(
    graph: Graph, precision: Mapping[str, int] | None = None
) -> tuple[PossibleLoop, ...]:
    """The runs of equal blocks of a graph from the front end, in stream order.

    Args:
        graph: the graph; all passes run, which takes as long as in a compile.
        precision: bits by name, which may make blocks equal or unequal.

    Raises:
        ModelError: it cannot become hardware.
    """
    stages = Network(even_widths(run_passes(graph, precision=precision))).blocks
    found = []
    for loop in find_loops(stages):
        blocks = [[s for s in block if isinstance(s, Layer)] for block in loop.blocks(stages)]
        bits = sum(s.weight.size * s.weight_bits for block in blocks for s in block)
        names = tuple(tuple(stage.name for stage in block) for block in blocks)
        found.append(PossibleLoop(loop.name, loop.passes, names, bits))
    return tuple(found)
