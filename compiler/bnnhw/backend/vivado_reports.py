"""Reports that Vivado wrote of a build: utilisation, timing and power, as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.errors import ToolError

if TYPE_CHECKING:
    from pathlib import Path

REPORTS = "vivado/reports"
_FACTS = "run.txt"  # written last but for the check of slack: without it Vivado has not finished
# Rows of "Site Type" in report_utilization: of 7-series parts, and of UltraScale+.
_ROWS = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers", "Register as Flip Flop"),
    "bram36": ("Block RAM Tile",),
    "dsp": ("DSPs",),
    "uram": ("URAM",),
}
_OPTIONAL = {"uram"}  # the rows that a part without such blocks lacks


@dataclass(frozen=True)
class Placement:
    """What Vivado made of a build.

    Attributes:
        vivado: its version.
        core: "verilog" or "hls": what was built.
        part: the part.
        clock_mhz: the clock at which timing was checked.
        synthesised: LUTs, flip-flops, BRAM36, DSPs and, where the part has them, UltraRAMs of the
            accelerator, after its synthesis.
        placed: the same after placing.
        total: of all that is on the part, shell and accelerator.
        setup_slack_ns: of the slowest path; negative where the clock is missed.
        hold_slack_ns: of the fastest path.
        watts: on the chip, as Vivado estimates it; None where its report does not say.
    """

    vivado: str
    core: str
    part: str
    clock_mhz: float
    synthesised: dict[str, float]
    placed: dict[str, float]
    total: dict[str, float]
    setup_slack_ns: float
    hold_slack_ns: float
    watts: float | None

    @property
    def most_mhz(self) -> float:
        """The clock that the slowest path allows."""
        return 1e3 / (1e3 / self.clock_mhz - self.setup_slack_ns)


def read_reports(build: Path, build_hash: str) -> Placement | None:
    """The reports below a build folder; None where Vivado has not finished there.

    Raises:
        ToolError: they are of another build, or are not as Vivado writes them.
    """
    folder = build / REPORTS
    if not (folder / _FACTS).is_file():
        return None
    facts = dict(line.partition(" ")[::2] for line in _text(folder / _FACTS).splitlines())
    if facts.get("build_hash") != build_hash:
        raise ToolError(
            "the reports of Vivado are of another build",
            where=str(folder),
            fix="run vivado/build.tcl of this build, or delete them",
        )
    setup, hold = _slacks(folder / "timing.rpt")
    return Placement(
        vivado=facts["vivado"],
        core=facts["core"],
        part=facts["part"],
        clock_mhz=float(facts["clock_mhz"]),
        synthesised=_utilisation(folder / "utilization_synthesised.rpt"),
        placed=_utilisation(folder / "utilization_placed.rpt"),
        total=_utilisation(folder / "utilization.rpt"),
        setup_slack_ns=setup,
        hold_slack_ns=hold,
        watts=_watts(folder / "power.rpt"),
    )


def _utilisation(path: Path) -> dict[str, float]:
    """Column "Used" of the rows that count here; the first row of a name is the whole."""
    found: dict[str, float] = {}
    used = 0
    for line in _text(path).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "Site Type" in cells and "Used" in cells:
            used = cells.index("Used")
        elif used and len(cells) > used:
            for name, titles in _ROWS.items():
                if cells[0].rstrip("*") in titles and name not in found:
                    found[name] = _number(cells[used], path)
    if missing := _ROWS.keys() - found.keys() - _OPTIONAL:
        raise _unreadable(path, f"has no row of {', '.join(sorted(missing))}")
    return found


def _slacks(path: Path) -> tuple[float, float]:
    """Worst slack of setup and hold: the line below the headings and their rules."""
    summary = re.search(r"^ *WNS\(ns\) .*\n[ -]+\n *(\S.*)$", _text(path), re.M)
    if summary is None:
        raise _unreadable(path, "has no design timing summary")
    headings = re.findall(r"\S+(?: \S+)*", summary[0].splitlines()[0])
    values = dict(zip(headings, summary[1].split(), strict=False))
    return tuple(_number(values.get(name, ""), path) for name in ("WNS(ns)", "WHS(ns)"))  # type: ignore[return-value]


def _watts(path: Path) -> float | None:
    found = re.search(r"Total On-Chip Power \(W\)\s*\|\s*([\d.]+)", _text(path))
    return None if found is None else float(found[1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error


def _number(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _unreadable(path, f"has {text!r} where a number is due") from error


def _unreadable(path: Path, what: str) -> ToolError:
    return ToolError(what, where=str(path), fix="run vivado/build.tcl again")
