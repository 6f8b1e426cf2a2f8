"""A memory behind an AXI4 read port: random latency, refresh gaps, several bursts at once."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bnn_stream import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

SLVERR = 2
PAGE = 4096


def scrambled(address: int, bits: int) -> int:
    """Returns a content in which every word differs: a word of ``bits`` by its byte address."""
    return address * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128) >> (128 - bits)


@dataclass(frozen=True)
class MemoryTiming:
    """When a memory answers.

    Attributes:
        latency: least and most cycles from an address to its first word.
        refresh_period: cycles from one refresh to the next; 0 for none.
        refresh: cycles a refresh takes, in which no word comes.
        outstanding: bursts that the memory takes in at once.
        ready: share of cycles in which it is willing to take an address.
        interleave: whether words of different ids mix; else a burst's words come without others
            between.
    """

    latency: tuple[int, int] = (20, 150)
    refresh_period: int = 780
    refresh: int = 40
    outstanding: int = 16
    ready: float = 1.0
    interleave: bool = False


@dataclass
class Burst:
    """A burst that was asked for: when, by whom, where and how long."""

    cycle: int
    id: int
    address: int
    words: int
    due: int = 0


@dataclass
class Memory:
    """Answers reads on a port, in order for each id, and checks what is asked.

    Call `drive` while ``clk`` is low, then `sample` once the design has settled, every cycle.

    Attributes:
        dut: the design.
        prefix: of its port, such as ``m_axi``.
        word: the content: a word by its byte address.
        bits: bits per word.
        longest: most words a burst.
        timing: when it answers.
        seed: of all that is random.
        faulty: addresses that answer with an error.
    """

    dut: Any
    prefix: str
    word: Callable[[int], int]
    bits: int
    longest: int
    timing: MemoryTiming
    seed: int
    faulty: frozenset[int] = frozenset()
    bursts: list[Burst] = field(default_factory=list)
    given: list[int] = field(default_factory=list)  # cycles in which words moved

    def __post_init__(self) -> None:
        names = ["araddr", "arlen", "arvalid", "arready", "rdata", "rresp", "rlast"]
        names += ["rvalid", "rready"]
        optional = ["arid", "rid", "arsize", "arburst"]
        names += [n for n in optional if hasattr(self.dut, f"{self.prefix}_{n}")]
        self._port = {n: getattr(self.dut, f"{self.prefix}_{n}") for n in names}
        self._random = random.Random(f"memory {self.seed}")
        self._queues: dict[int, deque[Burst]] = {}
        self._current: int | None = None  # the id whose burst is under way
        self._sent: dict[int, int] = {}  # by id, words of its first burst
        self._offer: int | None = None  # the id whose word is on the port
        self._waiting: tuple[int, ...] | None = None
        self._port["arready"].value = 0
        self._port["rvalid"].value = 0

    @property
    def in_flight(self) -> int:
        """Bursts that are not yet answered in full."""
        return sum(len(queue) for queue in self._queues.values())

    def _resting(self, cycle: int) -> bool:
        period = self.timing.refresh_period
        return period > 0 and cycle % period < self.timing.refresh

    def drive(self, cycle: int) -> None:
        """Sets what the memory drives in a cycle."""
        accept = self.in_flight < self.timing.outstanding
        accept = accept and self._random.random() < self.timing.ready
        self._accept = accept
        self._port["arready"].value = int(accept)
        if self._offer is not None:
            return
        due = [i for i, queue in self._queues.items() if queue and queue[0].due <= cycle]
        if self._current is not None and not self.timing.interleave:
            due = [self._current]
        if not due or self._resting(cycle):
            self._port["rvalid"].value = 0
            return
        chosen = self._random.choice(due)
        burst = self._queues[chosen][0]
        sent = self._sent.get(chosen, 0)
        address = burst.address + sent * self.bits // 8
        self._offer = chosen
        self._port["rvalid"].value = 1
        self._port["rdata"].value = self.word(address)
        self._port["rresp"].value = SLVERR if address in self.faulty else 0
        self._port["rlast"].value = int(sent == burst.words - 1)
        if "rid" in self._port:
            self._port["rid"].value = chosen

    def sample(self, cycle: int) -> bool:
        """Looks at a settled cycle; returns whether an address or a word moved."""
        moved = self._sample_address(cycle)
        if self._offer is None or not int(self._port["rready"].value):
            return moved
        self.given.append(cycle)
        chosen = self._offer
        self._offer = None
        self._sent[chosen] = self._sent.get(chosen, 0) + 1
        self._current = chosen
        if self._sent[chosen] == self._queues[chosen][0].words:
            self._queues[chosen].popleft()
            self._sent[chosen] = 0
            self._current = None
        return True

    def _sample_address(self, cycle: int) -> bool:
        if not int(self._port["arvalid"].value):
            if self._waiting is not None:
                raise ProtocolError(f"{self.prefix}: arvalid fell at cycle {cycle}")
            return False
        number = int(self._port["arid"].value) if "arid" in self._port else 0
        asked = (number, int(self._port["araddr"].value), int(self._port["arlen"].value) + 1)
        if self._waiting not in (None, asked):
            raise ProtocolError(f"{self.prefix}: an address changed at cycle {cycle}")
        self._waiting = None if self._accept else asked
        if not self._accept:
            return False
        burst = Burst(cycle, *asked)
        self._check(burst)
        self.bursts.append(burst)
        queue = self._queues.setdefault(burst.id, deque())
        burst.due = cycle + self._random.randint(*self.timing.latency)
        queue.append(burst)
        return True

    def _check(self, burst: Burst) -> None:
        size = self.bits // 8
        last = burst.address + burst.words * size - 1
        if burst.address % size or burst.address // PAGE != last // PAGE:
            raise ProtocolError(f"{self.prefix}: {burst} is not aligned or crosses 4 KiB")
        if burst.words > self.longest:
            raise ProtocolError(f"{self.prefix}: {burst} is longer than {self.longest}")
        for name, value in (("arsize", size.bit_length() - 1), ("arburst", 1)):
            if name in self._port and int(self._port[name].value) != value:
                raise ProtocolError(f"{self.prefix}: {name} is not {value}")
