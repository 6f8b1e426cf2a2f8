"""A master of one stream, well-behaved or with the fault that BNNHW_FAULT names."""

from __future__ import annotations

import os
from typing import Any

import cocotb
from cocotb.triggers import Timer

#: Cycle by cycle: rst_n, tvalid, tready, tdata. A reset may take back what is offered.
GOOD = [(0, 1, 0, 5), (0, 0, 0, 6), (1, 0, 1, 7), (1, 1, 0, 3), (1, 1, 0, 3), (1, 1, 1, 3),
        (1, 1, 1, 9), (1, 0, 0, 1), (1, 1, 0, 2), (0, 0, 0, 4), (1, 0, 0, 5)]  # fmt: skip

#: What is different in the cycle whose number comes first.
FAULTS = {
    "": (0, GOOD[0]),
    "late": (2, (1, 1, 1, 7)),
    "dropped": (4, (1, 0, 0, 3)),
    "changed": (5, (1, 1, 1, 2)),
}


@cocotb.test()
async def offers_beats(dut: Any) -> None:
    """Moves the master's signals while the clock is low."""
    cycles = list(GOOD)
    at, cycle = FAULTS[os.environ["BNNHW_FAULT"]]
    cycles[at] = cycle
    for rst_n, tvalid, tready, tdata in cycles:
        dut.clk.value = 0
        dut.rst_n.value = rst_n
        dut.m_axis_tvalid.value = tvalid
        dut.m_axis_tready.value = tready
        dut.m_axis_tdata.value = tdata
        await Timer(1, "ns")
        dut.clk.value = 1
        await Timer(1, "ns")
