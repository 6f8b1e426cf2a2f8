"""The clock that a part may reach, by rule of thumb: nothing is placed or routed here.

The longest logic path of a design is that of its slowest kind of unit, measured on netlists for
7-series parts of speed grade 1. Routing is taken to last as long as logic. Each higher speed grade
is taken to be 15 % faster, UltraScale+ to be twice as fast as 7-series; at 0.72 V (L parts) a grade
slower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.hardware.units import KINDS

if TYPE_CHECKING:
    from bnnhw.hardware.board import Board
    from bnnhw.hardware.design import Design

_ROUTING = 2.0
"""Logic and routing together, as so many times the logic."""
_GRADE = 0.85
"""Delays of a speed grade against those of the one below."""
_FAMILY = {"xc7": 1.0, "xcup": 0.5, "xcu": 0.65}
"""Delays against those of 7-series."""


@dataclass(frozen=True)
class ClockEstimate:
    """What clock a design may reach.

    Attributes:
        mhz: the clock, by rule of thumb.
        path_ns: the longest logic path, on a 7-series part of speed grade 1.
        unit: the kind of unit that it lies in.
        grade: the part's speed grade.
    """

    mhz: float
    path_ns: float
    unit: str
    grade: int


def expected_clock(design: Design, board: Board) -> ClockEstimate:
    """The clock that a design may reach on a board, by rule of thumb."""
    slowest = max((KINDS[unit.kind] for unit in design.units), key=lambda kind: kind.path_ns)
    grade, factor = _speed(board)
    return ClockEstimate(
        round(1e3 / (slowest.path_ns * _ROUTING * factor), 1), slowest.path_ns, slowest.name, grade
    )


def _speed(board: Board) -> tuple[int, float]:
    """Speed grade, and delays against a 7-series part of grade 1."""
    found = re.search(r"-(\d)(L?)", board.part)
    grade = int(found[1]) if found else 1
    steps = grade - 1 - (1 if found and found[2] else 0)
    return grade, _FAMILY.get(board.family, 1.0) * _GRADE ** max(0, steps)
