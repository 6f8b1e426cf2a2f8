"""Verilog back end: the top module, memory images, and the units it instantiates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.assets import hardware_sources
from bnnhw.backend.manifest import IDENTITY, REGISTERS_VERSION
from bnnhw.backend.memory_port import port_values, reader_ports, regions
from bnnhw.backend.render import render
from bnnhw.hardware.instruments import count_words, instruments_of
from bnnhw.hardware.units import KINDS
from bnnhw.version import __version__

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design, Stream, Unit

# Ports of the units at the two ends of the design, beside their stream.
_INPUT_PORTS = (
    ("s_axis_tdata", "s_axis_tdata"),
    ("s_axis_tvalid", "s_axis_tvalid"),
    ("s_axis_tready", "s_axis_tready"),
    ("s_axis_tlast", "s_axis_tlast"),
    ("packet_frames_i", "packet_frames"),
    ("stop_i", "stop"),
    ("closed_o", "in_closed"),
    ("frame_o", "frame_in"),
    ("short_o", "short_in"),
    ("long_o", "long_in"),
)
_OUTPUT_PORTS = (
    ("m_axis_tdata", "m_axis_tdata"),
    ("m_axis_tvalid", "m_axis_tvalid"),
    ("m_axis_tready", "m_axis_tready"),
    ("m_axis_tlast", "m_axis_tlast"),
    ("packet_frames_i", "packet_frames"),
    ("stop_i", "stop"),
    ("closed_o", "out_closed"),
    ("frame_o", "frame_out"),
)
# Signals of the AXI4 read port that the bench's memory looks at or drives.
_MEMORY_SIGNALS = (
    *("arid", "araddr", "arlen", "arsize", "arburst", "arvalid", "arready"),
    *("rid", "rdata", "rresp", "rlast", "rvalid", "rready"),
)


def emit_verilog(design: Design) -> dict[str, str]:
    """Files of the Verilog build, by path below the build folder.

    ``rtl/`` holds everything that simulation and synthesis need: ``<name>_top.sv``, the units, and
    one ``.mem`` file a memory image, which the units find by name from ``rtl/`` as the working
    folder. Weights that are read from memory are no part of it.
    """
    outside = {region.memory for region in regions(design)}
    files = {f"rtl/{design.top}.sv": emit_top(design)}
    files |= {
        f"rtl/{memory.name}.mem": _mem_file(memory.hex_words())
        for memory in design.memories.values()
        if memory.name not in outside
    }
    files |= {f"rtl/{path.name}": path.read_text() for path in hardware_sources()}
    return files


def emit_top(design: Design) -> str:
    """The text of the top module."""
    build, instruments = design.build_hash(), instruments_of(design)
    return render(
        "top.sv.j2",
        top=design.top,
        network=design.name,
        version=__version__,
        board=design.board.name,
        clock_mhz=f"{design.clock_mhz:g}",
        input_bits=8 * design.input_port.beat_bytes,
        input_msb=8 * design.input_port.beat_bytes - 1,
        output_bits=8 * design.output_port.beat_bytes,
        output_msb=8 * design.output_port.beat_bytes - 1,
        streams=[_stream(s) for s in design.streams.values()],
        instances=[_instance(design, u) for u in design.units],
        identity=f"32'h{IDENTITY:08x}",
        version_word=f"32'h{REGISTERS_VERSION:08x}",
        build_hash=f"64'h{build:016x}",
        memory=port_values(design.memory_port) if design.memory_port else None,
        instruments=instruments,
        instrument_words=count_words(instruments),
    )


def _mem_file(words: list[str]) -> str:
    return "\n".join(words) + "\n"


def _stream(stream: Stream) -> dict[str, object]:
    return {
        "name": stream.name,
        "msb": stream.width - 1,
        "user": stream.user,
        "depth": stream.depth,
        "probe": int(bool(stream.tensor)),
        "fifo": list(stream.fifo_parameters.items()),
        "about": f"{stream.lanes} x {stream.elem_bits} bit, {stream.beats} beats per frame",
    }


def _instance(design: Design, unit: Unit) -> dict[str, object]:
    params = [(key, str(value)) for key, value in unit.params.items()]
    params += [(key, f'"{memory}.mem"') for key, memory in unit.memories.items()]
    kind, twin = KINDS[unit.kind], KINDS[unit.kind].twin
    assert twin is not None  # a unit and its twin name their streams alike
    ports: list[tuple[str, str]] = []
    if kind.reads_memory:
        ports += reader_ports(design, unit)
    elif not unit.sources:
        ports += _INPUT_PORTS
    else:
        for prefix, name in zip(twin.inputs, unit.sources, strict=True):
            ports += _stream_ports(prefix, design.streams[name], "")
    if not unit.sinks:
        ports += _OUTPUT_PORTS
    else:
        for prefix, name in zip(twin.outputs, unit.sinks, strict=True):
            stream = design.streams[name]
            ports += _stream_ports(prefix, stream, "_w" if stream.depth else "")
    if kind.marks_padding and not design.streams[unit.sinks[0]].user:
        ports.append(("m_axis_tuser", ""))
    if kind.reads_marks and not design.streams[unit.sources[0]].user:
        ports.append(("s_axis_tuser", "1'b0"))
    return {"name": unit.name, "kind": unit.kind, "params": params, "ports": ports}


def _stream_ports(prefix: str, stream: Stream, suffix: str) -> list[tuple[str, str]]:
    names = ["tdata", "tvalid", "tready"] + (["tuser"] if stream.user else [])
    return [(f"{prefix}_{n}", f"{stream.name}{suffix}_{n}") for n in names]


def emit_bench(design: Design, hang_cycles: int) -> dict[str, str]:
    """The simulation bench around the top; it gives up after ``hang_cycles`` without a beat."""
    axil = [
        f"s_axil_{channel}{signal}"
        for channel, signals in (
            ("aw", ("addr", "prot", "valid", "ready")),
            ("w", ("data", "strb", "valid", "ready")),
            ("b", ("resp", "valid", "ready")),
            ("ar", ("addr", "prot", "valid", "ready")),
            ("r", ("data", "resp", "valid", "ready")),
        )
        for signal in signals
    ]
    text = render(
        "bench.sv.j2",
        top=design.top,
        axil=axil,
        in_beats=design.input_port.beats,
        out_beats=design.output_port.beats,
        hang_cycles=hang_cycles,
        input_msb=8 * design.input_port.beat_bytes - 1,
        output_msb=8 * design.output_port.beat_bytes - 1,
        memory=port_values(design.memory_port) if design.memory_port else None,
        memory_signals=_MEMORY_SIGNALS,
    )
    return {"sim/bnn_bench.sv": text}
