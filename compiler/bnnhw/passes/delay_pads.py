"""Padding by reflection or with edge pixels moves behind what treats every element alike.

Such a pad only repeats pixels, so f(pad(x)) = pad(f(x)). What is done to pixels is then done once
to each, and streams are padded where they are narrowest: as bits, where a sign reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.ir.ops import Affine, Binarize, Elementwise, Lookup, Pad, Quantise, Smooth
from bnnhw.passes.forks import copied_for_readers
from bnnhw.passes.rewrite import Change, Links, rewrite

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op

_ALIKE = (Binarize, Elementwise, Lookup, Quantise, Smooth)


def delay_pads(graph: Graph) -> Graph:
    """The graph where no pad stands right before an element-wise operation."""
    while (made := _apart(graph)) is not None:
        graph = made
    return rewrite(graph, _rule)


def _apart(graph: Graph) -> Graph | None:
    """The graph with a copy of a pad for each reader, where one of several is element-wise."""
    links = Links(graph)
    for node in graph.nodes:
        if isinstance(node.op, Pad) and any(_is_alike(n.op) for n in links.consumers(node.output)):
            made = copied_for_readers(graph, links, node)
            if made is not None:
                return made
    return None


def _rule(links: Links, node: Node) -> Change | None:
    after = links.after(node)
    if not isinstance(node.op, Pad) or after is None or not _is_alike(after.op):
        return None
    return Change([node, after], [after, node])


def _is_alike(op: Op) -> bool:
    by_pixel = isinstance(op, Affine) and op.row_class
    return isinstance(op, _ALIKE) and not by_pixel
