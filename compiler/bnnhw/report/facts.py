"""What a report says, picked out for people: figures with their origin, verdicts, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.hardware.cost.model import LABELS, LIMITED, RARE, USABLE
from bnnhw.hardware.units import KINDS

Report = dict[str, Any]

SIMULATE = "not simulated yet: bnnhw simulate DIR"
SIMULATE_MORE = "not measured by a single frame: bnnhw simulate DIR --frames 3"
SYNTHESISE = "not synthesised yet: bnnhw synth DIR"
UNKNOWN = "not known"
TIMES = "\N{MULTIPLICATION SIGN}"

_NAMED = 3
_STYLES = {0: "the tool's choice", 1: "LUTs", 2: "block RAM", 3: "UltraRAM"}
_KEPT = {"lut": "LUTs", "bram": "block RAM", "ddr": "DDR"}


@dataclass(frozen=True)
class Figure:
    """A number, and how it was come by.

    Attributes:
        value: the number; None where nothing has given it.
        origin: "predicted", "simulated", "estimated", "synthesised" or "placed".
    """

    value: float | None
    origin: str


@dataclass(frozen=True)
class ResourceFact:
    """Need and supply of one resource.

    Attributes:
        name: its key in the report.
        label: its name for people.
        estimated: by the cost model.
        synthesised: by synthesis with Yosys; None before one.
        placed: by Vivado; None before it ran.
        available: on the part.
        usable: what a design may take of it, beside the shell.
        reserved: what the board's file reserves for the shell.
    """

    name: str
    label: str
    estimated: float
    synthesised: float | None
    placed: float | None
    available: float
    usable: float
    reserved: float

    def over(self, amount: float) -> bool:
        """Whether ``amount`` is more than a design may take."""
        return amount > self.usable

    @property
    def best(self) -> Figure:
        """The amount placed where there is one, else that synthesised, else the estimate."""
        if self.placed is not None:
            return Figure(self.placed, "placed")
        if self.synthesised is not None:
            return Figure(self.synthesised, "synthesised")
        return Figure(self.estimated, "estimated")

    def share(self, amount: float) -> float | None:
        """``amount`` as a share of what the part has; None where it has none."""
        return amount / self.available if self.available else None


def cycles_per_frame(report: Report) -> Figure:
    """Simulated where measured, else predicted."""
    return _measured(report["cycles_per_frame"])


def latency_cycles(report: Report) -> Figure:
    """Simulated where measured, else predicted."""
    return _measured(report["latency_cycles"])


def frames_per_second(report: Report) -> Figure:
    """At the report's clock; of the same origin as the cycles per frame it comes from."""
    return Figure(report["fps"], cycles_per_frame(report).origin)


def fps_of(report: Report, cycles: float) -> float:
    """Frames per second of a frame of ``cycles`` at the report's clock."""
    clock: float = report["clock_mhz"]
    return clock * 1e6 / cycles


def time_text(report: Report, cycles: float, micro: str = "us") -> str:
    """Time of ``cycles`` at the report's clock: 2.13 ms; 50.1 us, in the spelling given."""
    ms = cycles / float(report["clock_mhz"]) / 1e3
    return f"{ms:.3g} ms" if ms >= 1 else f"{ms * 1e3:.3g} {micro}"


def css_length(share: float) -> str:
    """A share of a track as a CSS length; what goes over ends at the edge."""
    return f"{min(max(share, 0.0), 1.0) * 100:.2f}%"


def not_simulated(report: Report) -> str:
    """Why there are no simulated cycles per frame, and what gives them."""
    return SIMULATE if report["simulation"] is None else SIMULATE_MORE


def resource_facts(report: Report) -> list[ResourceFact]:
    """The resources of a part, in the report's order; of LUTs the count it is held to."""
    return [
        ResourceFact(
            name,
            LABELS[name],
            row["estimated"],
            row["synthesised"],
            row.get("placed"),
            row["available"],
            row["available"] if row.get("usable") is None else row["usable"],
            row.get("reserved", 0),
        )
        for name, row in report["resources"].items()
        if name in LIMITED and (row["available"] or name not in RARE)
    ]


def lut_text(report: Report) -> str:
    """What the number of LUTs counts, in one sentence."""
    rows = [report["resources"][name] for name in ("lut", "lut_cells")]
    key = "estimated" if rows[0]["synthesised"] is None else "synthesised"
    shared, cells = (amount("lut", row[key]) for row in rows)
    return (
        f"LUT is half way between {shared} logic cells, where every small LUT shares one, and "
        f"{cells} LUT primitives, where none does ({key})"
    )


def shell_text(report: Report) -> str:
    """What is reserved for the shell, in one sentence."""
    facts = [fact for fact in resource_facts(report) if fact.reserved]
    if not facts:
        return (
            "nothing is reserved for the shell (DMA, interconnect, reset): the board's file has no "
            "[shell]"
        )
    amounts = [f"{amount(f.name, f.reserved)} {f.label}" for f in facts]
    return (
        f"{', '.join(amounts)} are reserved for the shell (DMA, interconnect, reset); usable is "
        f"{USABLE['lut']:.0%} of the LUTs, {USABLE['ff']:.0%} of the flip-flops and all blocks, "
        "less that"
    )


def bottleneck_layers(report: Report) -> list[str]:
    """The layers that bound the cycles per frame; none where a stream or port is busier."""
    ideal = report["cycles_per_frame"]["ideal"]
    return [layer["name"] for layer in report["layers"] if layer["cycles"] >= ideal]


def bottleneck_text(report: Report) -> str:
    """What bounds the cycles per frame."""
    ideal = report["cycles_per_frame"]["ideal"]
    busiest = bottleneck_layers(report)
    if busiest:
        return f"bound by {_some(busiest)}"
    streams = [s["name"] for s in report["streams"] if s["beats"] >= ideal]
    if streams:
        return f"bound by the stream {_some(streams)}"
    return "bound by the input or output port"


_WAITS = {
    "fill": "{} for the first beats of a frame from {}",
    "input": "{} for input from {}",
    "border": "{} at the padding of {}",
    "stall": "{} for room in {}",
}


def lost_text(report: Report) -> str:
    """What the predicted frame takes beyond the busiest layer's work; empty for an older report."""
    row = report["cycles_per_frame"]
    busiest, lost = row.get("busiest"), row.get("lost", ())
    if busiest is None:
        return ""
    works = {layer["name"]: layer["cycles"] for layer in report["layers"]}
    port = busiest not in {unit["layer"] for unit in report["units"]}
    what = (
        f"{busiest} works"
        if works.get(busiest) == row["ideal"]
        else f"the stream into {busiest} moves"
    )
    what = f"{busiest} moves" if port else what
    if not lost:
        return f"in the model {what} in every cycle"
    waits = [_WAITS[one["cause"]].format(number(one["cycles"]), one["layer"]) for one in lost]
    total = number(sum(one["cycles"] for one in lost))
    others = sum(one["cycles"] for one in lost[_NAMED:])
    more = [*waits[:_NAMED], *([f"{number(others)} for others"] if others else [])]
    cycles = number(row["ideal"])
    return f"in the model {what} in {cycles} cycles and waits {total}: {', '.join(more)}"


def clock_alarms(report: Report) -> list[str]:
    """Why the clock may be out of reach; empty where nothing says so."""
    found = report.get("clock")
    if found is None or report["clock_mhz"] <= found["mhz"]:
        return []
    return [
        f"the clock of {report['clock_mhz']:g} MHz is more than the {found['mhz']:.0f} MHz that "
        f"speed grade {found['grade']} may reach: the logic of {found['unit']} takes up to "
        f"{found['path_ns']:g} ns on a 7-series part of grade 1, routing about as long again (a "
        "rule of thumb: nothing is placed); give a lower --clock"
    ]


def verdict(check: dict[str, Any]) -> str:
    """What a comparison found, in words; a mismatch in capitals."""
    if check["mismatches"]:
        return f"MISMATCH in {number(check['mismatches'])} of {number(check['inputs'])}"
    return "exact" if check["inputs"] else "nothing compared"


def accuracy_text(report: Report) -> str:
    """What was measured of integers against float, in one sentence; empty without any check."""
    found = report.get("accuracy")
    if found is None:
        checked = any(c["against"].startswith("onnxruntime") for c in report["verification"])
        return "not measured; the scores are the model's, and so is its accuracy" if checked else ""
    count = number(found["inputs"])
    same = f"the same best class in integers and in float for {found['agreement']:.1%}"
    noise = found["noise_agreement"]
    under = "" if noise is None else f" ({noise:.1%} under noise of 1 % at each layer)"
    if found["integer_top1"] is not None:
        return (
            f"{found['integer_top1']:.1%} in integers, {found['float_top1']:.1%} in float, on "
            f"{number(found.get('labelled') or found['inputs'])} labelled inputs; {same}{under}"
        )
    if found["synthetic"]:
        return (
            f"not measured (--input takes images); of {count} synthetic images, a rough hint, "
            f"{same}{under}"
        )
    return f"not measured, since the {count} inputs have no labels; {same}{under}"


def turned_text(report: Report) -> str:
    """The signs that turn most; empty where none does."""
    streams = (report.get("accuracy") or {}).get("streams", ())
    signs = sorted((s for s in streams if s["turned"]), key=lambda s: -s["turned"])
    worst = [f"{s['name']} {s['turned']:.1%} (bias {s['bias']:+.1%})" for s in signs[:_NAMED]]
    return f"signs turned by rounding, at most: {', '.join(worst)}" if worst else ""


def accuracy_alarms(report: Report) -> list[str]:
    """Why the integers are not the network any more; mostly empty."""
    alarm = (report.get("accuracy") or {}).get("alarm")
    return [alarm] if alarm else []


def mismatches(report: Report) -> list[str]:
    """A sentence for each comparison that failed."""
    return [
        f"{check['what']} differs from {check['against']} in {number(check['mismatches'])} of "
        f"{number(check['inputs'])} inputs"
        for check in report["verification"]
        if check["mismatches"]
    ]


def memory_place(report: Report, memory: dict[str, Any]) -> str:
    """Where a memory image is kept in hardware."""
    if memory["depth"] == 1:
        return "constants (one word)"
    for suffix, style in (("_weights", "WEIGHTS_STYLE"), ("_init", "INIT_STYLE")):
        if not memory["name"].endswith(suffix):
            continue
        layer = memory["name"].removesuffix(suffix)
        for unit in report["units"]:
            if unit["layer"] == layer and style in unit["params"]:
                return _STYLES.get(unit["params"][style], UNKNOWN)
    return _STYLES[0]


def weights_place(layer: dict[str, Any]) -> str:
    """Where a layer's weights are kept, and in a loop for how many passes."""
    place, passes = (
        _KEPT.get(layer["memory"], str(layer["memory"])),
        1 + len(layer.get("later", ())),
    )
    return place if passes == 1 else f"{place}, {passes} passes"


def windows_place(report: Report, layer: str) -> str:
    """Where a layer's windows are played from for each tile of output channels; "-" without any.

    From rows of the image, registers, the whole image, or a small memory that each window is read
    into once, so many elements per beat.
    """
    units = {unit["name"]: unit for unit in report["units"] if unit["layer"] == layer}
    if f"{layer}_replay" in units:
        params = units[f"{layer}_window"]["params"]
        return f"once, {params.get('OUT_LANES') or params['SIMD']} per beat"
    held = (KINDS[unit["kind"]].holds for unit in units.values())
    return next((place for place in held if place), "-")


def stream_statistics(report: Report) -> dict[str, dict[str, Any]]:
    """What each stream did in the simulation, by name; empty before one."""
    simulation = report["simulation"] or {}
    return {row["stream"]: row for row in simulation.get("streams", ())}


def number(value: float) -> str:
    """With thousands separated, and no more digits than say something: 8,192; 76.5; 0.125."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.3g}"


def amount(name: str, value: float) -> str:
    """An amount of a resource: block RAM in halves, all else whole."""
    return number(value if name == "bram36" else round(value))


def percent(share: float | None) -> str:
    """A share for people: 45.8%, or a dash where there is none."""
    return "-" if share is None else f"{share:.1%}"


def bits(count: int) -> str:
    """A number of bits in the largest unit that keeps it at 1 or more (K = 1024)."""
    for unit, size in (("Mbit", 1 << 20), ("Kbit", 1 << 10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bit"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _measured(row: dict[str, Any]) -> Figure:
    if row["simulated"] is not None:
        return Figure(row["simulated"], "simulated")
    return Figure(row["predicted"], "predicted")
