"""Bench of bnn_registers, driven by an AXI4-Lite master with and without idle cycles."""

from __future__ import annotations

import itertools
import logging
import random
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSTANTS = {0x00: 0x424E4E48, 0x04: 0x00010203, 0x08: 0x89ABCDEF, 0x0C: 0x01234567}
CONTROL, ERRORS, FRAMES_IN, FRAMES_OUT = 0x10, 0x14, 0x18, 0x1C
CYCLES, INTERVAL, IN_STALLS, OUT_STALLS = 0x20, 0x28, 0x2C, 0x30
BASE, PACKET_FRAMES = 0x34, 0x3C
CLEAR, ENABLE, RESET = 1, 2, 4  # in CONTROL
STROBES = ("frame_in_i", "frame_out_i", "in_stall_i", "out_stall_i", "error_i")


async def reset(dut: Any) -> None:
    for name in STROBES:
        getattr(dut, name).value = 0
    dut.rst_n.value = dut.core_rst_n_i.value = dut.busy_i.value = 0
    await Timer(1, "ns")
    Clock(dut.clk, 2, "ns").start()
    await ClockCycles(dut.clk, 4)
    await FallingEdge(dut.clk)
    dut.rst_n.value = dut.core_rst_n_i.value = 1
    await ClockCycles(dut.clk, 2)


async def start(dut: Any) -> AxiLiteMaster:
    logging.getLogger("cocotb.bnn_registers.s_axil").setLevel(logging.WARNING)
    bus = AxiLiteBus.from_prefix(dut, "s_axil")
    master = AxiLiteMaster(bus, dut.clk, dut.rst_n, reset_active_level=False)
    await reset(dut)
    return master


async def read(master: AxiLiteMaster, address: int) -> int:
    answer = await master.read(address, 4)
    assert answer.resp == AxiResp.OKAY, hex(address)
    return int.from_bytes(answer.data, "little")


async def pulse(dut: Any, name: str, value: int = 1, cycles: int = 1) -> None:
    await FallingEdge(dut.clk)
    getattr(dut, name).value = value
    for _ in range(cycles):
        await FallingEdge(dut.clk)
    getattr(dut, name).value = 0


def pauses(share: float, seed: int) -> Iterator[bool]:
    rng = random.Random(seed)
    return (rng.random() < share for _ in itertools.count())


def set_pauses(master: AxiLiteMaster, seed: int) -> None:
    writer, reader = master.write_if, master.read_if
    channels = (
        writer.aw_channel,
        writer.w_channel,
        writer.b_channel,
        reader.ar_channel,
        reader.r_channel,
    )
    for i, channel in enumerate(channels):
        channel.set_pause_generator(pauses(0.7, seed + i))


@cocotb.test()
async def no_access_ends_in_a_bus_error(dut: Any) -> None:
    """Reserved registers read 0; writes to them, and to what only reads, do nothing."""
    master = await start(dut)
    for seed in (None, 1, 2):
        if seed is not None:
            set_pauses(master, seed)
        for address, value in CONSTANTS.items():
            assert await read(master, address) == value
        assert await read(master, CONTROL) == 0
        for address in range(0x40, 0x100, 4):  # no instruments: their registers are reserved too
            assert (await master.write(address, b"\xff" * 4)).resp == AxiResp.OKAY
            assert await read(master, address) == 0
        for address in (*CONSTANTS, FRAMES_IN, FRAMES_OUT, INTERVAL, IN_STALLS, OUT_STALLS):
            assert (await master.write(address, b"\xff" * 4)).resp == AxiResp.OKAY
        for address in (ERRORS, FRAMES_IN, FRAMES_OUT, INTERVAL, IN_STALLS, OUT_STALLS):
            assert await read(master, address) == 0
        for address, value in CONSTANTS.items():
            assert await read(master, address) == value


@cocotb.test()
async def counters_count_and_clear(dut: Any) -> None:
    master = await start(dut)
    rng = random.Random(3)
    for turn in range(3):
        set_pauses(master, 10 * turn)
        counts = {n: rng.randint(1, 40) for n in STROBES[:4]}
        for name, count in counts.items():
            await pulse(dut, name, cycles=count)
        assert await read(master, FRAMES_IN) == counts["frame_in_i"]
        assert await read(master, FRAMES_OUT) == counts["frame_out_i"]
        assert await read(master, IN_STALLS) == counts["in_stall_i"]
        assert await read(master, OUT_STALLS) == counts["out_stall_i"]
        assert await read(master, ERRORS) == 0
        await pulse(dut, "error_i", 0b10)
        assert await read(master, ERRORS) == 0b10
        await pulse(dut, "error_i", 0b01)
        assert await read(master, ERRORS) == 0b11
        # Strobes elsewhere than on byte 0, or a zero there, change nothing.
        assert (await master.write(CONTROL + 1, b"\xff\xff\xff")).resp == AxiResp.OKAY
        assert (await master.write(CONTROL, b"\xfa\xff\xff\xff")).resp == AxiResp.OKAY
        assert await read(master, CONTROL) == ENABLE
        assert await read(master, ERRORS) == 0b11
        assert await read(master, FRAMES_IN) == counts["frame_in_i"]
        assert (await master.write(CONTROL, b"\x01")).resp == AxiResp.OKAY
        for address in (ERRORS, FRAMES_IN, FRAMES_OUT, INTERVAL, IN_STALLS, OUT_STALLS):
            assert await read(master, address) == 0
        assert await read(master, CYCLES) < 400


@cocotb.test()
async def weights_base_and_enable_are_kept_as_written(dut: Any) -> None:
    master = await start(dut)
    assert await read(master, CONTROL) == 0 and int(dut.enable_o.value) == 0
    assert await read(master, BASE) == await read(master, BASE + 4) == 0
    rng = random.Random(4)
    expected = bytearray(8)
    for turn in range(24):
        if turn % 8 == 0:
            set_pauses(master, 20 * turn)
        # Whole words at first, then any bytes of either; strobes must leave the others alone.
        first = 4 * (turn % 2) + (rng.randrange(4) if turn > 1 else 0)
        size = rng.randint(1, 4 - first % 4) if turn > 1 else 4
        data = rng.randbytes(size)
        assert (await master.write(BASE + first, data)).resp == AxiResp.OKAY
        expected[first : first + size] = data
        value = int.from_bytes(expected, "little")
        assert int(dut.weights_base_o.value) == value
        assert await read(master, BASE) == value & 0xFFFFFFFF
        assert await read(master, BASE + 4) == value >> 32
    for control in (ENABLE, ENABLE | 1, 0, ENABLE, 1, ENABLE):
        await pulse(dut, "frame_in_i")
        counted = await read(master, FRAMES_IN)
        assert (await master.write(CONTROL, bytes([control]))).resp == AxiResp.OKAY
        assert int(dut.enable_o.value) == control >> 1
        assert await read(master, CONTROL) == control & ENABLE
        assert await read(master, FRAMES_IN) == (0 if control & 1 else counted)
        assert int(dut.weights_base_o.value) == value
    assert (await master.write(CONTROL + 1, bytes(3))).resp == AxiResp.OKAY
    assert int(dut.enable_o.value) == 1
    dut.core_rst_n_i.value = 0
    await ClockCycles(dut.clk, 3)
    assert int(dut.enable_o.value) == 1 and int(dut.weights_base_o.value) == value
    dut.rst_n.value = 0
    await ClockCycles(dut.clk, 2)
    assert int(dut.enable_o.value) == 0 and int(dut.weights_base_o.value) == 0


@cocotb.test()
async def error_flags_are_acknowledged_one_by_one(dut: Any) -> None:
    master = await start(dut)
    await pulse(dut, "error_i", 0b11)
    for written, left in ((b"\x00", 0b11), (b"\x02", 0b01), (b"\x02", 0b01), (b"\x01", 0)):
        assert (await master.write(ERRORS + 1, b"\xff\xff\xff")).resp == AxiResp.OKAY
        assert (await master.write(ERRORS, written)).resp == AxiResp.OKAY
        assert await read(master, ERRORS) == left
    # A flag that comes up as it is acknowledged stays.
    dut.error_i.value = 0b01
    assert (await master.write(ERRORS, b"\x03")).resp == AxiResp.OKAY
    assert await read(master, ERRORS) == 0b01


@cocotb.test()
async def frames_per_packet_are_kept_as_written(dut: Any) -> None:
    master = await start(dut)
    assert await read(master, PACKET_FRAMES) == int(dut.packet_frames_o.value) == 1
    assert (await master.write(PACKET_FRAMES, b"\x34\x12\xff\xff")).resp == AxiResp.OKAY
    assert await read(master, PACKET_FRAMES) == int(dut.packet_frames_o.value) == 0x1234
    assert (await master.write(PACKET_FRAMES + 1, b"\xab")).resp == AxiResp.OKAY
    assert await read(master, PACKET_FRAMES) == int(dut.packet_frames_o.value) == 0xAB34
    assert (await master.write(CONTROL, bytes([CLEAR | RESET]))).resp == AxiResp.OKAY
    assert await read(master, PACKET_FRAMES) == 0xAB34


@cocotb.test()
async def a_soft_reset_is_asked_for_once_and_seen_until_it_is_done(dut: Any) -> None:
    master = await start(dut)
    seen = 0

    async def watch() -> None:
        nonlocal seen
        while True:
            await FallingEdge(dut.clk)
            seen += int(dut.reset_o.value)

    watcher = cocotb.start_soon(watch())
    assert (await master.write(CONTROL, bytes([CLEAR | ENABLE]))).resp == AxiResp.OKAY
    assert (await master.write(CONTROL + 1, b"\xff\xff\xff")).resp == AxiResp.OKAY
    assert seen == 0
    assert (await master.write(CONTROL, bytes([ENABLE | RESET]))).resp == AxiResp.OKAY
    assert seen == 1
    dut.busy_i.value = 1
    assert await read(master, CONTROL) == ENABLE | RESET
    await pulse(dut, "error_i", 0b10)
    await pulse(dut, "frame_in_i")
    dut.core_rst_n_i.value = 0
    await ClockCycles(dut.clk, 3)
    dut.core_rst_n_i.value = 1
    dut.busy_i.value = 0
    # Counters begin anew; what the host set stays, and so do the flags.
    assert await read(master, CONTROL) == ENABLE
    assert await read(master, FRAMES_IN) == 0
    assert await read(master, ERRORS) == 0b10
    assert await read(master, CYCLES) < 100
    watcher.cancel()


@cocotb.test()
async def interval_is_between_the_last_two_frames(dut: Any) -> None:
    master = await start(dut)
    await pulse(dut, "frame_out_i")
    assert await read(master, INTERVAL) == 0
    for distance in (37, 1, 2, 100):
        await pulse(dut, "frame_out_i")
        for _ in range(distance - 1):
            await FallingEdge(dut.clk)
        dut.frame_out_i.value = 1
        await FallingEdge(dut.clk)
        dut.frame_out_i.value = 0
        assert await read(master, INTERVAL) == distance


@cocotb.test()
async def cycles_are_read_as_one_number(dut: Any) -> None:
    master = await start(dut)
    await FallingEdge(dut.clk)
    dut.cycles_q.value = (7 << 32) | 0xFFFFFFF0
    low = await read(master, CYCLES)
    await ClockCycles(dut.clk, 40)
    high = await read(master, CYCLES + 4)
    assert low >= 0xFFFFFFF0 and high == 7
    later = await read(master, CYCLES)
    assert later < 1000 and await read(master, CYCLES + 4) == 8
    first = await read(master, CYCLES)
    await RisingEdge(dut.clk)
    assert first < await read(master, CYCLES)


@cocotb.test()
async def address_and_data_come_in_any_order(dut: Any) -> None:
    """Drives the channels by hand: data long before the address, and the reverse, B held back."""
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
        getattr(dut, f"s_axil_{name}").value = 0
    await reset(dut)
    for first, second in (("aw", "w"), ("w", "aw"), ("aw", "aw")):
        await pulse(dut, "error_i", 0b11)
        assert int(dut.errors_q.value) == 0b11
        dut.s_axil_awaddr.value = CONTROL
        dut.s_axil_wdata.value = 1
        dut.s_axil_wstrb.value = 1
        dut.s_axil_bready.value = 0
        for channel in (first, second) if first != second else ("both",):
            names = ("aw", "w") if channel == "both" else (channel,)
            for name in names:
                assert int(getattr(dut, f"s_axil_{name}ready").value) == 1
                getattr(dut, f"s_axil_{name}valid").value = 1
            await FallingEdge(dut.clk)
            for name in names:
                getattr(dut, f"s_axil_{name}valid").value = 0
            if channel == first and first != second:
                for _ in range(5):
                    await FallingEdge(dut.clk)
                    assert int(dut.s_axil_bvalid.value) == 0
        await FallingEdge(dut.clk)
        for _ in range(5):
            assert int(dut.s_axil_bvalid.value) == 1 and int(dut.s_axil_bresp.value) == 0
            await FallingEdge(dut.clk)
        assert int(dut.errors_q.value) == 0
        dut.s_axil_bready.value = 1
        await FallingEdge(dut.clk)
        dut.s_axil_bready.value = 0
        assert int(dut.s_axil_bvalid.value) == 0
