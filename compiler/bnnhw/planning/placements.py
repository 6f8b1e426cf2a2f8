"""The sets of layers whose weights may come from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import FoldingError
from bnnhw.hardware.stages.layer_facts import can_stream
from bnnhw.planning.streamed_layers import is_reordered, tiled_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.folding import FoldingRequest
    from bnnhw.planning.candidates import Candidate
    from bnnhw.planning.network import Network

# Layers of more pixels keep their weights on the chip: their frame buffers would be large.
_FEW_PIXELS = 64


def placements(
    network: Network,
    request: FoldingRequest,
    tables: Mapping[tuple[str, bool], Sequence[Candidate]],
) -> dict[frozenset[str], set[str]]:
    """The sets of layers whose weights may come from memory, the smallest first.

    Those of loops always do, and those that a folding file says; beside these the last layers of
    few pixels, from any of them on. Streams are put into another order, tiles or pixels, only
    around loops and where a file asks for it.

    Args:
        network: the network.
        request: what a folding file fixes.
        tables: candidates by layer, and whether its weights come from memory.

    Returns:
        Each set with the tensors that then flow tile by tile.

    Raises:
        FoldingError: the weights of a layer that the file puts in memory cannot come from there.
    """
    layers = network.layers
    asked = {name: fields.get("memory") for name, fields in request.layers.items()}
    must = frozenset(name for name, memory in asked.items() if memory == "ddr")
    looped = {layer.name for layer in layers if layer.passes > 1}
    must |= looped
    never = {name for name, memory in asked.items() if memory not in (None, "ddr")}
    if kept := sorted(looped & never):
        raise FoldingError(
            f"layer '{kept[0]}' is in a loop, whose weights come from memory",
            where=request.source,
            fix=f"leave its memory '{asked[kept[0]]}' out, or the loop",
        )
    empty = {layer.name for layer in layers if not tables[layer.name, True]}
    other = "keep its weights on the chip"
    for layer in layers:
        if layer.name in empty & must and can_stream(layer):
            raise FoldingError(
                f"with what is fixed of layer '{layer.name}', its weights cannot come from memory",
                where=request.source,
                fix="let SIMD divide its input channels (into an even number where it is padded), "
                f"leave out its feed, or {'the loop' if layer.name in looped else other}",
            )
    found: dict[frozenset[str], set[str]] = {}
    if not must & empty:
        found[must] = tiled_tensors(network, must)
    for first in reversed(range(len(layers))):
        last = frozenset(layer.name for layer in layers[first:]) | must
        few = all(
            np.prod(layer.out_size) <= _FEW_PIXELS or layer.name in must for layer in layers[first:]
        )
        if not few or last & (never | empty):
            break
        if last > must and (must or not is_reordered(network, last)):
            found[last] = tiled_tensors(network, last)
    if not found:
        raise FoldingError(
            "the weights of the layers that it puts in memory cannot come from there",
            where=request.source,
            fix="keep them on the chip",
        )
    return found
