"""``bnnhw explore``: each row is what a compile would find, however the work is spread."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import bnnhw
from bnnhw.api.exploration import run as exploring, workers as workers_module
from bnnhw.api.exploration.question import FAILED, FITS, REFUSED, Estimate, Question, unanswered
from bnnhw.api.exploration.results import Exploration
from bnnhw.api.exploration.workers import Processes
from bnnhw.errors import BnnhwError, ToolError
from bnnhw.hardware.board import load_board
from bnnhw.planning.target import Target
from sketch import image

if TYPE_CHECKING:
    from pathlib import Path

FOUND = ("board", "target", "precision", "verdict", "cycles_per_frame", "resources", "reason")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sketch = image(4, 3).conv(3, 4, pads=1).batch_norm(4).sign().flatten().dense(64, 5)
    return sketch.save(tmp_path_factory.mktemp("tiny") / "tiny.onnx")


def found(exploration: Exploration) -> list[dict[str, object]]:
    return [{name: row.to_json()[name] for name in FOUND} for row in exploration.rows]


def test_a_row_is_what_a_compile_finds(tiny: Path, tmp_path: Path) -> None:
    row, slow = bnnhw.explore(tiny, boards="pynq-z2", cycles=[100], fps=5000.0, jobs=1).rows
    assert (row.target, slow.target) == ("100 cycles", "5000 FPS")
    assert 5000 <= slow.fps < row.fps
    asked = {"cycles": 100, "verify": False, "backends": ["verilog"], "output": tmp_path / "b"}
    report = bnnhw.compile(tiny, board="pynq-z2", **asked).report
    assert (row.verdict, row.cycles_per_frame) == (FITS, report["cycles_per_frame"]["predicted"])
    assert row.latency_cycles == report["latency_cycles"]["predicted"]
    for name, amount in row.resources.items():
        assert amount == pytest.approx(report["resources"][name]["estimated"], abs=0.5)
    usable, luts = report["resources"]["lut_packed"]["usable"], row.resources["lut_packed"]
    assert row.shares["lut_packed"] == pytest.approx(luts / usable, abs=1e-3)


def test_front_end_and_passes_run_once_per_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, ran = [], []
    import_file, lowered = exploring.import_file, exploring.lowered
    monkeypatch.setattr(
        exploring, "import_file", lambda *words: read.append(1) or import_file(*words)
    )

    def lowers(*words, **named):
        ran.append(dict(words[2].precision))
        return lowered(*words, **named)

    def refuses(graph, asked):
        return unanswered(asked, REFUSED, "not tried")

    monkeypatch.setattr(exploring, "lowered", lowers)
    monkeypatch.setattr(workers_module, "answer", refuses)
    got = bnnhw.explore(
        "birealnet8-digits",
        boards=["pynq-z2", "cora-z7-07s"],
        cycles=[1, 2],
        precisions=[{}, {"conv1": 4}],
        stream_bits=[6, 12],
        jobs=1,
    )
    assert len(read) == 1 and len(ran) == 4
    assert ran[:2] == [{}, {"conv1": 4}]
    assert set(ran[2].values()) == {6} and set(ran[3].values()) == {8, 12}
    assert not {"conv1", "fc"} & ran[2].keys(), "streams alone, but for the scores"
    labels = ["default", "conv1=4", "streams=6", "streams=12"]
    assert [row.precision for row in got.rows[:8:2]] == labels
    assert len(got.rows) == 16 and {row.verdict for row in got.rows} == {REFUSED}


def test_what_does_not_fit_says_so_in_one_line(tiny: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    text = (exploring.load_board.__globals__["_FOLDER"] / "cora-z7-07s.toml").read_text()
    small.write_text(text.replace("lut = 14400", "lut = 3700").replace("cora-z7-07s", "small"))
    rows = bnnhw.explore(tiny, boards=["pynq-z2", str(small)], cycles=[1, 20], jobs=1).rows
    reasons = {(row.board, row.target): row.reason for row in rows if row.verdict == REFUSED}
    assert "is beyond any folding: the slowest stage, '" in reasons["pynq-z2", "1 cycles"]
    assert "(estimated): LUT " in reasons["small", "20 cycles"]
    assert not any("\n" in row.reason for row in rows)


def test_a_sweep_finds_designs_at_the_paces_that_fit(tiny: Path) -> None:
    got = bnnhw.explore(tiny, boards="pynq-z2", sweep=True, jobs=1)
    fastest, *others = got.rows
    assert fastest.target == "fastest" and len(others) >= 3
    cycles = [row.cycles_per_frame for row in got.rows]
    assert cycles == sorted(cycles)
    for row in others:
        assert row.verdict == FITS and row.cycles_per_frame <= int(row.target.split()[0])
    assert fastest in got.pareto


def test_processes_find_the_same_and_the_file_is_whole(tiny: Path, tmp_path: Path) -> None:
    asked = {"boards": ["pynq-z2", "kv260"], "cycles": [1, 60], "sweep": True}
    told: list[Estimate] = []
    for name in ("r.json", "r.csv"):
        alone = bnnhw.explore(tiny, **asked, jobs=1, output=tmp_path / name)
    spread = bnnhw.explore(tiny, **asked, jobs=2, told=told.append)
    assert found(spread) == found(alone) and spread.complete
    assert len(told) == len(spread.rows)
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["complete"] and data["origin"] == "estimated"
    best = {(row.board, row.target) for row in alone.pareto}
    marked = {(row["board"], row["target"]) for row in data["designs"] if row["pareto"]}
    assert marked == best and best
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["fps"] for row in rows] == [
        "" if row["fps"] is None else str(row["fps"]) for row in data["designs"]
    ]
    assert {"LUT", "BRAM36, share", "reason"} <= rows[0].keys()


def test_ctrl_c_leaves_what_there_is(tiny: Path, tmp_path: Path) -> None:
    def stop(estimate: Estimate) -> None:
        raise KeyboardInterrupt

    asked = {"boards": "pynq-z2", "cycles": [50, 60, 70], "output": tmp_path / "r.json"}
    got = bnnhw.explore(tiny, **asked, told=stop, jobs=1)
    assert not got.complete and len(got.rows) == 1
    data = json.loads((tmp_path / "r.json").read_text())
    assert not data["complete"] and len(data["designs"]) == 1


def question(board: str = "pynq-z2") -> Question:
    described = load_board(board)
    return Question(described, described.clock_mhz, Target(100), "100 cycles", "default")


def test_a_worker_that_dies_fails_its_question_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    workers = Processes(1)
    try:
        for _ in range(2):
            workers.ask(b"", question())
        answers = [*workers.finished(wait=True), *workers.finished(wait=True)]
        assert [one.verdict for _, one in answers] == [FAILED] * 2
        assert "a worker process ended with exit code 1" in answers[0][1].reason
        assert not [*workers.finished(wait=True)]
    finally:
        workers.close()


def test_closed_workers_are_gone(tiny: Path) -> None:
    workers = Processes(1)
    workers.ask(b"no graph", question())
    ((_, failed),) = workers.finished(wait=True)
    assert failed.verdict == FAILED and "internal error" in failed.reason
    (process,) = workers._started
    workers.close()
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"output": "r.txt"}, "option --output: 'r.txt' is neither .json nor .csv"),
        ({"plot": "r.pdf"}, "option --plot: 'r.pdf' is neither .svg nor .png"),
        ({"jobs": 0}, "option --jobs: 0 jobs"),
        ({"cycles": [0]}, "option --cycles: 0 cycles is no target"),
        ({"fps": [5, -1]}, "option --fps: -1 FPS is no target"),
        ({"stream_bits": 8}, "option --stream-bits: no stream of this network"),
        ({"precisions": [{"absent": 8}]}, "option --precision: there is no layer or tensor"),
        ({"boards": "zcu999"}, "board 'zcu999': no such board"),
    ],
)
def test_what_no_exploration_can_do_is_refused_at_once(
    tiny: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(BnnhwError) as caught:
        bnnhw.explore(tiny, **{"boards": "pynq-z2", "jobs": 1} | options)
    assert str(caught.value).startswith(words)


def test_missing_packages_are_named_before_the_work(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match=r"needs dask.distributed\n.*bnnhw\[explore\]"):
        bnnhw.explore(tiny, boards="pynq-z2", scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ToolError, match="needs matplotlib"):
        bnnhw.explore(tiny, boards="pynq-z2", plot="p.png")


def test_a_cluster_finds_the_same(tiny: Path) -> None:
    distributed = pytest.importorskip("distributed")
    asked = {"boards": ["pynq-z2", "kv260"], "cycles": [1], "sweep": True}
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        got = bnnhw.explore(tiny, **asked, scheduler=cluster.scheduler_address)
        assert found(got) == found(bnnhw.explore(tiny, **asked, jobs=1))


def test_no_scheduler_is_an_error_with_the_way_out(tiny: Path) -> None:
    pytest.importorskip("distributed")
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with pytest.raises(BnnhwError, match=f"no scheduler answers at {address}.*\n.*dask sched"):
            bnnhw.explore(tiny, boards="pynq-z2", scheduler=address)


def row(board: str, fps: float, share: float, **named: object) -> Estimate:
    amounts = {"lut_packed": 100.0, "bram36": 1.5, "dsp": 0.0}
    target, shares = f"{fps:g} FPS", {"lut_packed": share}
    made = Estimate(board, target, "default", 100.0, FITS, 100, fps, 200, amounts, shares)
    return replace(made, **named)


ROWS = (
    row("a", 1000, 0.5),
    row("a", 900, 0.5),
    row("a", 500, 0.2),
    row("b <1>", 100, 0.6, loops=("conv1",)),
    Estimate("b <1>", "fastest", "default", 100.0, REFUSED, reason="too large"),
)


def test_only_what_no_other_on_its_board_beats_is_marked() -> None:
    got = Exploration("net", ROWS)
    assert got.pareto == (ROWS[0], ROWS[2], ROWS[3])
    head, *lines = got.lines()
    assert "precision" not in head, "one alone needs no column"
    assert [line[0] for line in lines] == ["*", " ", "*", "*", " "]
    assert lines[3].endswith("fits, loops: conv1") and lines[4].endswith("refused: too large")
    assert repr(got) == "Exploration(net: 5 designs, 4 fit)"
