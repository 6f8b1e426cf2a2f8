"""Staircases: functions of a tensor that only step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction


@dataclass(frozen=True)
class Stairs:
    """A function of a tensor: values[i] between the thresholds i - 1 and i.

    Attributes:
        tensor: the graph tensor of which it is a function.
        thresholds: ascending.
        closed: whether a threshold itself belongs to what lies above it; the same for all.
        values: one more than thresholds.
    """

    tensor: str
    thresholds: tuple[Fraction, ...]
    closed: bool
    values: tuple[Fraction, ...]
