"""Which parameters each unit takes, and which it refuses: one table per unit, by its name."""

from __future__ import annotations

from computing_points import COMPUTING
from moving_points import MOVING

POINTS = dict(sorted({**COMPUTING, **MOVING}.items()))
