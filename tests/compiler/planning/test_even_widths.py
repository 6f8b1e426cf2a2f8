"""Blocks that differ in widths alone get the same widths, where that changes no function."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bnnhw.ir.ops import FixedAdd, FixedAffine, IntegerMaxPool, Window
from bnnhw.ir.types import Integer
from bnnhw.planning.even_widths import even_widths
from bnnhw.planning.loops import find_loops
from bnnhw.planning.network import Network
from graphs import STREAM, GraphBuilder, looped_stem, pooled_head, residual_block

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph

NARROW = replace(STREAM, bits=10)


def widening_blocks() -> Graph:
    """Two blocks of streams of 10 bits, and two of 12."""
    b = looped_stem(16, 4).rescale("narrow", NARROW)
    for number, stream in enumerate((NARROW, NARROW, STREAM, STREAM)):
        if number == 2:
            b.rescale("wide", STREAM, plain=True)
        residual_block(b, f"block{number}", 16, stream=stream)
        b.rescale(f"block{number}_act", stream, segments=2)
    return pooled_head(b).graph()


def pooled_entry() -> Graph:
    """A pool of a stream of 10 bits, added to streams of 12."""
    b = GraphBuilder((3, 8, 8), Integer(8, False), 1, name="pooled")
    b.layer("stem", 16, Window((3, 3), (1, 1), (1, 1, 1, 1))).rescale("stem_bn", NARROW, gain=4)
    b.add("pool", IntegerMaxPool(Window((2, 2), (2, 2))))
    for number, stream in enumerate((NARROW, STREAM, STREAM)):
        residual_block(b, f"block{number}", 16, stream=stream)
        b.rescale(f"block{number}_act", STREAM, segments=2)
    return pooled_head(b).graph()


def limited(graph: Graph, kind: type, *names: str) -> Graph:
    """The graph in which the model needs the limits of the operations ``names``."""
    nodes = [
        replace(node, op=replace(node.op, limits=True))
        if isinstance(node.op, kind) and node.name in names
        else node
        for node in graph.nodes
    ]
    return graph.with_nodes(nodes)


def widths(graph: Graph) -> set[int]:
    return {n.op.dtype.bits for n in graph.nodes if n.name in {"block1_add", "block1_act"}}


def test_streams_of_equal_blocks_get_the_width_of_the_widest():
    assert widths(even_widths(widening_blocks())) == {12}


@pytest.mark.parametrize(("kind", "name"), [(FixedAdd, "block1_add"), (FixedAffine, "block0_bn")])
def test_a_type_whose_limits_the_model_needs_stays(kind, name):
    graph = even_widths(limited(widening_blocks(), kind, name))
    assert next(n for n in graph.nodes if n.name == name).op.dtype.bits == 10


def test_limits_that_no_number_reaches_do_not_matter():
    graph = widening_blocks()
    wide = replace(STREAM, bits=11)
    sums = {n.name for n in graph.nodes if isinstance(n.op, FixedAdd)} & {
        "block0_add",
        "block1_add",
    }
    nodes = [
        replace(n, op=replace(n.op, dtype=wide, limits=True)) if n.name in sums else n
        for n in graph.nodes
    ]
    assert widths(even_widths(graph.with_nodes(nodes))) == {12}


def test_both_sides_of_an_addition_keep_one_width():
    """A pool is as wide as what it reads."""
    for graph in (even_widths(pooled_entry()), even_widths(widening_blocks())):
        for node in graph.nodes:
            if isinstance(node.op, FixedAdd):
                assert len({graph.tensors[name].dtype.bits for name in node.inputs}) == 1
    assert find_loops(Network(even_widths(pooled_entry())).blocks)
