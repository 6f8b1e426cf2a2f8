"""The functions of ``import bnnhw`` on models and builds: compile, run, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.api.build import Build, silent
from bnnhw.api.declared import declared
from bnnhw.api.model_files import file_of
from bnnhw.api.outcome import Run, run_graph
from bnnhw.backend.record import check_kinds
from bnnhw.compiler import (
    BACKENDS,
    CompileOptions,
    ModelOptions,
    compile_model,
    integer_graph,
)
from bnnhw.errors import BnnhwError
from bnnhw.frontend.network_name import network_name
from bnnhw.report.compare import Comparison, compared
from bnnhw.verify.inputs import are_files, count_classes, paths_of, samples_of
from bnnhw.verify.labels import class_names as read_names, origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from bnnhw.api.build import Names
    from bnnhw.api.declared import Numbers
    from bnnhw.api.model_files import Model
    from bnnhw.verify.inputs import Given


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
    class_names: Names = None,
    top_k: int = 0,
    verify: bool = True,
    min_agreement: float | None = None,
    dump_ir: str | Path | None = None,
    instrument: bool = False,
    example: Any = None,
    force: bool = False,
    progress: Callable[[str], None] = silent,
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
        input_scale: model value = integer * scale + offset; one, or one per channel. Fractions
            may be texts, such as "1/255".
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
        class_names: names of the classes, from class 0 on, or a file that has them, one a line;
            the build keeps them.
        top_k: 0 for all scores, else the number of best classes to send.
        verify: whether to check the integer graph against onnxruntime.
        min_agreement: least share of inputs, 0 to 1, whose class must be as in float.
        dump_ir: folder that receives the graph as text after each pass.
        instrument: whether the Verilog counts what each stream does, for its host to read.
        example: an input ``[N, ...]`` of a PyTorch module, for its export.
        force: whether a build with results of simulation or synthesis may be replaced.
        progress: told the name of each step as it begins, and how far a counted one is (``Step``, a
            text with ``done``, ``total`` and ``share``).

    Raises:
        BnnhwError: what stands in the way, where, and the way out.
    """
    asked = locals()
    check_kinds({k: v for k, v in asked.items() if k not in ("model", "inputs")}, "bnnhw.compile")
    files = paths_of(inputs) if are_files(inputs) else ()
    arrays = None if files or (isinstance(inputs, (list, tuple)) and not inputs) else inputs
    options = CompileOptions(
        board=str(board),
        fps=fps,
        cycles=cycles,
        clock_mhz=clock_mhz,
        folding=None if folding is None else Path(folding),
        backends=tuple(backends),
        **declared(asked),
        precision=dict(precision or {}),
        calibrate=paths_of(calibrate),
        inputs=files,
        resize=resize,
        grey=grey,
        class_names=_names(class_names),
        top_k=top_k,
        verify=verify,
        min_agreement=min_agreement,
        dump_ir=None if dump_ir is None else Path(dump_ir),
        instrument=instrument,
    )
    with file_of(model, example) as path:
        made = compile_model(
            path,
            Path("build") / network_name(path) if output is None else Path(output),
            options,
            inputs=arrays,
            labels=labels,
            force=force,
            progress=progress,
        )
    return Build(made.build.path)


def run(
    model: Model,
    x: Given,
    labels: ArrayLike | None = None,
    *,
    input_type: str | None = None,
    input_scale: Numbers = None,
    input_offset: Numbers = None,
    input_mean: Numbers = None,
    input_std: Numbers = None,
    sign_zero: str = "minus",
    precision: Mapping[str, int] | None = None,
    calibrate: Sequence[str | Path] | str | Path = (),
    resize: bool = False,
    grey: bool = False,
    class_names: Names = None,
    example: Any = None,
) -> Run:
    """What a model computes in integers, by the bit-exact interpreter; no build is needed.

    Args:
        model: as ``compile`` takes it, or a build folder, to which no further option applies but
            ``resize``, ``grey`` and ``class_names``.
        x: inputs ``[N, *shape]`` in the model's own format, or one input ``[*shape]``; or files and
            folders. Numbers of uint8 are raw pixels where the model takes pixels as floats.
        labels: the right class of each, ``[N]``.
        input_type: as for ``compile``, and so are the options that follow.
        input_scale: see ``compile``.
        input_offset: see ``compile``.
        input_mean: see ``compile``.
        input_std: see ``compile``.
        sign_zero: see ``compile``.
        precision: see ``compile``.
        calibrate: see ``compile``.
        resize: whether image files of another size may be scaled.
        grey: whether coloured image files may be turned grey.
        class_names: see ``compile``.
        example: an input ``[N, ...]`` of a PyTorch module, for its export.

    Raises:
        BnnhwError: what stands in the way, where, and the way out.
    """
    asked = locals()
    if isinstance(model, (str, Path)) and Path(model).is_dir():
        _refuse_for_build(asked)
        return Build(model).run(x, labels, resize=resize, grey=grey, class_names=class_names)
    check_kinds({k: v for k, v in asked.items() if k not in ("model", "x")}, "bnnhw.run")
    options = ModelOptions(
        **declared(asked),
        precision=dict(precision or {}),
        calibrate=paths_of(calibrate),
        resize=resize,
        grey=grey,
        class_names=_names(class_names),
    )
    with file_of(model, example) as path:
        graph = integer_graph(path, options)
    names = read_names(options.class_names, count_classes(graph))
    given = samples_of(
        x,
        graph,
        labels=labels,
        rules=options.rules,
        class_names=names,
        names_from=origin(options.class_names),
    )
    return run_graph(graph, given)


def compare(*builds: Build | str | Path) -> Comparison:
    """Builds side by side: cycles, resources, accuracy, and each layer.

    Args:
        builds: builds, or their folders; two or more.

    Raises:
        BnnhwError: there are fewer than two, or a folder holds no build.
    """
    if len(builds) < 2:
        raise BnnhwError("one build", where="argument BUILD", fix="give two or more")
    opened = [build if isinstance(build, Build) else Build(build) for build in builds]
    names = [build.path if isinstance(build, Build) else build for build in builds]
    rows = compared([build.report for build in opened])
    return Comparison(tuple(map(str, names)), tuple(rows))


_OF_MODELS = (
    *("input_type", "input_scale", "input_offset", "input_mean", "input_std", "precision"),
    *("calibrate", "sign_zero", "example"),
)


def _refuse_for_build(asked: Mapping[str, Any]) -> None:
    """Raises where an option is given that only a model takes: a build has its own."""
    given = [name for name in _OF_MODELS if _is_given(asked[name])]
    if given:
        raise BnnhwError(
            f"{', '.join(given)}: a build has what it was compiled with",
            where=f"build '{asked['model']}'",
            fix="leave the option out, or give the model in place of the build",
        )


def _is_given(value: Any) -> bool:
    if isinstance(value, (str, Sequence, Mapping)):
        return value not in ("", "minus") and len(value) > 0
    return value is not None


def _names(given: Names) -> Path | tuple[str, ...] | None:
    return Path(given) if isinstance(given, (str, Path)) else None if given is None else (*given,)
