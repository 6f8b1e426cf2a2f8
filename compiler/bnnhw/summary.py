"""The summary of a build in a terminal: what it is, does, needs, and how it was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bnnhw.report_facts import (
    SIMULATE,
    SYNTHESISE,
    Report,
    amount,
    bits,
    bottleneck_layers,
    bottleneck_text,
    cycles_per_frame,
    frames_per_second,
    latency_cycles,
    milliseconds,
    mismatches,
    not_simulated,
    number,
    percent,
    resource_facts,
    verdict,
    weights_place,
)

if TYPE_CHECKING:
    from rich.console import Console

_BAR = 12
_LOUD, _ALARM, _GOOD, _SOFT = "bold yellow", "bold red", "green", "dim"


def summary(report: Report, console: Console) -> None:
    """Prints the summary; it fits 80 columns and says the same without colour."""
    title = f"{report['model']} on {report['board']} ({report['part']})"
    console.print(Text(title, style="bold", overflow="fold"))
    console.print(_headline(report))
    console.print()
    console.print(_layers(report, ascii_only=console.options.ascii_only))
    console.print()
    console.print(_resources(report))
    console.print()
    console.print(_verification(report))
    for alarm in mismatches(report):
        console.print(Text(f"MISMATCH: {alarm}", style=_ALARM, overflow="fold"))
    for note in report["notes"]:
        console.print(Text(f"note: {note}", overflow="fold"))


def _headline(report: Report) -> Table:
    table = _table(("", "left"), ("", "right"), ("", "left"), ("", "left"), header=False)
    fps, cycles, latency = (
        f(report) for f in (frames_per_second, cycles_per_frame, latency_cycles)
    )
    rows = (
        ("frames a second", fps, number, f"at {report['clock_mhz']:g} MHz"),
        ("cycles a frame", cycles, number, bottleneck_text(report)),
        ("latency, cycles", latency, number, _time(report, latency.value)),
    )
    for name, figure, show, about in rows:
        text = "-" if figure.value is None else show(figure.value)
        table.add_row(Text(name), Text(text, style="bold"), Text(figure.origin), _cell(about))
    if cycles.origin != "simulated":
        table.add_row(Text(""), Text("-"), Text("simulated", style=_SOFT), not_simulated(report))
    return table


def _layers(report: Report, *, ascii_only: bool) -> Table:
    table = _table(
        ("layer", "left"),
        ("PE", "right"),
        ("SIMD", "right"),
        ("cycles", "right"),
        ("of the frame", "left"),
        ("weights", "right"),
        ("kept in", "left"),
    )
    frame = cycles_per_frame(report).value
    busiest = bottleneck_layers(report)
    longest = max([frame or 1, *(layer["cycles"] for layer in report["layers"])])
    for layer in report["layers"]:
        style = _LOUD if layer["name"] in busiest else ""
        table.add_row(
            _cell(layer["name"], style),
            str(layer["pe"]),
            str(layer["simd"]),
            Text(number(layer["cycles"]), style=style),
            Text(_bar(layer["cycles"] / longest, ascii_only=ascii_only), style=style),
            bits(layer["weight_bits"]),
            weights_place(layer),
        )
    return table


def _resources(report: Report) -> Table:
    facts = resource_facts(report)
    synthesised = any(fact.synthesised is not None for fact in facts)
    columns = [("resource", "left"), ("estimated", "right"), ("", "right")]
    if synthesised:
        columns += [("synthesised", "right"), ("", "right")]
    table = _table(*columns, ("usable", "right"), ("available", "right"))
    for fact in facts:
        cells: list[Text] = []
        for value in (fact.estimated, fact.synthesised) if synthesised else (fact.estimated,):
            if value is None:
                cells += [Text("-"), Text("")]
                continue
            over = value > fact.usable
            share = percent(fact.share(value))
            style = _ALARM if over else ""
            cells += [
                Text(amount(fact.name, value), style=style),
                Text(f"{share}{' too much' if over else ''}", style=style),
            ]
        supply = [amount(fact.name, v) for v in (fact.usable, fact.available)]
        table.add_row(Text(fact.label), *cells, *supply)
    if not synthesised:
        table.caption = SYNTHESISE
        table.caption_justify = "left"
    return table


def _verification(report: Report) -> Table | Text:
    checks = report["verification"]
    if not checks:
        return Text("nothing was verified; " + SIMULATE, style=_LOUD)
    table = _table(
        ("found", "left"), ("checked", "left"), ("against", "left"), ("inputs", "right"),
        ("note", "left"),
    )  # fmt: skip
    for check in checks:
        style = _ALARM if check["mismatches"] else _GOOD if check["inputs"] else _LOUD
        table.add_row(
            Text(verdict(check), style=style),
            _cell(check["what"]),
            _cell(check["against"]),
            number(check["inputs"]),
            _cell(check["note"]),
        )
    return table


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


def _bar(share: float, *, ascii_only: bool) -> str:
    full = round(min(max(share, 0.0), 1.0) * _BAR)
    return ("#" if ascii_only else "\N{FULL BLOCK}") * full


def _time(report: Report, cycles: float | None) -> str:
    if cycles is None:
        return ""
    ms = milliseconds(report, cycles)
    return f"{ms:.3g} ms" if ms >= 1 else f"{ms * 1e3:.3g} us"
