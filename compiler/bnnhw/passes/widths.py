"""What has a width that a user may set, and the width that it has without that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.ir.ops import IntegerConv, IntegerDense
from bnnhw.ir.types import Integer
from bnnhw.passes.lower_streams import Lowering, lower_streams
from bnnhw.passes.options import (
    ACTIVATION_BITS,
    WIDEST_STREAM,
    WIDEST_WEIGHT,
    PassOptions,
    known_names,
)
from bnnhw.passes.pipeline import PIPELINE, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph


@dataclass(frozen=True)
class Width:
    """Something whose width ``precision`` sets.

    Attributes:
        name: of a layer, whose integer weights it is, or of a node, whose stream it is.
        what: "weights" or "stream".
        bits: its width.
        type: its type; of weights, whose scale is each layer's own, as an integer.
        others: further names of the same stream: additions join what they add.
        most: bits that it may have.
        scores: whether it is the stream that leaves the network.
    """

    name: str
    what: str
    bits: int
    type: str
    others: tuple[str, ...] = ()
    most: int = WIDEST_WEIGHT
    scores: bool = False


def widths(graph: Graph, precision: Mapping[str, int] | None = None) -> tuple[Width, ...]:
    """All that ``precision`` may name, in the order of the graph.

    Args:
        graph: from the front end.
        precision: bits by name, as ``run`` takes them.

    Raises:
        ModelError: as ``run`` does.
    """
    asked = known_names(graph, precision or {})
    place = next(i for i, step in enumerate(PIPELINE) if step.run is lower_streams)
    real = run(graph, PIPELINE[:place], precision=asked)
    if lower_streams(real, PassOptions(asked)) is real:  # all layers are binary
        return ()
    lowering = Lowering(real, PassOptions(asked))
    made = lowering.run()
    known = {node.name for node in graph.nodes}
    found = {
        node.name: Width(node.name, "weights", node.op.weight_bits, f"int{node.op.weight_bits}")
        for node in made.nodes
        if isinstance(node.op, (IntegerConv, IntegerDense)) and node.name in known
    }
    groups: dict[str, list[str]] = {}
    types = lowering.types
    for node in real.nodes:
        value = lowering.values[node.output]
        if node.name in known and types.is_used(node.name) and not value.given:
            groups.setdefault(types.group(node.name), []).append(node.name)
    ends = types.group(real.output)
    for group, names in groups.items():
        *others, last = names  # the addition that joins the others
        scores, chosen = made.tensors[made.output].dtype, types.chosen(last)
        if chosen is None and group == ends and isinstance(scores, Integer):
            chosen = scores
        dtype = chosen or types.activation(group)
        most = ACTIVATION_BITS if types.is_activation(last) else WIDEST_STREAM
        ended = group == ends
        found.setdefault(
            last, Width(last, "stream", dtype.bits, str(dtype), tuple(others), most, ended)
        )
    order = {node.name: i for i, node in enumerate(graph.nodes)}
    return tuple(sorted(found.values(), key=lambda width: order[width.name]))
