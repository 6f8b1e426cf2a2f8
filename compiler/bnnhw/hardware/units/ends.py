"""The units at the two ends of a design, and those beside its dataflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import (
    address_bits,
    counter_bits,
)
from bnnhw.hardware.units.kind import (
    Twin,
    UnitKind,
    UnitTiming,
    named,
)
from bnnhw.hardware.units.streams import regroup_features, regroups

if TYPE_CHECKING:
    from bnnhw.hardware.units.kind import Params


# --------------------------------------------------------------------------------------------- cost


def _input(p: Params) -> list[float]:
    a, b = 8 * p["BYTES"], p["LANES"] * p["ELEM_BITS"]
    beats = counter_bits(p["FRAME_ELEMS"] * p["ELEM_BITS"] // a)
    narrow, kept, parts, wide, _, places, buffer, _ = regroup_features(a, b)
    gearbox = float(places > 0)
    return [a, beats, narrow, narrow + kept + parts + wide + buffer, places, gearbox, 1.0]


def _output(p: Params) -> list[float]:
    return [p["LANES"] * p["ELEM_BITS"], counter_bits(p["FRAME_BEATS"]), 1.0]


def _top_k(p: Params) -> list[float]:
    entry = p["SCORE_BITS"] + address_bits(p["CLASSES"])
    return [p["K"] * p["SCORE_BITS"], (p["K"] - 1) * entry, entry]


# ------------------------------------------------------------------------------------------- timing


def _unpacks(p: Params, beats: int) -> UnitTiming:
    del beats
    bits = p["FRAME_ELEMS"] * p["ELEM_BITS"]
    return regroups(bits, 8 * p["BYTES"], p["LANES"] * p["ELEM_BITS"])


def _sorts(p: Params, beats: int) -> UnitTiming:
    del beats
    needs = np.full(p["K"], p["CLASSES"] - 1)
    frees = np.full(p["CLASSES"], -1)
    return UnitTiming(needs, frees, 2, 1)


def _extends(p: Params, beats: int) -> UnitTiming:
    del beats
    index = np.arange(p["FRAME_BEATS"])
    return UnitTiming(index, index - 1, 1, 0)


# ------------------------------------------------------------------------------------------ records

INPUT = UnitKind(
    "bnn_input",
    "input",
    _input,
    named(
        "BYTES ELEM_BITS LANES FRAME_ELEMS",
        *((8, 8, 3, 3072), (8, 8, 1, 64), (8, 8, 27, 3456), (2, 1, 49, 784)),
        *((8, 1, 64, 1024), (4, 8, 3, 3072), (4, 8, 16, 3072), (1, 8, 1, 64)),
    ),
    Twin(("BYTES", "ELEM_BITS", "LANES", "FRAME_ELEMS"), error=True),
    (_unpacks,),
    path_ns=2.2,
)
OUTPUT = UnitKind(
    "bnn_output",
    "output",
    _output,
    named(
        "LANES FIELD_BITS FRAME_BEATS ELEM_BITS",
        *((1, 16, 10, 11), (2, 32, 5, 11), (4, 16, 16, 11), (1, 32, 1000, 18)),
    ),
    Twin(("ELEM_BITS", "LANES", "FIELD_BITS", "FRAME_BEATS")),
    (_extends,),
    path_ns=1.9,
)
TOP_K = UnitKind(
    "bnn_top_k",
    "top k",
    _top_k,
    named("SCORE_BITS CLASSES K", (11, 10, 1), (11, 10, 5), (16, 1000, 5)),
    Twin(("SCORE_BITS", "CLASSES", "K", "OUT_BITS")),
    (_sorts,),
    path_ns=2.1,
)
REGISTERS = UnitKind(
    "bnn_registers",
    "registers",
    lambda p: [float(p.get("INSTRUMENTS", 0) > 0), 1.0],
    ({}, {"INSTRUMENTS": 100}),
    path_ns=2.9,
)
RESET_CONTROL = UnitKind("bnn_reset_control", "reset control", lambda _: [1.0], ({},), path_ns=1.9)
UNITS = (INPUT, OUTPUT, TOP_K, REGISTERS, RESET_CONTROL)
