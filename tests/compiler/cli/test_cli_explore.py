"""The command ``bnnhw explore``: a table, files, and Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path

from bnnhw.api.exploration.question import DEFAULT
from bnnhw.cli import explore as command

WORDS = ("--board", "pynq-z2", "--cycles", 1, "--cycles", 2000, "-j", 1)


def test_designs_are_told_as_they_come_and_then_all(bnnhw, model) -> None:
    ended = bnnhw("explore", model, *WORDS, "-o", "r.csv", "--plot", "p.svg")
    assert ended.code == 0
    head, table, fits, refused, *_ = ended.out.splitlines()
    assert head.startswith("estimates only: nothing is verified, simulated or built")
    assert table.split()[:4] == ["board", "target", "cycles", "FPS"]
    assert fits.startswith("* pynq-z2") and fits.endswith("fits")
    assert "refused: 1 cycle per frame is beyond any folding" in refused
    assert "2000 cycles" in ended.err and "... choosing foldings" in ended.err
    assert Path("r.csv").read_text().count("\n") == 3
    assert Path("p.svg").read_text().startswith("<svg")


def test_json_is_all_there_is_on_standard_output(bnnhw, model) -> None:
    ended = bnnhw("explore", model, *WORDS, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [row["verdict"] for row in json.loads(ended.out)["designs"]] == ["fits", "refused"]


def test_verified_precisions_say_how_often_classes_agree(bnnhw, model) -> None:
    ended = bnnhw("explore", model, *WORDS, "--verify", "-q")
    assert (ended.code, ended.err) == (0, "")
    assert "default: the same best class in integers and in float for 100.0%" in ended.out
    assert "nothing is simulated or built" in ended.out


def test_ctrl_c_prints_what_there_is(bnnhw, model, monkeypatch) -> None:
    def stop(self, estimate) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command._Table, "add", stop)
    ended = bnnhw("explore", model, *WORDS, "-o", "r.json")
    assert ended.code == 130 and "interrupted: 1 designs were estimated" in ended.err
    assert len(json.loads(Path("r.json").read_text())["designs"]) == 1
    assert "beyond any folding" in ended.out


def test_a_precision_is_an_alternative(bnnhw, model) -> None:
    assert command._alternative("default") == {}
    assert command._alternative("a=4,b.c=12") == {"a": 4, "b.c": 12}
    ended = bnnhw("explore", model, "--precision", "a=4,b")
    assert ended.code == 1 and "'b' is no NAME=BITS" in ended.err
    assert command._DEFAULT == DEFAULT
