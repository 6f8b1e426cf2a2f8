"""One room for each hardware unit: what is known of it stands in its record."""

from bnnhw.hardware.units import (
    arrays,
    elements,
    ends,
    instruments,
    pads,
    pools,
    products,
    streams,
    weights,
    windows,
)
from bnnhw.hardware.units.kind import UnitKind

_ROOMS = (ends, streams, windows, pads, arrays, weights, elements, pools, products, instruments)
KINDS: dict[str, UnitKind] = {kind.name: kind for room in _ROOMS for kind in room.UNITS}
"""All units that a design may hold, by the name of their module."""

__all__ = ["KINDS", "UnitKind"]
