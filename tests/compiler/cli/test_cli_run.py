"""`bnnhw run` and `bnnhw report` on models, builds and images."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from builds import files, report_of
from PIL import Image

from bnnhw.compiler import integer_graph
from bnnhw.interpret.interpreter import interpret
from bnnhw.zoo.shipped import shipped_model

DIGITS = shipped_model("digits").path


def digit_images(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 241, (count, 8, 8, 1), np.uint8)


def test_run_gives_the_interpreters_integer_scores(bnnhw) -> None:
    x = digit_images(4)
    np.save("x.npy", x)
    np.savez("x.npz", x=x)
    graph = integer_graph(DIGITS)
    expected = interpret(graph, graph.input_format.encode(x))
    assert len(np.unique(expected)) > 4
    for source in ("x.npy", "x.npz"):
        ended = bnnhw("run", DIGITS, "-i", source, "-o", "scores.npy", "--json")
        scores = np.load("scores.npy")
        assert scores.dtype == np.int64
        np.testing.assert_array_equal(scores, expected)
        printed = json.loads(ended.out)
        assert printed["scores"] == expected.tolist()
        best = graph.output_map.apply(expected).reshape(4, -1).argmax(axis=1)
        assert printed["best"] == [[int(b)] for b in best]


def test_run_takes_a_build_and_an_image(bnnhw) -> None:
    pixels = digit_images(1)
    Image.fromarray(pixels[0, :, :, 0]).save("digit.png")
    np.save("digit.npy", pixels)
    bnnhw("compile", DIGITS, "--board", "pynq-z2", "-o", "b")
    for source in ("digit.png", "digit.npy"):
        lines = {bnnhw("run", what, "-i", source, "--top-k", 3).out for what in ("b", DIGITS)}
        (line,) = lines
        assert re.fullmatch(rf"{re.escape(source)}( +class \d \(-?\d+\)){{3}}\n", line)


def test_run_names_files_and_classes_and_counts_what_is_right(bnnhw) -> None:
    pixels = digit_images(3)
    scores = interpret(graph := integer_graph(DIGITS), graph.input_format.encode(pixels))
    best = graph.output_map.apply(scores).reshape(3, -1).argmax(axis=1)
    names = [f"digit {i}" for i in range(10)]
    for name in names:
        Path("val", name).mkdir(parents=True)
        Image.new("L", (9, 8)).save(Path("val", name, "z.png"))
    for i, (image, label) in enumerate(zip(pixels, best, strict=True)):
        Image.fromarray(image[:, :, 0]).save(Path("val", names[label], f"{i}.png"))
    ended = bnnhw("run", DIGITS, "-i", "val")
    assert ended.code == 1
    assert "has 9x8 pixels, the model takes 8x8" in ended.err and "--resize" in ended.err
    ended = bnnhw("run", DIGITS, "-i", "val", "--resize")
    assert ended.code == 0
    said = ended.out
    assert "note: images scaled to 8x8 pixels: 10" in ended.err
    residual = ("run", "birealnet8-digits", "-i", "val", "--calibrate", "val", "--resize")
    assert bnnhw(*residual).code == 0  # what --calibrate names is scaled too
    for i, label in enumerate(best):
        assert f"digit {label}/{i}.png  class {label}, digit {label} (" in said
    found = json.loads(bnnhw("run", DIGITS, "-i", "val", "--resize", "--json").out)
    labels = [int(name[6]) for name in found["inputs"]]
    right = [row[0] == label for row, label in zip(found["best"], labels, strict=True)]
    assert found["accuracy"] == pytest.approx(sum(right) / 13)
    assert 3 <= sum(right) < 13


def test_run_names_classes_from_best_to_worst(bnnhw) -> None:
    np.save("x.npy", digit_images(3))
    ended = bnnhw("run", DIGITS, "-i", "x.npy", "--top-k", 99, "--json")
    printed = json.loads(ended.out)
    for row, order in zip(printed["scores"], printed["best"], strict=True):
        assert sorted(order) == list(range(10))
        assert [row[c] for c in order] == sorted(row, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("absent", "-i", "x.npy"), "there is no such file"),
        ((DIGITS, "-i", "absent.npy"), "absent.npy: no such file"),
        ((DIGITS, "-i", "wrong.npy"), "wrong.npy: holds an array of shape (3,)"),
        ((".", "-i", "x.npy"), "is no build folder"),
        ((DIGITS, "-i", "x.npy", "--top-k", "0"), "option --top-k"),
        ((DIGITS, "-i", "x.npy", "-o", "no/such/scores.npy"), "option --output no/such/scores.npy"),
        ((DIGITS, "-i", "x.npy", "-o", "."), "option --output .: is a folder"),
        ((DIGITS, "-i", "x.npy", "-o", "x.txt"), "files of type '.txt' are not written"),
        ((DIGITS, "-i", "x.npy", "--labels", "absent.txt"), "--labels absent.txt: no such file"),
    ],
)
def test_run_refuses_what_cannot_be(bnnhw, tmp_path, arguments, said) -> None:
    np.save("x.npy", digit_images(1))
    np.save("wrong.npy", np.zeros(3))
    before = files(tmp_path)
    ended = bnnhw("run", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err and "\n  fix: " in ended.err and "Traceback" not in ended.err
    assert files(tmp_path) == before


NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def test_a_build_keeps_the_names_of_its_classes(bnnhw, tmp_path) -> None:
    np.save("x.npy", digit_images(3))
    Path("names.txt").write_text("\n".join(NAMES))
    common = ("compile", DIGITS, "--board", "pynq-z2", "--cycles", "2000")
    assert bnnhw(*common, "-o", "plain").code == 0
    made = bnnhw(*common, "-o", "b", "--labels", "names.txt")
    manifests = [json.loads(Path(name, "manifest.json").read_text()) for name in ("plain", "b")]
    assert manifests[0]["build_hash"] == manifests[1]["build_hash"]
    assert manifests[1]["output"]["class_names"] == NAMES
    assert report_of(Path("b"))["output"]["class_names"] == NAMES
    listed = "classes: 0 zero, 1 one, 2 two, 3 three"
    assert listed in made.out and listed in bnnhw("report", "b").out
    assert "classes:" not in bnnhw("report", "plain").out
    recorded = json.loads(Path("b/compile.json").read_text())
    assert recorded["options"]["class_names"] == "names.txt"
    assert "--labels names.txt" in recorded["command"]
    assert bnnhw("compile", "--config", "b/compile.json", "-o", "again").code == 0
    Path("names.txt").unlink()
    shown = bnnhw("run", "b", "-i", "x.npy").out
    best = json.loads(bnnhw("run", "b", "-i", "x.npy", "--json").out)["best"]
    for (number,), line in zip(best, shown.splitlines(), strict=True):
        assert f"class {number}, {NAMES[number]} (" in line
    Path("few.txt").write_text("zero\none\n")
    for command in (("run", "b", "-i", "x.npy"), ("simulate", "b"), common):
        ended = bnnhw(*command, "--labels", "few.txt")
        assert (ended.code, ended.out) == (1, "")
        assert "2 class names, the network has 10 classes" in ended.err
    Path("val/odd").mkdir(parents=True)
    Image.new("L", (8, 8)).save("val/odd/z.png")
    Path("other.txt").write_text("\n".join(name[::-1] for name in NAMES))
    for words, source in (((), "(names kept in "), (("--labels", "other.txt"), "other.txt)")):
        for command in ("run", "simulate"):
            ended = bnnhw(command, "b", "-i", "val", *words)
            assert ended.code == 1 and "1 folders, none of them called as a class: " in ended.err
            assert source in ended.err
            assert ("(--labels other.txt)" in ended.err) == bool(words)
    other = [name.upper() for name in NAMES]
    Path("names.json").write_text(json.dumps(other))
    assert (
        f", {other[best[0][0]]} (" in bnnhw("run", "b", "-i", "x.npy", "--labels", "names.json").out
    )


def test_scores_are_written_as_csv(bnnhw) -> None:
    np.save("x.npy", digit_images(2))
    np.save("y.npy", digit_images(1))
    Path("list.csv").write_text("y.npy,seven\n")
    Path("names.txt").write_text("\n".join(NAMES))
    words = ("-i", "x.npy", "-i", "list.csv", "--labels", "names.txt", "-o", "scores.csv")
    ended = bnnhw("run", DIGITS, *words, "--json")
    found = json.loads(ended.out)
    assert "note: 1 of 3 inputs have labels: accuracy is that of these" in ended.err
    assert (found["labelled"], found["class_names"]) == (1, NAMES)
    assert found["accuracy"] == float(found["best"][2][0] == 7)
    head, *rows = [line.split(",") for line in Path("scores.csv").read_text().splitlines()]
    assert head == ["file", "class", "name", *(f"score_{i}" for i in range(10))]
    for name, (best,), scores, row in zip(
        found["inputs"], found["best"], found["scores"], rows, strict=True
    ):
        assert row == [name, str(best), NAMES[best], *map(str, scores)]
    assert "of 1 labelled inputs" in bnnhw("run", DIGITS, *words).out


def test_what_calibrates_may_have_any_labels(bnnhw) -> None:
    np.save("y.npy", digit_images(1))
    Path("list.csv").write_text("y.npy,Seven\n")
    Path("names.txt").write_text("\n".join(NAMES))
    np.savez("y.npz", x=digit_images(2), labels=np.array([b"cat", b"dog"]))
    words = ("-i", "list.csv", "--calibrate", "list.csv", "--calibrate", "y.npz")
    ended = bnnhw("run", "birealnet8-digits", *words, "--labels", "names.txt")
    assert ended.code == 0, ended.err
    assert "of 1 labelled inputs" in ended.out


def test_no_name_in_a_csv_is_a_formula(bnnhw) -> None:
    names = ["=1+1", "+a", "-a", "@a", "-1.5", "+7", "a=b", "'q", "a-b", "-"]
    Path("names.txt").write_text("\n".join(names))
    np.save("=x.npy", digit_images(40))
    words = ("-i", "=x.npy", "--labels", "names.txt", "-o", "scores.csv")
    best = json.loads(bnnhw("run", DIGITS, *words, "--json").out)["best"]
    with Path("scores.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    written = ["'=1+1", "'+a", "'-a", "'@a", *names[4:9], "'-"]
    assert len({number for (number,) in best}) > 4
    for i, ((number,), row) in enumerate(zip(best, rows, strict=True)):
        assert row[:3] == [f"'=x.npy[{i}]", str(number), written[number]]


# ----------------------------------------------------------------------------------------- reports


def test_report_shows_a_build_and_gives_its_json(bnnhw, model) -> None:
    compiled = bnnhw("compile", model, "--board", "pynq-z2", "-o", "b")
    shown = bnnhw("report", "b")
    assert shown.code == 0
    assert shown.out.splitlines()[:-1] == compiled.out.splitlines()[:-1]
    assert shown.out.endswith("report: b/report.html\n")
    assert json.loads(bnnhw("report", "b", "--json").out) == report_of(Path("b"))


def test_a_build_takes_no_options_of_a_model(bnnhw, model) -> None:
    np.save("x.npy", np.zeros((2, 3, 6, 6), np.uint8))
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b").code == 0
    for option in (("--input-mean", "0.3", "--input-std", "0.3"), ("--precision", "conv1=4"),
                   ("--sign-zero", "plus"), ("--calibrate", "x.npy")):  # fmt: skip
        ended = bnnhw("run", "b", "-i", "x.npy", *option)
        assert ended.code == 1 and "a build has what it was compiled with" in ended.err
    assert bnnhw("run", "b", "-i", "x.npy").code == 0
