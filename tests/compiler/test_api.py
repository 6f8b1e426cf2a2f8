"""``import bnnhw``: from a model to a build, in Python."""

from __future__ import annotations

import inspect as signatures
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

import bnnhw
from bnnhw.zoo.shipped import shipped_model
from sketch import small_cnn

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = shipped_model("digits").path


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> bnnhw.Build:
    out = tmp_path_factory.mktemp("api") / "digits"
    return bnnhw.compile("digits", board="pynq-z2", cycles=2000, output=out)


def some(build: bnnhw.Build, count: int = 4) -> np.ndarray:
    form = build.manifest["input"]
    x = np.random.default_rng(3).integers(0, 16, (count, *form["shape"]))
    return x.astype(form["dtype"])


def test_importing_is_cheap_until_something_is_asked_for() -> None:
    code = "import sys, bnnhw; assert 'numpy' not in sys.modules; bnnhw.compile; bnnhw.Build"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"Build", "compile", "inspect", "open", "__version__"} <= set(dir(bnnhw))
    with pytest.raises(AttributeError, match="compille"):
        _ = bnnhw.compille


def test_a_build_says_what_it_is(build: bnnhw.Build) -> None:
    assert repr(build) == (
        f"Build(digits on pynq-z2: {build.cycles:,} cycles per frame, "
        f"{build.fps:,.0f} FPS predicted)"
    )
    assert build.cycles <= 2000
    html = build._repr_html_()
    assert f"<td>{build.cycles:,}</td>" in html
    assert "report.html" in html
    again = bnnhw.open(build.path)
    assert again.report == build.report


def test_run_gives_scores_classes_and_accuracy(build: bnnhw.Build) -> None:
    x = some(build)
    run = build.run(x)
    assert run.scores.dtype == np.int64
    assert run.scores.shape[0] == run.classes.shape[0] == 4
    assert run.accuracy is None
    assert repr(run) == "Run(4 inputs)"
    labels = run.classes.copy()
    labels[0] += 1
    assert build.run(x, labels).accuracy == 0.75
    assert repr(build.run(x, labels)) == "Run(4 inputs, accuracy 75.00%)"
    assert np.array_equal(build.run(x[0]).scores, run.scores[:1])
    with pytest.raises(bnnhw.BnnhwError, match="3 labels for 4 inputs"):
        build.run(x, labels[:3])


def test_models_come_as_files_names_and_objects(tmp_path: Path, build: bnnhw.Build) -> None:
    for number, model in enumerate((str(DIGITS), DIGITS, onnx.load(DIGITS))):
        made = bnnhw.compile(
            model, board="pynq-z2", cycles=2000, output=tmp_path / str(number), verify=False
        )
        assert made.manifest["build_hash"] == build.manifest["build_hash"]
    with pytest.raises(bnnhw.BnnhwError, match="int is no model"):
        bnnhw.compile(3, board="pynq-z2")
    with pytest.raises(bnnhw.BnnhwError, match="nowhere"):
        bnnhw.compile("nowhere.onnx", board="pynq-z2", output=tmp_path / "x")


def test_inputs_come_as_arrays_and_files(tmp_path: Path, build: bnnhw.Build) -> None:
    x = some(build, 6)
    np.save(tmp_path / "x.npy", x)
    for number, inputs in enumerate((x, tmp_path / "x.npy", [str(tmp_path / "x.npy")])):
        made = bnnhw.compile(
            DIGITS, board="pynq-z2", cycles=2000, output=tmp_path / str(number), inputs=inputs
        )
        assert made.report["accuracy"]["inputs"] == 6
    labels = build.run(x).classes
    made = bnnhw.compile(
        DIGITS, board="pynq-z2", cycles=2000, output=tmp_path / "l", inputs=x, labels=labels
    )
    assert made.report["accuracy"]["integer_top1"] == 1


def test_every_option_of_the_command_line_is_an_argument() -> None:
    """But those that say where to print and how; names are those of compile.json."""
    from bnnhw.compiler import CompileOptions

    options = {name for name in CompileOptions.__dataclass_fields__ if name != "dump_ir"}
    assert options <= set(signatures.signature(bnnhw.compile).parameters)


def test_a_pytorch_module_needs_an_example(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    with pytest.raises(bnnhw.BnnhwError, match="example of its input"):
        bnnhw.compile(module, board="pynq-z2", output=tmp_path / "b")


def test_a_pytorch_module_compiles(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rng = np.random.default_rng(1)
            self.conv = torch.nn.Conv2d(1, 16, 3, bias=False)
            self.norm = torch.nn.BatchNorm2d(16)
            self.dense = torch.nn.Linear(16 * 36, 10, bias=False)
            for layer in (self.conv, self.dense):
                signs = rng.choice([-1.0, 1.0], tuple(layer.weight.shape))
                layer.weight.data = torch.tensor(signs, dtype=torch.float32)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.where(self.norm(self.conv(x)) > 0, 1.0, -1.0)
            return self.dense(x.flatten(1))

    example = torch.zeros(1, 1, 8, 8)
    out = tmp_path / "b"
    build = bnnhw.compile(Net(), board="pynq-z2", output=out, example=example, input_type="uint8")
    assert build.run(np.full((1, 1, 8, 8), 3, np.float32)).scores.shape == (1, 10)


def test_simulate_updates_the_report(tmp_path: Path) -> None:
    pytest.importorskip("cocotb")
    model = small_cnn().proto()
    made = bnnhw.compile(model, board="pynq-z2", output=tmp_path / "b", verify=False)
    outcome = made.simulate(frames=2)
    assert not any(check.mismatches for check in outcome.checks)
    assert made.report["cycles_per_frame"]["simulated"] == outcome.simulation.cycles_per_frame
    assert "simulated" in repr(made)
    with pytest.raises(bnnhw.BnnhwError, match="holds results of a simulation"):
        bnnhw.compile(model, board="pynq-z2", output=tmp_path / "b")


def test_a_simulation_that_differs_is_an_error_and_on_record(tmp_path: Path) -> None:
    pytest.importorskip("cocotb")
    made = bnnhw.compile(small_cnn().proto(), board="pynq-z2", output=tmp_path / "b", verify=False)
    for memory in (made.path / "rtl").glob("*_init.mem"):
        lines = memory.read_text().split()
        memory.write_text("\n".join(f"{int(w, 16) ^ 1:0{len(w)}x}" for w in lines) + "\n")
    with pytest.raises(bnnhw.BnnhwError, match="the simulation differs from the interpreter"):
        made.simulate(frames=2)
    assert any(check["mismatches"] for check in made.report["verification"])


def test_mean_and_scale_exclude_each_other() -> None:
    with pytest.raises(bnnhw.BnnhwError, match="exclude each other"):
        bnnhw.compile(DIGITS, board="pynq-z2", input_mean=0.5, input_scale=1.0)
