"""What Vivado made of a build, in its report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bnnhw.hardware.cost.model import LABELS
from bnnhw.report.facts import amount

if TYPE_CHECKING:
    from bnnhw.backend.vivado_reports import Placement

_NAMES = {"lut": "lut_packed", "ff": "ff", "bram36": "bram36", "uram": "uram", "dsp": "dsp"}
"""Resources as Vivado counts them, and what a design is held to of each."""


def with_placement(report: dict[str, Any], placement: Placement) -> dict[str, Any]:
    """The report with what Vivado synthesised and placed."""
    result = dict(report)
    result["resources"] = {
        name: {**row, "vivado_synthesised": None, "placed": None}
        for name, row in report["resources"].items()
    }
    for name, row in _NAMES.items():
        if name in placement.synthesised and row in result["resources"]:
            result["resources"][row]["vivado_synthesised"] = placement.synthesised[name]
            result["resources"][row]["placed"] = placement.placed[name]
    result["placement"] = {**asdict(placement), "most_mhz": round(placement.most_mhz, 1)}
    return result


def placement_lines(report: dict[str, Any]) -> list[str]:
    """What Vivado found, in sentences; none before it ran."""
    found = report.get("placement")
    if not found:
        return []
    power = "" if found["watts"] is None else f"; {found['watts']:.3g} W on the chip, estimated"
    lines = [
        f"Vivado {found['vivado']} placed the {found['core']} core on {found['part']} at "
        f"{found['clock_mhz']:.6g} MHz: setup slack {found['setup_slack_ns']:+.3f} ns (up to "
        f"{found['most_mhz']:g} MHz), hold slack {found['hold_slack_ns']:+.3f} ns{power}",
        f"after Vivado's synthesis: {_amounts(found['synthesised'])}; placed with the shell: "
        f"{_amounts(found['total'])}",
    ]
    if found["setup_slack_ns"] < 0 or found["hold_slack_ns"] < 0:
        lines.insert(0, "WARNING: timing is missed: the hardware may compute something else")
    return lines


def _amounts(counts: dict[str, float]) -> str:
    return ", ".join(
        f"{amount(name, counts[name])} {LABELS[row]}"
        for name, row in _NAMES.items()
        if name in counts
    )
