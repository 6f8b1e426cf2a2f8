"""What a report says of a design's counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.hardware.cost.designs import instrument_resources

if TYPE_CHECKING:
    from collections.abc import Collection

    from bnnhw.hardware.design import Design


def instrument_notes(design: Design, backends: Collection[str]) -> list[str]:
    """What they count and take, and who has none; nothing where nobody asked for them."""
    if not design.instrument:
        return []
    need = instrument_resources(design)
    hls = "; the HLS C++ has none" if "hls" in backends else ""
    return [
        f"instruments: counters of {len(design.streams)} streams take about "
        f"{need.lut_packed:,.0f} LUT and {need.ff:,.0f} flip-flops{hls}"
    ]
