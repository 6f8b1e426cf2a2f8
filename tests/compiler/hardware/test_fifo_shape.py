"""FIFOs take the cheapest shape that holds their beats, and the Verilog says which."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bnnhw.backend.verilog import emit_top
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.memory import fifo_beats, fifo_words
from bnnhw.hardware.cost.model import Resources, unit_resources
from bnnhw.hardware.storage import IN_LUTS, FifoShape, fifo_shape, fifo_shapes
from bnnhw.hardware.units.kind import ULTRA
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from graphs import digits

SIZES = [(1, 2), (16, 32), (9, 33), (1, 3000), (5, 515), (12, 1027), (24, 2050), (40, 9001)]


def need(width: int, depth: int, shape: FifoShape) -> Resources:
    return unit_resources("bnn_fifo", shape.parameters(width, depth))


@pytest.mark.parametrize("pack", range(1, 9))
@pytest.mark.parametrize("depth", [4, 5, 6, 63, 512, 513, 4224])
def test_a_memory_has_as_many_words_as_its_beats_need_and_no_more(depth: int, pack: int) -> None:
    words = fifo_words(depth, pack)
    assert fifo_beats(words, pack) >= depth
    assert fifo_beats(words - 1, pack) < depth


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [
        *((12, 4224, 1.5), (12, 4608, 1.5), (12, 3904, 1.0), (12, 6656, 2.0), (24, 12593, 8.0)),
        *((12, 300, 0.0), (18, 900, 0.5), (12, 1300, 0.5), (512, 32, 0.0)),
    ],
)
def test_deep_fifos_fill_their_blocks(width: int, depth: int, blocks: float) -> None:
    assert need(width, depth, fifo_shape(width, depth)).bram36 == blocks


@pytest.mark.parametrize(("width", "depth"), SIZES)
def test_every_shape_is_one_the_unit_builds_and_none_beats_another(width: int, depth: int) -> None:
    shapes = fifo_shapes(width, depth)
    assert fifo_shape(width, depth) in [shape for shape, _ in shapes]
    for shape, resources in shapes:
        assert resources == need(width, depth, shape)
        assert shape.tail == 0 or shape.tail >= 2
        assert depth - shape.tail >= (4 if shape.pack > 1 else 2)
    blocks = [resources.bram36 for _, resources in shapes]
    luts = [resources.lut for _, resources in shapes]
    assert blocks == sorted(set(blocks)) and luts == sorted(luts, reverse=True)


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [(12, 12593, 1), (24, 12593, 2), (72, 4097, 1), (72, 4098, 2), (80, 100, 2), (12, 32, 0)],
)
def test_ultra_ram_adds_ways_and_takes_none_away(width: int, depth: int, blocks: int) -> None:
    plain, more = fifo_shapes(width, depth), fifo_shapes(width, depth, ultra=True)
    assert more[: len(plain)] == plain
    added = more[len(plain) :]
    assert {shape.ram_style for shape, _ in added} <= {ULTRA}
    assert all(not need.bram36 for _, need in added)
    assert min((need.uram for _, need in added), default=0) == blocks


def test_latency_and_delay_follow_the_shape() -> None:
    assert [FifoShape(ULTRA).latency(32), FifoShape(ULTRA, 3).latency(99)] == [2, 3]
    assert [IN_LUTS.latency(32), IN_LUTS.latency(33), FifoShape(2).latency(32)] == [1, 2, 2]
    assert [FifoShape(2, 3).latency(99), FifoShape(2, 3).free_delay] == [3, 1]
    assert [FifoShape(2, 3, 20).latency(99), FifoShape(2, 1, 40).latency(99)] == [4, 4]
    assert FifoShape(2, 1, 40).free_delay == 2


def test_the_shape_is_in_the_verilog_the_costs_and_the_build_hash() -> None:
    network = Network(digits().graph())
    choice = FoldingSearch(network, load_board("pynq-z2")).choose(Target(4_096))
    plain = lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    name, stream = next((n, s) for n, s in plain.streams.items() if s.width > 1)
    deep = with_fifo_depths(plain, {name: 3000})
    assert deep.streams[name].shape == fifo_shape(stream.width + stream.user, 3000)
    assert with_fifo_depths(deep, {name: 0}).build_hash() == plain.build_hash()
    packed = replace(deep.streams[name], shape=FifoShape(2, 3, 77))
    other = replace(deep, streams={**deep.streams, name: packed})
    assert other.build_hash() != deep.build_hash()
    (instance,) = re.findall(r"bnn_fifo #\((.*?)\) u_(\w+)_fifo", emit_top(other), re.DOTALL)
    values = dict(re.findall(r"\.(\w+)\((\d+)\)", instance[0]))
    expected = {"WIDTH": stream.width, "DEPTH": 3000, "RAM_STYLE": 2, "PACK": 3, "TAIL": 77}
    assert values == {key: str(value) for key, value in expected.items()} and instance[1] == name
    assert design_resources(other)[f"{name}_fifo"] == need(stream.width, 3000, FifoShape(2, 3, 77))
