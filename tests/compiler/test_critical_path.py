"""Critical paths: cell delays as Yosys ships them, sums along a netlist, the units of a build."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
try:
    from cell_delays import cell_models, delays
    from critical_path import Netlist, Unit, longest_paths, table, units_of
finally:
    sys.path.pop(0)

CLK, D0, Q0, SUM, WIRE, Q1 = 2, 3, 4, 5, 6, 7


def cell(kind: str, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]) -> dict[str, Any]:
    directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
    return {
        "type": kind,
        "parameters": {},
        "connections": inputs | outputs,
        "port_directions": directions,
    }


def register(d: int, q: int, **controls: list[Any]) -> dict[str, Any]:
    return cell("FDRE", {"C": [CLK], "D": [d], **controls}, {"Q": [q]})


def chain(last: dict[str, Any]) -> dict[str, Any]:
    """a_q, the second bit of a carry chain, a LUT2, then ``last``."""
    names = {"a_q": [Q0], "sum": [SUM], "out": [WIRE], "b_q": [Q1], "d": [D0]}
    carry = {"S": ["0", Q0, "0", "0"], "CI": ["0"]}
    return {
        "cells": {
            "first": register(D0, Q0, CE=["1"], R=["0"]),
            "carry": cell("CARRY4", carry, {"O": [90, 91, 92, SUM]}),
            "lut": cell("LUT2", {"I0": [SUM], "I1": [D0]}, {"O": [WIRE]}),
            "last": last,
        },
        "netnames": {name: {"bits": bits} for name, bits in names.items()},
    }


def test_delays_are_those_that_yosys_ships() -> None:
    lut, carry = cell_models()["LUT6"], cell_models()["CARRY4"]
    assert lut.arcs == {(f"I{i}", "O"): ps for i, ps in enumerate((642, 631, 472, 407, 238, 127))}
    assert carry.arcs["CI", "CO[3]"] == 114
    assert cell_models()["FDRE"].launch == {"Q": 303}
    assert cell_models()["FDRE"].setup == {"D": 0, "CE": 109, "R": 404}
    assert cell_models()["RAMB36E1"].launch["DOADO"] == 2454


@pytest.mark.parametrize(("kind", "bits"), [("RAM32M", 5), ("RAM64M", 6)])
def test_every_port_of_a_memory_in_luts_has_a_way_from_each_bit_of_its_address(
    kind: str, bits: int
) -> None:
    wanted = {(f"ADDR{port}[{i}]", f"DO{port}") for port in "ABCD" for i in range(bits)}
    assert set(cell_models()[kind].arcs) == wanted


def test_delays_written_as_sums_count_in_full() -> None:
    assert cell_models()["RAM128X1D"].arcs["DPRA[0]", "DPO"] == 642 + 223 + 174


def test_a_multiplier_counts_by_the_registers_that_it_uses() -> None:
    registers = dict.fromkeys(("AREG", "ADREG", "BREG", "CREG", "DREG"), "0")
    plain = registers | {"MREG": "1", "PREG": "1", "USE_DPORT": "FALSE"}
    assert delays("DSP48E1", plain).setup["A"] == 1416
    assert delays("DSP48E1", plain | {"AREG": "1", "BREG": "1"}).setup["A"] == 254
    assert delays("DSP48E1", plain | {"ADREG": "1", "USE_DPORT": "TRUE"}).setup["A"] == 1283
    with pytest.raises(SystemExit, match="lacks registers"):
        delays("DSP48E1", plain | {"MREG": "0"})


def test_a_cell_without_delays_is_refused() -> None:
    with pytest.raises(SystemExit, match="no delays of MYSTERY"):
        delays("MYSTERY", {})


def test_delays_add_up_from_clock_to_setup() -> None:
    longest = Netlist(chain(register(WIRE, Q1, CE=["1"], R=["0"]))).longest()
    carry = cell_models()["CARRY4"].arcs["S[1]", "O[3]"]
    assert longest.ps == 303 + carry + 238
    assert (longest.start, longest.end, longest.cells) == ("a_q", "b_q", 4)
    assert len(longest.steps) == 4


def test_the_setup_of_a_reset_counts() -> None:
    longest = Netlist(chain(register(D0, Q1, CE=["1"], R=[WIRE]))).longest()
    carry = cell_models()["CARRY4"].arcs["S[1]", "O[3]"]
    assert longest.ps == 303 + carry + 238 + 404


def test_a_path_to_a_port_counts_without_setup() -> None:
    module = chain(register(D0, Q1, CE=["1"], R=["0"]))
    longest = Netlist(module).longest()
    assert longest.ps == 303 + cell_models()["CARRY4"].arcs["S[1]", "O[3]"] + 238
    assert (longest.start, longest.end) == ("a_q", "out")


TOP = """
  bnn_fork #(
      .WIDTH(12)
  ) u_one (
      .clk(clk)
  );

  bnn_table #(
      .IN_BITS(2),
      .TABLE_FILE("two.mem")
  ) u_two (
      .clk(clk)
  );

  bnn_fork #(
      .WIDTH(12)
  ) u_three (
      .clk(clk)
  );

  bnn_stream_monitor #(
      .WIDTH(12)
  ) u_one_monitor (
      .clk(clk)
  );
"""


def test_a_builds_units_are_told_apart_by_kind_and_size(tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "net_top.sv").write_text(TOP)
    fork = Unit("bnn_fork", {"WIDTH": "12"})
    image = str(tmp_path / "rtl" / "two.mem")
    assert units_of(tmp_path) == {
        "one": [fork, fork],
        "two": [Unit("bnn_table", {"IN_BITS": "2", "TABLE_FILE": image})],
    }


def test_the_table_tells_times_in_ns() -> None:
    row = {"ps": 1486, "cells": 109, "times": 3, "unit": "bnn_add", "name": "sum"}
    printed = table([{**row, "start": "a", "end": "sums_q[5]"}])
    assert printed.splitlines()[1].split() == [
        *("1.49", "109", "3", "bnn_add", "sum:", "a", "->", "sums_q[5]")
    ]


@pytest.mark.slow
def test_units_in_one_run_of_yosys_are_mapped_each_for_itself() -> None:
    add, fork = longest_paths(
        [Unit("bnn_add", {"IN_BITS": "12", "LANES": "2"}), Unit("bnn_fork", {"WIDTH": "4"})]
    )
    assert 1000 < add.ps < 5000
    assert add.start.startswith(("s0_axis_t", "s1_axis_t"))
    assert fork.ps < 1500
    assert fork.cells < add.cells
    assert {fork.start, fork.end} <= {"valid0_q", "valid1_q"}
