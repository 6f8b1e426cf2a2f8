"""The summary of a build in a terminal: what it is, does, needs, and how it was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bnnhw.report.bounds import bound_text, reach_text, stage_text
from bnnhw.report.curve import curve_rows
from bnnhw.report.facts import (
    SIMULATE,
    SYNTHESISE,
    Report,
    accuracy_alarms,
    accuracy_text,
    amount,
    bits,
    bottleneck_layers,
    bottleneck_text,
    clock_alarms,
    cycles_per_frame,
    frames_per_second,
    latency_cycles,
    lost_text,
    lut_text,
    mismatches,
    not_simulated,
    number,
    percent,
    resource_facts,
    shell_text,
    time_text,
    turned_text,
    verdict,
    weights_place,
)
from bnnhw.report.placement import placement_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_BAR = 12
_LEAST_NAME = 16
_INDENT = 4
_GAP = 2  # between the columns of a table
_MOST_SHARES = 4  # in a table of 80 columns; of more, those that no point takes are left out
_FLUSH_RIGHT = (False, True, True, True, False, True, False)  # columns of the table of layers
_LOUD, _ALARM, _GOOD, _SOFT = "bold yellow", "bold red", "green", "dim"


def summary(report: Report, console: Console) -> None:
    """Prints the summary; it fits 80 columns and says the same without colour."""
    title = f"{report['model']} on {report['board']} ({report['part']})"
    console.print(Text(title, style="bold", overflow="fold"))
    console.print(_headline(report))
    if lost := lost_text(report):
        console.print(Text(lost, style=_SOFT, overflow="fold"))
    for alarm in clock_alarms(report):
        console.print(Text(f"WARNING: {alarm}", style=_ALARM, overflow="fold"))
    console.print()
    console.print(_layers(report, console), soft_wrap=True)
    console.print()
    console.print(_resources(report))
    _print_reserve(report, console)
    console.print()
    if report.get("bounds"):
        _print_bounds(report, console)
        console.print()
    if len(report.get("curve", [])) > 1:
        console.print(_curve(report))
        console.print()
    _print_verification(report, console)
    _print_accuracy(report, console)
    for alarm in mismatches(report):
        console.print(Text(f"MISMATCH: {alarm}", style=_ALARM, overflow="fold"))
    for note in report["notes"]:
        console.print(Text(f"note: {note}", overflow="fold"))


def _headline(report: Report) -> Table:
    table = _table(("", "left"), ("", "right"), ("", "left"), ("", "left"), header=False)
    fps, cycles, latency = (
        f(report) for f in (frames_per_second, cycles_per_frame, latency_cycles)
    )
    waited = "" if latency.value is None else time_text(report, latency.value)
    rows = (
        ("frames per second", fps, number, f"at {report['clock_mhz']:g} MHz"),
        ("cycles per frame", cycles, number, bottleneck_text(report)),
        ("latency, cycles", latency, number, waited),
    )
    for name, figure, show, about in rows:
        text = "-" if figure.value is None else show(figure.value)
        table.add_row(Text(name), Text(text, style="bold"), Text(figure.origin), _cell(about))
    if cycles.origin != "simulated":
        table.add_row(Text(""), Text("-"), Text("simulated", style=_SOFT), not_simulated(report))
    return table


def _layers(report: Report, console: Console) -> Text:
    """A row a layer; a name for which there is no room has a line of its own, whole."""
    headings = ("layer", "PE", "SIMD", "cycles", "of the frame", "weights", "kept in")
    layers = report["layers"]
    busiest = bottleneck_layers(report)
    longest = max([cycles_per_frame(report).value or 1, *(layer["cycles"] for layer in layers)])
    rows = [
        (
            layer["name"],
            str(layer["pe"]),
            str(layer["simd"]),
            number(layer["cycles"]),
            _bar(layer["cycles"] / longest, console.options.ascii_only),
            bits(layer["weight_bits"]),
            weights_place(layer),
        )
        for layer in layers
    ]
    widths = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
    room = max(_LEAST_NAME, console.width - sum(width + _GAP for width in widths[1:]))
    widths[0] = max(len(name) for name in ("layer", *(row[0] for row in rows)) if len(name) <= room)
    lines = [_line(headings, widths, ["bold"] * len(headings))]
    for row in rows:
        loud = _LOUD if row[0] in busiest else ""
        styles = (loud, "", "", loud, loud, "", "")
        if len(row[0]) > room:
            lines.append(Text(row[0], style=loud))
            row = ("", *row[1:])
        lines.append(_line(row, widths, styles))
    return Text("\n").join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Text:
    """Cells of a row of layers, numbers flush right."""
    places = zip(cells, widths, styles, _FLUSH_RIGHT, strict=True)
    made = [
        Text(cell.rjust(width) if right else cell.ljust(width), style=style)
        for cell, width, style, right in places
    ]
    line = Text(" " * _GAP).join(made)
    line.rstrip()
    return line


def _resources(report: Report) -> Table:
    facts = resource_facts(report)
    shown = ["estimated"]
    shown += [n for n in ("synthesised", "placed") if any(getattr(f, n) is not None for f in facts)]
    # Of three figures only the best has its share beside it: more than that no line of 80 holds.
    shares = shown if len(shown) < 3 else shown[-1:]
    columns = [("resource", "left")]
    for name in shown:
        columns += [(name, "right"), *([("", "right")] if name in shares else [])]
    table = _table(*columns, ("usable", "right"), ("available", "right"))
    for fact in facts:
        cells: list[Text] = []
        for name in shown:
            value = getattr(fact, name)
            over = value is not None and fact.over(value)
            style = _ALARM if over else ""
            cells.append(Text("-" if value is None else amount(fact.name, value), style=style))
            if name in shares:
                share = "" if value is None else percent(fact.share(value))
                cells.append(Text(f"{share}{' too much' if over else ''}", style=style))
        supply = [amount(fact.name, v) for v in (fact.usable, fact.available)]
        table.add_row(Text(fact.label), *cells, *supply)
    return table


def _print_reserve(report: Report, console: Console) -> None:
    """What the table leaves to say: what was not counted yet, and what is not the design's."""
    lines = [lut_text(report), shell_text(report)]
    if report["synthesis"] is None:
        lines.insert(0, SYNTHESISE)
    lines += placement_lines(report)
    for line in lines:
        console.print(Text(line, style=_SOFT, overflow="fold"))


def _print_bounds(report: Report, console: Console) -> None:
    """What each resource would allow, and the one that bounds the design."""
    found = report["bounds"]
    table = _table(
        ("estimated", "left"), ("of the budget", "right"), ("lasts down to, cycles", "right"),
        ("FPS", "right"),
    )  # fmt: skip
    for row in found["resources"]:
        if row["usable"]:
            fps = "" if row["fps"] is None else number(round(row["fps"]))
            cells = (row["label"], percent(row["share"]), reach_text(row), fps)
            style = _LOUD if row["name"] == found["binding"] else ""
            table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
    console.print(Text(bound_text(report), overflow="fold"))
    console.print(Text(stage_text(report), style=_SOFT, overflow="fold"))


def _curve(report: Report) -> Table:
    """Other paces and what they would cost, estimated, in shares of the part."""
    facts = resource_facts(report)
    if len(facts) > _MOST_SHARES:
        facts = [fact for fact in facts if any(point[fact.name] for point in report["curve"])]
    names = [(fact.label, "right") for fact in facts]
    table = _table(("cycles per frame", "right"), ("FPS", "right"), *names, ("estimated", "left"))
    for point, row in zip(report["curve"], curve_rows(report), strict=True):
        style = _LOUD if row["chosen"] else ""
        shares = [percent(fact.share(point[fact.name])) for fact in facts]
        bounds = (">= ", "<= ") if row["bound"] else ("", "")
        cells = [bounds[0] + row["cycles"], bounds[1] + row["fps"], *shares, row["verdict"]]
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _print_verification(report: Report, console: Console) -> None:
    """A line a comparison, and below it, indented, what a reader should know beside."""
    if not report["verification"]:
        console.print(Text("nothing was verified; " + SIMULATE, style=_LOUD))
    for check in report["verification"]:
        style = _ALARM if check["mismatches"] else _GOOD if check["inputs"] else _LOUD
        inputs = f"{number(check['inputs'])} input{'' if check['inputs'] == 1 else 's'}"
        found = f"{check['what']} against {check['against']}, {inputs}"
        found_out = verdict(check).replace("exact", "hardware exact")
        console.print(Text.assemble((f"{found_out}: ", style), found, overflow="fold"))
        if check["note"]:
            note = Text(check["note"], style=_SOFT, overflow="fold")
            console.print(Padding(note, (0, 0, 0, _INDENT), expand=False))


def _print_accuracy(report: Report, console: Console) -> None:
    """Integers against float: beside what is exact, what it is worth."""
    text, alarms = accuracy_text(report), accuracy_alarms(report)
    if text:
        style = _ALARM if alarms else _LOUD if text.startswith("not") else _GOOD
        console.print(Text.assemble(("accuracy: ", style), text, overflow="fold"))
    if turned := turned_text(report):
        note = Text(turned, style=_SOFT, overflow="fold")
        console.print(Padding(note, (0, 0, 0, _INDENT), expand=False))
    for alarm in alarms:
        advice = report["accuracy"]["ways_out"]
        console.print(Text(f"WARNING: {alarm}; {advice}", style=_ALARM, overflow="fold"))


def _table(*columns: tuple[str, str], header: bool = True) -> Table:
    """Columns of (heading, "left" or "right"); numbers never wrap, words fold."""
    table = Table(box=None, show_header=header, header_style="bold", pad_edge=False)
    for heading, justify in columns:
        right = justify == "right"
        table.add_column(
            heading, justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    return table


def _cell(text: str, style: str = "") -> Text:
    """Text as it is: no markup, however a layer is named."""
    return Text(text, style=style, overflow="fold")


def _bar(share: float, ascii_only: bool) -> str:
    full = round(min(max(share, 0.0), 1.0) * _BAR)
    return ("#" if ascii_only else "\N{FULL BLOCK}") * full
