"""Units that bring weights from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
    ram_luts,
    selection_luts,
    uram_blocks,
)
from bnnhw.hardware.units.kind import (
    LUTS,
    ULTRA,
    Twin,
    UnitKind,
    in_luts,
    named,
)
from bnnhw.hardware.units.streams import fifo_features

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params


# --------------------------------------------------------------------------------------------- cost


def _axi_reader(p: Params) -> list[float]:
    queue = fifo_features({"WIDTH": p["DATA_BITS"], "DEPTH": p["DEPTH"], "RAM_STYLE": 1})
    shift, _, memory, luts, selected, counters, *_ = queue
    return [shift + luts, memory, selected, counters, p["ADDR_BITS"], address_bits(p["WORDS"]), 1.0]


def _read_arbiter(p: Params) -> list[float]:
    """Multiplexers of two and three ports fit the same LUTs."""
    ports = p["PORTS"]
    return [float(ports > 1), float(ports > 3), max(0.0, ports - 4.0), 1.0]


def _weight_buffer(p: Params) -> list[float]:
    width, depth = p["WORD_BITS"], p["DEPTH"]
    counters = counter_bits(p["FOLDS"], p["PIXELS"]) + address_bits(depth)
    if not in_luts(p):
        return [0.0, 0.0, 0.0, counters, 1.0]
    return [width, ram_luts(width, depth), selection_luts(width, depth), counters, 1.0]


def _buffer_uram(p: Params) -> int:
    return uram_blocks(p["WORD_BITS"], p["DEPTH"]) if p["RAM_STYLE"] == ULTRA else 0


# ------------------------------------------------------------------------------------------ records

AXI_READER = UnitKind(
    "bnn_axi_reader",
    "AXI reader",
    _axi_reader,
    named(
        "DATA_BITS WORDS OUTSTANDING DEPTH ADDR_BITS",
        *((64, 36864, 4, 64, 32), (64, 36864, 14, 256, 40), (64, 147456, 27, 512, 40)),
        *((64, 1024, 2, 32, 40), (128, 36864, 8, 128, 40), (32, 4096, 4, 64, 32)),
        BURST=16,
    ),
    Twin(
        ("DATA_BITS", "WORDS"),
        timing=("ADDR_BITS", "BURST", "OUTSTANDING", "DEPTH"),
        inputs=("memory",),
    ),
    reads_memory=True,
    counts=("WORDS",),
    path_ns=3.7,
)
READ_ARBITER = UnitKind(
    "bnn_read_arbiter",
    "read arbiter",
    _read_arbiter,
    named("PORTS", *((n,) for n in (1, 2, 3, 4, 6, 8)), ADDR_BITS=40),
    path_ns=3.0,
)
WEIGHT_BUFFER = UnitKind(
    "bnn_weight_buffer",
    "weight buffer",
    _weight_buffer,
    named(
        "WORD_BITS FOLDS PIXELS DEPTH",
        *((64, 9, 49, 18), (256, 18, 49, 36), (512, 72, 49, 144), (128, 36, 16, 72)),
        *((1024, 9, 49, 18), (72, 4, 16, 8), (512, 32, 16, 64), (64, 1, 49, 2)),
        RAM_STYLE=LUTS,
    ),
    Twin(("WORD_BITS", "FOLDS", "PIXELS", "RAM_STYLE", "BEATS"), timing=("DEPTH",)),
    uram=_buffer_uram,
    style="RAM_STYLE",
    styles=(LUTS, ULTRA),
    path_ns=2.4,
)
UNITS = (AXI_READER, READ_ARBITER, WEIGHT_BUFFER)
