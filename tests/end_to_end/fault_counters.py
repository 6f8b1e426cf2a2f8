"""Scenarios of ``fault_bench.py`` for designs with instruments: counters say what monitors say.

A monitor of the simulation watches the same stream as the counters of the hardware. Both are
compared as they stand in the first cycle in which the counters are held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cocotb
from cocotb.triggers import FallingEdge

if TYPE_CHECKING:
    from fault_bench import Bench

COUNTED = {"stall": "stalled", "starved": "starved", "beats": "beats", "high_water": "peak"}
"""The words of the manifest, and what the monitor calls them."""


def monitored(b: Bench) -> list[dict[str, int]]:
    """What the monitor of each stream says, by the words of the manifest."""
    found = []
    for one in b.job["instruments"]:
        monitor = getattr(b.dut.u_top, f"u_{one['stream']}_monitor")
        values = {word: int(getattr(monitor, f"{COUNTED[word]}_q").value) for word in one["words"]}
        found.append(values)
    return found


async def on(b: Bench, name: str) -> list[dict[str, int]]:
    """What the monitors say in the first cycle in which a control is 1, or of a clear the next."""
    await FallingEdge(b.dut.clk)
    while not int(getattr(b.dut.u_top, name).value):
        await FallingEdge(b.dut.clk)
    if name == "instruments_clear":  # which takes that cycle away too
        await FallingEdge(b.dut.clk)
    return monitored(b)


async def word(b: Bench, index: int) -> int:
    await b.write("instrument_index", index)
    return await b.read("instrument_value")


async def hold(b: Bench) -> list[dict[str, int]]:
    """Holds the counters; what the monitors said then."""
    seen = cocotb.start_soon(on(b, "instruments_held"))
    await b.write("control", b.control | 1 << b.job["control_bits"]["hold"])
    return await seen


async def counters(b: Bench) -> list[dict[str, int]]:
    """All words of all streams, read in the order of their index, then in the reverse."""
    words = [await word(b, index) for index in range(b.job["instrument_words"])]
    for index in (b.job["instrument_words"] - 1, 0):
        assert await word(b, index) == words[index]
    for one in b.job["instruments"]:
        values = [words[one["words"][name]] for name in ("stall", "starved", "beats")]
        assert sum(values) <= words[0], (one["stream"], values, words[0])
    return [{n: words[i] for n, i in one["words"].items()} for one in b.job["instruments"]]


def compare(b: Bench, found: list[dict[str, int]], expected: list[dict[str, int]]) -> None:
    for one, have, want in zip(b.job["instruments"], found, expected, strict=True):
        assert have == want, (one["stream"], have, want)


async def begin(b: Bench, count: int) -> tuple[int, int]:
    """Frames at a random pace of source and sink; the first of them, and beats received before."""
    b.dut.idle_rate.value, b.dut.stall_rate.value = (b.random.choice((0, 0, 60, 180)) for _ in "ab")
    await b.write("packet_frames", count)
    first, start = b.take_frames(count), b.received()
    await b.play(first, count)
    return first, start


async def end(b: Bench, first: int, count: int, start: int, what: str) -> None:
    await b.expect([(first + i, b.in_beats) for i in range(count)], what, start)
    await b.write("packet_frames", 1)
    b.dut.idle_rate.value = b.dut.stall_rate.value = 0
    await b.flags_are()


async def counted(b: Bench, count: int) -> None:
    """From a reset of the core on, which may come in mid-frame, to any cycle of later frames."""
    for turn in range(count):
        what = f"counted {turn}"
        first, start = await begin(b, 2)
        await b.cycles(b.random.randrange(3 * b.job["latency"]))
        if turn % 2:
            await b.seek(0, 0, (1 << 32) - 1)
            await b.reset_core()
            b.closed(start, what, first)
        else:
            await end(b, first, 2, start, what)
            await b.reset_core()
        first, start = await begin(b, 3)
        if turn % 3 == 0:
            await end(b, first, 3, start, what)
        else:
            await b.cycles(b.random.randrange(3 * b.job["latency"]))
        expected = await hold(b)
        compare(b, await counters(b), expected)
        await b.write("control", b.control)
        if turn % 3:
            await end(b, first, 3, start, what)


async def cleared(b: Bench, count: int) -> None:
    """From a clear on; what a FIFO held before it counts no more."""
    for turn in range(count):
        first, start = await begin(b, 3)
        await b.cycles(b.random.randrange(2 * b.job["latency"]))
        clearing = cocotb.start_soon(on(b, "instruments_clear"))
        await b.write("control", b.control | 1 << b.job["control_bits"]["clear"])
        before = await clearing
        await b.cycles(b.random.randrange(2 * b.job["latency"]))
        after = await hold(b)
        found = await counters(b)
        for one, have, old, new in zip(b.job["instruments"], found, before, after, strict=True):
            for name, value in have.items():
                if name == "high_water":
                    assert value <= new[name] <= one["depth"]
                else:
                    assert value == new[name] - old[name], (one["stream"], name, have, old, new)
        await b.write("control", b.control)
        await end(b, first, 3, start, f"cleared {turn}")
