"""The AXI4 read port of a design, and the wires between its arbiter and the readers of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design, MemoryPort, MemoryRegion, Unit


def regions(design: Design) -> tuple[MemoryRegion, ...]:
    """The regions of memory; none where all weights are on the chip."""
    return design.memory_port.regions if design.memory_port else ()


def region_of(design: Design, unit: Unit) -> MemoryRegion:
    """What a reader reads."""
    return next(region for region in regions(design) if region.unit == unit.name)


def port_values(port: MemoryPort) -> dict[str, object]:
    """The port as the templates of the top module and of its bench want it."""
    readers = len(port.regions)
    id_bits = max(1, (readers - 1).bit_length())
    return {
        "readers": readers,
        "errors_msb": readers - 1,
        "address_bits": port.address_bits,
        "address_msb": port.address_bits - 1,
        "data_bits": port.data_bits,
        "data_msb": port.data_bits - 1,
        "id_bits": id_bits,
        "id_msb": id_bits - 1,
        "unused_base": f"[63:{port.address_bits}]" if port.address_bits < 64 else "",
        "wires": [(name, readers * bits - 1) for name, bits in _fields(port)],
        "words": -(-8 * port.bytes // port.data_bits),
        "burst": port.burst_beats,
    }


def reader_ports(design: Design, unit: Unit) -> list[tuple[str, str]]:
    """The ports of a reader but its stream, and what they connect to."""
    port = design.memory_port
    assert port is not None, f"{unit.name} has no memory port"
    region = region_of(design, unit)
    index = port.regions.index(region)
    base = f"weights_base[{port.address_bits - 1}:0]"
    if region.offset:
        base += f" + {port.address_bits}'h{region.offset:x}"
    return [
        *(
            (f"m_axi_{name}", f"memory_{name}[{bits * index}+:{bits}]")
            for name, bits in _fields(port)
        ),
        ("enable_i", "weights_enable"),
        ("base_i", base),
        ("stop_i", "stop"),
        ("idle_o", f"memory_idle[{index}]"),
        ("error_o", f"memory_error[{index}]"),
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
