"""Units whose memory lies in UltraRAM: the benches of the units, with RAM_STYLE 3.

Each is simulated as Verilog and as the netlist for UltraScale+ that Yosys makes of it, which must
hold UltraRAMs and no block RAM. 7-series parts have none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import runner
import test_bnn_fifo as fifo
import test_bnn_frame_window as frame_window
import test_bnn_int_pool_overlap as int_pool_overlap
import test_bnn_weight_buffer as weight_buffer
import test_bnn_window as window
import test_bnn_window_parallel as window_parallel
from bnnhw.hardware.units.kind import BLOCK, ULTRA

if TYPE_CHECKING:
    from collections.abc import Iterator

# WIDTH, DEPTH, PACK, TAIL: two blocks beside one another; two above one another; packed; with a
# tail; as few beats as a shift register holds.
FIFOS = [(80, 100, 1, 0), (9, 4200, 1, 0), (24, 100, 3, 0), (24, 100, 3, 37), (9, 20, 1, 0)]


@pytest.fixture(autouse=True)
def ultra_ram(design: str) -> Iterator[None]:
    """The netlist has what its Verilog asks for."""
    yield
    if design == "ultrascale":
        netlist = (runner.built[-1] / "netlist.v").read_text()
        assert "URAM288" in netlist and "RAMB" not in netlist


POOLS = [n for n, pool in enumerate(int_pool_overlap.CASES) if pool.style == BLOCK][:2]


@pytest.mark.parametrize(("width", "depth", "pack", "tail"), FIFOS)
def test_a_fifo_holds_its_beats(width: int, depth: int, pack: int, tail: int) -> None:
    fifo.test_holds_depth_beats_in_order_without_bubbles(width, depth, ULTRA, pack, tail)


@pytest.mark.parametrize("name", ["3x3", "3x3 minimal depth", "5x5 asymmetric", "1x1 as a buffer"])
def test_a_window_unit_gives_every_window(name: str) -> None:
    window.test_gives_every_window_in_the_stated_cycles(name, ULTRA)


@pytest.mark.parametrize("name", ["3x3", "3x3 no padding", "7x7 stride 2"])
def test_a_parallel_window_unit_gives_every_window(name: str) -> None:
    window_parallel.test_gives_every_window_in_the_stated_cycles(name, ULTRA)


@pytest.mark.parametrize("case", [frame_window.CASES[n] for n in (0, 2, 6)], ids=str)
def test_a_frame_is_played_once_a_pass(case: frame_window.Case) -> None:
    frame_window.test_plays_all_windows_once_a_pass(replace(case, style=ULTRA))


@pytest.mark.parametrize("case", weight_buffer.CASES, ids=str)
def test_a_tile_of_weights_is_played_once_a_pixel(case: tuple[int, ...]) -> None:
    weight_buffer.test_plays_each_tile_once_a_pixel(case, ULTRA)


@pytest.mark.parametrize("pool", [int_pool_overlap.CASES[n] for n in POOLS], ids=str)
def test_a_pool_keeps_its_rows(pool: int_pool_overlap.Pool) -> None:
    int_pool_overlap.test_pools_exactly_and_loses_no_cycle(replace(pool, style=ULTRA))
