"""How large a recording of all signals will be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bnnhw.verify.simulated_progress import expected_cycles
from bnnhw.verify.verilator import wave_format

if TYPE_CHECKING:
    from bnnhw.backend.build import Build

_BYTES = {"vcd": 2.3, "fst": 0.125}
"""Per cycle and flip-flop. Designs of 2,700 to 9,000 flip-flops take 1.4 to 3.8 as VCD, and 0.08 to
0.19 as FST. What changes in a cycle is what flip-flops hold and what follows from it."""


def wave_bytes(build: Build, frames: int, pauses: float = 0.0) -> int:
    """About how many bytes a recording takes, within a factor of two; 0 where that is unknown.

    Args:
        build: the build.
        frames: how many are recorded, back to back.
        pauses: share of cycles in which source or sink pauses.
    """
    cycles = expected_cycles(build, frames, pauses)
    if math.isnan(cycles):
        return 0
    flip_flops = build.report["resources"]["ff"]["estimated"]
    return round(cycles * flip_flops * _BYTES[wave_format()])
