"""Valid/ready drivers and monitors, and one generic bench for units made of streams.

The bench owns the clock: inputs change and outputs are sampled while ``clk`` is low, so that no
order of events inside the simulator matters. It reads a job (JSON, see ``tests/hw/runner.py``)
from the file named by the environment variable ``BNNHW_JOB`` and writes what it saw to
``BNNHW_RESULT``; the comparison with the golden model happens outside of the simulator.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import Timer

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE_CHANNELS = ("tuser", "tlast")


class ProtocolError(AssertionError):
    """A unit broke the valid/ready protocol, stopped, or produced what nobody asked for."""


def willing(pattern: str, seed: int) -> Iterator[bool]:
    """Yields, cycle by cycle, whether a side is willing to move a beat.

    ``always``; ``most`` (90 %), ``half`` (50 %) and ``rare`` (10 %) at random; ``bursts`` of 1 to
    20 cycles either way; ``stall``: 40 cycles willing, 300 not. ``shy`` (sinks only) is willing
    in the cycle after it saw ``tvalid``, and so finds units whose ``tvalid`` waits for ``tready``.
    """
    rng = random.Random(f"{pattern} {seed}")
    share = {"always": 1.0, "shy": 1.0, "most": 0.9, "half": 0.5, "rare": 0.1}.get(pattern)
    if share is not None:
        while True:
            yield share == 1.0 or rng.random() < share
    if pattern not in ("bursts", "stall"):
        raise ValueError(f"unknown pattern {pattern!r}")
    on = rng.random() < 0.5
    while True:
        length = rng.randint(1, 20) if pattern == "bursts" else (40 if on else 300)
        for _ in range(length):
            yield on
        on = not on


class Source:
    """Drives one stream from a list of beats, holding each until it is taken."""

    def __init__(
        self, dut: Any, prefix: str, beats: dict[str, list[str]], pattern: str, seed: int
    ) -> None:
        """Takes ``beats``: hexadecimal lists ``tdata`` and, where the unit has them, others."""
        self.prefix = prefix
        self.fields = [
            (getattr(dut, f"{prefix}_{name}"), [int(x, 16) for x in values])
            for name, values in beats.items()
        ]
        self.total = len(self.fields[0][1])
        self.valid = getattr(dut, f"{prefix}_tvalid")
        self.ready = getattr(dut, f"{prefix}_tready")
        self.pattern = willing("always" if pattern == "shy" else pattern, seed)
        self.next = 0
        self.offering = False
        self.offered: list[int] = []
        self.taken: list[int] = []
        self.valid.value = 0

    @property
    def done(self) -> bool:
        """Whether every beat has been taken."""
        return self.next == self.total

    def drive(self, cycle: int) -> None:
        """Sets the inputs for a cycle."""
        go = next(self.pattern)
        if self.offering or self.done or not go:
            return
        self.offering = True
        self.offered.append(cycle)
        self.valid.value = 1
        for handle, values in self.fields:
            handle.value = values[self.next]

    def sample(self, cycle: int) -> bool:
        """Looks at a settled cycle; returns whether a beat moves."""
        if not self.offering or not int(self.ready.value):
            return False
        self.taken.append(cycle)
        self.next += 1
        self.offering = False
        return True

    def release(self) -> None:
        """Withdraws ``tvalid`` after a beat was taken, until the next `drive`."""
        if not self.offering:
            self.valid.value = 0


class Sink:
    """Takes beats from one stream and checks that it keeps the protocol."""

    def __init__(self, dut: Any, prefix: str, count: int, pattern: str, seed: int) -> None:
        """Expects exactly ``count`` beats."""
        self.prefix = prefix
        self.count = count
        self.shy = pattern == "shy"
        self.names = ["tdata"] + [n for n in SIDE_CHANNELS if hasattr(dut, f"{prefix}_{n}")]
        self.handles = [getattr(dut, f"{prefix}_{n}") for n in self.names]
        self.valid = getattr(dut, f"{prefix}_tvalid")
        self.ready = getattr(dut, f"{prefix}_tready")
        self.pattern = willing(pattern, seed)
        self.beats: list[list[int]] = []
        self.appeared: list[int] = []
        self.taken: list[int] = []
        self.waiting: list[int] | None = None
        self.is_ready = False
        self.ready.value = 0

    @property
    def done(self) -> bool:
        """Whether all expected beats have come."""
        return len(self.beats) == self.count

    def drive(self, cycle: int) -> None:
        """Sets ``tready`` for a cycle."""
        go = next(self.pattern) and (not self.shy or self.waiting is not None)
        if go != self.is_ready:
            self.is_ready = go
            self.ready.value = int(go)

    def sample(self, cycle: int) -> bool:
        """Looks at a settled cycle; returns whether a beat moves."""
        if not int(self.valid.value):
            if self.waiting is not None:
                raise ProtocolError(f"{self.prefix}: tvalid fell at cycle {cycle} before tready")
            return False
        beat = [int(handle.value) for handle in self.handles]
        if self.waiting is None:
            self.appeared.append(cycle)
        elif beat != self.waiting:
            raise ProtocolError(f"{self.prefix}: {self.names} changed at cycle {cycle}")
        self.waiting = None if self.is_ready else beat
        if self.is_ready:
            if self.done:
                raise ProtocolError(f"{self.prefix}: more than {self.count} beats ({cycle=})")
            self.beats.append(beat)
            self.taken.append(cycle)
        return self.is_ready


async def run_pattern(dut: Any, job: dict[str, Any], pattern: dict[str, Any]) -> dict[str, Any]:
    """Resets the unit, moves all beats of a job once and returns what was seen."""
    seed = int(pattern["seed"])
    dut.rst_n.value = 0
    for name, value in job["statics"].items():
        getattr(dut, name).value = value
    sources = [
        Source(dut, prefix, beats, pattern["idle"], seed + 2 * i)
        for i, (prefix, beats) in enumerate(job["inputs"].items())
    ]
    sinks = [
        Sink(dut, prefix, count, pattern["stall"], seed + 2 * i + 1)
        for i, (prefix, count) in enumerate(job["outputs"].items())
    ]
    watched = {name: getattr(dut, name) for name in job["watch"]}
    changes: dict[str, list[tuple[int, int]]] = {name: [] for name in watched}
    for _ in range(3):
        dut.clk.value = 0
        await Timer(1, "ns")
        dut.clk.value = 1
        await Timer(1, "ns")
    dut.rst_n.value = 1

    cycle = 0
    idle_for = 0
    drain = int(job["drain"])
    while True:
        dut.clk.value = 0
        for source in sources:
            source.drive(cycle)
        for sink in sinks:
            sink.drive(cycle)
        await Timer(1, "ns")
        moved = False
        for source in sources:
            moved |= source.sample(cycle)
        for sink in sinks:
            moved |= sink.sample(cycle)
        for name, handle in watched.items():
            value = int(handle.value)
            if value != (changes[name][-1][1] if changes[name] else None):
                changes[name].append((cycle, value))
        dut.clk.value = 1
        await Timer(1, "ns")
        for source in sources:
            source.release()

        idle_for = 0 if moved else idle_for + 1
        done = all(s.done for s in sources) and all(s.done for s in sinks)
        if done and idle_for >= drain:
            break
        if idle_for > job["timeout"]:
            state = [f"{s.prefix} {s.next}/{s.total}" for s in sources]
            state += [f"{s.prefix} {len(s.beats)}/{s.count}" for s in sinks]
            raise ProtocolError(f"nothing moved for {idle_for} cycles: {', '.join(state)}")
        cycle += 1
    return {
        "pattern": pattern,
        "cycles": cycle,
        "inputs": {s.prefix: {"offered": s.offered, "taken": s.taken} for s in sources},
        "outputs": {
            s.prefix: {
                "appeared": s.appeared,
                "taken": s.taken,
                **{n: [f"{b[i]:x}" for b in s.beats] for i, n in enumerate(s.names)},
            }
            for s in sinks
        },
        "watch": changes,
    }


@cocotb.test()
async def stream_bench(dut: Any) -> None:
    """Runs every pattern of the job, with a reset before each."""
    job = json.loads(Path(os.environ["BNNHW_JOB"]).read_text())
    results = []
    for pattern in job["patterns"]:
        try:
            results.append(await run_pattern(dut, job, pattern))
        except ProtocolError as error:
            raise ProtocolError(f"{error} [{pattern}]") from None
    Path(os.environ["BNNHW_RESULT"]).write_text(json.dumps(results))
