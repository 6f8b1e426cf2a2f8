"""Several builds side by side: cycles, resources, accuracy, and each layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.backend.render import render_file
from bnnhw.hardware.cost.model import LABELS, LIMITED
from bnnhw.report.facts import (
    Figure,
    Report,
    cycles_per_frame,
    frames_per_second,
    number,
    resource_facts,
)
from bnnhw.report.plain_table import plain_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Row:
    """One fact of all builds.

    Attributes:
        name: what it is.
        cells: one per build, as text; empty where a build has none.
        values: the same as numbers; None where it is none.
        layer: the layer that it is of, or empty.
    """

    name: str
    cells: tuple[str, ...]
    values: tuple[float | None, ...]
    layer: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Builds side by side.

    Attributes:
        names: what each build is called: its folder.
        rows: the facts, whole designs first, then layer by layer.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON holds it."""
        return comparison_json(self.names, self.rows)

    def page(self) -> str:
        """The comparison as an HTML page of its own."""
        return comparison_page(self.names, self.rows)

    def lines(self, width: int = 80) -> list[str]:
        """The comparison as lines of a terminal; what differs has a star before it."""
        rows = [
            (f"{'*' if len(set(row.cells)) > 1 else ' '} {row.name}", *row.cells)
            for row in self.rows
        ]
        return plain_table(("", *self.names), rows, width=width)

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.names)})"


def compared(reports: Sequence[Report]) -> list[Row]:
    """All rows of a comparison: whole designs first, then layer by layer in order."""
    rows = [
        _texts("network", [report["model"] for report in reports]),
        _texts("board", [report["board"] for report in reports]),
        _texts("clock, MHz", [f"{report['clock_mhz']:g}" for report in reports]),
    ]
    rows.append(_figures("cycles per frame", map(cycles_per_frame, reports)))
    rows.append(_figures("FPS", map(frames_per_second, reports)))
    facts = [{fact.name: fact.best for fact in resource_facts(report)} for report in reports]
    for name in LIMITED:  # a part without such blocks has no figure
        if any(name in found for found in facts):
            none = Figure(None, "estimated")
            rows.append(_figures(LABELS[name], (found.get(name, none) for found in facts)))
    for kind, key in (("integers", "integer_top1"), ("float", "float_top1")):
        shares = [(report.get("accuracy") or {}).get(key) for report in reports]
        cells = ["" if share is None else f"{share:.2%}" for share in shares]
        rows.append(Row(f"accuracy in {kind}", tuple(cells), tuple(shares)))
    counts = [_labelled(report) for report in reports]
    measured = ("" if count is None else f"{number(count)} inputs" for count in counts)
    rows.append(Row("accuracy measured on", tuple(measured), tuple(counts)))
    return [row for row in rows if any(row.cells)] + _layers(reports)


def _labelled(report: Report) -> int | None:
    """The inputs that an accuracy is of; None where there is none."""
    found = report.get("accuracy") or {}
    return None if found.get("integer_top1") is None else found.get("labelled") or found["inputs"]


def _layers(reports: Sequence[Report]) -> list[Row]:
    """Folding and cycles of each layer that any of the builds has."""
    by_name = [{layer["name"]: layer for layer in report["layers"]} for report in reports]
    names = list(dict.fromkeys(name for layers in by_name for name in layers))
    rows = []
    for name in names:
        found = [layers.get(name) for layers in by_name]
        cells = [
            ""
            if layer is None
            else f"PE {layer['pe']}, SIMD {layer['simd']}: {number(layer['cycles'])}"
            for layer in found
        ]
        cycles = tuple(None if layer is None else layer["cycles"] for layer in found)
        rows.append(Row(name, tuple(cells), cycles, layer=name))
    return rows


def _figures(name: str, found: Iterable[Figure]) -> Row:
    figures = list(found)
    cells = ("" if f.value is None else f"{number(f.value)} {f.origin}" for f in figures)
    return Row(name, tuple(cells), tuple(f.value for f in figures))


def _texts(name: str, cells: Sequence[str]) -> Row:
    return Row(name, tuple(cells), (None,) * len(cells))


def comparison_json(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """The comparison as JSON holds it."""
    return {
        "builds": list(names),
        "rows": [
            {"name": row.name, "layer": row.layer or None, "text": list(row.cells),
             "value": list(row.values)}
            for row in rows
        ],
    }  # fmt: skip


def comparison_page(names: Sequence[str], rows: Sequence[Row]) -> str:
    """The comparison as a page of its own, in ASCII."""
    template = Path(__file__).parent / "templates" / "compare.html.j2"
    page = render_file(template, names=names, rows=rows)
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
