"""What people expect of any command: --json, -q, -v, whole names in 80 columns, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from bnnhw.cli.commands import app
from bnnhw.cli.completion import complete_board, complete_build, complete_model
from bnnhw.hardware.board import board_names, load_board
from bnnhw.passes import PIPELINE
from bnnhw.report.plain_table import plain_table
from bnnhw.zoo.names import NETWORKS
from bnnhw.zoo.shipped import shipped_model, shipped_models

LONG = "encoder.stages.3.blocks.11.attention_free_mixer.pointwise_projection.binary_conv"


def leaves(command: object, *names: str) -> list[tuple[str, ...]]:
    """All commands of the command line."""
    below = getattr(command, "commands", None)
    if below is None:
        return [names]
    return [leaf for name, one in below.items() for leaf in leaves(one, *names, name)]


@pytest.mark.parametrize("names", leaves(typer.main.get_command(app)), ids=" ".join)
def test_every_command_has_json(names: tuple[str, ...]) -> None:
    command = typer.main.get_command(app)
    for name in names:
        command = command.commands[name]
    assert "--json" in [flag for option in command.params for flag in option.opts]


def test_lists_are_json_for_scripts(bnnhw) -> None:
    boards = json.loads(bnnhw("boards", "--json").out)
    assert [board["name"] for board in boards] == board_names()
    assert boards[0]["lut"] == load_board(boards[0]["name"]).lut
    one = json.loads(bnnhw("boards", "--show", "kv260", "--json").out)
    assert one["shell"]["lut"] == load_board("kv260").shell.lut
    passes = json.loads(bnnhw("passes", "--json").out)
    assert [one["name"] for one in passes] == [step.name for step in PIPELINE]
    models = json.loads(bnnhw("models", "--json").out)
    assert [Path(model["path"]).is_file() for model in models] == [True] * len(shipped_models())
    doctor = json.loads(bnnhw("doctor", "--json").out)
    assert doctor["ready"]["compile"] and doctor["found"][0]["what"] == "python"


def test_quiet_leaves_the_verdicts(bnnhw, model) -> None:
    np.save("x.npy", np.zeros((2, 3, 6, 6), np.uint8))
    common = ("compile", model, "--board", "pynq-z2", "-i", "x.npy")
    ended = bnnhw(*common, "-o", "b", "-q")
    assert (ended.code, ended.err) == (0, "")
    verdict, accuracy, build = ended.out.splitlines()
    assert accuracy.startswith("accuracy: not measured, since the 2 inputs have no labels")
    assert re.fullmatch(r"exact: .* against onnxruntime, 10 inputs", verdict)
    assert build == "build: b    report: b/report.html"
    assert bnnhw("run", "b", "-i", "x.npy", "-q").err == ""
    fast = bnnhw(*common, "-o", "b3", "-q", "--clock", "500").out
    assert "WARNING: the clock of 500 MHz" in fast
    ended = bnnhw(*common, "-o", "b2", "-q", "--cycles", "1")
    assert (ended.code, ended.out) == (1, "") and ended.err.startswith("error: ")


@pytest.mark.slow
def test_quiet_simulation_is_one_line(bnnhw, model) -> None:
    pytest.importorskip("cocotb")
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "-q").code == 0
    ended = bnnhw("simulate", "b", "-q")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "verilog against interpreter: 3 frames, bit-exact\n"


def test_verbose_times_steps_and_passes(bnnhw, model) -> None:
    ended = bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "-v")
    assert ended.code == 0
    assert re.search(r"^ +\d+\.\d\d s: choosing the folding$", ended.err, re.MULTILINE)
    for step in PIPELINE:
        assert re.search(rf"^ +\d+\.\d\d s: pass {step.name}$", ended.err, re.MULTILINE)
    ended = bnnhw("compile", model, "--board", "pynq-z2", "-o", "b2")
    assert " s: " not in ended.err, "nothing stays behind"


# --------------------------------------------------------------------------------------- 80 columns


def shown_at_80(*words: object) -> list[str]:
    """Lines that a command prints to a terminal of 80 columns."""
    command = [sys.executable, "-m", "bnnhw.cli", *map(str, words)]
    done = subprocess.run(
        command, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def test_tables_keep_whole_names() -> None:
    lines = plain_table(("layer", "cycles"), [(LONG, "1,000"), ("fc", "10")], right=[1])
    gap = " " if len(LONG) > 72 else "  "
    assert lines[1] == f"{LONG}{gap} 1,000"
    assert lines[2].split() == ["fc", "10"] and len(lines[2]) == len(lines[1])
    assert plain_table(("a" * 78, "b"), [("1", "2")], width=80)[0] == f"{'a' * 78} b"
    assert plain_table(("a", "b"), [("1", "2")]) == ["a  b", "1  2"]
    assert all(not line.endswith(" ") for line in lines)


def test_lists_fit_80_columns_with_whole_names() -> None:
    lines = shown_at_80("boards")
    assert len(lines) == 1 + len(board_names())
    for name, line in zip(board_names(), lines[1:], strict=True):
        board = load_board(name)
        assert line.startswith(f"{name} ") and board.part in line.split()
        assert len(line) <= 80
    lines = shown_at_80("passes")
    assert lines[1:] == [line for line in lines if any(p.description in line for p in PIPELINE)]
    assert max(map(len, shown_at_80("doctor"))) <= 100


def test_help_says_what_each_command_does_and_which_options_take_nothing() -> None:
    listed = shown_at_80("--help")
    assert not [line for line in listed[1:] if line.rstrip().endswith("...")]
    flag = next(line for line in shown_at_80("run", "--help") if "--quiet" in line)
    assert "<" not in flag


@pytest.mark.parametrize("name", ["compile", "explore", "run", "simulate", "synth"])
def test_help_names_options_whole(name: str) -> None:
    words = " ".join(shown_at_80(name, "--help")).split()
    for option in typer.main.get_command(app).commands[name].params:
        if option.param_type_name == "option":
            assert max(option.opts, key=len) in words


@pytest.mark.slow
def test_tables_of_designs_keep_whole_names(tmp_path: Path, bnnhw) -> None:
    network = shipped_model("birealnet8-digits").path
    folders = [f"a-rather-long-name-of-a-build-folder-{i}" for i in range(2)]
    for folder, cycles in zip(folders, (2000, 4000), strict=True):
        words = ("--board", "pynq-z2", "--cycles", cycles, "--no-verify", "-q")
        assert bnnhw("compile", network, *words, "-o", folder).code == 0
    layers = [
        layer["name"] for layer in json.loads(bnnhw("report", folders[0], "--json").out)["layers"]
    ]
    text = "\n".join(shown_at_80("compare", *folders))
    for name in (*folders, *layers):
        assert name in text
    text = "\n".join(shown_at_80("inspect", network, "--streams"))
    for name in json.loads(bnnhw("inspect", network, "--json").out)["layers"]:
        assert name["name"] in text


# --------------------------------------------------------------------------------------- completion


def test_models_boards_and_builds_are_completed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("nets/mine.onnx", "nets/notes.txt", "digest.onnx", "mine.toml", ".hidden.onnx"):
        (tmp_path / name).touch()
    assert complete_model("bire") == ["birealnet8-digits", "birealnet18-cifar10"]
    assert complete_model("dig") == ["digits", "digest.onnx"]
    assert complete_model("nets/") == ["nets/mine.onnx"]
    assert complete_model("nets/m") == ["nets/mine.onnx"]
    assert complete_model("absent/x") == []
    assert complete_board("pynq") == ["pynq-z1", "pynq-z2"]
    assert complete_board("mi") == ["mine.toml"]
    assert complete_build("n") == ["nets/"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bnnhw compile dig", ["digits"]),
        ("bnnhw compile digits --board kv", ["kv260"]),
        ("bnnhw explore digits --board kv", ["kv260"]),
        ("bnnhw run cn", ["cnv"]),
        ("bnnhw inspect birealnet8", ["birealnet8-digits"]),
        ("bnnhw boards --show zcu", ["zcu104"]),
        ("bnnhw zoo train lf", ["lfc"]),
    ],
)
def test_the_shell_is_offered_names(tmp_path: Path, words: str, offered: list[str]) -> None:
    environment = {
        "_BNNHW_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "import sys; sys.argv[0] = 'bnnhw'; from bnnhw.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == offered


def test_the_zoo_lists_its_networks() -> None:
    pytest.importorskip("torch")
    from bnnhw.zoo import networks

    assert tuple(networks.NETWORKS) == NETWORKS
