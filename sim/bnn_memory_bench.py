"""Bench of what reads from memory: streams on one side, `bnn_memory.Memory` on the other.

Reads its job and writes what it saw as ``bnn_stream`` does. A job names input streams with their
beats, output streams with the number of beats to take of each (more may come: readers read ahead),
the memory's patterns, what it holds, and events: values of other inputs that change in a given
cycle. A word of memory that the job does not give is `bnn_memory.scrambled`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from bnn_memory import Memory, MemoryTiming, scrambled
from bnn_stream import ProtocolError, Sink, Source
from cocotb.triggers import Timer


class Taker(Sink):
    """Takes so many beats and then stops; counts the cycles in which it waited for one."""

    starved = 0

    def drive(self, cycle: int) -> None:
        """Sets ``tready`` for a cycle."""
        super().drive(cycle)
        if self.done and self.is_ready:
            self.is_ready = False
            self.ready.value = 0

    def sample(self, cycle: int) -> bool:
        """Looks at a settled cycle; returns whether a beat moves."""
        moved = super().sample(cycle)
        if self.is_ready and self.beats and not moved:
            self.starved += 1
        return moved


async def run_pattern(dut: Any, job: dict[str, Any], pattern: dict[str, Any]) -> dict[str, Any]:
    """Resets the unit, takes all beats of a job once and returns what was seen."""
    seed, bits = int(pattern["seed"]), int(job["bits"])
    dut.rst_n.value = 0
    if hasattr(dut, "stop_i"):
        dut.stop_i.value = 0
    for name, value in job["statics"].items():
        getattr(dut, name).value = value
    timing = MemoryTiming(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in pattern["memory"].items()}
    )
    held = {int(address): int(word, 16) for address, word in job["held"].items()}

    def word(address: int) -> int:
        return held[address] if address in held else scrambled(address, bits)

    memory = Memory(
        dut, "m_axi", word, bits, int(job["longest"]), timing, seed, frozenset(job["faulty"])
    )
    sources = [
        Source(dut, prefix, {"tdata": beats}, pattern["idle"], seed + 100 + i)
        for i, (prefix, beats) in enumerate(job["inputs"].items())
    ]
    sinks = [
        Taker(dut, prefix, count, pattern["stall"], seed + i)
        for i, (prefix, count) in enumerate(job["outputs"].items())
    ]
    events = {int(cycle): (name, value) for cycle, name, value in job["events"]}
    for _ in range(3):
        dut.clk.value = 0
        await Timer(1, "ns")
        dut.clk.value = 1
        await Timer(1, "ns")
    dut.rst_n.value = 1

    errors = cycle = idle_for = 0
    idle: list[int] = []
    while True:
        dut.clk.value = 0
        if cycle in events:
            name, value = events[cycle]
            getattr(dut, name).value = value
        for side in (memory, *sources, *sinks):
            side.drive(cycle)
        await Timer(1, "ns")
        moved = False
        for side in (memory, *sources, *sinks):
            moved |= side.sample(cycle)
        errors += int(dut.error_o.value).bit_count()
        if hasattr(dut, "idle_o") and int(dut.idle_o.value):
            idle.append(cycle)
        dut.clk.value = 1
        await Timer(1, "ns")
        for source in sources:
            source.release()

        idle_for = 0 if moved else idle_for + 1
        # Once nobody takes beats, readers fill up and must come to rest.
        if all(s.done for s in sinks) and idle_for > 400:
            break
        if idle_for > 2000:
            raise ProtocolError(f"nothing moved for {idle_for} cycles")
        cycle += 1
    return {
        "memory": pattern["memory"],
        "errors": errors,
        "in_flight": memory.in_flight,
        "idle": idle,
        "bursts": [vars(burst) for burst in memory.bursts],
        "given": memory.given,
        "outputs": {
            s.prefix: {
                "data": [f"{beat[0]:x}" for beat in s.beats],
                "taken": s.taken,
                "starved": s.starved,
            }
            for s in sinks
        },
    }


@cocotb.test()
async def memory_bench(dut: Any) -> None:
    """Runs every pattern of the job, with a reset before each."""
    job = json.loads(Path(os.environ["BNNHW_JOB"]).read_text())
    results = [await run_pattern(dut, job, pattern) for pattern in job["patterns"]]
    Path(os.environ["BNNHW_RESULT"]).write_text(json.dumps(results))
