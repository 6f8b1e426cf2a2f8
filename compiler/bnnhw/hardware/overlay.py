"""What surrounds an accelerator on a board with a processor: names, addresses, the DMA's settings.

The Vivado project builds it, and the manifest tells it to the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.board import ZYNQ_7000, ZYNQ_ULTRASCALE

if TYPE_CHECKING:
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design

VENDOR = "bnnhw"
ACCELERATOR, DMA = "accelerator", "dma"
_RANGE = 0x1_0000
_LENGTH_BITS = 26
_DIVIDER = 63  # the most that one of the two dividers of a fabric clock divides by
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
        fabric_mhz: the clock that the processor gives the fabric: the highest that it can divide
            from its PLL, and not above the design's.
        vlnv: vendor, library, name and version of the accelerator as an IP core in Verilog.
        hls_vlnv: the same of the core that Vitis HLS packs.
    """

    processor: str
    dma_address: int
    accelerator_address: int
    address_range: int
    length_bits: int
    memory_bits: int
    fabric_mhz: float
    vlnv: str
    hls_vlnv: str


def fabric_clock(board: Board, clock_mhz: float) -> float:
    """The highest clock, not above the one asked, that two dividers make of the processor's PLL."""
    pll_mhz = board.processor.pll_mhz
    if not pll_mhz:
        return clock_mhz
    products = {a * b for a in range(1, _DIVIDER + 1) for b in range(1, a + 1)}
    reachable = [pll_mhz / by for by in products if pll_mhz / by <= clock_mhz * (1 + 1e-9)]
    return round(max(reachable, default=pll_mhz / _DIVIDER**2), 6)


def overlay_of(design: Design) -> Overlay | None:
    """The overlay of a design; None where its board has no processor that is known."""
    processor = design.board.processor
    if not processor.kind:
        return None
    dma, accelerator = _ADDRESSES[processor.kind]
    return Overlay(
        processor=processor.kind,
        dma_address=dma,
        accelerator_address=accelerator,
        address_range=_RANGE,
        length_bits=_LENGTH_BITS,
        memory_bits=_MEMORY_BITS[processor.kind],
        fabric_mhz=fabric_clock(design.board, design.clock_mhz),
        vlnv=f"{VENDOR}:{VENDOR}:{design.top}:1.0",
        hls_vlnv=f"{VENDOR}:hls:{design.top}:1.0",
    )
