"""The simulated board as a device of pynq: its own Overlay, DMA and Clocks run on it unchanged."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pynq.ps
from pynq.buffer import PynqBuffer
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

try:  # pynq 3.0 keeps it itself
    from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
except ImportError:
    from pynqmetadata.views.runtime.runtime_metadata_parser import RuntimeMetadataParser

if TYPE_CHECKING:
    from bnnhw_host.sim.machine import Machine

_ARCHITECTURES = {"zynq-7000": "armv7l", "zynq-ultrascale": "aarch64"}


class SimulatedDevice(Device):
    """A board behind which Verilator runs.

    Args:
        machine: the board.
    """

    _probe_priority_ = 900

    @classmethod
    def _probe_(cls) -> list[Device]:
        return []

    def __init__(self, machine: Machine) -> None:
        super().__init__("bnnhw_simulated")
        self.machine = machine
        self.name = "bnnhw simulated board"
        self.capabilities = {"REGISTER_RW": True, "MEMORY_MAPPED": False}
        self.arch = _ARCHITECTURES[machine.manifest.overlay.processor]

    def activate(self) -> None:
        """Makes it pynq's active device, on which ``allocate`` and ``Clocks`` work.

        pynq asks the operating system which processor it runs on; it is told the board's.
        """
        Device.active_device = self
        pynq.ps.CPU_ARCH = self.arch
        pynq.ps.CPU_ARCH_IS_SUPPORTED = True
        for clocks in (pynq.ps.Clocks, type(pynq.ps.Clocks)):
            if "_real_instance" in vars(clocks):
                delattr(clocks, "_real_instance")

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """What the .hwh beside a bitstream says, read by pynq itself."""
        return RuntimeMetadataParser(
            Metadata(input=str(bitfile_name).removesuffix(".bit") + ".hwh")
        )

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Loads a bitstream: the fabric starts from its reset."""
        self.machine.power_up()
        super().post_download(bitstream, parser, self.name)

    def read_registers(self, address: int, length: int) -> bytes:
        """Registers from an address on."""
        words = range(address, address + length, 4)
        return b"".join(struct.pack("<I", self.machine.read(word)) for word in words)[:length]

    def write_registers(self, address: int, data: Any) -> None:
        """Writes registers from an address on."""
        for index, (word,) in enumerate(struct.iter_unpack("<I", bytes(data))):
            self.machine.write(address + 4 * index, word)

    def allocate(self, shape: Any, dtype: Any, **options: Any) -> PynqBuffer:
        """A buffer in the board's contiguous memory."""
        kind = np.dtype(dtype)
        size = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        address, view = self.machine.allocate(math.prod(size) * kind.itemsize)
        buffer = PynqBuffer(
            size,
            kind,
            device=self,
            device_address=address,
            bo=address,
            coherent=False,
            buffer=view.data,
        )
        buffer.pointer, buffer.return_to, buffer.memory = address, self, self
        buffer.freed = True  # the memory is no mapping that pynq could undo
        return buffer

    def return_pointer(self, address: int) -> None:
        """Takes a buffer's memory back."""
        self.machine.free(address)

    def flush(self, bo: int, offset: int, virtual_address: int, count: int) -> None:
        """Writes caches of a buffer back."""
        self.machine.flush(bo + offset, count)

    def invalidate(self, bo: int, offset: int, virtual_address: int, count: int) -> None:
        """Drops caches of a buffer."""
        self.machine.invalidate(bo + offset, count)
