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
from sketch import Sketch, small_cnn

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
    """Names are those of compile.json."""
    from bnnhw.compiler import CompileOptions

    assert set(CompileOptions.__dataclass_fields__) <= set(
        signatures.signature(bnnhw.compile).parameters
    )


def test_commands_call_the_api_with_what_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: bnnhw.Build
) -> None:
    """All that the command line knows is an argument: a stand-in sees every option."""
    from bnnhw.cli import commands as cli

    asked = {}

    class ReachedError(Exception):
        """The stand-in was called."""

    def stand_in(name: str):
        def call(*given, **options):
            asked[name] = {**options, "given": given}
            signatures.signature(real[name]).bind(*given, **options)
            raise ReachedError

        return call

    real = {name: getattr(bnnhw, name) for name in ("compile", "run", "inspect", "compare")}
    real |= {name: getattr(bnnhw.Build, name) for name in ("simulate", "synthesise")}
    for name in real:
        owner = bnnhw.Build if name in ("simulate", "synthesise") else bnnhw
        monkeypatch.setattr(owner, name, stand_in(name), raising=False)
    np.save(tmp_path / "x.npy", some(build))
    images = ("--input", str(tmp_path / "x.npy"))
    scaling = ("--input-mean", "0.5", "--input-std", "0.25,0.5,1")
    dumped = ("--board", "kv260", "--dump-ir", "ir", "--force", "--top-k", "3")
    for words in (
        ("compile", "digits", *dumped, *images, *scaling, "--precision", "a=6"),
        ("run", "digits", *images, *scaling, "--sign-zero", "plus"),
        ("inspect", "digits", *scaling),
        ("compare", "a", "b"),
        ("simulate", str(build.path), *images, "--idle", "0.25", "--probe", "all", "--hls"),
        ("synth", str(build.path), "--frames", "2", "--no-verify"),
    ):
        monkeypatch.setattr(sys, "argv", ["bnnhw", *words])
        with pytest.raises(SystemExit):
            cli.main()
    assert asked["compile"]["input_std"] == (0.25, 0.5, 1.0)
    assert asked["compile"]["precision"] == {"a": 6}
    assert asked["compile"]["force"] and asked["compile"]["top_k"] == 3
    assert asked["run"]["input_mean"] == 0.5 and asked["run"]["sign_zero"] == "plus"
    assert asked["inspect"]["input_std"] == (0.25, 0.5, 1.0)
    assert len(asked["compare"]["given"]) == 2
    assert asked["simulate"]["hls"] and asked["simulate"]["idle"] == 0.25
    assert asked["simulate"]["probes"] == ["all"]
    assert asked["synthesise"]["frames"] == 2 and not asked["synthesise"]["verify"]


def test_a_model_runs_without_a_build_as_its_build_does(tmp_path: Path, build: bnnhw.Build) -> None:
    x = some(build)
    ran = bnnhw.run("digits", x)
    assert np.array_equal(ran.scores, build.run(x).scores)
    assert np.array_equal(bnnhw.run(build.path, x).scores, ran.scores)
    assert ran.best(3).shape == (4, 3)
    assert np.array_equal(ran.best(1)[:, 0], ran.classes)
    np.savez(tmp_path / "x.npz", x=x, labels=ran.classes)
    for found in (bnnhw.run("digits", tmp_path / "x.npz"), build.run([tmp_path / "x.npz"])):
        assert found.accuracy == 1
        assert found.names == tuple(f"x.npz[{i}]" for i in range(4))
    read = build.read(tmp_path / "x.npz")
    assert np.array_equal(build.run(read).scores, ran.scores)
    with pytest.raises(bnnhw.BnnhwError, match="integers 0 to 9"):
        build.run(x, [0, 1, 2, 10])
    with pytest.raises(bnnhw.BnnhwError, match="option 'sign_zero' is 3"):
        bnnhw.run("digits", x, sign_zero=3)


def test_a_compile_tells_steps_and_how_many_inputs_are_checked(tmp_path: Path) -> None:
    told: list[str] = []
    x = np.zeros((3, 8, 8, 1), np.uint8)
    common = {"board": "pynq-z2", "cycles": 4000, "inputs": x, "progress": told.append}
    build = bnnhw.compile("birealnet8-digits", **common, output=tmp_path / "b")
    assert [str(step) for step in told if "in integers" in step] == [
        f"computing scores in integers: {done} of 3 inputs" for done in range(3)
    ]
    assert "comparing tensors of integers and float: 2 of 3 inputs" in told
    assert "choosing the folding" in told
    assert build.report["accuracy"]["inputs"] == 3


def test_an_empty_list_of_inputs_is_none(tmp_path: Path) -> None:
    common = {"board": "pynq-z2", "cycles": 2000, "inputs": []}
    build = bnnhw.compile("digits", **common, output=tmp_path / "b")
    assert build.report["accuracy"] is None


def test_labels_without_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(bnnhw.BnnhwError, match="labels and no inputs"):
        bnnhw.compile(DIGITS, board="pynq-z2", output=tmp_path / "b", labels=[1])


def test_builds_are_compared(tmp_path: Path, build: bnnhw.Build) -> None:
    other = bnnhw.compile(DIGITS, board="pynq-z2", cycles=5000, output=tmp_path / "b", verify=False)
    found = bnnhw.compare(build, other.path)
    rows = {row.name: row for row in found.rows}
    assert rows["cycles per frame"].values == (build.cycles, other.cycles)
    assert repr(found) == f"Comparison({build.path}, {other.path})"
    with pytest.raises(bnnhw.BnnhwError, match="give two or more"):
        bnnhw.compare(build)


def test_an_inspection_lists_layers_and_streams() -> None:
    found = bnnhw.inspect("birealnet8-digits")
    assert found.streams[0].name == "conv1"
    assert repr(found) == "Inspection(birealnet8-digits: 10 layers, 6 binary)"
    assert bnnhw.inspect("digits").streams == ()
    with pytest.raises(bnnhw.BnnhwError, match="exclude each other"):
        bnnhw.inspect("digits", input_mean=0.5, input_std=0.5, input_scale=1.0)


def test_scales_may_be_fractions_in_text(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], np.float32)
    sketch.conv(3, 8, pads=1).batch_norm(8).sign().flatten().dense(8 * 36, 4)
    path = sketch.save(tmp_path / "m.onnx")
    texts, numbers = (
        bnnhw.inspect(path, input_type="uint8", input_scale=scale, input_offset=offset)
        for scale, offset in (("1/255,1/250,1/240", "-1/2"), ((1 / 255, 1 / 250, 1 / 240), -0.5))
    )
    assert texts.graph.input_format == numbers.graph.input_format
    with pytest.raises(bnnhw.BnnhwError, match="'1/x' is no number") as caught:
        bnnhw.inspect(path, input_type="uint8", input_scale="1/x")
    assert caught.value.where == "argument input_scale"


def test_a_declaration_that_the_input_contradicts_is_refused() -> None:
    with pytest.raises(bnnhw.BnnhwError, match="needs no scale or offset"):
        bnnhw.inspect("digits", input_type="uint8", input_scale="1/255")


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_activations_of_verilog_and_interpreter_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("cocotb")
    made = bnnhw.compile(small_cnn().proto(), board="pynq-z2", output=tmp_path / "b", verify=False)
    x = some(made, 2)
    expected = made.activations(x)
    shapes = {name: values.shape for name, values in expected.items()}
    assert len(shapes) > 2 and all(shape[0] == 2 for shape in shapes.values())
    found = made.simulate(x, probes=["all"]).activations
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    bits = next(values for values in expected.values() if values.ndim == 4)
    assert set(np.unique(bits)) == {-1, 1}
    first, *_, last = expected
    chosen = made.activations(x[0], [last, first])
    assert list(chosen) == [first, last] and len(chosen[last]) == 1
    np.testing.assert_array_equal(chosen[last][0].ravel(), made.run(x).scores[0].ravel())
    with pytest.raises(bnnhw.BnnhwError, match="no stream carries the result of 'conv9'"):
        made.activations(x, ["conv9"])


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


def test_a_shipped_networks_name_is_no_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bnnhw.inspect("digits")
