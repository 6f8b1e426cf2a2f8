"""The calls of pynq that the host needs, on a simulated board, where pynq is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bnnhw_host.sim.machine import Machine

_STATUS, _ADDRESS, _ADDRESS_HIGH, _LENGTH = 0x04, 0x18, 0x1C, 0x28
_HALTED, _IDLE, _ERRORS = 1, 2, 0x70


class Buffer(np.ndarray):
    """An array in the board's contiguous memory, as ``pynq.allocate`` gives them.

    Attributes:
        physical_address: what the fabric calls its first byte.
    """

    physical_address: int
    _machine: Machine

    def __array_finalize__(self, other: object) -> None:
        if isinstance(other, Buffer) and hasattr(other, "physical_address"):
            start = self.__array_interface__["data"][0] - other.__array_interface__["data"][0]
            self.physical_address = other.physical_address + start
            self._machine = other._machine

    def flush(self) -> None:
        """Lets the fabric see what was written."""
        self._machine.flush(self.physical_address, self.nbytes)

    def invalidate(self) -> None:
        """Lets the processor see what the fabric wrote."""
        self._machine.invalidate(self.physical_address, self.nbytes)

    def freebuffer(self) -> None:
        """Gives the memory back."""
        self._machine.free(self.physical_address)


class Registers:
    """A core's registers.

    Args:
        machine: the board.
        base: address of the first.
    """

    def __init__(self, machine: Machine, base: int) -> None:
        self._machine, self._base = machine, base

    def read(self, offset: int = 0) -> int:
        """The 32-bit register at an offset."""
        return self._machine.read(self._base + offset)

    def write(self, offset: int, value: int) -> None:
        """Writes the 32-bit register at an offset."""
        self._machine.write(self._base + offset, value)


class Channel:
    """One direction of the DMA, with the calls of ``pynq.lib.dma``.

    Args:
        registers: the DMA's.
        offset: of the channel in them.
        receives: whether it writes memory.
        max_bytes: of a transfer.
    """

    def __init__(self, registers: Registers, offset: int, receives: bool, max_bytes: int) -> None:
        self._registers, self._offset, self._receives = registers, offset, receives
        self._max_bytes = max_bytes
        self._active: Any = None
        self._first = True
        self.transferred = 0
        self.start()

    def _status(self) -> int:
        return self._registers.read(self._offset + _STATUS)

    @property
    def running(self) -> bool:
        """Whether the channel takes transfers."""
        return not self._status() & _HALTED

    @property
    def idle(self) -> bool:
        """Whether the last transfer is done."""
        return bool(self._status() & _IDLE)

    @property
    def error(self) -> bool:
        """Whether the channel stopped with an error."""
        return bool(self._status() & _ERRORS)

    def start(self) -> None:
        """Starts the channel."""
        self._registers.write(self._offset, 1)
        self._first = True

    def stop(self) -> None:
        """Stops it."""
        self._registers.write(self._offset, 0)

    def transfer(self, array: Any, start: int = 0, nbytes: int = 0) -> None:
        """Begins a transfer of ``nbytes`` of an array, from byte ``start`` on."""
        if not self.running:
            raise RuntimeError("DMA channel not started")
        if not self._first and not self.idle:
            raise RuntimeError("DMA channel not idle")
        nbytes = nbytes or array.nbytes - start
        if nbytes > self._max_bytes:
            raise ValueError(f"{nbytes} bytes are more than the DMA's {self._max_bytes}")
        if not self._receives:
            array.flush()
        address = array.physical_address + start
        self._registers.write(self._offset + _ADDRESS, address & 0xFFFF_FFFF)
        self._registers.write(self._offset + _ADDRESS_HIGH, address >> 32)
        self._registers.write(self._offset + _LENGTH, nbytes)
        self._active, self._first = array, False

    def wait(self) -> None:
        """Waits for the transfer's end."""
        while not self.idle:
            if self.error or not self.running:
                raise RuntimeError(f"the DMA stopped: status {self._status():#x}")
        if self._receives:
            self._active.invalidate()
        self.transferred = self._registers.read(self._offset + _LENGTH)


class Dma(Registers):
    """The DMA core.

    Args:
        machine: the board.
        base: address of its registers.
        length_bits: of a transfer's length.
    """

    def __init__(self, machine: Machine, base: int, length_bits: int) -> None:
        super().__init__(machine, base)
        self.buffer_max_size = (1 << length_bits) - 1
        self.sendchannel = Channel(self, 0x00, False, self.buffer_max_size)
        self.recvchannel = Channel(self, 0x30, True, self.buffer_max_size)


class Overlay:
    """The block design, downloaded.

    Args:
        machine: the board.
    """

    def __init__(self, machine: Machine) -> None:
        overlay = machine.manifest.overlay
        machine.power_up()
        machine.clocks.fabric_mhz = overlay.fabric_mhz
        setattr(self, overlay.accelerator, Registers(machine, overlay.accelerator_address))
        setattr(self, overlay.dma, Dma(machine, overlay.dma_address, overlay.length_bits))


def allocate(machine: Machine, shape: Any, dtype: Any) -> Buffer:
    """An array in the board's contiguous memory."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape)) * kind.itemsize
    address, view = machine.allocate(count)
    array = view.view(kind).reshape(shape).view(Buffer)
    array.physical_address, array._machine = address, machine
    return array
