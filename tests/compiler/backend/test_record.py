"""compile.json: what a build was made from, and the same build again from it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.cli import commands as cli
from bnnhw.cli.options import merged
from bnnhw.zoo.shipped import shipped_model

if TYPE_CHECKING:
    from collections.abc import Callable

RESIDUAL = shipped_model("birealnet8-digits").path


@pytest.fixture
def bnnhw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bnnhw", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
            raise SystemExit(0)
        shown = capfd.readouterr()
        return int(caught.value.code or 0), shown.out + shown.err

    return run


def of(folder: str, name: str) -> dict:
    return json.loads((Path(folder) / name).read_text())


@pytest.fixture
def made(bnnhw, tmp_path: Path) -> dict:
    """A build with most options, and its record."""
    model = tmp_path / "net.onnx"
    model.write_bytes(RESIDUAL.read_bytes())
    rng = np.random.default_rng(0)
    np.save("images.npy", rng.integers(0, 16, (4, 8, 8, 1)).astype(np.uint8))
    (tmp_path / "f.json").write_text(json.dumps({"lanes": {}}))
    words = ("compile", "net.onnx", "--board", "pynq-z2", "--fps", "20000", "--clock", "90")
    widths = ("--calibrate", "images.npy", "--folding", "f.json", "--top-k", "2")
    code, shown = bnnhw(*words, *widths, "--backend", "verilog", "-o", "a")
    assert code == 0, shown
    return of("a", "compile.json")


def test_the_record_holds_options_files_versions_and_date(made: dict) -> None:
    assert made["options"] == {
        "calibrate": ["images.npy"],
        "board": "pynq-z2",
        "fps": 20000.0,
        "clock_mhz": 90.0,
        "folding": "f.json",
        "backends": ["verilog"],
        "top_k": 2,
    }
    assert {name: len(files) for name, files in made["files"].items()} == {
        "model": 1,
        "inputs": 0,
        "calibrate": 1,
        "folding": 1,
        "class_names": 0,
        "listed": 0,
    }
    assert made["build_hash"] == of("a", "manifest.json")["build_hash"]
    assert {"bnnhw", "python", "numpy", "onnx", "onnxruntime"} == set(made["versions"])
    assert made["date"].startswith("20")


@pytest.mark.slow
def test_config_and_the_command_give_the_same_hardware(bnnhw, made: dict) -> None:
    code, shown = bnnhw("compile", "--config", "a/compile.json", "-o", "b")
    assert code == 0 and f"{made['build_hash']}: the same hardware as in a/compile.json" in shown
    command = of("a", "report.json")["command"]
    assert command == made["command"]
    assert bnnhw(*shlex.split(command)[1:], "-o", "c")[0] == 0
    code, shown = bnnhw("compile", "--config", "a/compile.json", "--fps", "5000", "-o", "d")
    assert code == 0 and "other hardware than in a/compile.json" in shown
    hashes = [of(folder, "manifest.json")["build_hash"] for folder in "abcd"]
    assert hashes[0] == hashes[1] == hashes[2] != hashes[3]
    assert of("d", "compile.json")["options"]["fps"] == 5000


def test_other_files_under_the_same_names_are_refused(bnnhw, made: dict) -> None:
    Path("f.json").write_text("{}")
    code, shown = bnnhw("compile", "--config", "a/compile.json", "-o", "b")
    assert code == 1
    assert "was made from another f.json" in shown
    Path("net.onnx").unlink()
    code, shown = bnnhw("compile", "--config", "a/compile.json", "-o", "b")
    assert code == 1
    assert "net.onnx, which is not there" in shown
    assert not Path("b").exists()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("option", ["--input", "--calibrate"])
def test_other_images_behind_the_same_list_are_refused(bnnhw, option: str) -> None:
    Path("images").mkdir()
    rng = np.random.default_rng(0)
    for i in range(2):
        np.save(f"images/{i}.npy", rng.integers(0, 16, (1, 8, 8, 1)).astype(np.uint8))
    Path("images/list.csv").write_text("0.npy,1\n1.npy,2\n")
    name = "digits" if option == "--input" else "birealnet8-digits"
    common = ("compile", name, "--board", "pynq-z2", "--backend", "verilog", "--no-verify")
    code, shown = bnnhw(*common, option, "images/list.csv", "-o", "a")
    assert code == 0, shown
    listed = of("a", "compile.json")["files"]["listed"]
    assert [entry["path"] for entry in listed] == ["images/0.npy", "images/1.npy"]
    config = ("compile", "--config", "a/compile.json", "-o", "b")
    assert bnnhw(*config)[0] == 0
    np.save("images/1.npy", np.zeros((1, 8, 8, 1), np.uint8))
    code, shown = bnnhw(*config, "--force")
    assert code == 1
    assert "was made from another images/1.npy" in shown and "fix:" in shown
    Path("images/1.npy").unlink()
    code, shown = bnnhw(*config, "--force")
    assert code == 1 and "images/1.npy, which is not there" in shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", '{"model": "digits", "board": "pynq-z2", "cycles": 2000}'),
        ("c.toml", 'model = "digits"\nboard = "pynq-z2"\ncycles = 2000\n'),
        ("c.yaml", "model: digits\nboard: pynq-z2\ncycles: 2000\n"),
    ],
)
def test_a_config_may_be_written_by_hand(bnnhw, name: str, text: str) -> None:
    if name.endswith(".yaml"):
        pytest.importorskip("yaml")
    Path(name).write_text(text)
    assert bnnhw("compile", "--config", name, "-o", "b")[0] == 0
    assert of("b", "report.json")["cycles_per_frame"]["predicted"] <= 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"bord": "pynq-z2"}', "did you mean 'board'?"),
        ("[1]", "holds no options"),
        ("{", "is no readable JSON"),
        ('{"model": "digits"}', "no board"),
        ('{"board": "pynq-z2"}', "no model"),
    ],
)
def test_a_config_that_cannot_be_is_refused(bnnhw, text: str, said: str) -> None:
    Path("c.json").write_text(text)
    code, shown = bnnhw("compile", "--config", "c.json", "-o", "b")
    assert code == 1
    assert said in shown
    assert "fix:" in shown
    assert not Path("b").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('fps = "fast"', "option 'fps' is 'fast', not a number"),
        ('top_k = "2"', "option 'top_k' is '2', not a whole number"),
        ("cycles = 1.5", "option 'cycles' is 1.5, not a whole number"),
        ('precision = ["stem=6"]', "option 'precision' is ['stem=6'], not whole numbers by name"),
        ('verify = "no"', "option 'verify' is 'no', not true or false"),
        ("inputs = [1]", "option 'inputs' is [1], not a list of texts"),
        ("folding = true", "option 'folding' is True, not a text"),
        ("input_mean = 0.1", "there is no standard deviation"),
        ("input_mean = 0.1\ninput_std = 0.3\ninput_scale = 2.0", "exclude each other"),
    ],
)
def test_options_of_another_kind_are_refused(bnnhw, line: str, said: str) -> None:
    Path("c.toml").write_text(f'model = "digits"\nboard = "pynq-z2"\n{line}\n')
    code, shown = bnnhw("compile", "--config", "c.toml", "-o", "b")
    assert code == 1
    assert said in shown and "defect" not in shown
    assert not Path("b").exists()


def test_one_text_stands_for_a_list(bnnhw) -> None:
    Path("c.toml").write_text('model = "digits"\nboard = "pynq-z2"\nbackends = "verilog"\n')
    assert bnnhw("compile", "--config", "c.toml", "-o", "b")[0] == 0
    assert of("b", "compile.json")["options"]["backends"] == ["verilog"]
    assert "absent.toml: no such file" in bnnhw("compile", "--config", "absent.toml")[1]


def test_a_scale_on_the_command_line_takes_the_place_of_a_mean_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("input_mean = 0.5\ninput_std = [0.5, 0.25, 1.0]\n")
    given = dict.fromkeys(("input_type", "input_scale", "input_offset"))
    assert merged(given, file) == {"input_mean": 0.5, "input_std": [0.5, 0.25, 1.0]}
    assert merged({**given, "input_scale": 0.1}, file) == {"input_scale": 0.1}
    file.write_text('input_scale = 0.5\ninput_offset = 1\ninput_type = "int8"\n')
    assert merged({**given, "input_mean": 0.1}, file) == {"input_mean": 0.1}
    assert merged({**given, "input_scale": 0.1}, file)["input_type"] == "int8"
