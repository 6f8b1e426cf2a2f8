"""The memory behind a design's read port in simulation: image, timing, and what it gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from pathlib import Path

_PAGE = 4096
_FAULT = "bnn_read_memory: "


@dataclass(frozen=True)
class MemoryTiming:
    """When the memory answers.

    Attributes:
        latency: least and most cycles from an address to its first word.
        refresh: cycles in which a refresh lets no word come.
        refresh_period: cycles from one refresh to the next.
    """

    latency: tuple[int, int] = (20, 150)
    refresh: int = 40
    refresh_period: int = 780

    def __post_init__(self) -> None:
        least, most = self.latency
        if not 1 <= least <= most:
            raise BnnhwError(
                f"a latency of {least} to {most} cycles cannot be",
                where="memory of the simulation",
                fix="give at least 1 cycle, and no more as the least than as the most",
            )
        if not 0 <= self.refresh < self.refresh_period:
            raise BnnhwError(
                f"a refresh of {self.refresh} cycles every {self.refresh_period} leaves no time",
                where="memory of the simulation",
                fix="give fewer cycles than the period has; 0 for no refresh",
            )


@dataclass(frozen=True)
class SimulatedMemory:
    """The image of a build in the simulation's memory.

    Attributes:
        image: bytes from the base address on, as the host would load them.
        data_bits: bits a bus word.
        address_bits: bits of an address.
    """

    image: bytes
    data_bits: int
    address_bits: int

    @staticmethod
    def of_build(path: Path, manifest: dict[str, Any]) -> SimulatedMemory | None:
        """That of a build folder; None where it reads no weights from memory."""
        memory = manifest.get("memory")
        if memory is None:
            return None
        file = path / memory["file"]
        try:
            image = file.read_bytes()
        except OSError as error:
            raise BnnhwError(
                f"cannot be read: {error.strerror}", where=str(file), fix="compile the model again"
            ) from error
        if len(image) != memory["bytes"]:
            raise BnnhwError(
                f"has {len(image)} bytes, {memory['bytes']} are due",
                where=str(file),
                fix="compile the model again",
            )
        return SimulatedMemory(image, memory["data_bits"], memory["address_bits"])

    @property
    def word_bytes(self) -> int:
        """Bytes a bus word."""
        return self.data_bits // 8

    @property
    def base(self) -> int:
        """Where the image lies: high up, and three words before a page ends, as is allowed."""
        page = (1 << (self.address_bits - 1)) | (0x2345 * _PAGE) % (1 << (self.address_bits - 1))
        return page - 3 * self.word_bytes

    def plusargs(self, run: Path, timing: MemoryTiming) -> list[str]:
        """Writes the image below ``run``; what the simulator must be told of it."""
        width = self.word_bytes
        padded = self.image + bytes(-len(self.image) % width)
        words = (padded[i : i + width][::-1].hex() for i in range(0, len(padded), width))
        (run / "memory.mem").write_text("\n".join(words) + "\n")
        return [
            f"+memory={run / 'memory.mem'}",
            f"+memory_base={self.base:x}",
            f"+memory_latency_min={timing.latency[0]}",
            f"+memory_latency_max={timing.latency[1]}",
            f"+memory_refresh={timing.refresh}",
            f"+memory_refresh_period={timing.refresh_period}",
            f"+memory_words={run / 'memory_words.txt'}",
        ]

    def bytes_per_frame(self, run: Path) -> int:
        """Bytes read per frame: between the ends of the first and of the last, else in all.

        Readers run ahead into the next frame; from one end to another that cancels out.
        """
        words = [int(line) for line in (run / "memory_words.txt").read_text().split()]
        if len(words) == 1:
            return words[0] * self.word_bytes
        return round((words[-1] - words[0]) * self.word_bytes / (len(words) - 1))


def memory_fault(log: Path) -> str:
    """What the simulated memory complained of first, as the log has it."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((s.split(_FAULT, 1)[1] for s in lines if _FAULT in s), "no message")
