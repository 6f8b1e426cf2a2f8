"""Critical paths: cell delays as Yosys ships them, sums along a netlist, the units of a build."""

from __future__ import annotations

import sys
from graphlib import CycleError
from pathlib import Path
from typing import Any

import pytest

from bnnhw.hardware.units import KINDS

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
try:
    from cell_delays import cell_models, delays
    from critical_path import netlists, point_instances, table
    from netlist import Netlist, PortTiming
    from unit_chains import Chains, Instance, instances_of, one_of_each
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
        "ports": {
            "clk": {"direction": "input", "bits": [CLK]},
            "d": {"direction": "input", "bits": [D0]},
            "out": {"direction": "output", "bits": [WIRE]},
        },
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
    assert delays("DSP48E1", plain).launch["P"] == 329
    assert delays("DSP48E1", plain | {"PREG": "0"}).launch["P"] == 1671
    with pytest.raises(SystemExit, match="lacks the register of its product"):
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
    longest = Netlist(chain(register(D0, Q1, CE=["1"], R=["0"]))).longest()
    assert longest.ps == 303 + cell_models()["CARRY4"].arcs["S[1]", "O[3]"] + 238
    assert (longest.start, longest.end) == ("a_q", "out")


def test_what_a_unit_adds_to_paths_across_its_ports() -> None:
    timing = Netlist(chain(register(WIRE, Q1, CE=[D0], R=["0"]))).port_timing()
    carry = cell_models()["CARRY4"].arcs["S[1]", "O[3]"]
    assert timing.launch == {"out": 303 + carry + 238}
    assert timing.need == {"d": 127}  # through the LUT, longer than the setup of CE
    assert timing.through == {"d": {"out": 127}}


def test_a_loop_without_a_register_is_an_error() -> None:
    module = chain(cell("LUT1", {"I0": [WIRE]}, {"O": [D0]}))
    with pytest.raises(CycleError):
        Netlist(module)


TOP = """
  bnn_fork #(
      .WIDTH(12)
  ) u_one (
      .clk(clk),
      .s_axis_tready(x_tready),
      .m0_axis_tdata(one_tdata[11:0])
  );

  bnn_table #(
      .IN_BITS(2),
      .TABLE_FILE("two.mem")
  ) u_two (
      .s_axis_tdata({1'b0, one_tdata})
  );

  bnn_stream_monitor #(
      .WIDTH(12)
  ) u_one_monitor (
      .clk(clk)
  );
"""


def test_units_are_read_from_a_builds_verilog_but_for_monitors(tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "net_top.v").write_text(TOP)
    image = str(tmp_path / "rtl" / "two.mem")
    nets = {"clk": ("clk",), "s_axis_tready": ("x_tready",), "m0_axis_tdata": ("one_tdata",)}
    table_parameters = {"IN_BITS": "2", "TABLE_FILE": image}
    assert instances_of(tmp_path) == [
        Instance("one", "bnn_fork", {"WIDTH": "12"}, nets),
        Instance("two", "bnn_table", table_parameters, {"s_axis_tdata": ("one_tdata",)}),
    ]


def test_units_that_differ_in_their_memory_image_only_are_of_one_size() -> None:
    a, b = (Instance(n, "bnn_table", {"IN_BITS": "2", "TABLE_FILE": n}, {}) for n in "ab")
    c = Instance("c", "bnn_table", {"IN_BITS": "3", "TABLE_FILE": "a"}, {})
    assert a.size == b.size != c.size


def test_every_point_of_the_cost_model_is_a_size_of_its_own() -> None:
    instances = point_instances()
    assert [i.kind for i in instances] == [
        name for name, kind in KINDS.items() for _ in kind.points
    ]
    assert len({i.size for i in instances}) == len(instances)


def test_paths_across_units_add_up_from_clock_to_setup() -> None:
    names = ("first", "middle", "last", "other")
    ends = {"s": ("x",)}, {"s": ("x",), "m": ("y",)}, {"s": ("y", "z")}, {"m": ("z",)}
    nets = dict(zip(names, ({"m": ("x",)}, *ends[1:]), strict=True))
    units = [Instance(n, "bnn_fork", {"WIDTH": str(i)}, nets[n]) for i, n in enumerate(names)]
    timings = {
        units[0].size: PortTiming(launch={"m": 400}),
        units[1].size: PortTiming(launch={"m": 300}, need={"s": 50}, through={"s": {"m": 200}}),
        units[2].size: PortTiming(need={"s": 30}),
        units[3].size: PortTiming(launch={"m": 500}),
    }
    chains = Chains(units, timings)
    assert [(c.ps, c.ports) for c in chains.longest()] == [
        (630, ("first.m", "middle.m", "last.s")),
        (450, ("first.m", "middle.s")),
    ]
    without = Chains(units[1:], timings)
    assert [(c.ps, c.ports) for c in without.longest()] == [(530, ("other.m", "last.s"))]
    assert one_of_each(chains.longest() * 2, chains.units) == chains.longest()


def test_units_that_pass_ready_on_are_named() -> None:
    unit = Instance("a", "bnn_fork", {}, {})
    through = {"m0_axis_tready": {"s_axis_tready": 240}, "s_axis_tvalid": {"s_axis_tready": 900}}
    assert Chains([unit], {unit.size: PortTiming(through=through)}).through_ready() == {
        "bnn_fork": 240
    }
    assert Chains([unit], {unit.size: PortTiming()}).through_ready() == {}


def test_the_table_tells_times_in_ns() -> None:
    row = {"ps": 1486, "cells": 109, "times": 3, "unit": "bnn_add", "name": "sum"}
    printed = table([{**row, "start": "a", "end": "sums_q[5]"}])
    assert printed.splitlines()[1].split() == [
        *("1.49", "109", "3", "bnn_add", "sum:", "a", "->", "sums_q[5]")
    ]


@pytest.mark.slow
def test_units_in_one_run_of_yosys_are_mapped_each_for_itself() -> None:
    units = [("bnn_add", {"IN_BITS": "12", "LANES": "2"}), ("bnn_fork", {"WIDTH": "4"})]
    add, fork = netlists(units)
    assert 1000 < add.longest().ps < 5000
    assert add.longest().start.startswith(("s0_axis_t", "s1_axis_t"))
    assert fork.longest().ps < 1500
    assert {fork.longest().start, fork.longest().end} <= {"valid0_q", "valid1_q"}
    assert fork.longest().cells < add.longest().cells
    # Both pass tready on; their outputs come from registers.
    assert 100 < fork.port_timing().through["m0_axis_tready"]["s_axis_tready"] < 1000
    assert set(add.port_timing().through["m_axis_tready"]) == {"s0_axis_tready", "s1_axis_tready"}
    assert add.port_timing().launch["m_axis_tdata"] == 303
