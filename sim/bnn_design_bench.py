"""The cocotb test that runs a whole generated design; ``bnnhw simulate`` starts it.

Reads ``BNNHW_BENCH`` (JSON): the rates of idle and back-pressure, the manifest's registers and
what they must hold, and the address of the weights where they are in memory; writes the registers
that it read to the file that the JSON names.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

CLEAR, ENABLE = 1, 2  # bits of the control register
_PERIOD = 10  # ns
_NEWS = 2000  # cycles between reports of progress, which take no time beside that


@cocotb.test()
async def run_frames(dut) -> None:  # type: ignore[no-untyped-def]
    """Plays all frames, waits for all scores, then reads the registers over AXI4-Lite."""
    job = json.loads(os.environ["BNNHW_BENCH"])
    logging.getLogger("cocotb.bnn_bench.s_axil").setLevel(logging.WARNING)
    dut.start.value = 0
    dut.idle_rate.value = job["idle_rate"]
    dut.stall_rate.value = job["stall_rate"]
    dut.rst_n.value = 0
    await Timer(1, "ns")  # the first edge of the clock finds the reset
    cocotb.start_soon(Clock(dut.clk, _PERIOD, unit="ns").start())
    bus = AxiLiteMaster(
        AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst_n, reset_active_level=False
    )
    await ClockCycles(dut.clk, 8)
    dut.rst_n.value = 1
    await ClockCycles(dut.clk, 2)
    registers = job["registers"]
    identity = await bus.read_dword(registers["identity"])
    memory_base = job["memory_base"]
    if memory_base is not None:
        await bus.write_dword(registers["weights_base_low"], memory_base & 0xFFFFFFFF)
        await bus.write_dword(registers["weights_base_high"], memory_base >> 32)
    await bus.write_dword(registers["control"], CLEAR | (ENABLE if memory_base is not None else 0))
    dut.start.value = 1
    if hasattr(dut, "frames_out"):  # benches of earlier builds do not count
        cocotb.start_soon(report_progress(dut, Path(job["progress"])))
    await First(RisingEdge(dut.done), RisingEdge(dut.hung))
    hung = bool(int(dut.hung.value)) and not bool(int(dut.done.value))
    values = {name: await bus.read_dword(address) for name, address in registers.items()}
    fault = memory_base is not None and bool(int(dut.memory_fault.value))
    result = {"hung": hung, "registers": values, "memory_fault": fault}
    Path(job["result"]).write_text(json.dumps(result))
    assert identity == job["identity"], f"identity register reads {identity:#x}"
    assert not fault, "the design breaks the protocol of its memory port"
    assert not hung, "the design stopped before all frames came out"


async def report_progress(dut, path: Path) -> None:  # type: ignore[no-untyped-def]
    """Writes cycles simulated and frames that came out to a file, from time to time."""
    draft, cycles = path.with_suffix(".new"), 0
    while True:
        await Timer(_NEWS * _PERIOD, "ns")
        cycles += _NEWS
        draft.write_text(f"{cycles} {int(dut.frames_out.value)}\n")
        draft.replace(path)
