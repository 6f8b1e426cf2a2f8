"""The AXI4 read ports of a design, and the wires between their arbiters and readers of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design, MemoryPort, MemoryRegion, Unit


def regions(design: Design) -> tuple[MemoryRegion, ...]:
    """The regions of memory; none where all weights are on the chip."""
    return design.memory_port.regions if design.memory_port else ()


def region_of(design: Design, unit: Unit) -> MemoryRegion:
    """What a reader reads."""
    return next(region for region in regions(design) if region.unit == unit.name)


def _suffix(port: int) -> str:
    """What ends the names of a port's parts: nothing of the first."""
    return str(port or "")


def bus_name(port: int) -> str:
    """What the top module calls a read port."""
    return f"m_axi{_suffix(port)}"


def id_bits(port: MemoryPort, number: int) -> int:
    """Bits of the identities on a port: which of its readers asks."""
    return max(1, (len(port.behind(number)) - 1).bit_length())


def port_values(port: MemoryPort) -> dict[str, Any]:
    """The ports as the templates of the top module and of its bench want them."""
    readers = len(port.regions)
    return {
        "readers": readers,
        "errors_msb": readers - 1,
        "address_bits": port.address_bits,
        "address_msb": port.address_bits - 1,
        "data_bits": port.data_bits,
        "data_msb": port.data_bits - 1,
        "ports": [_one_port(port, number) for number in range(port.ports)],
        "unused_base": f"[63:{port.address_bits}]" if port.address_bits < 64 else "",
        "words": -(-8 * port.bytes // port.data_bits),
        "burst": port.burst_beats,
    }


def _one_port(port: MemoryPort, number: int) -> dict[str, Any]:
    readers, identity = len(port.behind(number)), id_bits(port, number)
    return {
        "bus": bus_name(number),
        "suffix": _suffix(number),
        "readers": readers,
        "id_bits": identity,
        "id_msb": identity - 1,
        "wires": [(name, readers * bits - 1) for name, bits in _fields(port)],
    }


def reader_ports(design: Design, unit: Unit) -> list[tuple[str, str]]:
    """The ports of a reader but its stream, and what they connect to."""
    port = design.memory_port
    assert port is not None, f"{unit.name} has no memory port"
    region = region_of(design, unit)
    index = port.behind(region.port).index(region)
    wires, number = f"memory{_suffix(region.port)}", port.regions.index(region)
    base = f"weights_base[{port.address_bits - 1}:0]"
    if region.offset:
        base += f" + {port.address_bits}'h{region.offset:x}"
    return [
        *(
            (f"m_axi_{name}", f"{wires}_{name}[{bits * index}+:{bits}]")
            for name, bits in _fields(port)
        ),
        ("enable_i", "weights_enable"),
        ("base_i", base),
        ("stop_i", "stop"),
        ("idle_o", f"memory_idle[{number}]"),
        ("error_o", f"memory_error[{number}]"),
    ]


def _fields(port: MemoryPort) -> list[tuple[str, int]]:
    """Signals of a reader's port with their bits: each is a field of the arbiter's."""
    return [
        ("araddr", port.address_bits),
        ("arlen", 8),
        ("arvalid", 1),
        ("arready", 1),
        ("rdata", port.data_bits),
        ("rresp", 2),
        ("rlast", 1),
        ("rvalid", 1),
        ("rready", 1),
    ]
