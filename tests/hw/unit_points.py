"""Parameters that a unit takes, and those that it refuses.

A set leaves out what has its default, and the defaults alone are legal. A set that is refused
stands behind a part of the message that says why; the message may be one of the unit's parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Parameters = Mapping[str, int | str]


@dataclass(frozen=True)
class Points:
    """Parameter sets of a unit.

    Attributes:
        legal: sets free of lint, beside the defaults.
        illegal: sets refused, by a part of the message that says why.
    """

    legal: Sequence[Parameters] = ()
    illegal: Mapping[str, Sequence[Parameters]] = field(default_factory=dict)
