"""Which element-wise units multiply in DSP blocks: all, or as many as the board has blocks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from bnnhw.hardware.cost.model import unit_resources
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import BOOTH

if TYPE_CHECKING:
    from bnnhw.hardware.cost.model import Resources
    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.design import Design, Unit

D = TypeVar("D", "Datapath", "Design")


def spare_dsp_blocks(design: D, limit: Resources) -> D:
    """The design with its DSP blocks within ``limit``, as far as element-wise units can help.

    Those that multiply in DSP blocks do it in LUTs instead, the cheapest LUTs per block first,
    until the blocks suffice; with enough blocks, and where no such unit is left, the design is
    handed back as it is. Layers' ways to multiply are their foldings'.

    Args:
        design: its units.
        limit: what may be used.
    """
    over = sum(unit_resources(unit.kind, unit.params).dsp for unit in design.units) - limit.dsp
    if over <= 0:
        return design
    units = {unit.name: unit for unit in design.units}
    prices = sorted((_luts_per_block(unit), name) for name, unit in units.items() if _may(unit))
    for _, name in prices:
        if over <= 0:
            break
        over -= unit_resources(units[name].kind, units[name].params).dsp
        units[name] = _in_luts(units[name])
    return replace(design, units=type(design.units)(units.values()))


def _may(unit: Unit) -> bool:
    """Whether it has multipliers in DSP blocks that could be in LUTs; one by 1 has none."""
    return KINDS[unit.kind].multiplies and unit_resources(unit.kind, unit.params).dsp > 0


def _in_luts(unit: Unit) -> Unit:
    return replace(unit, params={**unit.params, "MULTIPLY_STYLE": BOOTH})


def _luts_per_block(unit: Unit) -> float:
    blocks = unit_resources(unit.kind, unit.params)
    luts = unit_resources(unit.kind, _in_luts(unit).params)
    return (luts.lut_packed - blocks.lut_packed) / blocks.dsp
