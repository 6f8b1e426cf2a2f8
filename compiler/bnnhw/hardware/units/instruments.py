"""The units that count what streams do, in designs that were asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.memory import address_bits
from bnnhw.hardware.units.kind import UnitKind, named

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params


def _counters(p: Params) -> list[float]:
    depth = p["DEPTH"]
    return [float(address_bits(depth + 1)) if depth else 0.0, float(depth > 0), 1.0]


def _instruments(p: Params) -> list[float]:
    return [float(address_bits(p["WORDS"] + 1)), 1.0]


STREAM_COUNTERS = UnitKind(
    "bnn_stream_counters",
    "counters",
    _counters,
    named("DEPTH", (0,), (2,), (7,), (16,), (32,), (100,), (500,), (2000,), (12_593,), (50_000,)),
    path_ns=2.4,
)
INSTRUMENTS = UnitKind(
    "bnn_instruments",
    "instruments",
    _instruments,
    named("WORDS", (4,), (12,), (50,), (100,), (256,), (400,), (700,), (1200,)),
    path_ns=2.3,
)
UNITS = (STREAM_COUNTERS, INSTRUMENTS)
