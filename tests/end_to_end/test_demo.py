"""The demo and its network: real digits are told apart, by integers and by the Verilog."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_digits

from bnnhw.compiler import integer_graph
from bnnhw.interpret.interpreter import interpret
from bnnhw.zoo.shipped import shipped_model

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "digits_demo.py"
UNSEEN = 1437  # the first image that training did not see


def test_shipped_residual_network_has_the_accuracy_that_it_is_said_to_have():
    model = shipped_model("birealnet8-digits")
    data = load_digits()
    images = (data.images[UNSEEN:] * 15).astype("uint8")[..., None]
    graph = integer_graph(model.path)
    scores = interpret(graph, graph.input_format.encode(images)).reshape(len(images), -1)
    share = (scores.argmax(axis=1) == data.target[UNSEEN:]).mean()
    assert model.accuracy.startswith(f"{share:.1%}".replace("%", " %"))


@pytest.mark.slow
def test_demo_shows_predictions_cycles_and_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(DEMO), run_name="__main__")
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines() if line.startswith("label ")]
    assert len(rows) == 10
    assert sum(row[1] == row[3] for row in rows) >= 9
    for other in ("verilog", "hls"):
        assert f"{other} = interpreter on 10 images: 0 mismatches" in out
    assert "cycles per frame in RTL simulation" in out and "this design" in out
    assert (tmp_path / "build" / "demo" / "report.html").is_file()
