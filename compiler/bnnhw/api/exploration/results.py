"""What was explored: the estimates, which of them no other beats, and their files and tables."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.api.exploration.plot import check_plot, save_plot
from bnnhw.api.exploration.question import DEFAULT
from bnnhw.errors import BnnhwError
from bnnhw.hardware.cost.model import LABELS
from bnnhw.report.facts import amount, number, percent
from bnnhw.report.plain_table import plain_table
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.api.exploration.question import Estimate

HEADINGS = ("board", "target", "precision", "cycles", "FPS", "LUT", "", "BRAM36", "DSP", "DDR")
RIGHT = frozenset(range(3, 10))
_SHOWN = ("lut_packed", "bram36", "dsp")
_SUFFIXES = (".json", ".csv")


@dataclass(frozen=True, eq=False, repr=False)
class Exploration:
    """Estimates of many designs of a model.

    Attributes:
        model: the network.
        rows: the estimates, board by board and precision by precision, the fastest first.
        complete: whether all that was asked is answered: not so after Ctrl-C.
        agreement: by precision, the share of inputs whose class is the same in integers as in
            float; only where that was measured.
    """

    model: str
    rows: tuple[Estimate, ...]
    complete: bool = True
    agreement: Mapping[str, float] = field(default_factory=dict)

    @property
    def pareto(self) -> tuple[Estimate, ...]:
        """Those that no other on their board beats in FPS and LUTs."""
        return tuple(row for row in self.rows if row.fits and not _beaten(row, self.rows))

    def to_json(self) -> dict[str, Any]:
        """The exploration as JSON holds it."""
        best = {id(row) for row in self.pareto}
        return {
            "bnnhw": __version__,
            "model": self.model,
            "origin": "estimated",
            "complete": self.complete,
            "agreement": dict(self.agreement),
            "designs": [row.to_json() | {"pareto": id(row) in best} for row in self.rows],
        }

    def to_csv(self) -> str:
        """The estimates as rows of a CSV file."""
        best = {id(row) for row in self.pareto}
        rows = [row.flat() | {"pareto": int(id(row) in best)} for row in self.rows]
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return text.getvalue()

    def save(self, path: Path | str) -> None:
        """Writes the estimates as .json or .csv, whole or not at all.

        Raises:
            BnnhwError: the file is called otherwise.
        """
        path = Path(path)
        check_results_file(path)
        as_json = path.suffix == ".json"
        text = json.dumps(self.to_json(), indent=2) + "\n" if as_json else self.to_csv()
        new = path.with_name(f"{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    def plot(self, path: Path | str) -> None:
        """Draws FPS against the share of LUTs as .svg, or with matplotlib as .png.

        Raises:
            BnnhwError: the file is called otherwise, or matplotlib is missing.
        """
        path = Path(path)
        check_plot(path)
        best = {id(row) for row in self.pareto}
        save_plot(path, self.model, [(row, id(row) in best) for row in self.rows if row.fits])

    def lines(self, width: int = 80) -> list[str]:
        """The estimates as lines of a terminal; a star marks those that no other beats."""
        best = {id(row) for row in self.pareto}
        rows = [("*" if id(row) in best else "", *cells(row), said(row)) for row in self.rows]
        table = [("", *HEADINGS, "found"), *rows]
        right = {place + 1 for place in RIGHT}
        if all(row.precision == DEFAULT for row in self.rows):  # no column for it alone
            place = 1 + HEADINGS.index("precision")
            table = [(*cells[:place], *cells[place + 1 :]) for cells in table]
            right = {one - (one > place) for one in right}
        return plain_table(table[0], table[1:], right=right, width=width)

    def __repr__(self) -> str:
        fits = sum(row.fits for row in self.rows)
        return f"Exploration({self.model}: {len(self.rows)} designs, {fits} fit)"


def check_results_file(path: Path) -> None:
    """Raises BnnhwError where a file for results is called otherwise than .json or .csv."""
    if path.suffix not in _SUFFIXES:
        raise BnnhwError(
            f"'{path.name}' is neither .json nor .csv",
            where="option --output",
            fix="give e.g. -o designs.csv",
        )


def cells(row: Estimate) -> tuple[str, ...]:
    """The cells of a row under HEADINGS."""
    named = (row.board, row.target, row.precision)
    if not row.fits or row.cycles_per_frame is None or row.fps is None:
        return (*named, *("" for _ in HEADINGS[len(named) :]))
    lut, bram, dsp = (amount(name, row.resources[name]) for name in _SHOWN)
    share = percent(row.shares.get("lut_packed"))
    memory = percent(row.memory_share) if row.ddr_bytes_per_frame else "-"
    return (
        *named, number(row.cycles_per_frame), number(round(row.fps)), lut, share, bram, dsp, memory,
    )  # fmt: skip


def said(row: Estimate) -> str:
    """The verdict with its reason."""
    if not row.fits:
        return f"{row.verdict}: {row.reason}"
    loops = f", loops: {', '.join(row.loops)}" if row.loops else ""
    return f"{row.verdict}{loops}"


def headline(*, verified: bool = False) -> str:
    """What the figures are."""
    done = "simulated or built" if verified else "verified, simulated or built"
    return (
        f"estimates only: nothing is {done}; shares of {LABELS['lut_packed']} are of what a design "
        "may take, of DDR what it gives for weights"
    )


def _beaten(row: Estimate, rows: Sequence[Estimate]) -> bool:
    one = _rank(row)
    for other in rows:
        if other.fits and other.board == row.board:
            two = _rank(other)
            if two != one and all(a <= b for a, b in zip(two, one, strict=True)):
                return True
    return False


def _rank(row: Estimate) -> tuple[float, float]:
    """Less is better."""
    return -(row.fps or 0.0), row.shares.get("lut_packed", 0.0)
