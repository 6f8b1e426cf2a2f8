"""The clock by rule of thumb: what warns, and what must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnhw.hardware.board import board_names, load_board
from bnnhw.hardware.clock import expected_clock
from bnnhw.hardware.units import KINDS
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.report.facts import clock_alarms
from graphs import digits


@pytest.fixture(scope="module")
def design():
    board = load_board("pynq-z2")
    network = Network(digits().graph())
    folding = FoldingSearch(network, board).choose(Target(1024)).folding
    return lower(network, folding, board=board, clock_mhz=board.clock_mhz)


@pytest.mark.parametrize("name", board_names())
def test_no_board_warns_at_its_own_clock_whatever_the_units(design, name):
    board = load_board(name)
    slowest = max(KINDS.values(), key=lambda kind: kind.path_ns).name
    worst = replace(design, units=[replace(design.units[0], kind=slowest)])
    assert expected_clock(worst, board).mhz >= board.clock_mhz


def test_logic_and_as_much_routing_make_the_clock(design):
    found = expected_clock(design, load_board("pynq-z2"))
    longest = max(KINDS[unit.kind].path_ns for unit in design.units)
    assert found.path_ns == longest == KINDS[found.unit].path_ns
    assert found.mhz == pytest.approx(500 / longest, abs=0.1)
    assert found.grade == 1


@pytest.mark.parametrize(
    ("part", "family", "times"),
    [
        ("xc7z020clg400-1", "xc7", 1.0),
        ("xc7z045ffg900-2", "xc7", 1 / 0.85),
        ("xczu7ev-ffvc1156-2-e", "xcup", 2 / 0.85),
        ("xck26-sfvc784-2LV-c", "xcup", 2.0),
    ],
)
def test_speed_grades_and_families(design, part, family, times):
    board = load_board("pynq-z2")
    plain = expected_clock(design, board).mhz
    other = expected_clock(design, replace(board, part=part, family=family)).mhz
    assert other == pytest.approx(times * plain, rel=0.01)


def test_a_clock_beyond_it_is_an_alarm():
    clock = {"mhz": 135.1, "path_ns": 3.7, "unit": "bnn_mac_pe_array", "grade": 1}
    assert clock_alarms({"clock_mhz": 135.0, "clock": clock}) == []
    (alarm,) = clock_alarms({"clock_mhz": 200.0, "clock": clock})
    assert "200 MHz" in alarm and "135 MHz" in alarm and "lower --clock" in alarm
    assert clock_alarms({"clock_mhz": 200.0}) == [], "a report of an older compile"
