"""Which networks have real-valued streams, and which of their layers read bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerTable,
    MaxPool,
    PRelu,
    Quantise,
    SumPool,
    Threshold,
)
from bnnhw.ir.types import Bit

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.passes.rewrite import Links

_REAL_STREAMS = (
    *(Add, AveragePool, PRelu, Quantise),
    *(FixedAdd, FixedAffine, IntegerConv, IntegerDense, SumPool),
)
_CARRY_BITS = (BitMaxPool, Flatten, MaxPool, Affine)


def is_mixed(graph: Graph) -> bool:
    """Whether the network has real-valued streams beside its bits.

    A plain network, whose layers all are binary and read bits or the input, has none: what is
    real-valued in one is a mistake of its export, and refused.
    """
    return any(isinstance(node.op, _REAL_STREAMS) for node in graph.nodes)


def reads_bits(links: Links, node: Node) -> bool:
    """Whether what ``node`` reads are bits, but for a scale and a shift."""
    source = links.source(node)
    while source is not None:
        if isinstance(source.op, (Binarize, Threshold)):
            return True
        if isinstance(source.op, IntegerTable):
            return isinstance(source.op.dtype, Bit)
        if not isinstance(source.op, _CARRY_BITS):
            return False
        source = links.source(source)
    return isinstance(links.graph.tensors[links.graph.input].dtype, Bit)
