"""Frames per second against the share of LUTs, as a picture: SVG of our own, or PNG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from bnnhw.errors import BnnhwError, ToolError
from bnnhw.report.facts import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bnnhw.api.exploration.question import Estimate

    Marked = tuple[Estimate, bool]

_WIDTH, _HEIGHT = 860, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 640, 44, 424
_ROW = 20
# Colours that are told apart on white and on black, and by the colour-blind (after Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
_SIDES = (0, 4, 3)  # of the marks; 0: a circle
_STYLE = """
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1b2026; }
.title { font-weight: 700; font-size: 15px; } .soft { fill: #59636e; }
.page { fill: #ffffff; } .grid { stroke: #d5dae0; fill: none; }
.edge { fill: none; stroke-width: 2; }
.mark { stroke-width: 2; } .other { fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ec; } .soft { fill: #a3adb8; }
  .page { fill: #14171b; } .grid { stroke: #39414a; }
}
"""


def check_plot(path: Path) -> None:
    """Raises BnnhwError where ``save_plot`` cannot write such a file."""
    where = "option --plot"
    if path.suffix == ".png":
        try:
            import matplotlib  # noqa: F401
        except ImportError as error:
            raise ToolError(
                "a .png needs matplotlib",
                where=where,
                fix="pip install 'bnnhw[explore]', or give a file .svg, which needs nothing",
            ) from error
    elif path.suffix != ".svg":
        raise BnnhwError(
            f"'{path.name}' is neither .svg nor .png", where=where, fix="give e.g. --plot plot.svg"
        )


def save_plot(path: Path, model: str, rows: Sequence[Marked]) -> None:
    """Draws estimates that fit, each with whether no other on its board beats it."""
    if path.suffix == ".png":
        _save_png(path, model, rows)
    else:
        path.write_text(plot_svg(model, rows), encoding="utf-8")


def plot_svg(model: str, rows: Sequence[Marked]) -> str:
    """The picture as SVG: filled marks are Pareto-optimal on their board, and joined."""
    boards = _boards(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="FPS against LUTs of {escape(model)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{_HEIGHT}"/>',
        f'<text class="title" x="{_LEFT}" y="24">{escape(model)}: frames per second against LUTs, '
        "estimated</text>",
    ]
    low, high = _range([row.fps or 1.0 for row, _ in rows])
    most = max([1.0, *(_share(row) for row, _ in rows)])

    def x(share: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * share / most, 1)

    def y(fps: float) -> float:
        span = math.log(fps / low) / math.log(high / low)
        return round(_BOTTOM - (_BOTTOM - _TOP) * span, 1)

    for tick in _ticks(low, high):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick)}H{_RIGHT}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y(tick) + 4}" text-anchor="end">{_short(tick)}</text>'
        )
    for i in range(6):
        share = i / 5
        parts.append(f'<path class="grid" d="M{x(share)} {_TOP}V{_BOTTOM}"/>')
        parts.append(
            f'<text x="{x(share)}" y="{_BOTTOM + 18}" text-anchor="middle">{share:.0%}</text>'
        )
    parts.append(
        f'<text class="soft" x="{_RIGHT}" y="{_BOTTOM + 38}" text-anchor="end">LUTs, share of what '
        "a design may take</text>"
        f'<text class="soft" x="{_LEFT}" y="{_TOP - 6}">FPS</text>'
    )
    for place, board in enumerate(boards):
        colour, sides = _look(place)
        own = sorted(
            ((r, best) for r, best in rows if r.board == board), key=lambda p: p[0].fps or 0
        )
        edge = "L".join(f"{x(_share(r))} {y(r.fps or low)}" for r, best in own if best)
        parts.append(f'<path class="edge" stroke="{colour}" d="M{edge}"/>')
        for row, best in own:
            style = f'fill="{colour}"' if best else 'class="mark other"'
            mark = _mark(x(_share(row)), y(row.fps or low), sides)
            parts.append(
                f'<g stroke="{colour}" {style}><title>{escape(_tip(row))}</title>{mark}</g>'
            )
        top = _TOP + 8 + _ROW * place
        parts.append(
            f'<g stroke="{colour}" fill="{colour}">{_mark(_RIGHT + 26, top, sides)}</g>'
            f'<text x="{_RIGHT + 40}" y="{top + 4}">{escape(board)}</text>'
        )
    top = _TOP + 16 + _ROW * len(boards)
    parts.append(
        f'<text class="soft" x="{_RIGHT + 20}" y="{top + 4}">filled: none on its</text>'
        f'<text class="soft" x="{_RIGHT + 20}" y="{top + 22}">board is faster with</text>'
        f'<text class="soft" x="{_RIGHT + 20}" y="{top + 40}">as few LUTs</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _save_png(path: Path, model: str, rows: Sequence[Marked]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for place, board in enumerate(_boards(rows)):
        colour, sides = _look(place)
        marker = {0: "o", 3: "^", 4: "s"}[sides]
        own = sorted(
            ((r, best) for r, best in rows if r.board == board), key=lambda p: p[0].fps or 0
        )
        for best, face in ((True, colour), (False, "none")):
            some = [row for row, marked in own if marked == best]
            axes.plot(
                [100 * _share(row) for row in some],
                [row.fps or 0.0 for row in some],
                marker,
                linestyle="-" if best else "none",
                color=colour,
                markerfacecolor=face,
                label=board if best else None,
            )
    axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel("LUTs, % of what a design may take")
    axes.set_ylabel("frames per second")
    axes.set_title(f"{model}, estimated; filled: Pareto-optimal on its board")
    axes.grid(visible=True, alpha=0.4)
    if rows:
        axes.legend(loc="best")
    figure.savefig(path, dpi=150)


def _boards(rows: Sequence[Marked]) -> list[str]:
    return list(dict.fromkeys(row.board for row, _ in rows))


def _share(row: Estimate) -> float:
    return row.shares.get("lut_packed", 0.0)


def _look(place: int) -> tuple[str, int]:
    """Colour and corners of the marks of a board."""
    return _COLOURS[place % len(_COLOURS)], _SIDES[place // len(_COLOURS) % len(_SIDES)]


def _mark(x: float, y: float, sides: int) -> str:
    if sides == 4:
        return f'<path d="M{x - 5:g} {y - 5:g}h10v10h-10z"/>'
    if sides == 3:
        return f'<path d="M{x:g} {y - 6:g}l6 11h-12z"/>'
    return f'<circle cx="{x:g}" cy="{y:g}" r="5"/>'


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Whole decades, or halves of them, around the values."""
    low, high = min(values, default=1.0), max(values, default=10.0)
    return 10 ** (math.floor(2 * math.log10(low)) / 2), 10 ** (
        (math.floor(2 * math.log10(high)) + 1) / 2
    )


def _ticks(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    marks = [step * 10.0**decade for decade in range(first, last + 1) for step in (1, 2, 5)]
    return [mark for mark in marks if low * 0.999 <= mark <= high * 1.001]


def _short(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _tip(row: Estimate) -> str:
    precision = f", {row.precision}" if row.precision != "default" else ""
    return (
        f"{row.board}, {row.target}{precision}: {number(row.cycles_per_frame or 0)} cycles per "
        f"frame, {number(round(row.fps or 0))} FPS, {percent(_share(row))} of the LUTs"
    )
