"""The page of a build: complete, self-contained, honest about what nothing measured."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import typer

from bnnhw.backend.yosys import Synthesis
from bnnhw.cli.commands import app
from bnnhw.hardware.cost.model import Resources
from bnnhw.report.facts import SIMULATE, SIMULATE_MORE, SYNTHESISE
from bnnhw.report.figures import with_simulation, with_synthesis
from bnnhw.report.page import report_html
from bnnhw.verify.simulate import Simulation, StreamStatistics
from bnnhw.verify.verification import Verification

VOID = {"meta", "br", "wbr", "img", "hr", "input", "link"}
HINTS = (SIMULATE, SIMULATE_MORE, SYNTHESISE)
HOSTILE = "<img src=x onerror=\"alert('1')\">&amp;{{ 7*7 }}"


class Page(HTMLParser):
    """Checks that tags balance, and collects text, attributes and table rows."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text, self.rows = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text.append(data)
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def words(self):
        return re.sub(r"\s+", " ", "".join(self.text))

    def row(self, *starts):
        found = [r for r in self.rows if tuple(c.strip() for c in r[: len(starts)]) == starts]
        assert len(found) == 1, (starts, found)
        return [re.sub(r"\s+", " ", cell).strip() for cell in found[0]]


@pytest.fixture(scope="module")
def measured(fresh):
    """The same after a simulation of three frames and a synthesis."""
    return with_synthesis(with_simulation(fresh, simulation(fresh, 3), CHECKS, steady=True), SYNTH)


CHECKS = [Verification("verilog", "interpreter", 3, 0, "random inputs")]
SYNTH = Synthesis(Resources(1234, 2345, 6.5, 0), 1000, 1100, 234, {"LUT6": 1100})


def simulation(report, frames):
    streams = tuple(
        StreamStatistics(s["name"], s["depth"], frames * s["beats"], 31 + i, 77, s["depth"] // 2)
        for i, s in enumerate(report["streams"])
    )
    latency = tuple(1500 + f for f in range(frames))
    return Simulation(b"", frames, latency, (1031,) * (frames - 1), 4000, streams, {})


def test_page_is_balanced_html_and_names_every_part(fresh, measured):
    for report in (fresh, measured):
        page = Page(report_html(report))
        for part in ("layers", "streams", "memories"):
            for item in report[part]:
                assert [r for r in page.rows if r and r[0].strip() == item["name"]], item["name"]
        for unit in report["units"]:
            assert page.words.count(f"{unit['name']} ({unit['kind']})") == 3, "one a picture"
        assert "input x: uint8 assumed" in page.words
        assert "None" not in page.words and "nan" not in page.words


def test_page_fetches_nothing_and_runs_nothing(measured):
    html = report_html(measured)
    assert "http://" not in html and "https://" not in html
    assert "@import" not in html and "<script" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", html))
    for tag, attributes in Page(html).tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "use", "base")
        for name, value in attributes.items():
            assert name != "href" or (tag == "a" and value.startswith("#"))
            assert name not in ("src", "srcset", "data", "action", "xlink:href")
            assert not name.startswith("on")


def test_page_follows_the_colour_scheme_and_the_width_of_the_window(fresh):
    html = report_html(fresh)
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    kinds = [a["class"] for t, a in Page(html).tags if t == "svg"]
    assert kinds == ["picture wide", "picture medium", "picture narrow"]


def test_page_is_ascii_and_the_same_every_time(measured):
    html = report_html(measured)
    assert html.isascii()
    assert html == report_html(copy.deepcopy(measured))


def test_unmeasured_figures_are_named_as_such(fresh):
    page = Page(report_html(fresh))
    assert page.row("cycles per frame") == ["cycles per frame", "1,030 predicted", SIMULATE]
    assert page.row("latency of the first frame, cycles")[2] == SIMULATE
    assert page.row("LUT")[2] == SYNTHESISE
    fit = words_of(report_html(fresh), "fit")
    assert fit.count(SYNTHESISE) == 4, "one a resource"
    assert f"Stalls and FIFO occupancy: {SIMULATE}" in page.words
    assert "stalled" not in [cell for row in page.rows for cell in row]
    assert origins_of_headline(report_html(fresh)) == ["predicted"] * 3
    assert "synthesised" not in fit.replace(SYNTHESISE, "")


def test_measured_figures_take_the_place_of_predictions(measured):
    html = report_html(measured)
    page = Page(html)
    assert origins_of_headline(html) == ["simulated"] * 3
    assert words_of(html, "fit").count("synthesised") == 5, "one a resource and what LUT counts"
    cycles = page.row("cycles per frame")
    assert cycles == ["cycles per frame", "1,030 predicted", "1,031 simulated", "-0.10%"]
    assert page.row("latency of the first frame, cycles")[3] == "none"
    assert page.row("BRAM36")[2] == "6.5 synthesised"
    assert page.row("DSP")[3] == "none"
    assert SIMULATE not in page.words and SYNTHESISE not in page.words
    first = measured["streams"][0]
    row = page.row(first["name"])
    assert row[5:8] == [f"{3 * first['beats']:,}", "31", "77"]
    assert "550 of 1,100" in [row[8] for row in page.rows if len(row) == 9]


def test_single_frame_measures_latency_alone(fresh):
    report = with_simulation(fresh, simulation(fresh, 1), CHECKS, steady=True)
    page = Page(report_html(report))
    assert page.row("cycles per frame")[2] == SIMULATE_MORE
    assert page.row("latency of the first frame, cycles")[2] == "1,500 simulated"
    origins = ["predicted", "predicted", "simulated"]
    assert origins_of_headline(report_html(report))[:3] == origins


def test_streams_that_nothing_watched_are_not_shown_as_idle(fresh):
    seen = replace(simulation(fresh, 3), streams=())
    page = Page(report_html(with_simulation(fresh, seen, CHECKS, steady=True)))
    assert page.row(fresh["streams"][0]["name"])[5:] == ["not watched"]


def test_mismatch_is_loud_and_exactness_is_quiet(measured):
    quiet = report_html(measured)
    assert "MISMATCH" not in quiet and 'role="alert"' not in quiet
    rows = Page(quiet).rows
    found = next(i for i, row in enumerate(rows) if row[:2] == ["exact", "verilog"])
    assert rows[found][2:] == ["interpreter", "3"] and rows[found + 1] == ["random inputs"]
    wrong = with_simulation(
        measured, simulation(measured, 3), [replace(CHECKS[0], mismatches=2)], steady=True
    )
    page = Page(report_html(wrong))
    assert [a for _, a in page.tags if a.get("role") == "alert"]
    assert "MISMATCH: verilog differs from interpreter in 2 of 3 inputs" in page.words
    assert page.row("MISMATCH in 2 of 3", "verilog")
    assert [a for t, a in page.tags if t == "tr" and a.get("class", "").startswith("wrong")]


def test_nothing_compared_is_not_called_exact(fresh):
    none = {**fresh, "verification": []}
    assert "Nothing was verified" in Page(report_html(none)).words
    empty = [
        {"what": "verilog", "against": "interpreter", "inputs": 0, "mismatches": 0, "note": ""}
    ]
    page = Page(report_html({**fresh, "verification": empty}))
    assert page.row("nothing compared", "verilog")


def test_hostile_names_stay_text(measured):
    report = copy.deepcopy(measured)
    name = report["layers"][0]["name"]
    for item in report["layers"] + report["units"]:
        for key in ("name", "layer"):
            if item.get(key) == name:
                item[key] = HOSTILE
    report["model"] = report["notes"][0] = report["output"]["name"] = HOSTILE
    report["verification"][0]["note"] = HOSTILE
    page = Page(report_html(report))
    assert "img" not in {tag for tag, _ in page.tags}
    assert page.row(HOSTILE, "conv") and page.words.count(HOSTILE) >= 5


def test_every_layer_has_a_bar_and_the_bottleneck_the_longest(fresh):
    page = Page(report_html(fresh))
    bars = [a for t, a in page.tags if t == "div" and a.get("class", "").startswith("bar")]
    lengths = [float(re.fullmatch(r"width:([\d.]+)%", a["style"])[1]) for a in bars if "style" in a]
    count = len(fresh["layers"])
    longest = max(1030, *(layer["cycles"] for layer in fresh["layers"]))
    expected = [layer["cycles"] / longest * 100 for layer in fresh["layers"]]
    assert lengths[:count] == pytest.approx(expected, abs=0.01)
    assert all(0 <= length <= 100 for length in lengths)


def test_design_too_large_for_the_part_is_marked(measured):
    report = copy.deepcopy(measured)
    report["resources"]["bram36"]["synthesised"] = 141.5
    html = report_html(report)
    assert "101.1% 141.5 of 140; 130 usable too much" in words_of(html, "fit")
    assert 'class="value over">101.1%' in html
    assert "too much" not in Page(report_html(measured)).words


def test_part_without_a_resource_divides_nothing_by_zero(fresh):
    report = copy.deepcopy(fresh)
    report["resources"]["dsp"]["available"] = 0
    assert "DSP - 0 of 0" in words_of(report_html(report), "fit")


def test_scores_map_to_outputs_plain_scaled_and_by_class(fresh):
    def words(**output):
        return Page(report_html({**fresh, "output": {**fresh["output"], **output}}))

    assert "as they are (scale 1, bias 0)" in words().words
    for count in (1, 10):
        one = words(scale=[0.125] * count, bias=[-1.5])
        assert "with scale = 0.125 and bias = -1.5" in one.words
    mixed = words(scale=[0.5], bias=[float(i) for i in range(10)])
    assert mixed.row("3", "0.5") == ["3", "0.5", "3"]
    assert "sends the 5 best classes" in words(top_k=5).words


def test_memories_say_where_they_are_kept(fresh):
    page = Page(report_html(fresh))
    styles = {"lut": "LUTs", "bram": "block RAM"}
    for layer in fresh["layers"]:
        name = f"{layer['name']}_weights"
        memory = next(m for m in fresh["memories"] if m["name"] == name)
        place = "constants (one word)" if memory["depth"] == 1 else styles[layer["memory"]]
        row = page.row(name)
        assert row[1:] == [f"{memory[key]:,}" for key in ("width", "depth", "bits")] + [place]


def test_page_tells_how_to_repeat_the_build(fresh):
    words = Page(report_html(fresh)).words
    assert f"{fresh['command']} -o NEW" in words
    assert "bnnhw compile --config DIR/compile.json -o NEW" in words
    older = {key: value for key, value in fresh.items() if key != "command"}
    assert "bnnhw compile" not in Page(report_html(older)).words


def test_commands_on_the_page_are_commands_of_the_command_line(fresh):
    command_line = typer.main.get_command(app)
    report = {**fresh, "output": {**fresh["output"], "top_k": 3}}
    html = report_html(report)
    lines = [
        re.sub(r"<.*?>", "", line).split() for line in re.findall(r"<dt><code>(.*?)</code>", html)
    ]
    hints = [re.search(r"bnnhw .*", hint)[0].split() for hint in HINTS]
    assert len(lines) == 6
    for program, command, *arguments in lines + hints:
        assert program == "bnnhw"
        parsed = command_line.commands[command].make_context(command, arguments)
        assert parsed.params


def words_of(html, section):
    begin = html.index(f'<section id="{section}">')
    return Page(html[begin : html.index("</section>", begin) + len("</section>")]).words


def origins_of_headline(html):
    head = html[html.index('<dl class="headline">') : html.index("</dl>")]
    return re.findall(r'<span class="origin (\w+)">\1</span>', head)
