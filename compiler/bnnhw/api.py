"""What ``import bnnhw`` gives: compile, open, inspect, and the builds that they work on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.backend import build as builds
from bnnhw.backend.record import check_kinds
from bnnhw.compiler import BACKENDS, CompileOptions, compile_model, network_name
from bnnhw.errors import BnnhwError, ToolError
from bnnhw.frontend.options import LoadOptions, input_fields
from bnnhw.interpret.interpreter import interpret
from bnnhw.report.facts import cycles_per_frame, resource_facts
from bnnhw.report.inspect import Inspection, inspect_model
from bnnhw.report.record import record_simulation, record_synthesis, require_exact
from bnnhw.zoo.shipped import model_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import onnx
    from numpy.typing import ArrayLike, NDArray

    from bnnhw.backend.yosys import Synthesis
    from bnnhw.verify.run_simulation import SimulationOutcome

    Model = str | Path | onnx.ModelProto | Any
    Numbers = float | Sequence[float] | None


@dataclass(frozen=True, eq=False)
class Run:
    """What a network gives for some inputs.

    Attributes:
        scores: integers ``[N, classes, ...]``, as the hardware gives them.
        outputs: the model's own outputs ``[N, ...]`` that they stand for.
        classes: the best class of each input, ``[N]``.
        accuracy: share of inputs whose class is right, 0 to 1; None where no labels were given.
    """

    scores: NDArray[np.int64]
    outputs: NDArray[np.float64]
    classes: NDArray[np.int64]
    accuracy: float | None

    def __repr__(self) -> str:
        right = "" if self.accuracy is None else f", accuracy {self.accuracy:.2%}"
        return f"Run({len(self.scores)} inputs{right})"


class Build:
    """A build folder: a network as hardware, with its report.

    Args:
        path: the folder.

    Raises:
        BnnhwError: it is no build.
    """

    def __init__(self, path: str | Path) -> None:
        self._build = builds.Build.open(Path(path))

    @property
    def path(self) -> Path:
        """The folder."""
        return self._build.path

    @property
    def report(self) -> dict[str, Any]:
        """The content of report.json as it is now; simulation and synthesis add to it."""
        return self._build.report

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json: formats, registers, build hash."""
        return self._build.manifest

    @property
    def cycles(self) -> int:
        """Cycles per frame: simulated where it was, else predicted."""
        return int(cycles_per_frame(self.report).value or 0)

    @property
    def fps(self) -> float:
        """Frames per second at the build's clock, of the same origin as ``cycles``."""
        return float(self.report["fps"])

    def run(self, x: ArrayLike, labels: ArrayLike | None = None) -> Run:
        """What the hardware computes, by the bit-exact interpreter.

        Args:
            x: inputs in the model's own format, ``[N, *shape]``, or one input ``[*shape]``. Numbers
                of uint8 are raw pixels where the model takes pixels as floats.
            labels: the right class of each, ``[N]``.

        Raises:
            ModelError: the shape is another, or a value is none of the input type's.
        """
        graph = self._build.graph
        scores = interpret(graph, graph.input_format.encode(self._inputs(x)))
        outputs = graph.output_map.apply(scores)
        classes = outputs.reshape(len(outputs), -1).argmax(axis=1)
        accuracy = None
        if labels is not None:
            wanted = np.asarray(labels).reshape(-1)
            if len(wanted) != len(classes) or wanted.dtype.kind not in "iu":
                raise BnnhwError(
                    f"{len(wanted)} labels for {len(classes)} inputs, of type {wanted.dtype}",
                    where="labels",
                    fix="give the number of the right class for each input",
                )
            accuracy = float((classes == wanted).mean())
        return Run(scores, outputs, classes, accuracy)

    def simulate(
        self,
        x: ArrayLike | None = None,
        *,
        frames: int | None = None,
        hls: bool = False,
        probes: Sequence[str] = (),
        **how: Any,
    ) -> SimulationOutcome:
        """Simulates the Verilog cycle by cycle, compares all scores, and updates the report.

        Args:
            x: inputs ``[N, *shape]``; random ones where None.
            frames: how many frames; 3 random ones, or each input once, where None.
            hls: whether to run the HLS C++ on the same frames.
            probes: layers whose results are compared too; "all" for every one.
            how: ``idle`` and ``back_pressure``, shares of cycles in which the source offers and the
                sink takes nothing; ``memory_latency``, least and most cycles until weights come;
                ``wave``, whether to record all signals.

        Raises:
            BnnhwError: a score, or a result of a probed layer, is another than the interpreter's;
                the report has both.
        """
        inputs = None if x is None else self._inputs(x)
        outcome = record_simulation(self._build, inputs, frames, hls=hls, probes=probes, **how)
        require_exact(outcome.checks, "the simulation", self._build)
        return outcome

    def synthesise(
        self, x: ArrayLike | None = None, *, frames: int | None = None, verify: bool = True
    ) -> Synthesis:
        """Counts resources with Yosys, simulates the netlist, and updates the report.

        Args:
            x: inputs ``[N, *shape]``; random ones where None.
            frames: how many frames to simulate.
            verify: whether to simulate the netlist at all.

        Raises:
            BnnhwError: the netlist gives other scores than the interpreter.
        """
        inputs = None if x is None else self._inputs(x)
        synthesis, checks = record_synthesis(self._build, inputs, frames, verify=verify)
        require_exact(checks, "the netlist", self._build)
        return synthesis

    def _inputs(self, x: ArrayLike) -> NDArray[np.generic]:
        """Model inputs [N, *shape] of an array that may be one input, or raw pixels."""
        source, array = self._build.graph.input_format, np.asarray(x)
        return source.from_pixels(array[None] if array.shape == tuple(source.shape) else array)

    def __repr__(self) -> str:
        report = self.report
        origin = cycles_per_frame(report).origin
        return (
            f"Build({report['model']} on {report['board']}: {self.cycles:,} cycles per frame, "
            f"{self.fps:,.0f} FPS {origin})"
        )

    def _repr_html_(self) -> str:
        """A small table, and the way to the page."""
        report = self.report
        rows = {
            "network": report["model"],
            "board": f"{report['board']} ({report['part']})",
            "cycles per frame": f"{self.cycles:,}",
            "frames per second": f"{self.fps:,.0f}",
        }
        for fact in resource_facts(report):
            if fact.limited:
                rows[fact.name] = f"{fact.best.value:,} of {fact.usable:,}"
        cells = "".join(
            f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows.items()
        )
        page = (self.path / "report.html").as_uri()
        return f'<table>{cells}</table><a href="{escape(page)}">report</a>'


def compile(
    model: Model,
    *,
    board: str,
    output: str | Path | None = None,
    fps: float | None = None,
    cycles: int | None = None,
    clock_mhz: float | None = None,
    folding: str | Path | None = None,
    backends: Sequence[str] = BACKENDS,
    input_type: str | None = None,
    input_scale: Numbers = None,
    input_offset: Numbers = None,
    input_mean: Numbers = None,
    input_std: Numbers = None,
    sign_zero: str = "minus",
    precision: Mapping[str, int] | None = None,
    calibrate: Sequence[str | Path] | str | Path = (),
    inputs: ArrayLike | Sequence[str | Path] | str | Path | None = None,
    resize: bool = False,
    grey: bool = False,
    labels: ArrayLike | None = None,
    top_k: int = 0,
    verify: bool = True,
    min_agreement: float | None = None,
    example: Any = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Build:
    """Compiles a trained binary network to Verilog and HLS C++ for a board.

    Without ``fps`` or ``cycles``, the fastest design that fits. Nothing is written unless all of it
    succeeds.

    Args:
        model: an ONNX file, the name of a shipped network, an ONNX model, or a PyTorch module with
            an ``example``.
        board: name of a board, or path of its description.
        output: the build folder; ``build/<network>`` where None.
        fps: frames per second to reach.
        cycles: cycles per frame to stay within.
        clock_mhz: clock; the board's where None.
        folding: a file that fixes PE, SIMD and memories.
        backends: of "verilog" and "hls".
        input_type: integer type of a float input: "bipolar", "uint8", "int4" and the like.
        input_scale: model value = integer * scale + offset; one number, or one per channel.
        input_offset: see ``input_scale``.
        input_mean: the model takes (pixel - mean) / std of uint8 pixels, from 0 to 1 or 0 to 255;
            in place of scale and offset.
        input_std: see ``input_mean``.
        sign_zero: the bit that ONNX's Sign gives at 0: "minus" or "plus".
        precision: bits by layer (its integer weights) or by any other node (its stream).
        calibrate: files or folders of inputs that give the ranges of real-valued streams.
        inputs: inputs for the check against onnxruntime, an array or files.
        resize: whether image files of another size may be scaled.
        grey: whether coloured image files may be turned grey.
        labels: their classes, which give the accuracy of integers against float.
        top_k: 0 for all scores, else the number of best classes to send.
        verify: whether to check the integer graph against onnxruntime.
        min_agreement: least share of inputs, 0 to 1, whose class must be as in float.
        example: an input ``[N, ...]`` of a PyTorch module, for its export.
        force: whether a build with results of simulation or synthesis may be replaced.
        progress: told the name of each step as it begins.

    Raises:
        BnnhwError: what stands in the way, where, and the way out.
    """
    asked = locals()
    check_kinds({k: v for k, v in asked.items() if k not in ("model", "inputs")}, "bnnhw.compile")
    fields = input_fields(
        input_type,
        (_numbers(input_scale), _numbers(input_offset)),
        (_numbers(input_mean), _numbers(input_std)),
    )
    arrays = None if inputs is None or _is_files(inputs) else np.asarray(inputs)
    files = _paths(inputs) if inputs is not None and arrays is None else ()
    options = CompileOptions(
        board=str(board),
        fps=fps,
        cycles=cycles,
        clock_mhz=clock_mhz,
        folding=None if folding is None else Path(folding),
        backends=tuple(backends),
        **fields,
        sign_zero=sign_zero,
        precision=dict(precision or {}),
        calibrate=_paths(calibrate),
        inputs=files,
        resize=resize,
        grey=grey,
        top_k=top_k,
        verify=verify,
        min_agreement=min_agreement,
    )
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as scratch:
        path = _model_file(model, example, Path(scratch))
        made = compile_model(
            path,
            Path("build") / network_name(path) if output is None else Path(output),
            options,
            inputs=arrays,
            labels=None if labels is None else np.asarray(labels),
            force=force,
            progress=progress,
        )
    return Build(made.build.path)


def open(path: str | Path) -> Build:
    """Opens the build in a folder; raises BnnhwError where there is none."""
    return Build(path)


def inspect(
    model: Model,
    *,
    input_type: str | None = None,
    input_scale: Numbers = None,
    input_offset: Numbers = None,
    sign_zero: str = "minus",
    example: Any = None,
) -> Inspection:
    """Lists layers, weights and operations of a model, and what of it is not supported.

    Arguments are those of ``compile``. A model that is not supported is listed up to the node that
    is refused; ``problem`` of the result says why.
    """
    options = LoadOptions(
        input_type=input_type,
        input_scale=_numbers(input_scale),
        input_offset=_numbers(input_offset),
        sign_zero=sign_zero,
    )
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as scratch:
        return inspect_model(_model_file(model, example, Path(scratch)), options)


def _model_file(model: Model, example: Any, scratch: Path) -> Path:
    """The file of a model; what is none yet is written to ``scratch``."""
    if isinstance(model, (str, Path)):
        return model_file(model)
    if hasattr(model, "SerializeToString"):
        path = scratch / f"{getattr(model.graph, 'name', '') or 'network'}.onnx"
        path = path.with_name(f"{network_name(path)}.onnx")
        path.write_bytes(model.SerializeToString())
        return path
    if hasattr(model, "state_dict"):
        return _exported(model, example, scratch / f"{type(model).__name__}.onnx")
    raise BnnhwError(
        f"{type(model).__name__} is no model",
        where="model",
        fix="give an ONNX file or model, the name of a shipped network, or a PyTorch module",
    )


def _exported(module: Any, example: Any, path: Path) -> Path:
    try:
        import torch
    except ImportError as error:  # a module of another library that looks like one
        raise ToolError("exporting a module needs PyTorch", fix="pip install torch") from error
    if example is None:
        raise BnnhwError(
            "a PyTorch module needs an example of its input",
            where="example",
            fix="give one batch: example=torch.zeros(1, 3, 32, 32)",
        )
    training = module.training
    module.eval()
    try:
        torch.onnx.export(module, (torch.as_tensor(example),), str(path), verbose=False)
    finally:
        module.train(training)
    return path


def _is_files(inputs: Any) -> bool:
    """Whether inputs are files or folders, not numbers."""
    if isinstance(inputs, (str, Path)):
        return True
    first = inputs[0] if isinstance(inputs, (list, tuple)) and inputs else None
    return isinstance(first, (str, Path))


def _paths(given: Any) -> tuple[Path, ...]:
    if isinstance(given, (str, Path)):
        return (Path(given),)
    return tuple(Path(path) for path in given)


def _numbers(given: Numbers) -> float | tuple[float, ...] | None:
    if given is None:
        return None
    if not isinstance(given, Iterable):
        return float(given)
    return tuple(float(v) for v in given)
