"""The whole way from a model file to a build folder."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.backend.build import Build, check_folder, write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.host_files import emit_host
from bnnhw.backend.record import RECORD, command_line, record
from bnnhw.backend.vectors import VECTORS
from bnnhw.backend.verilog import emit_bench, emit_verilog
from bnnhw.backend.vivado import emit_vivado, overlay_notes
from bnnhw.errors import BnnhwError
from bnnhw.frontend import import_file, load
from bnnhw.frontend.network_name import network_name
from bnnhw.frontend.options import LoadOptions
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest, read_folding
from bnnhw.hardware.overlay import fabric_clock
from bnnhw.ir.serialize import graph_to_bytes
from bnnhw.passes import PIPELINE, run as run_passes
from bnnhw.planning.fit import fit_network
from bnnhw.planning.stream_forecast import forecast
from bnnhw.planning.target import Target, check_speed
from bnnhw.report.figures import make_report, report_text
from bnnhw.report.instruments import instrument_notes
from bnnhw.verify.agreement import check_agreement
from bnnhw.verify.images import ImageRules
from bnnhw.verify.inputs import count_classes, read_inputs, samples_of
from bnnhw.verify.labels import class_names, listed_files, origin
from bnnhw.verify.vectors import make_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import Field

    from numpy.typing import ArrayLike

    from bnnhw.backend.vectors import Vectors
    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.planning.token_model import Prediction
    from bnnhw.verify.histograms import Histogram
    from bnnhw.verify.inputs import Given, Samples

BACKENDS = ("verilog", "hls")
_FLAGS = {"clock_mhz": "clock", "backends": "backend", "inputs": "input", "class_names": "labels"}
"""Options of the command line that are called otherwise than here."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions(LoadOptions):
    """What the user says of a model, and how its real-valued streams become integers.

    Attributes:
        precision: bits by layer (its integer weights) or by any other node (its stream).
        calibrate: files or folders of inputs from which the ranges of real-valued streams are
            taken; without any, they come from BatchNorm statistics.
        resize: whether images of another size than the model's may be scaled.
        grey: whether coloured images may be turned grey for a model of one channel.
        class_names: names of the classes, or the file that has them.
    """

    precision: Mapping[str, int] = field(default_factory=dict)
    calibrate: Sequence[Path] = ()
    resize: bool = False
    grey: bool = False
    class_names: Path | Sequence[str] | None = None

    @property
    def rules(self) -> ImageRules:
        """What may be done to images."""
        return ImageRules(self.resize, self.grey)


@dataclass(frozen=True, kw_only=True)
class CompileOptions(ModelOptions):
    """What the user asks of a compile.

    Attributes:
        board: name of the board, or path of its description.
        fps: frames per second to reach; excludes ``cycles``.
        cycles: cycles per frame to stay within.
        clock_mhz: clock; None takes the board's.
        folding: file that fixes PE, SIMD and memories.
        inputs: files or folders of inputs for the check against onnxruntime.
        backends: subset of ``BACKENDS``.
        top_k: 0 for all scores, else the number of best classes to send.
        verify: whether to check the integer graph against onnxruntime.
        min_agreement: least share of inputs, 0 to 1, to which integers and float must give the
            same best class.
        dump_ir: where to write the graph after each pass.
        instrument: whether the Verilog counts what each stream does.
    """

    board: str
    fps: float | None = None
    cycles: int | None = None
    clock_mhz: float | None = None
    folding: Path | None = None
    inputs: Sequence[Path] = ()
    backends: tuple[str, ...] = BACKENDS
    top_k: int = 0
    verify: bool = True
    min_agreement: float | None = None
    dump_ir: Path | None = None
    instrument: bool = False

    def check(self) -> None:
        """Raises BnnhwError for what no compile can do."""
        check_speed(self.fps, self.cycles, self.clock_mhz)
        for name in self.backends:
            if name not in BACKENDS:
                raise BnnhwError(
                    f"no back end '{name}'",
                    where="option --backend",
                    fix=f"choose {', '.join(BACKENDS)}",
                )
        if self.instrument and "verilog" not in self.backends:
            raise BnnhwError(
                "instruments are Verilog's: the HLS C++ has none",
                where="option --instrument",
                fix="give --backend verilog, or leave it out",
            )
        if self.top_k < 0:
            raise BnnhwError(f"{self.top_k} classes", where="option --top-k", fix="give 1 or more")
        if self.min_agreement is not None and not 0 <= self.min_agreement <= 1:
            raise BnnhwError(
                f"{self.min_agreement} is no share",
                where="option --min-agreement",
                fix="give e.g. 0.95",
            )

    def files(self, model: Path) -> dict[str, list[Path]]:
        """All files that a compile reads, by option; "listed" are those in lists of files.

        Raises:
            BnnhwError: a list of files is none.
        """
        folding = [self.folding] if self.folding else []
        given = dict.fromkeys((*self.inputs, *self.calibrate))
        return {
            "model": [model],
            "inputs": list(self.inputs),
            "calibrate": list(self.calibrate),
            "folding": folding,
            "class_names": [self.class_names] if isinstance(self.class_names, Path) else [],
            "listed": list(dict.fromkeys(file for path in given for file in listed_files(path))),
        }

    def to_json(self) -> dict[str, Any]:
        """The options that are not as they are by default, by name."""
        given = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name != "dump_ir" and getattr(self, f.name) != _default(f)
        }
        for name in {"folding", "inputs", "calibrate", "class_names"} & given.keys():
            value = given[name]
            given[name] = str(value) if isinstance(value, Path) else [str(path) for path in value]
        return given | ({"precision": dict(self.precision)} if self.precision else {})

    def command(self, model: Path) -> str:
        """The command line that asks the same; files by their names alone."""
        words: list[object] = ["bnnhw", "compile", model.name]
        for name, value in self.to_json().items():
            if name == "class_names" and not isinstance(value, str):
                continue  # given in Python: no file has them, and no hardware depends on them
            flag = "--" + _FLAGS.get(name, name).replace("_", "-")
            if name == "verify":
                words.append("--no-verify")
            elif value is True:
                words.append(flag)
            elif name == "precision":
                words += [w for item in value.items() for w in (flag, "=".join(map(str, item)))]
            elif name in ("backends", "inputs", "calibrate"):
                words += [word for part in value for word in (flag, Path(part).name)]
            elif isinstance(value, tuple):
                words.append(f"{flag}={','.join(map(repr, value))}")
            elif name in ("folding", "board", "class_names"):
                words += [flag, Path(value).name]
            elif isinstance(value, float):
                words.append(f"{flag}={int(value) if value.is_integer() else value!r}")
            else:
                words += [flag, value]
        return command_line(words)

    def target(self, clock_mhz: float) -> Target:
        """What to reach, at a clock."""
        return Target(self.cycles) if self.fps is None else Target.of_fps(self.fps, clock_mhz)


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
    inputs: Given | None = None,
    labels: ArrayLike | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Compiled:
    """Compiles ``model`` into the folder ``out``; nothing is written unless all of it succeeds.

    Args:
        model: the ONNX file.
        out: the build folder.
        options: see CompileOptions.
        inputs: real inputs in the model's own format for the check against onnxruntime, in place
            of the files that the options name.
        labels: their classes, [N], in place of those in files.
        force: whether a build with results of simulation or synthesis may be replaced.
        progress: told the name of each step as it begins.

    Raises:
        BnnhwError: the model, the target or the board does not allow it; says why.
    """
    options.check()
    board = load_board(options.board)
    read = options.files(model)
    check_folder(out, [path for paths in read.values() for path in paths], force=force)
    request = read_folding(options.folding) if options.folding else FoldingRequest()
    clock = options.clock_mhz or board.clock_mhz
    progress("reading the model")
    imported = import_file(model, options)
    graph = lowered(model, imported.graph, options, options.dump_ir, progress)
    notes = _notes(graph, options)
    names = class_names(options.class_names, count_classes(graph))
    given = None
    if inputs is not None or options.inputs:
        asked = options.inputs if inputs is None else inputs
        given = samples_of(
            asked,
            graph,
            labels=labels,
            rules=options.rules,
            class_names=names,
            names_from=origin(options.class_names),
        )
        notes += given.notes
    elif labels is not None:
        raise BnnhwError(
            "there are labels and no inputs", where="labels", fix="give inputs, one for each label"
        )
    progress("choosing the folding")
    fit = fit_network(
        graph,
        board,
        options.target(fabric_clock(board, clock)),
        request,
        clock,
        options.top_k,
        instrument=options.instrument,
    )
    graph = fit.graph
    checks = []
    if options.verify:
        from bnnhw.verify.model import check_against_onnxruntime

        progress("checking the integer graph against onnxruntime")
        checks = [
            check_against_onnxruntime(
                model,
                graph,
                imported=imported,
                inputs=None if given is None else given.x,
                labels=None if given is None else given.labels,
                progress=progress,
            )
        ]
    histograms = _histograms(graph, imported.graph, given) if options.verify else []
    accuracy = checks[0].accuracy if checks else None
    if accuracy is not None:
        accuracy = replace(accuracy, calibrated=bool(options.calibrate))
    check_agreement(accuracy, options.min_agreement, verified=options.verify)
    notes += instrument_notes(fit.design, options.backends)
    progress("writing the build")
    notes += overlay_notes(fit.design)
    report = make_report(
        fit.design, board, fit.prediction, checks, notes, fit.curve, fit.schedule, fit.bounds
    )
    report["accuracy"] = None if accuracy is None else accuracy.to_json()
    report["histograms"] = [asdict(histogram) for histogram in histograms]
    report["command"] = command = options.command(model)
    if names:
        report["output"]["class_names"] = list(names)
    vectors = make_vectors(graph, options.top_k)
    frames = vectors.streamed(fit.design, fit.prediction.latency_cycles)
    files = emit(fit.design, options.backends, fit.prediction, names, frames)
    files["folding.json"] = fit.folding.to_json()
    files["graph.npz"] = graph_to_bytes(graph)
    files[VECTORS] = vectors.to_npz()
    files["report.json"] = report_text(report)
    files[RECORD] = record(options.to_json(), read, command, fit.design.build_hash())
    from bnnhw.report.page import report_html

    files["report.html"] = report_html(report)
    return Compiled(write_build(out, files), report, fit.design)


def integer_graph(model: Path, options: ModelOptions | None = None) -> Graph:
    """The integer graph of a model file."""
    options = options or ModelOptions()
    return lowered(model, load(model, options), options)


def lowered(
    model: Path,
    graph: Graph,
    options: ModelOptions,
    dump_ir: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Graph:
    """The integer graph of what the front end made of a model file; see ``compile_model``."""
    images, notes = None, graph.notes
    if options.calibrate:
        source = graph.input_format
        given = read_inputs(options.calibrate, source, options.rules, labelled=False)
        images = graph.input_format.encode(given.x)
        notes += given.notes
        progress(f"ranges of streams from {len(images)} inputs")
    graph = replace(graph, notes=notes)
    graph = run_passes(
        graph, PIPELINE, dump=dump_ir, precision=options.precision, calibration=images
    )
    return replace(graph, name=network_name(model))


def _histograms(graph: Graph, real: Graph, given: Samples | None) -> list[Histogram]:
    """Where sums lie beside thresholds, on the user's inputs or on made ones."""
    from bnnhw.verify.histograms import inputs_for_histograms, threshold_histograms
    from bnnhw.verify.resembling import resembling_images

    count = inputs_for_histograms(graph)
    if given is None:
        return threshold_histograms(graph, resembling_images(real, count))
    return threshold_histograms(graph, graph.input_format.encode(given.x[:count]))


def _default(option: Field[Any]) -> Any:
    """What an option is where nobody gives it."""
    return option.default if option.default_factory is MISSING else option.default_factory()


def emit(
    design: Design,
    backends: tuple[str, ...],
    prediction: Prediction,
    class_names: Sequence[str] = (),
    frames: Vectors | None = None,
) -> dict[str, str | bytes]:
    """All files of a build but the report, by path below the build folder."""
    files: dict[str, str | bytes] = {}
    if "verilog" in backends:
        files |= emit_verilog(design)
        files |= emit_bench(design, 4 * prediction.latency_cycles + 10_000)
    if "hls" in backends:
        files |= emit_hls(design)
    predicted = {
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
    }
    known = forecast(design) if design.instrument else {}
    forecasts = {name: asdict(one) for name, one in known.items()}
    files |= emit_vivado(design, backends, frames)
    return files | emit_host(design, class_names, predicted, forecasts)


def _notes(graph: Graph, options: CompileOptions) -> list[str]:
    notes = list(graph.notes)
    if not options.verify:
        notes.append("not checked against onnxruntime, nor accuracy measured (--no-verify)")
    return notes
