"""The dataflow pictures of the page: boxes, arrows and words keep apart."""

from __future__ import annotations

import copy
import re
from itertools import combinations

import pytest
from report_designs import make

import graphs
from bnnhw.planning.token_model import Prediction
from bnnhw.report.dataflow import draw_dataflow
from bnnhw.report.page import report_html
from bnnhw.report.picture import blocks, edges

WIDTHS = (1150, 700, 334)
LETTER = 7.25


@pytest.fixture(scope="module")
def reports(fresh, branched, looped):
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
            "long names": long, "over everything": far, "backwards": back,
            "loop": looped}  # fmt: skip


NETWORKS = (
    "digits", "cnv", "residual", "one layer", "long names", "over everything", "backwards",
    "loop",
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


def test_a_loop_is_one_box_with_its_passes_and_the_way_back(looped, fresh):
    units = looped["units"]
    inside = [i for i, unit in enumerate(units) if unit["loop"]]
    assert {units[i]["passes"] for i in inside} == {4}
    (block,) = [block for block in blocks(looped) if block.name.startswith("loop")]
    assert [*range(block.first, block.last + 1)] == inside
    names = [f"block{i}_conv" for i in range(4)]
    assert block.name == f"loop of 4 passes: {', '.join(names)}"
    assert all(f"{i}. {name}" in block.tip for i, name in enumerate(names, 1))
    (back,) = [edge for edge in edges(looped) if edge.back]
    assert (back.writer, back.reader) == (inside[-1], inside[0])
    assert back.words.startswith("way back ") and "a way back" in back.tip
    for width in WIDTHS:
        picture = draw_dataflow(looped, width)
        (group,) = [g for g in picture.groups if g.tip == block.tip]
        assert group.lines[0][3].startswith("loop of 4 passes")
        texts = [text for box in picture.units for *_, text in box.lines]
        texts += [a.label[3] for a in picture.arrows if a.label]
        texts += [text for a in picture.arrows if a.fifo for *_, text in a.fifo.lines]
        assert sum("way back" in text for text in texts) == 1
    assert "A box of several passes is a loop" in report_html(looped)
    assert "A box of several passes" not in report_html(fresh)


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


def overlap(a, b):
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )
