"""What surrounds an accelerator on a board with a processor: names, addresses, the DMA's settings.

The Vivado project builds it, and the manifest tells it to the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.board import ZYNQ_7000, ZYNQ_ULTRASCALE

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design

VENDOR = "bnnhw"
ACCELERATOR, DMA = "accelerator", "dma"
_RANGE = 0x1_0000
_LENGTH_BITS = 26
# Where the processor's general-purpose master reaches the fabric (AMD UG585 and UG1085): addresses
# of the DMA and of the accelerator; and bits of a memory port.
_ADDRESSES = {
    ZYNQ_7000: (0x4040_0000, 0x43C0_0000),
    ZYNQ_ULTRASCALE: (0xA000_0000, 0xA001_0000),
}
_MEMORY_BITS = {ZYNQ_7000: 64, ZYNQ_ULTRASCALE: 128}


@dataclass(frozen=True)
class Overlay:
    """The block design around an accelerator.

    Attributes:
        processor: "zynq-7000" or "zynq-ultrascale".
        dma_address: of the AXI DMA's registers.
        accelerator_address: of the accelerator's registers.
        address_range: bytes that each of both takes.
        length_bits: of the DMA's transfer length: a transfer has less than 2^length_bits bytes.
        memory_bits: data width of the processor's memory ports.
        vlnv: vendor, library, name and version of the accelerator as an IP core in Verilog.
        hls_vlnv: the same of the core that Vitis HLS packs.
    """

    processor: str
    dma_address: int
    accelerator_address: int
    address_range: int
    length_bits: int
    memory_bits: int
    vlnv: str
    hls_vlnv: str


def overlay_of(design: Design) -> Overlay | None:
    """The overlay of a design; None where its board has no processor that is known."""
    processor = design.board.processor
    if not processor:
        return None
    dma, accelerator = _ADDRESSES[processor]
    return Overlay(
        processor=processor,
        dma_address=dma,
        accelerator_address=accelerator,
        address_range=_RANGE,
        length_bits=_LENGTH_BITS,
        memory_bits=_MEMORY_BITS[processor],
        vlnv=f"{VENDOR}:{VENDOR}:{design.top}:1.0",
        hls_vlnv=f"{VENDOR}:hls:{design.top}:1.0",
    )
