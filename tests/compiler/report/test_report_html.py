"""The page of a build: complete, self-contained, honest about what nothing measured."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import pytest
import typer

import graphs
from bnnhw.backend.yosys import Synthesis
from bnnhw.cli.commands import app
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.model import Resources
from bnnhw.passes import run
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import Prediction
from bnnhw.report.dataflow import draw_dataflow
from bnnhw.report.facts import SIMULATE, SIMULATE_MORE, SYNTHESISE
from bnnhw.report.figures import make_report, with_simulation, with_synthesis
from bnnhw.report.page import report_html
from bnnhw.verify.simulate import Simulation, StreamStatistics
from bnnhw.verify.verification import Verification
from residual import bireal

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


def make(graph, target, prediction):
    board = load_board("pynq-z2")
    network = Network(graph)
    folding = FoldingSearch(network, board).choose(Target(target)).folding
    design = lower(network, folding, board=board, clock_mhz=board.clock_mhz)
    wide = next(u.sources[0] for u in design.units if u.kind.startswith("bnn_window"))
    design = with_fifo_depths(design, {wide: 1100})
    checks = [Verification("interpreter", "onnxruntime", 32, 0, "random inputs")]
    return make_report(design, board, prediction, checks, ["input x: uint8 assumed"])


@pytest.fixture(scope="module")
def fresh():
    """The report of a fresh build: nothing simulated, nothing synthesised."""
    return make(graphs.digits().graph(), 1024, Prediction(1030, 1500))


@pytest.fixture(scope="module")
def branched():
    """The report of a residual network, each of its shortcuts with a FIFO."""
    report = make(run(bireal(stem="cifar", width=8, image=12).graph()), 16384, Prediction(9, 9))
    readers = [unit["sources"] for unit in report["units"] if unit["kind"] == "bnn_add"]
    for stream in report["streams"]:
        if any(stream["name"] in names for names in readers):
            stream["depth"] = 1234
    return report


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
        for name in attributes:
            assert name not in ("src", "href", "srcset", "data", "action", "xlink:href")
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
    assert page.words.count(f"synthesised {SYNTHESISE}") == 6, "one a resource"
    assert f"Stalls and FIFO occupancy: {SIMULATE}" in page.words
    assert "stalled" not in [cell for row in page.rows for cell in row]
    assert origins_of_headline(report_html(fresh)) == ["predicted"] * 3 + ["estimated"] * 2


def test_measured_figures_take_the_place_of_predictions(measured):
    html = report_html(measured)
    page = Page(html)
    assert origins_of_headline(html) == ["simulated"] * 3 + ["synthesised"] * 2
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
    assert "141.5 (101.1%) too much" in Page(html).words
    assert 'class="value over">101.1%' in html
    assert "too much" not in Page(report_html(measured)).words


def test_part_without_a_resource_divides_nothing_by_zero(fresh):
    report = copy.deepcopy(fresh)
    report["resources"]["dsp"]["available"] = 0
    assert "0 (-)" in Page(report_html(report)).words


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


WIDTHS = (1150, 700, 334)
LETTER = 7.25


@pytest.fixture(scope="module")
def reports(fresh, branched):
    """Networks of several shapes."""
    one_layer = copy.deepcopy(fresh)
    for unit in one_layer["units"]:
        unit["layer"] = one_layer["layers"][0]["name"]
    long = copy.deepcopy(branched)
    for item in long["layers"] + long["units"]:
        key = "layer" if "layer" in item else "name"
        item[key] = f"/features_block/{item[key]}/of/a/long/name/Conv"
    far = copy.deepcopy(branched)  # a shortcut over everything, in place of the last one
    skips = [s["name"] for s in branched["streams"] if s["depth"] == 1234]
    far["units"][1]["sinks"].append("far")
    far["units"][-1]["sources"].append("far")
    far["streams"].append({**far["streams"][0], "name": "far", "depth": 77})
    back = copy.deepcopy(branched)  # and one against the order of the units
    back["units"][-2]["sinks"].append("back")
    back["units"][3]["sources"].append("back")
    back["streams"].append({**back["streams"][0], "name": "back", "depth": 0})
    cnv = make(graphs.cnv().graph(), 16384, Prediction(16384, 60000))
    assert skips
    return {"digits": fresh, "cnv": cnv, "residual": branched, "one layer": one_layer,
            "long names": long, "over everything": far, "backwards": back}  # fmt: skip


NETWORKS = (
    "digits", "cnv", "residual", "one layer", "long names", "over everything", "backwards"
)  # fmt: skip


def pictures(reports):
    for name in NETWORKS:
        for width in WIDTHS:
            yield f"{name} at {width}", reports[name], draw_dataflow(reports[name], width)


def test_picture_keeps_boxes_apart_and_text_inside(reports):
    for name, report, picture in pictures(reports):
        assert picture.width <= int(name.split()[-1]), name
        assert len(picture.units) == len(report["units"]), name
        fifos = [arrow.fifo for arrow in picture.arrows if arrow.fifo]
        for boxes in (picture.units, picture.groups):
            assert not [1 for a, b in combinations(boxes, 2) if overlap(a, b)], name
        for box in [*picture.units, *picture.groups, *fifos]:
            assert box.x >= 0 and box.y >= 0, name
            assert box.x + box.width <= picture.width, name
            assert box.y + box.height <= picture.height, name
            for line in box.lines:
                left, right = extent(line)
                assert box.x <= left and right <= box.x + box.width, (name, line)
                assert box.y < line[1] <= box.y + box.height, (name, line)
            for a, b in combinations(box.lines, 2):
                apart = extent(a)[1] <= extent(b)[0] or extent(b)[1] <= extent(a)[0]
                assert a[1] != b[1] or apart, (name, a, b)
        for unit in picture.units:
            assert len([g for g in picture.groups if overlap(unit, g)]) == 1, name


def test_picture_says_every_fifo_once_and_every_stream_is_an_arrow(reports):
    for name, report, picture in pictures(reports):
        assert sorted(arrow.tip.split(":")[0] for arrow in picture.arrows) == sorted(
            stream["name"] for stream in report["streams"]
        ), name
        boxes = [*picture.units, *(a.fifo for a in picture.arrows if a.fifo)]
        texts = " ".join(text for box in boxes for *_, text in box.lines)
        depths = [f"{s['depth']:,}" for s in report["streams"] if s["depth"]]
        assert sorted(re.findall(r"FIFO ([\d,]+)", texts)) == sorted(depths), name


def test_arrows_join_their_units_and_cross_no_other(reports):
    for name, report, picture in pictures(reports):
        units = dict(zip((u["name"] for u in report["units"]), picture.units, strict=True))
        writers = {s: u["name"] for u in report["units"] for s in u["sinks"]}
        readers = {s: u["name"] for u in report["units"] for s in u["sources"]}
        for arrow in picture.arrows:
            stream = arrow.tip.split(":")[0]
            pieces = segments(arrow.path)
            assert touches(units[writers[stream]], pieces[0][:2]), (name, stream)
            assert touches(units[readers[stream]], pieces[-1][2:]), (name, stream)
            for x1, y1, x2, y2 in pieces:
                low, high = sorted((x1, x2)), sorted((y1, y2))
                for box in picture.units:
                    assert not (
                        box.x < low[1] and low[0] < box.x + box.width
                        and box.y < high[1] and high[0] < box.y + box.height
                    ), (name, stream)  # fmt: skip
                assert low[0] >= 0 and low[1] <= picture.width, (name, stream)
                assert high[0] >= 0 and high[1] <= picture.height, (name, stream)


def test_arrows_never_run_along_one_another(reports):
    for name, _, picture in pictures(reports):
        pieces = [(a.tip, piece) for a in picture.arrows for piece in segments(a.path)]
        for (one, p), (other, q) in combinations(pieces, 2):
            if one == other:
                continue
            for along, across in ((0, 1), (1, 0)):
                if p[across] == p[across + 2] and q[across] == q[across + 2]:
                    a, b = sorted((p[along], p[along + 2])), sorted((q[along], q[along + 2]))
                    shared = min(a[1], b[1]) - max(a[0], b[0])
                    apart = abs(p[across] - q[across])
                    assert shared <= 0 or apart >= 4, (name, one, other)


def test_arrows_leave_titles_free(reports):
    for name, _, picture in pictures(reports):
        pieces = [piece for arrow in picture.arrows for piece in segments(arrow.path)]
        for group in picture.groups:
            for line in group.lines:
                left, right = extent(line)
                for x1, y1, x2, y2 in pieces:
                    hit = min(x1, x2) < right and left < max(x1, x2)
                    hit = hit and min(y1, y2) < line[1] and line[1] - 10 < max(y1, y2)
                    assert not hit, (name, line)


def test_shortcuts_are_marked_as_such(fresh, branched):
    for width in WIDTHS:
        assert not any(arrow.skips for arrow in draw_dataflow(fresh, width).arrows)
        skips = [a for a in draw_dataflow(branched, width).arrows if a.skips]
        order = {unit["name"]: i for i, unit in enumerate(branched["units"])}
        writer = {s: order[u["name"]] for u in branched["units"] for s in u["sinks"]}
        reader = {s: order[u["name"]] for u in branched["units"] for s in u["sources"]}
        expected = [s for s in writer if reader[s] != writer[s] + 1]
        assert sorted(a.tip.split(":")[0] for a in skips) == sorted(expected)
        assert len(expected) >= branched_units(branched, "bnn_add")
    html = report_html(branched)
    assert "passes other units by, as shortcuts do" in html and 'class="stream skip"' in html
    assert "passes other units by, as shortcuts do" not in report_html(fresh)


def test_blocks_begin_at_layers_with_weights(branched):
    picture = draw_dataflow(branched, 1150)
    names = [group.tip.split(":")[0] for group in picture.groups]
    assert names == ["input", *(layer["name"] for layer in branched["layers"]), "output"]
    for group, layer in zip(picture.groups[1:-1], branched["layers"], strict=True):
        assert f"{layer['cycles']:,} cycles per frame" in group.tip


def branched_units(report, kind):
    return sum(unit["kind"] == kind for unit in report["units"])


def extent(line):
    x, _, anchor, text = line
    width = len(text) * LETTER
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return left, left + width


def segments(path):
    """(x1, y1, x2, y2) of each straight piece."""
    pieces = []
    for command, numbers in re.findall(r"([MHV])([-\d. ]+)", path):
        values = [float(v) for v in numbers.split()]
        if command == "M":
            x, y = values
            continue
        to = (values[0], y) if command == "H" else (x, values[0])
        pieces.append((x, y, *to))
        x, y = to
    return pieces


def touches(box, point):
    """Whether a point lies at the edge of a box, an arrow's head away at most."""
    x, y = point
    inside = box.x < x < box.x + box.width and box.y < y < box.y + box.height
    near = box.x - 2 <= x <= box.x + box.width + 2 and box.y - 2 <= y <= box.y + box.height + 2
    return near and not inside


def test_page_tells_how_to_repeat_the_build(fresh):
    output = {**fresh["output"], "top_k": 3}
    words = Page(report_html({**fresh, "output": output})).words
    again = (
        "bnnhw compile MODEL.onnx --board pynq-z2 --clock 100 --top-k 3 "
        "--folding DIR/folding.json -o NEW"
    )
    assert again in words
    assert "--board BOARD.toml" in Page(report_html({**fresh, "board": "mine"})).words


def test_commands_on_the_page_are_commands_of_the_command_line(fresh):
    command_line = typer.main.get_command(app)
    report = {**fresh, "output": {**fresh["output"], "top_k": 3}}
    html = report_html(report)
    lines = [
        re.sub(r"<.*?>", "", line).split() for line in re.findall(r"<dt><code>(.*?)</code>", html)
    ]
    hints = [re.search(r"bnnhw .*", hint)[0].split() for hint in HINTS]
    assert len(lines) == 5
    for program, command, *arguments in lines + hints:
        assert program == "bnnhw"
        parsed = command_line.commands[command].make_context(command, arguments)
        assert parsed.params


def overlap(a, b):
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def origins_of_headline(html):
    head = html[html.index('<dl class="headline">') : html.index("</dl>")]
    return re.findall(r'<span class="origin (\w+)">\1</span>', head)
