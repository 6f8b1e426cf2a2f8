"""AMD's processor cores in a block design: names of their pins, and what an overlay asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.board import ZYNQ_7000, ZYNQ_ULTRASCALE

if TYPE_CHECKING:
    from bnnhw.hardware.overlay import Overlay

Config = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProcessorCore:
    """One of the cores, as its guide (AMD PG082, PG201) names it.

    Attributes:
        name: of the core.
        clock: the fabric's clock.
        reset: the fabric's reset, active low.
        master: the bus to registers in the fabric.
        memory_ports: buses to memory, of frames and scores first, then of weights; the first two
            share no port of its controller.
        clocks: clock pins of the master, and of each memory port.
        external: interfaces that leave the block design.
        interconnect: the core that joins buses. SmartConnect takes about 900 LUTs and flip-flops
            an endpoint in 7-series parts, AXI Interconnect nothing to join one with one.
        address_bits: of the DMA's addresses.
        burst: beats of the DMA's bursts; AXI3 ports take 16.
    """

    name: str
    clock: str
    reset: str
    master: str
    memory_ports: tuple[str, ...]
    clocks: tuple[str, ...]
    external: tuple[str, ...]
    interconnect: str
    address_bits: int
    burst: int


PROCESSOR_CORES = {
    ZYNQ_7000: ProcessorCore(
        name="processing_system7",
        clock="FCLK_CLK0",
        reset="FCLK_RESET0_N",
        master="M_AXI_GP0",
        memory_ports=("S_AXI_HP0", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_HP1"),
        clocks=(
            *("M_AXI_GP0_ACLK", "S_AXI_HP0_ACLK", "S_AXI_HP2_ACLK"),
            *("S_AXI_HP3_ACLK", "S_AXI_HP1_ACLK"),
        ),
        external=("DDR", "FIXED_IO"),
        interconnect="axi_interconnect",
        address_bits=32,
        burst=16,
    ),
    ZYNQ_ULTRASCALE: ProcessorCore(
        name="zynq_ultra_ps_e",
        clock="pl_clk0",
        reset="pl_resetn0",
        master="M_AXI_HPM0_FPD",
        memory_ports=("S_AXI_HP0_FPD", "S_AXI_HP1_FPD"),
        clocks=("maxihpm0_fpd_aclk", "saxihp0_fpd_aclk", "saxihp1_fpd_aclk"),
        external=(),
        interconnect="smartconnect",
        address_bits=40,
        burst=64,
    ),
}


def design_config(overlay: Overlay, memory_ports: int) -> Config:
    """Parameters that the block design needs of the processor's core, whatever the board.

    Args:
        overlay: the block design.
        memory_ports: how many of its memory ports are used.
    """
    width, clock = str(overlay.memory_bits), f"{overlay.fabric_mhz:.6f}"
    if overlay.processor == ZYNQ_7000:
        config = [
            ("PCW_USE_M_AXI_GP0", "1"),
            ("PCW_EN_CLK0_PORT", "1"),
            ("PCW_EN_RST0_PORT", "1"),
            ("PCW_FPGA_FCLK0_ENABLE", "1"),
            ("PCW_FCLK0_PERIPHERAL_CLKSRC", "IO PLL"),
            ("PCW_FPGA0_PERIPHERAL_FREQMHZ", clock),
        ]
        for port in PROCESSOR_CORES[ZYNQ_7000].memory_ports[:memory_ports]:
            config += [(f"PCW_USE_{port}", "1"), (f"PCW_{port}_DATA_WIDTH", width)]
        return tuple(config)
    config = [
        ("PSU__USE__M_AXI_GP0", "1"),
        ("PSU__USE__M_AXI_GP1", "0"),
        ("PSU__USE__M_AXI_GP2", "0"),
        ("PSU__MAXIGP0__DATA_WIDTH", "32"),
        ("PSU__USE__IRQ0", "0"),
        ("PSU__FPGA_PL0_ENABLE", "1"),
        ("PSU__CRL_APB__PL0_REF_CTRL__SRCSEL", "IOPLL"),
        ("PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ", clock),
    ]
    for port in ("GP2", "GP3")[:memory_ports]:  # what AMD's guide calls HP0 and HP1 elsewhere
        config += [(f"PSU__USE__S_AXI_{port}", "1"), (f"PSU__SAXI{port}__DATA_WIDTH", width)]
    return tuple(config)
