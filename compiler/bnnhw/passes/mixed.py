"""Which networks have real-valued streams, and which of their layers read bits."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerTable,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Product,
    Quantise,
    Select,
    Smooth,
    SumPool,
    Threshold,
)
from bnnhw.ir.types import Bit
from bnnhw.passes.binary_weights import near_miss
from bnnhw.passes.rewrite import Links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Op

_REAL_STREAMS = (
    *(Add, AveragePool, ChannelSum, Product, Quantise, Select, Smooth),
    *(FixedAdd, FixedAffine, FixedSelect, IntegerConv, IntegerDense, SumPool),
)
_LAYERS = (Conv, Dense, BinaryConv, BinaryDense, IntegerConv, IntegerDense)
_CARRY_BITS = (BitMaxPool, Flatten, MaxPool, Pad, Affine)
_CARRY_INTEGERS = (Flatten, Pad, Affine, IntegerTable)


def is_mixed(graph: Graph) -> bool:
    """Whether a binary network has real-valued layers or streams beside its bits.

    A plain network has none: its layers all are binary and read bits or the input, which one factor
    scales. Its paths part and meet as bits, scaled by one factor where they meet. Weights that read
    bits and are not binary are a mistake of the export, but for the last layer's, unless another
    layer's are binary; and a network without any sign and any binary layer is not binary at all.
    """
    if any(isinstance(node.op, _REAL_STREAMS) or _bends(node.op) for node in graph.nodes):
        return True
    joins = [node for node in graph.nodes if isinstance(node.op, Concat)]
    if joins and not _meet_as_bits(graph, joins):
        return True
    layers = [node for node in graph.nodes if isinstance(node.op, (Conv, Dense))]
    signs = any(isinstance(node.op, (Binarize, Threshold)) for node in graph.nodes)
    if not signs and not any(node.op.is_binary for node in layers):  # type: ignore[attr-defined]
        return False
    links = Links(graph)
    return any(_is_real(links, node) for node in layers)


def _meet_as_bits(graph: Graph, joins: Sequence[Node]) -> bool:
    """Whether all concatenations are of the input's copies or of bits, and all forks of these."""
    links = Links(graph)
    joined = [node for node in joins if not _copies_input(links, node)]
    if any(len(_gaps(links, node.output) or ()) != 1 for node in joined):
        return False
    return not joined or all(
        _gaps(links, tensor) is not None or _is_input(links, tensor)
        for tensor in (graph.input, *(node.output for node in graph.nodes))
        if len(links.consumers(tensor)) > 1
    )


def _copies_input(links: Links, node: Node) -> bool:
    """Whether a concatenation is of copies of the input: the graph's, or a table's of it."""
    return len({*node.inputs}) == 1 and _is_input(links, node.inputs[0])


def _is_input(links: Links, tensor: str) -> bool:
    source = links.producer(tensor)
    while source is not None and isinstance(source.op, (*_CARRY_INTEGERS, Lookup)):
        source = links.source(source)
    return source is None


def _gaps(links: Links, tensor: str) -> set[Fraction] | None:
    """By what the two values of bits of signs differ, in any channel; None of other numbers."""
    source = links.producer(tensor)
    if source is None:
        return None
    if isinstance(source.op, Binarize):
        return {abs(Fraction(source.op.high) - Fraction(source.op.low))}
    if isinstance(source.op, Threshold):
        return {Fraction(2 if source.op.bipolar else 1)}
    if isinstance(source.op, Concat):
        found: set[Fraction] = set()
        for name in dict.fromkeys(source.inputs):
            gaps = _gaps(links, name)
            if gaps is None:
                return None
            found |= gaps
        return found
    if not isinstance(source.op, _CARRY_BITS):
        return None
    gaps = _gaps(links, source.inputs[0])
    if gaps is None or not isinstance(source.op, Affine):
        return gaps
    return {gap * abs(scale) for gap in gaps for scale in {*source.op.scale}}


def _bends(op: Op) -> bool:
    """Whether an activation does more than limit numbers."""
    return isinstance(op, Piecewise) and op.limits is None


def _is_real(links: Links, layer: Node) -> bool:
    """Whether a layer has real weights in a place for them, or reads a real-valued stream."""
    assert isinstance(layer.op, (Conv, Dense))
    if not layer.op.is_binary:
        return near_miss(layer) is None and (may_be_real(links, layer) or among_binary(links))
    return not reads_bits(links, layer) and not _reads_input(links, layer, by_one_factor=True)


def may_be_real(links: Links, layer: Node) -> bool:
    """Whether a layer reads the input or a real-valued stream, or no layer comes behind."""
    if not reads_bits(links, layer) or _reads_input(links, layer):
        return True
    nodes = links.graph.nodes
    position = next(i for i, node in enumerate(nodes) if node.name == layer.name)
    return not any(isinstance(node.op, _LAYERS) for node in nodes[position + 1 :])


def among_binary(links: Links) -> bool:
    """Whether a layer of binary weights reads bits, so that real weights elsewhere are meant.

    Where no layer's are binary, the latent weights were exported.
    """
    layers = (node for node in links.graph.nodes if isinstance(node.op, (Conv, Dense)))
    return any(
        layer.op.is_binary and reads_bits(links, layer)  # type: ignore[attr-defined]
        for layer in layers
    )


def _reads_input(links: Links, layer: Node, *, by_one_factor: bool = False) -> bool:
    """Whether a layer reads the input; where asked, only if one factor scales all channels."""
    source = links.source(layer)
    while source is not None and isinstance(source.op, _CARRY_INTEGERS):
        factors = {abs(s) for s in source.op.scale} if isinstance(source.op, Affine) else set()
        if by_one_factor and len(factors) > 1:
            return False
        source = links.source(source)
    return source is None


def reads_bits(links: Links, node: Node) -> bool:
    """Whether what ``node`` reads are bits, but for a scale and a shift."""
    return _holds_bits(links, node.inputs[0])


def _holds_bits(links: Links, tensor: str) -> bool:
    source = links.producer(tensor)
    while source is not None:
        if isinstance(source.op, (Binarize, Threshold)):
            return True
        if isinstance(source.op, IntegerTable):
            return isinstance(source.op.dtype, Bit)
        if isinstance(source.op, Concat):
            return all(_holds_bits(links, name) for name in source.inputs)
        if not isinstance(source.op, _CARRY_BITS):
            return False
        source = links.source(source)
    return isinstance(links.graph.tensors[links.graph.input].dtype, Bit)
