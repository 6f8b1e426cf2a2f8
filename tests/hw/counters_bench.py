"""The cocotb bench of bnn_stream_counters alone: wrapping, and words that move through it."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

DEPTH = int(os.environ["BNNHW_DEPTH"])
WORDS = 4 if DEPTH else 3
INPUTS = ("in_valid_i", "in_ready_i", "out_valid_i", "out_ready_i", "clear_i", "hold_i", "shift_i")


async def begin(dut: Any) -> None:
    for name in (*INPUTS, "ring_i", "rst_n"):
        getattr(dut, name).value = 0
    await Timer(1, "ns")
    Clock(dut.clk, 2, "ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst_n.value = 1


async def turn(dut: Any, words: list[int]) -> list[int]:
    """Moves words in from behind; those that were there come out in front."""
    found = []
    dut.hold_i.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    for word in words:
        found.append(int(dut.ring_o.value))
        dut.shift_i.value = 1
        await FallingEdge(dut.clk)
        dut.shift_i.value = 0
        dut.ring_i.value = word
        await FallingEdge(dut.clk)
    dut.hold_i.value = 0
    return found


@cocotb.test()
async def words_move_through(dut: Any) -> None:
    await begin(dut)
    rng = random.Random(1)
    before = [0] * WORDS
    for _ in range(20):
        words = [rng.getrandbits(32) for _ in range(WORDS)]
        assert (await turn(dut, words))[1:] == before[1:]  # with no FIFO, and none waiting
        before = words
        dut.hold_i.value = 1


@cocotb.test()
async def counters_wrap(dut: Any) -> None:
    await begin(dut)
    await turn(dut, [(1 << 32) - 3] * WORDS)
    for valid, ready in ((1, 0), (0, 1), (1, 1)):
        dut.out_valid_i.value, dut.out_ready_i.value = valid, ready
        for _ in range(5):
            await FallingEdge(dut.clk)
    dut.hold_i.value = 1
    dut.out_valid_i.value = dut.out_ready_i.value = 0
    assert (await turn(dut, [0] * WORDS))[:3] == [2, 2, 2]


@cocotb.test()
async def the_most_that_a_fifo_held_stays(dut: Any) -> None:
    await begin(dut)
    rng = random.Random(2)
    level = most = 0
    for cycle in range(4 * DEPTH + 400 if DEPTH else 0):
        fills = rng.random() < (0.9 if cycle % 400 < 200 else 0.2)
        enters, leaves = fills and level < DEPTH, level > 0 and rng.random() < 0.5
        for name, value in zip(INPUTS, (fills, level < DEPTH, level > 0, leaves), strict=False):
            getattr(dut, name).value = int(value)
        await FallingEdge(dut.clk)
        most = max(most, level)
        level += enters - leaves
    if DEPTH:
        dut.hold_i.value = 1
        assert (await turn(dut, [0] * WORDS))[3] == most
