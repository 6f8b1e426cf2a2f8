"""Files that stand for Vivado's on a simulated board: a .bit without configuration, and a .hwh.

The .hwh has the block design's cells, parameters, ports and address map in Vivado's format, as far
as pynq reads them. Of the bitstream there is the head alone.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw_host.manifest import Manifest

_PLL_MHZ = {"zynq-7000": 1000.0, "zynq-ultrascale": 1500.0}
_PARTS = {"zynq-7000": ("zynq", "7z020"), "zynq-ultrascale": ("zynquplus", "xczu3eg")}


def write_handoff(folder: Path, manifest: Manifest) -> Path:
    """Writes both files into a folder; returns the .bit's path."""
    folder.mkdir(parents=True, exist_ok=True)
    bit = folder / manifest.overlay.bit
    bit.write_bytes(_bitstream(manifest))
    (folder / manifest.overlay.hwh).write_text(hardware_handoff(manifest), encoding="utf-8")
    return bit


def _bitstream(manifest: Manifest) -> bytes:
    """A bitstream file's head, as Vivado writes it, and no configuration."""
    title = f"{manifest.top};UserID=0XFFFFFFFF;Version=simulated"
    fields = ((b"a", title), (b"b", manifest.board), (b"c", "2000/01/01"), (b"d", "00:00:00"))
    head = bytes.fromhex("00090ff00ff00ff00ff0000001")
    for key, text in fields:
        data = text.encode("ascii", "replace") + b"\0"
        head += key + struct.pack(">H", len(data)) + data
    return head + b"e" + struct.pack(">I", 4) + struct.pack(">I", 0xFFFF_FFFF)


def hardware_handoff(manifest: Manifest) -> str:
    """The text of the .hwh."""
    overlay = manifest.overlay
    root = ElementTree.Element("EDKSYSTEM", EDWVERSION="1.2", VIVADOVERSION="simulated")
    arch, device = _PARTS[overlay.processor]
    ElementTree.SubElement(
        root, "SYSTEMINFO", ARCH=arch, DEVICE=device, NAME=manifest.top, PACKAGE="", SPEEDGRADE=""
    )
    ElementTree.SubElement(root, "EXTERNALPORTS")
    ElementTree.SubElement(root, "EXTERNALINTERFACES")
    modules = ElementTree.SubElement(root, "MODULES")
    _processor(modules, manifest)
    _dma(modules, manifest)
    _accelerator(modules, manifest)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n' + ElementTree.tostring(
        root, encoding="unicode"
    )


def _module(
    modules: ElementTree.Element, name: str, vlnv: str, parameters: dict[str, object], **extra: str
) -> tuple[ElementTree.Element, ElementTree.Element]:
    """A cell; returns its ports and its bus interfaces."""
    _, _, kind, version = vlnv.split(":")
    attributes = {"FULLNAME": f"/{name}", "HWVERSION": version, "INSTANCE": name, "MODTYPE": kind}
    module = ElementTree.SubElement(
        modules, "MODULE", {**attributes, "IPTYPE": "PERIPHERAL", "VLNV": vlnv, **extra}
    )
    ElementTree.SubElement(module, "DOCUMENTS")
    ElementTree.SubElement(module, "ADDRESSBLOCKS")
    listed = ElementTree.SubElement(module, "PARAMETERS")
    for key, value in parameters.items():
        ElementTree.SubElement(listed, "PARAMETER", NAME=key, VALUE=str(value))
    ports = ElementTree.SubElement(module, "PORTS")
    buses = ElementTree.SubElement(module, "BUSINTERFACES")
    return ports, buses


def _port(ports: ElementTree.Element, name: str, direction: str, signal: str, width: int) -> None:
    attributes = {"DIR": direction, "NAME": name, "SIGNAME": signal, "SIGIS": "undef"}
    if width > 1:
        attributes |= {"LEFT": str(width - 1), "RIGHT": "0"}
    ElementTree.SubElement(ports, "PORT", attributes)


def _bus(
    cell: tuple[ElementTree.Element, ElementTree.Element],
    name: str,
    kind: str,
    role: str,
    bus: str,
    signals: dict[str, int],
) -> None:
    """A bus interface: signals by logical name, with their widths."""
    ports, buses = cell
    driver = role in ("MASTER", "INITIATOR")
    interface = ElementTree.SubElement(
        buses,
        "BUSINTERFACE",
        BUSNAME=bus,
        NAME=name,
        TYPE=role,
        VLNV=f"xilinx.com:interface:{kind}:1.0",
    )
    mapped = ElementTree.SubElement(interface, "PORTMAPS")
    for signal, width in signals.items():
        backwards = signal.endswith("READY") or (signal[0] in "RB" and signal != "BREADY")
        physical = f"{name}_{signal.lower()}"
        _port(ports, physical, "O" if driver != backwards else "I", f"{bus}_{signal}", width)
        ElementTree.SubElement(mapped, "PORTMAP", LOGICAL=signal, PHYSICAL=physical)


_LITE = {"ARADDR": 32, "ARVALID": 1, "ARREADY": 1, "RDATA": 32, "RVALID": 1, "RREADY": 1}


def _processor(modules: ElementTree.Element, manifest: Manifest) -> None:
    overlay = manifest.overlay
    source = _PLL_MHZ[overlay.processor]
    first, second = _divisors(source, overlay.fabric_mhz)
    if overlay.processor == "zynq-7000":
        name, vlnv, master = "processor", "xilinx.com:ip:processing_system7:5.5", "M_AXI_GP0"
        parameters: dict[str, object] = {
            "PCW_FPGA0_PERIPHERAL_FREQMHZ": overlay.fabric_mhz,
            "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ": source / (first * second),
        }
        for index in range(4):
            used = index == 0
            parameters |= {
                f"PCW_FCLK_CLK{index}_BUF": "TRUE" if used else "FALSE",
                f"PCW_EN_CLK{index}_PORT": int(used),
                f"PCW_FPGA_FCLK{index}_ENABLE": int(used),
                f"PCW_FCLK{index}_PERIPHERAL_CLKSRC": "IO PLL",
                f"PCW_FCLK{index}_PERIPHERAL_DIVISOR0": first if used else 1,
                f"PCW_FCLK{index}_PERIPHERAL_DIVISOR1": second if used else 1,
            }
    else:
        name, vlnv, master = "processor", "xilinx.com:ip:zynq_ultra_ps_e:3.5", "M_AXI_HPM0_FPD"
        parameters = {
            "C_MAXIGP0_DATA_WIDTH": 32,
            "C_SAXIGP2_DATA_WIDTH": overlay.memory_bits,
        }
        for index in range(4):
            used = index == 0
            parameters |= {
                f"PSU__FPGA_PL{index}_ENABLE": int(used),
                f"PSU__CRL_APB__PL{index}_REF_CTRL__FREQMHZ": overlay.fabric_mhz if used else 100,
                f"PSU__CRL_APB__PL{index}_REF_CTRL__ACT_FREQMHZ": source / (first * second),
                f"PSU__CRL_APB__PL{index}_REF_CTRL__DIVISOR0": first if used else 1,
                f"PSU__CRL_APB__PL{index}_REF_CTRL__DIVISOR1": second if used else 1,
                f"PSU__CRL_APB__PL{index}_REF_CTRL__SRCSEL": "IOPLL",
            }
    cell = _module(modules, name, vlnv, parameters, IS_PL="FALSE")
    _bus(cell, master, "aximm", "MASTER", "control", _LITE)
    module = modules[-1]
    regions = ElementTree.SubElement(module, "MEMORYMAP")
    cells = (
        (overlay.dma, "S_AXI_LITE", "Reg", overlay.dma_address),
        (overlay.accelerator, "s_axil", "reg0", overlay.accelerator_address),
    )
    for instance, bus, block, base in cells:
        ElementTree.SubElement(
            regions,
            "MEMRANGE",
            ADDRESSBLOCK=block,
            BASENAME="C_BASEADDR",
            BASEVALUE=f"0x{base:08X}",
            HIGHNAME="C_HIGHADDR",
            HIGHVALUE=f"0x{base + overlay.address_range - 1:08X}",
            INSTANCE=instance,
            IS_DATA="TRUE",
            IS_INSTRUCTION="TRUE",
            MASTERBUSINTERFACE=master,
            MEMTYPE="REGISTER",
            SLAVEBUSINTERFACE=bus,
        )


def _divisors(source_mhz: float, clock_mhz: float) -> tuple[int, int]:
    """Two divisors of 6 bits that give a clock, or the next one below it."""
    products = {a * b: (a, b) for a in range(63, 0, -1) for b in range(1, 64)}
    return products[min(p for p in products if source_mhz / p <= clock_mhz * 1.0001)]


def _dma(modules: ElementTree.Element, manifest: Manifest) -> None:
    overlay = manifest.overlay
    sizes = {"MM2S": manifest.input.beat_bytes * 8, "S2MM": manifest.output.beat_bytes * 8}
    parameters: dict[str, object] = {
        "C_INCLUDE_SG": 0,
        "C_MICRO_DMA": 0,
        "C_SG_LENGTH_WIDTH": overlay.length_bits,
        "C_ADDR_WIDTH": 32,
        "C_INCLUDE_MM2S": 1,
        "C_INCLUDE_S2MM": 1,
        "C_BASEADDR": f"0x{overlay.dma_address:08X}",
        "C_HIGHADDR": f"0x{overlay.dma_address + overlay.address_range - 1:08X}",
    }
    for way, bits in sizes.items():
        parameters |= {
            f"C_INCLUDE_{way}_DRE": 0,
            f"C_M_AXI_{way}_DATA_WIDTH": overlay.memory_bits,
            f"C_{'M_AXIS_MM2S' if way == 'MM2S' else 'S_AXIS_S2MM'}_TDATA_WIDTH": bits,
        }
    settings = {key.lower(): value for key, value in parameters.items() if "ADDR" not in key[-4:]}
    cell = _module(modules, overlay.dma, "xilinx.com:ip:axi_dma:7.1", parameters | settings)
    _bus(cell, "S_AXI_LITE", "aximm", "SLAVE", "control", _LITE)
    _bus(cell, "M_AXIS_MM2S", "axis", "MASTER", "frames", _stream(sizes["MM2S"]))
    _bus(cell, "S_AXIS_S2MM", "axis", "SLAVE", "scores", _stream(sizes["S2MM"]))


def _accelerator(modules: ElementTree.Element, manifest: Manifest) -> None:
    overlay = manifest.overlay
    base = overlay.accelerator_address
    parameters: dict[str, object] = {
        "C_S_AXIL_BASEADDR": f"0x{base:08X}",
        "C_S_AXIL_HIGHADDR": f"0x{base + overlay.address_range - 1:08X}",
    }
    cell = _module(modules, overlay.accelerator, overlay.vlnv, parameters)
    _bus(cell, "s_axil", "aximm", "SLAVE", "control", _LITE)
    _bus(cell, "s_axis", "axis", "SLAVE", "frames", _stream(manifest.input.beat_bytes * 8))
    _bus(cell, "m_axis", "axis", "MASTER", "scores", _stream(manifest.output.beat_bytes * 8))


def _stream(bits: int) -> dict[str, int]:
    return {"TDATA": bits, "TVALID": 1, "TREADY": 1, "TLAST": 1}
