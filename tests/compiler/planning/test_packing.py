"""The packing of memories into block RAM and LUTs: the best there is, and what the user fixes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from bnnhw.errors import FoldingError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import Resources, budget, total
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import ULTRA
from bnnhw.ir.types import Integer
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.packing import Option, pack, place_memories
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from graphs import birealnet18, residual

PYNQ, KRIA = load_board("pynq-z2"), load_board("kv260")


def random_items(rng: np.random.Generator) -> list[list[Option]]:
    """A few items: the more block RAM an option takes, the fewer LUTs."""
    items = []
    for _ in range(int(rng.integers(1, 5))):
        count = int(rng.integers(1, 4))
        halves = sorted(rng.choice(12, count, replace=False))
        luts = sorted(rng.integers(0, 1_000, count), reverse=True)
        items.append(
            [
                Option(i, Resources(lut=float(lut), bram36=half / 2))
                for i, (half, lut) in enumerate(zip(halves, luts, strict=True))
            ]
        )
    return items


@pytest.mark.parametrize("seed", range(20))
def test_no_other_choice_takes_fewer_luts_within_the_blocks(seed):
    rng = np.random.default_rng(seed)
    items = random_items(rng)
    limit = Resources(lut=10_000, ff=10_000, bram36=float(rng.integers(1, 12)), dsp=1)
    chosen = pack(items, limit, Resources(bram36=1.0))
    taken = total(dict(enumerate(option.resources for option in chosen)))

    def worth(need: Resources) -> float:
        return need.lut / limit.lut + 0.25 * need.bram36 / limit.bram36

    every = [sum((o.resources for o in choice), Resources()) for choice in product(*items)]
    fitting = [need for need in every if need.bram36 + 1 <= limit.bram36]
    if fitting:
        assert taken.bram36 + 1 <= limit.bram36
        assert worth(taken) == pytest.approx(min(map(worth, fitting)))
    else:
        assert taken.bram36 == min(need.bram36 for need in every)


@pytest.mark.parametrize("seed", range(20))
def test_ultra_ram_takes_what_block_ram_cannot_within_what_there_is(seed):
    rng = np.random.default_rng(seed)
    items = random_items(rng)
    for item in items:
        item.append(Option("uram", Resources(lut=float(rng.integers(0, 300)), uram=1)))
    limit = Resources(lut=10_000, bram36=float(rng.integers(1, 12)), uram=float(seed % 3))
    chosen = pack(items, limit, Resources())
    taken = total(dict(enumerate(option.resources for option in chosen)))
    without = pack([item[:-1] for item in items], replace(limit, uram=0.0), Resources())
    blocks = sum(option.resources.bram36 for option in without)
    if not limit.uram:
        return
    assert taken.uram <= limit.uram
    assert taken.bram36 <= limit.bram36 or blocks > limit.bram36
    if limit.uram >= len(items):
        assert taken.bram36 <= limit.bram36


def test_a_memory_goes_where_it_takes_the_smaller_share_of_the_part():
    """An UltraRAM of a KV260 is worth 2.1 BRAM36: 144, of which the shell takes 10, by 64."""
    limit = budget(KRIA)
    for blocks, place in ((1.5, "bram"), (2.5, "uram")):
        item = [
            Option("lut", Resources(lut=5_000)),
            Option("bram", Resources(lut=10, bram36=blocks)),
            Option("uram", Resources(lut=10, uram=1)),
        ]
        assert pack([item], limit, Resources())[0].what == place


def test_a_price_of_dsp_blocks_turns_to_luts():
    item = [Option("dsp", Resources(lut=10, dsp=4)), Option("lut", Resources(lut=100))]
    limit = budget(PYNQ)
    assert pack([item], limit, Resources(), 1.0)[0].what == "dsp"
    assert pack([item], limit, Resources(), 30.0)[0].what == "lut"


@pytest.fixture(scope="module")
def design(residual_design):
    return residual_design()


def test_little_block_ram_moves_memories_to_luts_and_plenty_brings_them_back(design):
    plenty = place_memories(design, budget(PYNQ), {})
    none = place_memories(design, replace(budget(PYNQ), bram36=0.0), {})
    used = [total(design_resources(each)) for each in (plenty, none)]
    assert used[1].bram36 == 0 < used[0].bram36 <= PYNQ.bram36
    assert used[0].lut < used[1].lut


def test_what_the_user_fixes_stays(design):
    unit = next(u for u in design.units if u.kind == "bnn_pe_array")
    for place, style in (("lut", 1), ("bram", 2)):
        placed = place_memories(design, budget(PYNQ), {unit.name: place})
        found = next(u for u in placed.units if u.name == unit.name)
        assert found.params[KINDS[unit.kind].style] == style


def test_ultra_ram_holds_what_is_written_at_run_time_and_never_a_rom(design):
    """Without block RAM, and with LUTs at the price of UltraRAM, all that may goes there."""
    limit = replace(budget(KRIA), bram36=0.0, uram=10_000.0)
    placed = place_memories(design, limit, {})
    ultra = {unit.kind for unit in placed.units if KINDS[unit.kind].uram(unit.params)}
    assert "bnn_window" in ultra
    for unit in placed.units:
        kind = KINDS[unit.kind]
        if kind.style and unit.params[kind.style] == ULTRA:
            assert ULTRA in kind.styles and not unit.memories
    assert total(design_resources(placed)).uram > 0
    assert not total(design_resources(place_memories(design, budget(PYNQ), {}))).uram


def test_units_that_take_an_image_from_the_bitstream_have_no_ultra_ram():
    for kind in KINDS.values():
        if ULTRA in kind.styles:
            assert kind.twin is not None and not kind.twin.memories, kind.name
            assert kind.style == "RAM_STYLE"


@pytest.mark.parametrize(
    ("board", "memories", "word"),
    [
        (PYNQ, {"block1_add_fork_out1_fifo": "uram"}, "has none"),
        (KRIA, {"block1_bn": "uram"}, "come with the bitstream"),
    ],
)
def test_ultra_ram_that_cannot_be_is_refused(board, memories, word):
    request = FoldingRequest(memories=memories)
    with pytest.raises(FoldingError, match=word):
        search = FoldingSearch(Network(residual().graph()), board, request)
        lower_fitting(search, Target(2_400), 100.0)


def test_a_folding_file_places_memories_in_ultra_ram():
    network = Network(residual().graph())
    request = FoldingRequest(
        layers={"block1_conv": {"buffer": "uram"}}, memories={"block1_add_fork_out1_fifo": "uram"}
    )
    design, folding, _ = lower_fitting(FoldingSearch(network, KRIA, request), Target(2_400), 100.0)
    assert folding.layers["block1_conv"].buffer == "uram"
    assert design.streams["block1_add_fork_out1"].shape.ram_style == ULTRA


def test_a_folding_file_places_any_memory():
    network = Network(residual().graph())
    request = FoldingRequest(memories={"block1_bn": "bram", "block1_add_fork_out1_fifo": "lut"})
    design, _, _ = lower_fitting(FoldingSearch(network, PYNQ, request), Target(2_400), 100.0)
    units = {unit.name: unit for unit in design.units}
    assert units["block1_bn"].params["STYLE"] == 2
    assert design.streams["block1_add_fork_out1"].shape.ram_style == 1
    with pytest.raises(FoldingError, match="no memory 'nowhere'"):
        lower_fitting(
            FoldingSearch(network, PYNQ, FoldingRequest(memories={"nowhere": "lut"})),
            Target(2_400),
            100.0,
        )


@pytest.mark.parametrize(
    ("bits", "cycles"), [(9, 455_000), pytest.param(12, 905_000, marks=pytest.mark.slow)]
)
def test_birealnet18_at_224x224_fits_the_xc7z020(bits: int, cycles: int):
    """The estimate that decides, FIFOs and all, by the width of the streams.

    Random weights of the full range cost more LUTs in the first layer than trained ones.
    """
    network = Network(birealnet18(stream=Integer(bits, True, bits // 2)).graph())
    design, folding, prediction = lower_fitting(
        FoldingSearch(network, PYNQ, FoldingRequest()), Target(cycles), 100.0
    )
    need = total(design_resources(design))
    assert prediction.cycles_per_frame <= cycles
    assert not need.exceeds(budget(PYNQ))
    assert need.bram36 + PYNQ.shell.bram36 <= 140
    streamed = [name for name, fold in folding.layers.items() if fold.memory == "ddr"]
    assert sum(region.bytes for region in design.memory_port.regions) <= 1_900_000
    assert {"l4_1_conv", "l4_2_conv", "l4_3_conv", "scores"} <= set(streamed)
