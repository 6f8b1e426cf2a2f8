"""The command ``bnnhw compile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import bnnhw
from bnnhw.cli.completion import complete_board, complete_model
from bnnhw.cli.options import (
    Calibrate,
    Grey,
    InputMean,
    InputOffset,
    Inputs,
    InputScale,
    InputStd,
    InputType,
    Json,
    Labels,
    Precision,
    Quiet,
    Resize,
    SignZero,
    Verbose,
    declarations,
    is_given,
    merged,
    precision_options,
)
from bnnhw.cli.output import out, print_classes, print_json, print_verdicts
from bnnhw.cli.steps import named_steps
from bnnhw.errors import BnnhwError


def compile_command(
    context: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="An ONNX file, or the name of a shipped network.",
            autocompletion=complete_model,
        ),
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="See `bnnhw boards`.", autocompletion=complete_board)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Options from a build's compile.json, or from JSON, TOML or YAML."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Build folder; default ./build/MODEL.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Reach this many frames per second.")] = None,
    cycles: Annotated[
        int | None, typer.Option(help="Stay within this many cycles per frame.")
    ] = None,
    clock: Annotated[float | None, typer.Option(help="Clock in MHz; default the board's.")] = None,
    folding: Annotated[
        Path | None, typer.Option(help="JSON file that fixes PE, SIMD, memory of layers.")
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="verilog, hls; give it twice for both (default).")
    ] = None,
    inputs: Inputs = None,
    input_type: InputType = None,
    input_scale: InputScale = None,
    input_offset: InputOffset = None,
    input_mean: InputMean = None,
    input_std: InputStd = None,
    sign_zero: SignZero = "minus",
    precision: Precision = None,
    calibrate: Calibrate = None,
    labels: Labels = None,
    resize: Resize = False,
    grey: Grey = False,
    top_k: Annotated[int, typer.Option(help="Send the K best classes, not all scores.")] = 0,
    dump_ir: Annotated[
        Path | None, typer.Option(help="Write the graph after each pass to this folder.")
    ] = None,
    instrument: Annotated[
        bool,
        typer.Option("--instrument", help="Count stalls, beats, FIFO levels of streams (Verilog)."),
    ] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Skip the check against onnxruntime.")
    ] = False,
    min_agreement: Annotated[
        float | None,
        typer.Option(help="Share of inputs, 0 to 1, whose class must be the same as in float."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a build with results of simulation, synthesis.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Compile a model to Verilog and HLS C++ for a board.

    The target is --fps or --cycles; without one, the fastest design that fits the board.
    """
    said = declarations(input_type, (input_scale, input_offset), (input_mean, input_std), sign_zero)
    given = said | {
        "model": model,
        "board": board,
        "output": output,
        "fps": fps,
        "cycles": cycles,
        "clock_mhz": clock,
        "folding": folding,
        "backends": tuple(backend or ()),
        "inputs": inputs or (),
        "sign_zero": sign_zero if is_given(context, "sign_zero") else None,
        "precision": precision_options(precision),
        "calibrate": calibrate or (),
        "top_k": top_k if is_given(context, "top_k") else None,
        "class_names": labels,
        "resize": resize or None,
        "grey": grey or None,
        "instrument": instrument or None,
        "verify": False if no_verify else None,
        "min_agreement": min_agreement,
    }
    asked = merged(given, config)
    if "model" not in asked:
        raise BnnhwError("no model", where="argument MODEL", fix="give an ONNX file")
    if "board" not in asked:
        from bnnhw.hardware.board import board_names

        names = ", ".join(board_names())
        raise BnnhwError("no board", where="option --board", fix=f"give one of {names}")
    with named_steps(quiet=quiet or as_json, verbose=verbose) as progress:
        build = bnnhw.compile(**asked, dump_ir=dump_ir, force=force, progress=progress)
    if as_json:
        print_json({"build": str(build.path), **build.report})
        return
    from bnnhw.backend.record import recorded_hash
    from bnnhw.report.terminal import summary

    if quiet:
        print_verdicts(build.report)
    else:
        summary(build.report, out)
        print_classes(build.class_names)
    if config is not None and (before := recorded_hash(config)) is not None:
        now = build.manifest["build_hash"]
        same = (
            f"the same hardware as in {config}"
            if now == before
            else (f"other hardware than in {config}, whose build_hash was {before}")
        )
        typer.echo(f"build_hash {now}: {same}")
    folder = Path(asked.get("output") or Path("build") / build.path.name)
    typer.echo(f"build: {folder}    report: {folder / 'report.html'}")
