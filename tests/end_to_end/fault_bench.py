"""The cocotb side of ``fault_bench.sv``: what goes wrong around a design, and what must follow.

Reads a job (JSON, see ``faulty_design.py``) named by ``BNNHW_JOB`` and writes a log to
``BNNHW_RESULT``: for each packet that came out, where its beats lie in the capture and which
frames it must hold.
Values are compared outside of the simulator; what concerns cycles and registers is asserted here.
"""

from __future__ import annotations

import json
import logging
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp  # type: ignore[import-untyped]

import fault_counters

NEVER = (1 << 32) - 1
PATIENCE = 1024  # of bnn_reset_control


class Bench:
    """A design among faults."""

    def __init__(self, dut: Any, job: dict[str, Any]) -> None:
        self.dut, self.job = dut, job
        self.random = random.Random(job["seed"])
        self.in_beats, self.out_beats = job["in_beats"], job["out_beats"]
        self.frames, self.patience = job["frames"], job["patience"]
        self.packets: list[dict[str, Any]] = []
        self.next_frame = 0
        self.packet_frames = 1
        self.registers: dict[str, int] = job["registers"]
        self.flags: dict[str, int] = job["error_bits"]
        logging.getLogger("cocotb.fault_bench.s_axil").setLevel(logging.WARNING)

    async def begin(self) -> None:
        """Power-up, reset, and the weights where there are any."""
        dut = self.dut
        for name in ("seek", "position", "limit", "bad_reads", "idle_rate", "stall_rate"):
            getattr(dut, name).value = 0
        dut.last.value = dut.target.value = NEVER
        dut.sink_on.value = 1
        dut.rst_n.value = 0
        await Timer(1, "ns")  # the first edge of the clock finds the reset
        cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        self.bus = AxiLiteMaster(bus, dut.clk, dut.rst_n, reset_active_level=False)
        await self.cycles(4)
        dut.rst_n.value = 1
        await self.cycles(2)
        base = self.job["memory_base"]
        self.control = 0
        if base is not None:
            await self.write("weights_base_low", base & NEVER)
            await self.write("weights_base_high", base >> 32)
            self.control = 1 << self.job["control_bits"]["weights_enable"]
        await self.write("control", self.control)

    async def cycles(self, count: int) -> None:
        await ClockCycles(self.dut.clk, count)

    async def write(self, name: str, value: int) -> None:
        answer = await self.bus.write(self.registers[name], value.to_bytes(4, "little"))
        assert answer.resp == AxiResp.OKAY

    async def read(self, name: str) -> int:
        answer = await self.bus.read(self.registers[name], 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def flags_are(self, *names: str) -> None:
        """The error flags are these and no others; acknowledges them one by one."""
        flags = await self.read("errors")
        assert flags == sum(1 << self.flags[name] for name in names), (flags, names)
        for name in names:
            await self.write("errors", 1 << self.flags[name])
            flags &= ~(1 << self.flags[name])
            assert await self.read("errors") == flags

    def received(self) -> int:
        return int(self.dut.received.value)

    def played(self) -> int:
        return int(self.dut.played.value)

    async def seek(self, position: int, limit: int, last: int) -> None:
        """Cuts the source off; then it plays beats [position, limit)."""
        self.dut.position.value, self.dut.limit.value = position, limit
        self.dut.last.value = last
        self.dut.seek.value = 1
        await self.cycles(1)
        self.dut.seek.value = 0
        await self.cycles(1)

    def take_frames(self, count: int = 1) -> int:
        """The first of so many consecutive frames."""
        if self.next_frame + count > self.frames:
            self.next_frame = 0
        first = self.next_frame
        self.next_frame += count
        return first

    async def play(self, first: int, count: int = 1, beats: int | None = None) -> None:
        """Plays one packet: whole frames, or so many beats from the first one's on."""
        position = first * self.in_beats
        limit = position + (count * self.in_beats if beats is None else beats)
        await self.seek(position, limit, limit - 1)

    async def expect(
        self, frames: list[tuple[int, int]], what: str, start: int | None = None
    ) -> None:
        """Waits for the one packet of these frames, each (number, beats that are its own)."""
        start = self.received() if start is None else start
        end = start + len(frames) * self.out_beats
        self.dut.target.value = end
        await self.cycles(1)
        if not int(self.dut.reached.value):
            await First(RisingEdge(self.dut.reached), ClockCycles(self.dut.clk, self.patience))
        assert int(self.dut.reached.value), f"{what}: {self.received() - start} of {end - start}"
        self.dut.target.value = NEVER
        self.packets.append({"start": start, "end": end, "frames": frames, "what": what})

    def dropped(self, start: int, what: str) -> None:
        """What came since then counts for nothing."""
        self.packets.append({"start": start, "end": self.received(), "frames": None, "what": what})

    def closed(self, start: int, what: str, first: int) -> None:
        """What came since then, if anything, is a packet: scores of frames, then zeros."""
        self.dropped(start, what)
        count = (self.received() - start) // self.out_beats
        self.packets[-1]["cut"] = [(first + i, self.in_beats) for i in range(count)]

    async def silent(self, what: str) -> None:
        """Nothing more comes."""
        before = self.received()
        await self.cycles(self.patience // 4)
        assert self.received() == before, f"{what}: {self.received() - before} beats too many"

    async def exact_frame(self, what: str) -> None:
        """The next frame is exact."""
        frame = self.take_frames()
        start = self.received()
        await self.play(frame)
        await self.expect([(frame, self.in_beats)], what, start)

    async def reset_core(self) -> int:
        """Soft reset; the cycles until it was done."""
        bit = 1 << self.job["control_bits"]["reset"]
        await self.write("control", self.control | bit)
        for polls in range(10_000):
            value = await self.read("control")
            assert value & ~bit == self.control
            if not value & bit:
                assert polls or not self.job["memory_base"]
                return polls
        raise AssertionError("the reset does not end")


async def frames_in_mid(b: Bench, count: int) -> None:
    """Resets at random cycles: the source is cut off or goes on, the sink takes all or nothing."""
    for turn in range(count):
        what = f"reset {turn}"
        source_dies, sink_dies = b.random.random() < 0.5, b.random.random() < 0.4
        b.dut.idle_rate.value = b.random.choice([0, 0, 100])
        b.dut.stall_rate.value = b.random.choice([0, 0, 100, 200])
        frames = b.random.randint(1, 3)
        if b.packet_frames != frames:
            b.packet_frames = frames
            await b.write("packet_frames", frames)
        first = b.take_frames(frames)
        start = b.received()
        await b.play(first, frames)
        if sink_dies:
            await b.cycles(b.random.randrange(b.job["latency"]))
            b.dut.sink_on.value = 0
        await b.cycles(b.random.randrange(2 * b.job["latency"]))
        if source_dies:  # as the reset of a DMA engine does
            await b.seek(0, 0, NEVER)
        came = b.received() - start
        await b.reset_core()
        b.dut.sink_on.value = 1
        if sink_dies:
            b.dropped(start, what)
        else:
            # What had begun to come out was closed at the end of a frame: nothing is cut off.
            got = b.received() - start
            assert got % b.out_beats == 0 and got >= came, (what, got)
            b.closed(start, what, first)
        resumed = b.received()
        if not source_dies and b.played() < (first + frames) * b.in_beats:
            # The packet had not begun: it goes through whole.
            assert b.played() in (first * b.in_beats, first * b.in_beats + 1), what
            await b.expect([(first + i, b.in_beats) for i in range(frames)], what, resumed)
        assert await b.read("errors") == 0
        b.packet_frames = 1
        await b.write("packet_frames", 1)
        await b.exact_frame(f"after {what}")
        assert await b.read("frames_in") == await b.read("frames_out"), what
    b.dut.idle_rate.value = b.dut.stall_rate.value = 0
    await b.silent("after the resets")
    await b.flags_are()


async def short_frames(b: Bench, count: int) -> None:
    """A packet that ends early gives its frames all the same, filled up with zeros."""
    for turn in range(count):
        frame, beats = b.take_frames(), b.random.randint(1, b.in_beats - 1)
        start = b.received()
        await b.play(frame, beats=1 if turn == 0 else beats)
        await b.expect([(frame, 1 if turn == 0 else beats)], f"short frame {turn}", start)
        await b.flags_are("short_packet")
        await b.exact_frame(f"after short frame {turn}")
        await b.flags_are()
    await b.silent("after short frames")


async def long_frames(b: Bench, count: int) -> None:
    """What comes after a packet's last frame is dropped up to tlast."""
    for turn in range(count):
        frame, more = b.take_frames(3), b.random.randint(1, 2 * b.in_beats)
        start = b.received()
        await b.play(frame, beats=b.in_beats + more)
        await b.expect([(frame, b.in_beats)], f"long frame {turn}", start)
        while b.played() < frame * b.in_beats + b.in_beats + more:
            await b.cycles(10)
        await b.flags_are("long_packet")
        await b.exact_frame(f"after long frame {turn}")
        await b.flags_are()
    await b.silent("after long frames")


async def packets(b: Bench, count: int) -> None:
    """Several frames in a packet, whole, short by frames or by beats, and long."""
    for turn in range(count):
        size = b.random.randint(2, 5)
        await b.write("packet_frames", size)
        assert await b.read("packet_frames") == size
        for kind in ("whole", "frames missing", "beats missing", "long", "whole"):
            first, start = b.take_frames(size + 1), b.received()
            whole = b.random.randint(1, size - 1)
            beats = {
                "whole": size * b.in_beats,
                "frames missing": whole * b.in_beats,
                "beats missing": b.random.randint(1, size * b.in_beats - 1),
                "long": size * b.in_beats + b.random.randint(1, b.in_beats),
            }[kind]
            await b.play(first, beats=beats)
            frames = [
                (first + i, max(0, min(b.in_beats, beats - i * b.in_beats))) for i in range(size)
            ]
            await b.expect(frames, f"packet {turn}, {kind}", start)
            while b.played() < first * b.in_beats + beats:
                await b.cycles(10)
            if kind == "long":
                await b.flags_are("long_packet")
            else:
                await b.flags_are(*(["short_packet"] if beats < size * b.in_beats else []))
        assert await b.read("frames_in") == await b.read("frames_out")
    await b.silent("after packets")
    for frames in (0, 1):  # 0 counts as 1
        await b.write("packet_frames", frames)
        await b.exact_frame(f"packets of {frames}")
    await b.flags_are()


async def stopped(b: Bench, cycles: int) -> None:
    """Neither side moves for long, in mid-frame; then both go on as if nothing had been."""
    size = 3
    await b.write("packet_frames", size)
    first, start = b.take_frames(size), b.received()
    beats = size * b.in_beats
    cut = b.in_beats + b.in_beats // 3
    await b.seek(first * b.in_beats, first * b.in_beats + cut, first * b.in_beats + beats - 1)
    await b.cycles(cycles)
    b.dut.sink_on.value = 0
    b.dut.limit.value = first * b.in_beats + beats
    await b.cycles(cycles)
    b.dut.sink_on.value = 1
    await b.expect([(first + i, b.in_beats) for i in range(size)], "after the stop", start)
    await b.write("packet_frames", 1)
    await b.flags_are()
    await b.exact_frame("after the stop")
    await b.silent("after the stop")


async def bad_reads(b: Bench, count: int) -> None:
    """Words that come with an error set the flag; after a reset the next frame is exact."""
    if b.job["memory_base"] is None:
        return
    for turn in range(count):
        frame, start = b.take_frames(), b.received()
        b.dut.bad_reads.value = 1
        await b.play(frame)
        await b.cycles(b.random.randrange(1, b.job["latency"]))
        b.dut.bad_reads.value = 0
        if not await b.read("errors"):  # no word had come
            b.dut.bad_reads.value = 1
            while not await b.read("errors"):
                await b.cycles(10)
            b.dut.bad_reads.value = 0
        await b.seek(0, 0, NEVER)
        await b.reset_core()
        await b.flags_are("memory")
        b.dropped(start, "bad reads")
        await b.exact_frame(f"after bad reads {turn}")
        await b.flags_are()


async def reset_when_idle(b: Bench, count: int) -> None:
    """A reset with nothing under way, and one asked for during another, change nothing else."""
    for turn in range(count):
        assert await b.reset_core() < 100
        await b.exact_frame(f"after idle reset {turn}")
        bit = 1 << b.job["control_bits"]["reset"]
        await b.write("control", b.control | bit)
        await b.write("control", b.control | bit)
        await b.reset_core()
        await b.exact_frame(f"after double reset {turn}")
    await b.flags_are()


async def packet_during_reset(b: Bench, count: int) -> None:
    """A packet that begins while a reset lasts waits, and is exact."""
    for turn in range(count):
        frame, start = b.take_frames(), b.received()
        b.dut.sink_on.value = 0
        await b.play(frame)
        await b.cycles(4 * b.job["latency"] + 500)  # the output is stuck: the reset lasts
        bit = 1 << b.job["control_bits"]["reset"]
        await b.write("control", b.control | bit)
        frame = b.take_frames()
        await b.play(frame)
        await b.cycles(PATIENCE // 2)
        assert await b.read("control") == b.control | bit
        assert b.played() == frame * b.in_beats and b.received() == start
        await b.cycles(PATIENCE)
        assert await b.read("control") == b.control
        b.dut.sink_on.value = 1
        await b.expect([(frame, b.in_beats)], f"during reset {turn}", start)
    await b.flags_are()


async def reserved(b: Bench, count: int) -> None:
    """What has no register reads 0 and takes writes; no access ends in a bus error."""
    known = set(b.registers.values())
    before = {name: await b.read(name) for name in ("identity", "version", "build_hash_low")}
    for address in range(0, 256, 4):
        if address in known - {b.registers["identity"], b.registers["version"]}:
            continue
        answer = await b.bus.write(address, b"\xff" * 4)
        assert answer.resp == AxiResp.OKAY
        answer = await b.bus.read(address, 4)
        assert answer.resp == AxiResp.OKAY
        if address not in known:
            assert answer.data == bytes(4), hex(address)
    assert before == {name: await b.read(name) for name in before}
    await b.exact_frame("after writes to reserved registers")


SCENARIOS = {
    f.__name__: f
    for f in (
        *(frames_in_mid, short_frames, long_frames, packets, stopped, bad_reads),
        *(reset_when_idle, packet_during_reset, reserved),
        *(fault_counters.counted, fault_counters.cleared),
    )
}


@cocotb.test()
async def faults(dut: Any) -> None:
    """Runs the scenarios of the job one after the other in one simulation."""
    job = json.loads(Path(os.environ["BNNHW_JOB"]).read_text())
    bench = Bench(dut, job)
    await bench.begin()
    await bench.exact_frame("after power-up")
    for name, count in job["scenarios"]:
        await SCENARIOS[name](bench, count)
        assert int(dut.faults.value) == 0, (name, int(dut.faults.value))
    Path(os.environ["BNNHW_RESULT"]).write_text(json.dumps({"packets": bench.packets}))
