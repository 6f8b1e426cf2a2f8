"""`bnnhw run` and `bnnhw report` on models, builds and images."""

from __future__ import annotations

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
        ended = bnnhw("run", DIGITS, "-i", source, "-o", "scores.out", "--json")
        scores = np.load("scores.out")
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


# ----------------------------------------------------------------------------------------- reports


def test_report_shows_a_build_and_gives_its_json(bnnhw, model) -> None:
    compiled = bnnhw("compile", model, "--board", "pynq-z2", "-o", "b")
    shown = bnnhw("report", "b")
    assert shown.code == 0
    assert shown.out.splitlines()[:-1] == compiled.out.splitlines()[:-1]
    assert shown.out.endswith("report: b/report.html\n")
    assert json.loads(bnnhw("report", "b", "--json").out) == report_of(Path("b"))
