"""Scripts for Vivado: from a build to a board's overlay, and Vivado's netlist in simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw.backend.hls import hls_readers, tcl_word
from bnnhw.backend.manifest import CONTROL_BITS, MEMORY_FILE, REGISTERS
from bnnhw.backend.memory_port import port_values
from bnnhw.backend.processor_core import PROCESSOR_CORES, design_config
from bnnhw.backend.render import render
from bnnhw.backend.top_ports import bus_interfaces, memory_buses
from bnnhw.backend.vectors import VECTORS, vector_files
from bnnhw.hardware.overlay import ACCELERATOR, DMA, overlay_of
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection

    from bnnhw.backend.vectors import Vectors
    from bnnhw.hardware.design import Design
    from bnnhw.hardware.overlay import Overlay

_STREAM_BITS = (8, 16, 32, 64, 128, 256, 512, 1024)  # widths of a stream of AXI DMA (AMD PG021)
_MOST_READERS = 16  # masters that AXI Interconnect and SmartConnect join
_MEMORY_LATENCY = 30  # cycles, of the testbench's memory
_TOLERANCE = 1e-3  # of a clock: what crystals and their rounding make of it


def emit_vivado(
    design: Design, backends: Collection[str], vectors: Vectors | None = None
) -> dict[str, str]:
    """Files below ``vivado/``, by path below the build folder; none for a board without processor.

    Args:
        design: the accelerator.
        backends: "verilog", "hls" or both: which cores there are to build with.
        vectors: frames for the simulation of Vivado's netlist; None for no such simulation.
    """
    overlay = overlay_of(design)
    if overlay is None or obstacle(design):
        return {}
    values = _values(design, overlay)
    names = {"steps.tcl": "vivado_steps.tcl.j2", "design.tcl": "vivado_design.tcl.j2"}
    if "verilog" in backends:
        names["build.tcl"] = "vivado_build.tcl.j2"
        if vectors:
            names["simulate.tcl"] = "vivado_simulate.tcl.j2"
            names["testbench.v"] = "vivado_testbench.v.j2"
            values |= _simulation(design, vectors)
    if "hls" in backends and len(hls_readers(design)) <= _MOST_READERS:
        names["build_hls.tcl"] = "vivado_build_hls.tcl.j2"
    files = {f"vivado/{name}": render(template, **values) for name, template in names.items()}
    if "simulate.tcl" in names and vectors:
        found = vector_files(design, vectors)
        files |= {f"vivado/vectors/{name}": text for name, text in found.items()}
    return files


def obstacle(design: Design) -> str:
    """Why there can be no overlay of a design on its board; empty where nothing is in the way."""
    if not design.board.processor.kind:
        return "its board file names no [processor]"
    widths = [8 * port.beat_bytes for port in (design.input_port, design.output_port)]
    if wrong := [width for width in widths if width not in _STREAM_BITS]:
        return f"AXI DMA has no streams of {wrong[0]} bits"
    return ""


def overlay_notes(design: Design) -> list[str]:
    """What a user should know of the way to the board before Vivado runs for an hour."""
    if why := obstacle(design):
        return [f"there are no scripts for Vivado: {why}"]
    overlay = overlay_of(design)
    assert overlay is not None
    notes = []
    if (readers := len(hls_readers(design))) > _MOST_READERS:
        notes.append(
            f"there is no vivado/build_hls.tcl: {readers} buses read weights, and {_MOST_READERS} "
            "can be joined"
        )
    if not design.board.processor.config:
        notes.append(
            "the scripts for Vivado set up no memory and no voltages of the processor: the board "
            "file has no [processor.config]"
        )
    if abs(overlay.fabric_mhz - design.clock_mhz) > _TOLERANCE * design.clock_mhz:
        notes.append(
            f"the board's processor cannot give {design.clock_mhz:g} MHz: its PLL of "
            f"{design.board.processor.pll_mhz:g} MHz is divided to {overlay.fabric_mhz:g} MHz, and "
            f"all rates on the board are {overlay.fabric_mhz / design.clock_mhz:.1%} of these"
        )
    return notes


def _values(design: Design, overlay: Overlay) -> dict[str, Any]:
    """What the scripts' templates are filled with."""
    core = PROCESSOR_CORES[overlay.processor]
    vendor, library, _, version = overlay.vlnv.split(":")
    weights = memory_buses(design)
    ports = 1 + len(weights)
    dma = _dma_config(design, overlay, core.address_bits, core.burst)
    return {
        "version": __version__,
        "network": design.name,
        "board": design.board.title,
        "top": design.top,
        "part": tcl_word(design.board.part),
        "core": core.name,
        "clock": core.clock,
        "reset": core.reset,
        "master": core.master,
        "memory_ports": core.memory_ports[:ports],
        "port_clocks": core.clocks[: ports + 1],
        "external": core.external,
        "interconnect": core.interconnect,
        "board_config": _words(design.board.processor.config),
        "design_config": _words(design_config(overlay, ports)),
        "dma": DMA,
        "accelerator": ACCELERATOR,
        "dma_config": _words(dma),
        "dma_widths": _words([(name, value) for name, value in dma if "tdata_width" in name]),
        "dma_address": f"0x{overlay.dma_address:08X}",
        "accelerator_address": f"0x{overlay.accelerator_address:08X}",
        "address_range": f"{overlay.address_range // 1024}K",
        "range_bytes": overlay.address_range,
        "fabric_mhz": f"{overlay.fabric_mhz:g}",
        "tolerance_mhz": f"{_TOLERANCE * overlay.fabric_mhz:g}",
        "build_hash": f"{design.build_hash():016x}",
        "copied": ["manifest.json", VECTORS, *([MEMORY_FILE] if design.memory_port else [])],
        "vendor": vendor,
        "library": library,
        "core_version": version,
        "vlnv": overlay.vlnv,
        "hls_vlnv": overlay.hls_vlnv,
        "description": tcl_word(f"Binary neural network {design.name}, made by bnnhw"),
        "buses": bus_interfaces(design),
        "weights": weights,
        "hls_weights": _behind_ports(design),
        "weights_file": MEMORY_FILE,
    }


def _behind_ports(design: Design) -> list[str]:
    """The buses of the HLS core that share a memory port, each a Tcl list."""
    if not design.memory_port:
        return []
    buses = list(zip(design.memory_port.regions, hls_readers(design), strict=True))
    return [
        tcl_word(" ".join(bus for region, bus in buses if region.port == port))
        for port in range(design.memory_port.ports)
    ]


def _dma_config(
    design: Design, overlay: Overlay, address_bits: int, burst: int
) -> list[tuple[str, str]]:
    """Parameters of AXI DMA (AMD PG021): without scatter-gather, a transfer is one packet."""
    source, sink = 8 * design.input_port.beat_bytes, 8 * design.output_port.beat_bytes
    numbers = {
        "c_include_sg": 0,
        "c_sg_length_width": overlay.length_bits,
        "c_addr_width": address_bits,
        "c_include_mm2s": 1,
        "c_include_mm2s_dre": 0,
        "c_m_axi_mm2s_data_width": max(overlay.memory_bits, source),
        "c_m_axis_mm2s_tdata_width": source,
        "c_mm2s_burst_size": burst,
        "c_include_s2mm": 1,
        "c_include_s2mm_dre": 0,
        "c_m_axi_s2mm_data_width": max(overlay.memory_bits, sink),
        "c_s_axis_s2mm_tdata_width": sink,
        "c_s2mm_burst_size": burst,
    }
    return [(name, str(value)) for name, value in numbers.items()]


def _words(config: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, tcl_word(value)) for name, value in config]


def _simulation(design: Design, vectors: Vectors) -> dict[str, Any]:
    """What the testbench needs beside."""
    port = design.memory_port
    memory = port_values(port) if port else None
    values: dict[str, Any] = {
        "frames": vectors.frames,
        "in_beats": design.input_port.beats,
        "out_beats": design.output_port.beats,
        "input_msb": 8 * design.input_port.beat_bytes - 1,
        "output_msb": 8 * design.output_port.beat_bytes - 1,
        "limit": vectors.cycles,
        "memory": memory,
    }
    if port and memory:
        values |= {
            "word_bytes": port.data_bits // 8,
            "word_digits": port.data_bits // 4,
            "last_digit": port.data_bits // 4 - 1,
            "last_word": int(str(memory["words"])) - 1,
            "memory_latency": _MEMORY_LATENCY,
            "enable_address": f"8'h{REGISTERS['control']:02x}",
            "enable_value": f"32'd{1 << CONTROL_BITS['weights_enable']}",
        }
    return values
