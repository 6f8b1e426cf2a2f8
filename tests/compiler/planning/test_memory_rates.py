"""How many ports to memory a design has, and who reads through which."""

from __future__ import annotations

import pytest

from bnnhw.hardware.board import load_board
from bnnhw.planning.memory_rates import MemoryRates, memory_rates

ALEXNET = {"fc6": 4_718_592, "fc7": 2_097_152, "fc8": 4_096_000}
PYNQ = memory_rates(load_board("pynq-z2"), 100.0)


def test_a_port_gives_85_percent_of_its_words_and_zynq_has_three_for_weights() -> None:
    assert MemoryRates(6.8, 15.0, 3) == PYNQ
    assert PYNQ.all_ports == 15.0
    assert memory_rates(load_board("kv260"), 200.0).ports == 1


@pytest.mark.parametrize(
    ("cycles", "ports"),
    [
        (1_700_000, {"fc6": 0, "fc8": 0, "fc7": 0}),
        (1_000_000, {"fc6": 0, "fc8": 1, "fc7": 1}),
        (802_816, {"fc6": 0, "fc8": 1, "fc7": 2}),
        (100, {"fc6": 0, "fc8": 1, "fc7": 2}),  # too fast for all three
    ],
)
def test_there_are_as_many_ports_as_the_readers_need(cycles: int, ports: dict[str, int]) -> None:
    assert PYNQ.ports_of(ALEXNET, cycles) == ports


def test_the_busiest_port_and_the_board_bound_the_pace() -> None:
    assert PYNQ.least_cycles({}) == 0
    assert PYNQ.least_cycles(ALEXNET) == -(-sum(ALEXNET.values()) * 10 // 150)  # the board
    assert PYNQ.least_cycles({"fc6": 4_718_592}) == -(-4_718_592 * 10 // 68)  # one reader's port
    one = MemoryRates(PYNQ.port, PYNQ.board, 1)
    assert one.least_cycles(ALEXNET) == -(-sum(ALEXNET.values()) * 10 // 68)
    assert one.ports_of(ALEXNET, 100) == dict.fromkeys(ALEXNET, 0)
