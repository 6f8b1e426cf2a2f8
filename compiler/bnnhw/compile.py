"""The whole way from a model file to a build folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bnnhw.backend.build import Build, write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_bench, emit_verilog
from bnnhw.frontend import load
from bnnhw.frontend.options import LoadOptions
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.serialize import graph_to_bytes
from bnnhw.passes import PIPELINE
from bnnhw.passes import run as run_passes
from bnnhw.planning.curve import resource_curve
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Goal, check_goal
from bnnhw.report.figures import Verification, make_report, report_text
from bnnhw.verify.accuracy import check_agreement
from bnnhw.verify.inputs import read_inputs, read_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.planning.token_model import Prediction
    from bnnhw.verify.accuracy import Accuracy

BACKENDS = ("verilog", "hls")
_RANDOM_INPUTS = 8
# Files are named after the network and more; a file's name has at most 255 characters.
_LONGEST_NAME = 80
# More inputs than this tell little more about ranges, and cost time.
_CALIBRATION_INPUTS = 32


@dataclass(frozen=True)
class ModelOptions:
    """What the user says of a model, and how its real-valued streams become integers.

    Attributes:
        load: declarations about the model.
        precision: bits by layer (its integer weights) or by any other node (its stream).
        calibrate: files or folders of inputs from which the ranges of real-valued streams are
            taken; without any, they come from BatchNorm statistics.
    """

    load: LoadOptions = field(default_factory=LoadOptions)
    precision: Mapping[str, int] = field(default_factory=dict)
    calibrate: Sequence[Path] = ()


@dataclass(frozen=True)
class CompileOptions:
    """What the user asks of a compile.

    Attributes:
        board: name of the board, or path of its description.
        goal_fps: frames a second to reach; excludes ``goal_cycles``.
        goal_cycles: cycles a frame to stay within.
        clock_mhz: clock; None takes the board's.
        folding: what a folding file fixes.
        backends: subset of ``BACKENDS``.
        model: what is said of the model.
        top_k: 0 for all scores, else the number of best classes to send.
        verify: whether to check the integer graph against onnxruntime.
        min_agreement: least share of inputs, 0 to 1, to which integers and float must give the
            same best class.
        dump_ir: where to write the graph after each pass.
    """

    board: str
    goal_fps: float | None = None
    goal_cycles: int | None = None
    clock_mhz: float | None = None
    folding: FoldingRequest = field(default_factory=FoldingRequest)
    backends: tuple[str, ...] = BACKENDS
    model: ModelOptions = field(default_factory=ModelOptions)
    top_k: int = 0
    verify: bool = True
    min_agreement: float | None = None
    dump_ir: Path | None = None


@dataclass(frozen=True)
class Compiled:
    """The result of a compile.

    Attributes:
        build: the folder written.
        report: content of its report.json.
        design: the hardware.
    """

    build: Build
    report: dict[str, Any]
    design: Design


def compile_model(
    model: Path,
    out: Path,
    options: CompileOptions,
    *,
    inputs: NDArray[np.generic] | None = None,
    input_files: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> Compiled:
    """Compiles ``model`` into the folder ``out``; nothing is written unless all of it succeeds.

    Args:
        model: the ONNX file.
        out: the build folder.
        options: see CompileOptions.
        inputs: real inputs in the model's own format for the check against onnxruntime.
        input_files: the same as files or folders.
        progress: told the name of each step as it begins.

    Raises:
        BnnhwError: the model, the goal or the board does not allow it; says why.
    """
    board = load_board(options.board)
    clock = options.clock_mhz or board.clock_mhz
    progress("reading the model")
    graph = integer_graph(model, options.model, dump_ir=options.dump_ir)
    labels = None
    if input_files:
        inputs = read_inputs(input_files, graph.input_format)
        labels = read_labels(input_files, len(inputs))
    verification, accuracy = [], None
    if options.verify:
        progress("checking the integer graph against onnxruntime")
        found, accuracy = check_model(model, graph, options.model.load, inputs, labels)
        verification.append(found)
    check_agreement(accuracy, options.min_agreement, verified=options.verify)
    progress("choosing the folding")
    goal = _goal(options, clock)
    network = Network(graph, options.top_k)
    search = FoldingSearch(network, board, options.folding, clock)
    design, folding, prediction = lower_fitting(search, goal, clock)
    if search.request != FoldingRequest():  # other paces are free of what a folding file fixes
        search = FoldingSearch(network, board, clock_mhz=clock)
    curve = resource_curve(search, design)
    progress("writing the build")
    notes = _notes(graph, options)
    report = make_report(design, board, prediction, verification, notes, curve)
    report["accuracy"] = None if accuracy is None else accuracy.to_json()
    files = emit(design, options.backends, prediction)
    files["folding.json"] = folding.to_json()
    files["graph.npz"] = graph_to_bytes(graph)
    files["report.json"] = report_text(report)
    from bnnhw.report.page import report_html

    files["report.html"] = report_html(report)
    return Compiled(write_build(out, files), report, design)


def integer_graph(
    model: Path, options: ModelOptions | None = None, *, dump_ir: Path | None = None
) -> Graph:
    """The integer graph of a model file."""
    options = options or ModelOptions()
    graph = load(model, options.load)
    images = None
    if options.calibrate:
        files = read_inputs(options.calibrate, graph.input_format)
        images = graph.input_format.encode(files[:_CALIBRATION_INPUTS])
    graph = run_passes(
        graph, PIPELINE, dump=dump_ir, precision=options.precision, calibration=images
    )
    return replace(graph, name=network_name(model))


def check_model(
    model: Path,
    graph: Graph,
    options: LoadOptions,
    inputs: NDArray[np.generic] | None,
    labels: NDArray[np.generic] | None = None,
) -> tuple[Verification, Accuracy | None]:
    """Compares the integer graph with onnxruntime on random and on given inputs.

    Returns:
        The comparison, and how near the integers come to float; see VerificationResult.

    Raises:
        VerificationError: they differ.
    """
    from bnnhw.verify.model import check_against_onnxruntime

    result = check_against_onnxruntime(
        model, graph, options=options, inputs=inputs, labels=labels, random_count=_RANDOM_INPUTS
    )
    check = Verification(result.what, result.against, result.inputs, result.mismatches, result.note)
    return check, result.accuracy


def emit(
    design: Design, backends: tuple[str, ...], prediction: Prediction
) -> dict[str, str | bytes]:
    """All files of a build but the report, by path below the build folder."""
    files: dict[str, str | bytes] = {}
    if "verilog" in backends:
        files |= emit_verilog(design)
        files |= emit_bench(design, 4 * prediction.latency_cycles + 10_000)
    if "hls" in backends:
        files |= emit_hls(design)
    files |= emit_manifest(design)
    return files


def network_name(model: Path) -> str:
    """A legal identifier from the model's file name."""
    name = re.sub(r"\W+", "_", model.stem, flags=re.ASCII).lower()[:_LONGEST_NAME].strip("_")
    name = name or "network"
    return f"n_{name}" if name[0].isdigit() else name


def _goal(options: CompileOptions, clock_mhz: float) -> Goal:
    check_goal(options.goal_fps, options.goal_cycles, options.clock_mhz)
    if options.goal_fps is not None:
        return Goal.of_fps(options.goal_fps, clock_mhz)
    return Goal(options.goal_cycles)


def _notes(graph: Graph, options: CompileOptions) -> list[str]:
    notes = list(graph.notes)
    if not options.verify:
        notes.append("not checked against onnxruntime (--no-verify)")
    return notes
