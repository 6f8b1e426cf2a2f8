"""The cocotb bench of the instruments: counters against a model, read as a host reads them."""

from __future__ import annotations

import logging
import random
from typing import Any

import cocotb
from bnn_registers_bench import set_pauses
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp  # type: ignore[import-untyped]

CONTROL, COUNT, INDEX, VALUE = 0x10, 0x40, 0x44, 0x48
CLEAR, HOLD = 1, 8  # in CONTROL
DEPTHS = (0, 5, 300)
WORDS = 12


class Streams:
    """Three streams that move at random, and what their counters must say.

    A cycle's handshakes are drawn at its beginning and counted at its end, by ``hold_o`` and
    ``clear_o`` as they are then.
    """

    def __init__(self, dut: Any, seed: int) -> None:
        self.dut, self.random = dut, random.Random(seed)
        self.level = [0, 0, 0]
        self.rates, self.changing = [(50, 50)] * 3, True
        self.zero()

    def zero(self) -> None:
        self.cycles = 0
        self.counts = [[0, 0, 0, 0] for _ in DEPTHS]

    def words(self) -> list[int]:
        found = [self.cycles]
        for depth, counts in zip(DEPTHS, self.counts, strict=True):
            found += counts if depth else counts[:3]
        return found

    async def run(self) -> None:
        dut = self.dut
        while True:
            await FallingEdge(dut.clk)
            drawn = [self._draw(i) for i in range(3)]
            for bit, name in enumerate(("in_valid_i", "in_ready_i", "out_valid_i", "out_ready_i")):
                word = sum(each[bit] << i for i, each in enumerate(drawn))
                getattr(dut, name).value = word
            if self.changing and self.random.randrange(50) == 0:
                draw = self.random.randrange
                self.rates = [(draw(101), draw(101)) for _ in DEPTHS]
            await Timer(500, "ps")  # before the rising edge
            self._count(drawn)

    def _draw(self, i: int) -> tuple[bool, ...]:
        depth, level = DEPTHS[i], self.level[i]
        offers, takes = (self.random.randrange(100) < rate for rate in self.rates[i])
        if not depth:
            return offers, takes, offers, takes
        return offers, level < depth, level > 0, takes

    def _count(self, drawn: list[tuple[bool, ...]]) -> None:
        if not int(self.dut.core_rst_n_i.value):
            self.level = [0, 0, 0]
            self.zero()
            return
        counts = not int(self.dut.hold_o.value)
        for i, (in_valid, in_ready, valid, ready) in enumerate(drawn):
            if counts:
                self.counts[i][0] += valid and not ready
                self.counts[i][1] += ready and not valid
                self.counts[i][2] += valid and ready
                self.counts[i][3] = max(self.counts[i][3], self.level[i])
            if DEPTHS[i]:
                self.level[i] += (in_valid and in_ready) - (valid and ready)
        self.cycles += counts
        if int(self.dut.clear_o.value):
            self.zero()


class Host:
    """Who reads the counters."""

    def __init__(self, dut: Any) -> None:
        logging.getLogger("cocotb.instruments_bench.s_axil").setLevel(logging.WARNING)
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        self.master = AxiLiteMaster(bus, dut.clk, dut.rst_n, reset_active_level=False)

    async def read(self, address: int) -> int:
        answer = await self.master.read(address, 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def write(self, address: int, value: int) -> None:
        assert (await self.master.write(address, value.to_bytes(4, "little"))).resp == AxiResp.OKAY

    async def word(self, index: int) -> int:
        await self.write(INDEX, index)
        return await self.read(VALUE)


async def begin(dut: Any, seed: int) -> tuple[Host, Streams]:
    for name in ("in_valid_i", "in_ready_i", "out_valid_i", "out_ready_i"):
        getattr(dut, name).value = 0
    dut.rst_n.value = dut.core_rst_n_i.value = 0
    await Timer(1, "ns")
    Clock(dut.clk, 2, "ns").start()
    host = Host(dut)
    await ClockCycles(dut.clk, 4)
    streams = Streams(dut, seed)
    cocotb.start_soon(streams.run())
    dut.rst_n.value = 1
    await ClockCycles(dut.clk, 2)
    await FallingEdge(dut.clk)
    dut.core_rst_n_i.value = 1
    return host, streams


@cocotb.test()
async def every_word_is_what_its_stream_did(dut: Any) -> None:
    host, streams = await begin(dut, 1)
    rng = random.Random(2)
    assert await host.read(COUNT) == WORDS
    for turn in range(12):
        if turn == 6:
            set_pauses(host.master, 3)
        await ClockCycles(dut.clk, rng.randrange(20, 900))
        await host.write(CONTROL, HOLD)
        assert await host.read(CONTROL) == HOLD
        order = list(range(WORDS))
        if turn % 3:
            rng.shuffle(order)
        found = {index: await host.word(index) for index in order[: rng.randrange(1, WORDS + 1)]}
        expected = streams.words()
        assert found == {index: expected[index] for index in found}, turn
        assert await host.word(WORDS) == await host.word(0xFFFF) == 0
        if turn % 2:
            await host.write(INDEX, order[0])
        await host.write(CONTROL, CLEAR if turn in (5, 9) else 0)
        assert await host.read(CONTROL) == 0


@cocotb.test()
async def nothing_is_read_while_they_count(dut: Any) -> None:
    host, streams = await begin(dut, 3)
    await ClockCycles(dut.clk, 100)
    for index in range(WORDS + 1):
        assert await host.word(index) == 0
        assert await host.read(INDEX) == index
    await host.write(CONTROL, HOLD)
    assert await host.word(0) == streams.cycles > 100


@cocotb.test()
async def a_clear_leaves_the_level_of_fifos(dut: Any) -> None:
    """The high water after it is what the FIFO holds at least."""
    host, streams = await begin(dut, 4)
    streams.rates, streams.changing = [(100, 0)] * 3, False
    await ClockCycles(dut.clk, 20)
    await host.write(CONTROL, CLEAR)
    await ClockCycles(dut.clk, 6)
    await host.write(CONTROL, HOLD | CLEAR)
    await ClockCycles(dut.clk, 50)
    for index in range(WORDS):
        assert await host.word(index) == 0
    await host.write(CONTROL, 0)
    streams.rates = [(0, 0)] * 3
    await ClockCycles(dut.clk, 9)
    await host.write(CONTROL, HOLD)
    found = [await host.word(index) for index in range(WORDS)]
    assert found == streams.words()
    assert found[7] == 5 == streams.level[1]


@cocotb.test()
async def a_reset_of_the_core_at_any_time_sets_all_to_zero(dut: Any) -> None:
    host, streams = await begin(dut, 5)
    rng = random.Random(6)
    for turn in range(8):
        await ClockCycles(dut.clk, rng.randrange(10, 300))
        if turn % 2:
            await host.write(CONTROL, HOLD)
            await host.write(INDEX, rng.randrange(WORDS))
            await ClockCycles(dut.clk, rng.randrange(WORDS))
        await FallingEdge(dut.clk)
        dut.core_rst_n_i.value = 0
        await ClockCycles(dut.clk, 3)
        await FallingEdge(dut.clk)
        dut.core_rst_n_i.value = 1
        if turn % 2:
            assert [await host.word(index) for index in range(WORDS)] == [0] * WORDS
            await host.write(CONTROL, 0)
        await ClockCycles(dut.clk, rng.randrange(10, 300))
        await host.write(CONTROL, HOLD)
        assert [await host.word(index) for index in range(WORDS)] == streams.words(), turn
        await host.write(CONTROL, 0)


@cocotb.test()
async def a_read_waits_at_most_one_turn_of_the_ring(dut: Any) -> None:
    host, _ = await begin(dut, 7)
    await host.write(CONTROL, HOLD)
    for index in (WORDS - 1, 0, WORDS - 2, 1):
        await host.write(INDEX, index)
        start = cocotb.utils.get_sim_time("ns")
        reading = cocotb.start_soon(host.read(VALUE))
        await RisingEdge(dut.s_axil_rvalid)
        assert cocotb.utils.get_sim_time("ns") - start <= 2 * (WORDS + 6)
        await reading
