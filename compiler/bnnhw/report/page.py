"""report.html: a build's report as one page that needs nothing else, for people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bnnhw.backend.render import render_file
from bnnhw.report.curve import curve_rows, draw_curve
from bnnhw.report.dataflow import draw_dataflow
from bnnhw.report.facts import (
    SIMULATE,
    SYNTHESISE,
    TIMES,
    Report,
    ResourceFact,
    amount,
    bits,
    bottleneck_layers,
    bottleneck_text,
    clock_alarms,
    css_length,
    cycles_per_frame,
    frames_per_second,
    latency_cycles,
    lut_text,
    memory_place,
    mismatches,
    not_simulated,
    number,
    percent,
    resource_facts,
    shell_text,
    stream_statistics,
    time_text,
    weights_place,
    windows_place,
)
from bnnhw.report.fast import fast
from bnnhw.report.picture import loops
from bnnhw.report.placement import placement_lines
from bnnhw.report.right import hardware_verdict, right

# Widths of the picture in pixels; the template's media queries show the one that fits.
_PICTURES = ((1150, "wide"), (700, "medium"), (334, "narrow"))
_ORIGIN_MEANING = {
    "predicted": "by the token-level model of the dataflow",
    "simulated": "measured in cycle-accurate simulation of the Verilog",
    "estimated": "by the cost model fitted to synthesis",
    "synthesised": "counted after synthesis with Yosys",
    "placed": "counted by Vivado on the placed design",
}
_SCALES_SHOWN = 16


def report_html(report: Report) -> str:
    """The page: one HTML file with its own style and pictures, no script, no request.

    All of it is ASCII, so that no writer's or reader's encoding can spoil it.
    """
    macs = sum(layer["macs"] for layer in report["layers"])
    weight_bits = sum(layer["weight_bits"] for layer in report["layers"])
    simulation = report["simulation"]
    pictures = [(kind, draw_dataflow(report, width)) for width, kind in _PICTURES]
    page = render_file(
        Path(__file__).parent / "templates" / "report.html.j2",
        model=report["model"],
        version=report["bnnhw"],
        board=report["board"],
        part=report["part"],
        clock=f"{report['clock_mhz']:g}",
        macs=number(macs),
        weights=bits(weight_bits),
        layer_count=len(report["layers"]),
        unit_count=len(report["units"]),
        ddr=number(report["ddr_bytes_per_frame"]),
        alarms=mismatches(report),
        clock_alarms=clock_alarms(report),
        right=right(report),
        headline=_headline(report),
        origins=_ORIGIN_MEANING,
        fast=fast(report),
        pictures=[{"kind": kind, **asdict(picture)} for kind, picture in pictures],
        shortcuts=any(arrow.skips for arrow in pictures[0][1].arrows),
        loops=loops(report),
        lut_text=lut_text(report),
        shell=shell_text(report),
        resources=[_resource(fact) for fact in resource_facts(report)],
        not_synthesised=SYNTHESISE,
        synthesis=_synthesis(report),
        placement=placement_lines(report),
        plots=[asdict(plot) for plot in draw_curve(report)],
        curve=curve_rows(report),
        resource_labels=[fact.label for fact in resource_facts(report)],
        layers=_layers(report),
        memories=_memories(report),
        memory_total=bits(sum(memory["bits"] for memory in report["memories"])),
        comparison=_comparison(report),
        streams=_streams(report),
        simulation=None
        if simulation is None
        else {
            "frames": number(simulation["frames"]),
            "cycles": number(simulation["cycles"]),
            "waves": simulation.get("wave"),
        },
        simulate=SIMULATE,
        notes=report["notes"],
        output=_output(report),
        commands=_commands(report),
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _headline(report: Report) -> list[dict[str, Any]]:
    cycles, fps = cycles_per_frame(report), frames_per_second(report)
    latency = latency_cycles(report)
    waited = "-" if latency.value is None else time_text(report, latency.value, "µs")
    found = report.get("accuracy") or {}
    hardware, checked = hardware_verdict(report)
    cards = [_card("hardware", hardware, checked, "", over=hardware == "wrong")]
    if found.get("integer_top1") is not None:
        detail = f"in integers; {percent(found['float_top1'])} in float"
        cards.append(_card("accuracy", percent(found["integer_top1"]), detail, "measured"))
    elif found:
        detail = f"same class as in float, on {number(found['inputs'])} inputs"
        origin = "synthetic images" if found["synthetic"] else "measured"
        cards.append(_card("agreement", percent(found["agreement"]), detail, origin))
    for title, figure, text, detail in (
        ("frames per second", fps, _maybe(fps.value), f"at {report['clock_mhz']:g} MHz"),
        ("cycles per frame", cycles, _maybe(cycles.value), bottleneck_text(report)),
        ("latency", latency, waited, f"{_maybe(latency.value)} cycles"),
    ):
        cards.append(_card(title, text, detail, figure.origin))
    return cards


def _card(
    title: str, value: str, detail: str, origin: str, *, over: bool = False
) -> dict[str, Any]:
    return {"title": title, "value": value, "detail": detail, "origin": origin, "over": over}


def _resource(fact: ResourceFact) -> dict[str, Any]:
    """A card: the best figure, its share, and bars of both figures on a track of the whole part."""
    best = fact.best
    assert best.value is not None
    bars = [
        {
            "origin": origin,
            "value": amount(fact.name, value),
            "length": css_length(fact.share(value) or 0.0),
            "over": fact.over(value),
        }
        for origin, value in (
            ("estimated", fact.estimated),
            ("synthesised", fact.synthesised),
            ("placed", fact.placed),
        )
        if value is not None
    ]
    return {
        "label": fact.label,
        "share": percent(fact.share(best.value)),
        "value": amount(fact.name, best.value),
        "origin": best.origin,
        "over": fact.over(best.value),
        "available": amount(fact.name, fact.available),
        "usable": amount(fact.name, fact.usable),
        "mark": css_length(fact.share(fact.usable) or 0.0),
        "bars": bars,
    }


def _synthesis(report: Report) -> dict[str, str] | None:
    synthesis = report["synthesis"]
    if synthesis is None:
        return None
    numbers = ("logic_cells", "lut_cells", "lut_memory")
    return {"tool": synthesis["tool"], **{key: number(synthesis[key]) for key in numbers}}


def _layers(report: Report) -> list[dict[str, Any]]:
    busiest = bottleneck_layers(report)
    return [
        {
            "name": layer["name"],
            "kind": layer["kind"],
            "input": "integers" if layer["integer_input"] else "bits",
            "macs": number(layer["macs"]),
            "weights": bits(layer["weight_bits"]),
            "place": weights_place(layer),
            "windows": windows_place(report, layer["name"]),
            "pe": number(layer["pe"]),
            "simd": number(layer["simd"]),
            "cycles": number(layer["cycles"]),
            "loud": layer["name"] in busiest,
            **{name: amount(name, layer["resources"][name]) for name in report["resources"]},
        }
        for layer in report["layers"]
    ]


def _memories(report: Report) -> list[dict[str, str]]:
    return [
        {
            "name": memory["name"],
            "width": number(memory["width"]),
            "depth": number(memory["depth"]),
            "bits": number(memory["bits"]),
            "place": memory_place(report, memory),
        }
        for memory in report["memories"]
    ]


def _comparison(report: Report) -> list[dict[str, Any]]:
    """What the models said against what was measured."""
    frame, latency = report["cycles_per_frame"], report["latency_cycles"]
    rows = [
        _compared(
            "cycles per frame",
            ("predicted", frame["predicted"], _maybe(frame["predicted"])),
            ("simulated", frame["simulated"], _maybe(frame["simulated"])),
            not_simulated(report),
        ),
        _compared(
            "latency of the first frame, cycles",
            ("predicted", latency["predicted"], _maybe(latency["predicted"])),
            ("simulated", latency["simulated"], _maybe(latency["simulated"])),
            SIMULATE,
        ),
    ]
    for fact in resource_facts(report):
        counted = fact.synthesised
        rows.append(
            _compared(
                fact.label,
                ("estimated", fact.estimated, amount(fact.name, fact.estimated)),
                ("synthesised", counted, "" if counted is None else amount(fact.name, counted)),
                SYNTHESISE,
            )
        )
        if fact.placed is not None:
            rows.append(
                _compared(
                    f"{fact.label}, placed",
                    ("estimated", fact.estimated, amount(fact.name, fact.estimated)),
                    ("placed", fact.placed, amount(fact.name, fact.placed)),
                    SYNTHESISE,
                )
            )
    return rows


def _compared(
    what: str,
    model: tuple[str, float | None, str],
    measured: tuple[str, float | None, str],
    missing: str,
) -> dict[str, Any]:
    difference = ""
    if model[1] is not None and measured[1] is not None:
        if model[1] == measured[1]:
            difference = "none"
        elif measured[1]:
            difference = f"{model[1] / measured[1] - 1:+.2%}"
        else:
            difference = f"{model[1] - measured[1]:+g}"
    return {
        "what": what,
        "model": {"origin": model[0], "text": model[2]},
        "measured": None if measured[1] is None else {"origin": measured[0], "text": measured[2]},
        "difference": difference,
        "missing": missing,
    }


def _streams(report: Report) -> list[dict[str, Any]]:
    """Streams in order; what a simulation saw is None where none did."""
    seen = stream_statistics(report)
    rows = []
    for stream in report["streams"]:
        width = stream["elem_bits"] * stream["lanes"]
        row: dict[str, Any] = {
            "name": stream["name"],
            "shape": f"{stream['lanes']} {TIMES} {stream['elem_bits']}",
            "width": number(width + (1 if stream["user"] else 0)),
            "beats": number(stream["beats"]),
            "depth": number(stream["depth"]) if stream["depth"] else "-",
            "seen": None,
        }
        measured = seen.get(stream["name"])
        if measured is not None:
            depth, peak = measured["depth"], measured["peak"]
            row["seen"] = {
                "moved": number(measured["beats"]),
                "stalled": number(measured["stalled"]),
                "starved": number(measured["starved"]),
                "peak": f"{number(peak)} of {number(depth)}" if depth else "-",
                "fill": css_length(peak / depth) if depth else None,
            }
        rows.append(row)
    return rows


def _output(report: Report) -> dict[str, Any]:
    """How scores become the model's outputs."""
    output = report["output"]
    scale, bias = output["scale"], output["bias"]
    plain = all(v == 1 for v in scale) and all(v == 0 for v in bias)
    if len(set(scale)) == len(set(bias)) == 1:
        scale, bias = scale[:1], bias[:1]
    count = max(len(scale), len(bias))
    wide_scale, wide_bias = (v * count if len(v) == 1 else v for v in (scale, bias))
    pairs = [
        {"index": i, "scale": f"{s:.9g}", "bias": f"{b:.9g}"}
        for i, (s, b) in enumerate(zip(wide_scale, wide_bias, strict=True))
    ]
    return {
        "name": output["name"],
        "shape": f" {TIMES} ".join(str(n) for n in output["shape"]),
        "meaning": output["meaning"],
        "plain": plain,
        "pairs": pairs,
        "single": count == 1,
        "many": count > _SCALES_SHOWN,
        "top_k": output["top_k"],
    }


def _commands(report: Report) -> list[dict[str, str]]:
    """The commands that give this build, and its figures, again."""
    command, again = report.get("command"), {}
    if command is not None:  # None: an older build, or one without a command line
        again = {
            f"{command} -o NEW": "the same hardware from the same files, in the folder NEW",
            "bnnhw compile --config DIR/compile.json -o NEW": "the same; other files are refused",
        }
    return [
        *({"line": line, "about": about} for line, about in again.items()),
        {"line": "bnnhw simulate DIR", "about": "cycles, latency, stalls; scores compared"},
        {"line": "bnnhw simulate DIR --hls", "about": "the HLS C++ on the same frames too"},
        {"line": "bnnhw synth DIR", "about": "resources counted by synthesis"},
        {"line": "bnnhw report DIR --json", "about": "these figures, for scripts"},
    ]


def _maybe(value: float | None) -> str:
    return "-" if value is None else number(value)
