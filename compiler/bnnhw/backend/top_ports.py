"""Ports of the top module, with the attributes by which Vivado's IP packager knows interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.backend.memory_port import bus_name, id_bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bnnhw.hardware.design import Design

REGISTER_ADDRESS_BITS = 8
_STREAM, _MEMORY_MAPPED = "xilinx.com:interface:axis:1.0", "xilinx.com:interface:aximm:1.0"
_CLOCK, _RESET = "xilinx.com:signal:clock:1.0", "xilinx.com:signal:reset:1.0"


@dataclass(frozen=True)
class TopPort:
    """A port of the top module.

    Attributes:
        name: of the port.
        bits: its width.
        output: whether it is an output.
        attributes: of Verilog, before the declaration.
    """

    name: str
    bits: int
    output: bool
    attributes: tuple[str, ...]

    @property
    def declaration(self) -> str:
        """The port in Verilog."""
        width = f"[{self.bits - 1}:0] " if self.bits > 1 else ""
        return f"{'output' if self.output else 'input '} wire {width}{self.name}"


def bus_interfaces(design: Design) -> list[str]:
    """The buses of the top module, all on its one clock."""
    return ["s_axis", "m_axis", "s_axil", *memory_buses(design)]


def memory_buses(design: Design) -> list[str]:
    """The buses that read weights; none where all are on the chip."""
    port = design.memory_port
    return [bus_name(number) for number in range(port.ports)] if port else []


def top_ports(design: Design) -> list[TopPort]:
    """All ports, in the order of the module. The frequency is left to the block design."""
    buses = ":".join(bus_interfaces(design))
    return [
        _single("clk", f"{_CLOCK} clk CLK", f"ASSOCIATED_BUSIF {buses}, ASSOCIATED_RESET rst_n"),
        _single("rst_n", f"{_RESET} rst_n RST", "POLARITY ACTIVE_LOW"),
        *_bus("s_axis", _STREAM, "", _stream(8 * design.input_port.beat_bytes, source=False)),
        *_bus("m_axis", _STREAM, "", _stream(8 * design.output_port.beat_bytes, source=True)),
        *_bus(
            "s_axil",
            _MEMORY_MAPPED,
            f"PROTOCOL AXI4LITE, DATA_WIDTH 32, ADDR_WIDTH {REGISTER_ADDRESS_BITS}",
            _registers(),
        ),
        *(
            port
            for number, bus in enumerate(memory_buses(design))
            for port in _memory(design, number, bus)
        ),
    ]


def _single(name: str, info: str, parameters: str) -> TopPort:
    return TopPort(name, 1, False, (_parameters(name, parameters), _info(info)))


def _info(text: str) -> str:
    return f'X_INTERFACE_INFO = "{text}"'


def _parameters(bus: str, text: str) -> str:
    return f'X_INTERFACE_PARAMETER = "XIL_INTERFACENAME {bus}, {text}"'


def _bus(
    bus: str, kind: str, parameters: str, signals: Iterable[tuple[str, int, bool]]
) -> Iterator[TopPort]:
    """The ports of a bus: the first one bears the parameters of all."""
    for index, (signal, bits, output) in enumerate(signals):
        info = _info(f"{kind} {bus} {signal.upper()}")
        first = (_parameters(bus, parameters),) if parameters and not index else ()
        yield TopPort(f"{bus}_{signal}", bits, output, (*first, info))


def _stream(bits: int, *, source: bool) -> list[tuple[str, int, bool]]:
    """Signals of a stream: name, bits, whether they are outputs."""
    return [
        ("tdata", bits, source),
        ("tvalid", 1, source),
        ("tready", 1, not source),
        ("tlast", 1, source),
    ]


def _registers() -> list[tuple[str, int, bool]]:
    address = REGISTER_ADDRESS_BITS
    return [
        *(("awaddr", address, False), ("awprot", 3, False), ("awvalid", 1, False)),
        *(("awready", 1, True), ("wdata", 32, False), ("wstrb", 4, False), ("wvalid", 1, False)),
        *(("wready", 1, True), ("bresp", 2, True), ("bvalid", 1, True), ("bready", 1, False)),
        *(("araddr", address, False), ("arprot", 3, False), ("arvalid", 1, False)),
        *(("arready", 1, True), ("rdata", 32, True), ("rresp", 2, True), ("rvalid", 1, True)),
        ("rready", 1, False),
    ]


def _memory(design: Design, number: int, bus: str) -> Iterator[TopPort]:
    """A read port; a master that never writes has no channels for it."""
    port = design.memory_port
    assert port is not None
    identity = id_bits(port, number)
    parameters = (
        f"PROTOCOL AXI4, READ_WRITE_MODE READ_ONLY, DATA_WIDTH {port.data_bits}, "
        f"ADDR_WIDTH {port.address_bits}, ID_WIDTH {identity}, "
        f"MAX_BURST_LENGTH {port.burst_beats}, SUPPORTS_NARROW_BURST 0"
    )
    signals = [
        *(("arid", identity, True), ("araddr", port.address_bits, True), ("arlen", 8, True)),
        *(("arsize", 3, True), ("arburst", 2, True), ("arcache", 4, True), ("arprot", 3, True)),
        *(("arvalid", 1, True), ("arready", 1, False), ("rid", identity, False)),
        *(("rdata", port.data_bits, False), ("rresp", 2, False), ("rlast", 1, False)),
        *(("rvalid", 1, False), ("rready", 1, True)),
    ]
    return _bus(bus, _MEMORY_MAPPED, parameters, signals)
