"""A board with its processor's view of it: registers by address, memory, clock, faults."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.errors import BuildError, HostError
from bnnhw_host.sim.clocks import ClockRegisters
from bnnhw_host.sim.verilated import library

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw_host.manifest import Manifest

_BASE = 0x1000_0000  # of the memory that is given to buffers
_PAGE = 4096
CONTIGUOUS_BYTES = 128 << 20  # what PYNQ's images for these boards set aside
PATIENCE = 20_000  # cycles that pass while the processor polls a busy channel once
OPENING = threading.Lock()
FAULTS = ("none", "halt", "slave_error", "decode_error", "stuck", "read_error", "reset", "short")


class Machine:
    """The accelerator of a build, an AXI DMA and memory, behind their addresses.

    Time is the accelerator's: it passes during accesses of registers, and while the processor polls
    a channel of the DMA that is busy. What the processor does in between takes no time.

    Args:
        build: the build's folder.
        manifest: of the build.
        contiguous_bytes: memory for buffers.
    """

    def __init__(
        self, build: Path, manifest: Manifest, contiguous_bytes: int = CONTIGUOUS_BYTES
    ) -> None:
        self.manifest = manifest
        self.clocks = ClockRegisters(manifest.overlay.processor)
        self.size = contiguous_bytes
        self.accesses = 0
        self._library = _load(library(build, manifest), build, manifest)
        with OPENING:  # the process is in the build's folder meanwhile: memories are found there
            self._handle = self._library.board_new(
                os.fsencode((build / "rtl").resolve()), _BASE, contiguous_bytes
            )
        if not self._handle:
            raise BuildError("the simulated board has no memory", fix="close other programs")
        address = self._library.board_cached(self._board)
        raw = (ctypes.c_uint8 * contiguous_bytes).from_address(address)
        self._memory = np.ctypeslib.as_array(raw)
        self._taken: dict[int, int] = {}  # bytes by offset
        self._hash_flip = 0

    def close(self) -> None:
        """Ends the simulation; buffers of it must not be touched any more."""
        if self._handle:
            self._library.board_delete(self._handle)
            self._handle = None

    @property
    def _board(self) -> Any:
        if not self._handle:
            raise HostError("the simulated board is closed", fix="make another Accelerator")
        return self._handle

    def power_up(self) -> None:
        """What a download of the bitstream does: the fabric starts from its reset."""
        self._library.board_reset(self._board)

    @property
    def cycles(self) -> int:
        """Cycles of the accelerator's clock since the board was made."""
        return int(self._library.board_cycles(self._board))

    @property
    def seconds(self) -> float:
        """What these cycles take on the board at its present clock."""
        return self.cycles / (self.clocks.fabric_mhz * 1e6)

    def read(self, address: int) -> int:
        """A 32-bit register at a physical address; a bus error ends the program on a board."""
        self.accesses += 1
        overlay = self.manifest.overlay
        offset = address - overlay.accelerator_address
        if 0 <= offset < overlay.address_range:
            value = int(self._library.board_read_register(self._board, offset))
            return value ^ (self._hash_flip if offset == self._hash_register else 0)
        offset = address - overlay.dma_address
        if 0 <= offset < overlay.address_range:
            return int(self._library.board_read_dma(self._board, offset, PATIENCE))
        return self.clocks.read(address)

    def write(self, address: int, value: int) -> None:
        """Writes a 32-bit register at a physical address."""
        self.accesses += 1
        overlay = self.manifest.overlay
        offset = address - overlay.accelerator_address
        if 0 <= offset < overlay.address_range:
            self._library.board_write_register(self._board, offset, value)
            return
        offset = address - overlay.dma_address
        if 0 <= offset < overlay.address_range:
            self._library.board_write_dma(self._board, offset, value)
            return
        self.clocks.write(address, value)

    def allocate(self, count: int) -> tuple[int, Any]:
        """Physical address, and the processor's view, of ``count`` contiguous bytes.

        Raises:
            MemoryError: there is no room in one piece.
        """
        wanted = max(_PAGE, -(-count // _PAGE) * _PAGE)
        offset = 0
        for start in sorted(self._taken):
            if start - offset >= wanted:
                break
            offset = start + self._taken[start]
        if offset + wanted > self.size:
            raise MemoryError(f"no {wanted} contiguous bytes of {self.size} are left")
        self._taken[offset] = wanted
        self._library.board_scramble(self._board, offset, wanted)
        return _BASE + offset, self._memory[offset : offset + count]

    def free(self, address: int) -> None:
        """Gives the memory of ``allocate`` back."""
        self._taken.pop(address - _BASE, None)

    def flush(self, address: int, count: int) -> None:
        """Writes the processor's caches back, so that the fabric sees its writes."""
        self._library.board_flush(self._board, address - _BASE, count)

    def invalidate(self, address: int, count: int) -> None:
        """Drops the processor's caches, so that it sees the fabric's writes."""
        self._library.board_invalidate(self._board, address - _BASE, count)

    def inject(self, fault: str, *, channel: str = "send", after: int = 0) -> None:
        """Lets the next transfer fail.

        Args:
            fault: "halt" (the DMA stops), "slave_error" or "decode_error" (memory answers with
                one), "stuck" (the stream stands still), "short" (the DMA ends the packet early),
                "reset" (the fabric is reset), "read_error" (a read of weights fails), "hash" (the
                bitstream is another build's), or "none".
            channel: "send" or "receive"; "short" is of "send".
            after: bytes of the transfer that still go well; of "read_error", words.

        Raises:
            HostError: there is no such fault.
        """
        sides = ("send",) if fault == "short" else ("send", "receive")
        if fault not in (*FAULTS, "hash") or channel not in sides or after < 0:
            raise HostError(
                f"there is no fault {fault!r} of channel {channel!r} after {after}",
                fix=f"faults are {', '.join((*FAULTS, 'hash'))}",
            )
        if fault == "hash":
            self._hash_flip = 1
            return
        if fault == "none":
            self._hash_flip = 0
        self._library.board_inject(self._board, FAULTS.index(fault), channel == "receive", after)

    @property
    def _hash_register(self) -> int:
        return self.manifest.registers["build_hash_low"]


def _load(path: Path, build: Path, manifest: Manifest) -> Any:
    try:
        found = ctypes.CDLL(str(path))
    except OSError:  # cut off while it was written: compiled again
        path.unlink()
        found = ctypes.CDLL(str(library(build, manifest)))
    pointer, word, wide = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "board_new": (pointer, [ctypes.c_char_p, wide, wide]),
        "board_delete": (None, [pointer]),
        "board_reset": (None, [pointer]),
        "board_cached": (pointer, [pointer]),
        "board_cycles": (wide, [pointer]),
        "board_flush": (ctypes.c_int, [pointer, wide, wide]),
        "board_invalidate": (ctypes.c_int, [pointer, wide, wide]),
        "board_scramble": (None, [pointer, wide, wide]),
        "board_inject": (None, [pointer, ctypes.c_int, ctypes.c_int, wide]),
        "board_read_register": (word, [pointer, word]),
        "board_write_register": (None, [pointer, word, word]),
        "board_read_dma": (word, [pointer, word, wide]),
        "board_write_dma": (None, [pointer, word, word]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found
