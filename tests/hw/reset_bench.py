"""The cocotb bench of bnn_reset_control: what it waits for, and for how long."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, Timer

PATIENCE = 1 << 4  # PATIENCE_BITS = 4
INPUTS = ("request_i", "reads_idle_i", "in_closed_i", "out_closed_i", "moved_i")


async def begin(dut: Any) -> None:
    """Hard reset: the core is in reset one cycle longer."""
    for name in INPUTS:
        getattr(dut, name).value = int(name.endswith(("idle_i", "closed_i")))
    dut.rst_n.value = 0
    await Timer(1, "ns")
    Clock(dut.clk, 2, "ns").start()
    await ClockCycles(dut.clk, 2)
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    assert int(dut.core_rst_n_o.value) == 0
    await FallingEdge(dut.clk)
    assert int(dut.core_rst_n_o.value) == 1 and int(dut.busy_o.value) == 0


async def request(dut: Any) -> None:
    dut.request_i.value = 1
    await FallingEdge(dut.clk)
    dut.request_i.value = 0
    assert int(dut.busy_o.value) == int(dut.stop_o.value) == 1 == int(dut.core_rst_n_o.value)


async def cycles_until_reset(dut: Any, most: int = 1000) -> int:
    for cycle in range(most):
        if not int(dut.core_rst_n_o.value):
            return cycle
        assert int(dut.busy_o.value) == int(dut.stop_o.value) == 1
        await FallingEdge(dut.clk)
    raise AssertionError("no reset")


async def finish(dut: Any) -> None:
    """In reset for three cycles; then all is as before."""
    for _ in range(3):
        assert int(dut.core_rst_n_o.value) == 0 and int(dut.busy_o.value) == 1
        await FallingEdge(dut.clk)
    for _ in range(2 * PATIENCE):
        assert int(dut.core_rst_n_o.value) == 1 and int(dut.busy_o.value) == 0
        await FallingEdge(dut.clk)


@cocotb.test()
async def the_core_powers_up_in_reset(dut: Any) -> None:
    """Before any clock, whatever else the registers hold."""
    await ReadOnly()
    assert int(dut.core_rst_n_o.value) == 0


@cocotb.test()
async def resets_at_once_when_nothing_is_under_way(dut: Any) -> None:
    await begin(dut)
    for _ in range(3):
        await request(dut)
        assert await cycles_until_reset(dut) == 1
        await finish(dut)


@cocotb.test()
async def waits_for_words_however_long(dut: Any) -> None:
    await begin(dut)
    for open_too in (False, True):
        dut.reads_idle_i.value = 0
        dut.in_closed_i.value = int(not open_too)
        await request(dut)
        for _ in range(20 * PATIENCE):
            assert int(dut.core_rst_n_o.value) == int(dut.busy_o.value) == 1
            await FallingEdge(dut.clk)
        dut.reads_idle_i.value = 1
        await FallingEdge(dut.clk)
        assert await cycles_until_reset(dut) == 0
        dut.in_closed_i.value = 1
        await finish(dut)


@cocotb.test()
async def waits_for_packets_while_beats_move(dut: Any) -> None:
    await begin(dut)
    for side in ("in_closed_i", "out_closed_i"):
        getattr(dut, side).value = 0
        await request(dut)
        for cycle in range(10 * PATIENCE):
            dut.moved_i.value = int(cycle % (PATIENCE - 1) == 0)
            await FallingEdge(dut.clk)
            assert int(dut.core_rst_n_o.value) == int(dut.busy_o.value) == 1
        dut.moved_i.value = 0
        getattr(dut, side).value = 1
        await FallingEdge(dut.clk)
        assert await cycles_until_reset(dut) == 0
        await finish(dut)


@cocotb.test()
async def gives_a_silent_side_up(dut: Any) -> None:
    await begin(dut)
    for sides in (("in_closed_i",), ("out_closed_i",), ("in_closed_i", "out_closed_i")):
        for side in sides:
            getattr(dut, side).value = 0
        await request(dut)
        assert PATIENCE <= await cycles_until_reset(dut) <= PATIENCE + 2
        for side in sides:
            getattr(dut, side).value = 1
        await finish(dut)


@cocotb.test()
async def a_request_during_another_is_part_of_it(dut: Any) -> None:
    await begin(dut)
    dut.reads_idle_i.value = 0
    await request(dut)
    await request(dut)
    dut.reads_idle_i.value = 1
    await FallingEdge(dut.clk)
    await finish(dut)


@cocotb.test()
async def a_hard_reset_ends_a_soft_one(dut: Any) -> None:
    await begin(dut)
    dut.reads_idle_i.value = 0
    await request(dut)
    await FallingEdge(dut.clk)
    dut.rst_n.value = 0
    await FallingEdge(dut.clk)
    assert int(dut.busy_o.value) == int(dut.stop_o.value) == int(dut.core_rst_n_o.value) == 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    await FallingEdge(dut.clk)
    assert int(dut.core_rst_n_o.value) == 1 and int(dut.busy_o.value) == 0
