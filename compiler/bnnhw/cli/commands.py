"""The command line: ``bnnhw compile``, ``simulate``, ``run``, ``report``, ``synth`` and friends."""

from __future__ import annotations

import gc
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import bnnhw
from bnnhw.cli.compile import compile_command
from bnnhw.cli.completion import complete_build, complete_model
from bnnhw.cli.deploy import deploy
from bnnhw.cli.explore import explore_command
from bnnhw.cli.hardware import simulate, synth
from bnnhw.cli.lists import app as lists_app
from bnnhw.cli.options import (
    INPUT_HELP,
    BuildDir,
    Calibrate,
    Grey,
    InputMean,
    InputOffset,
    InputScale,
    InputStd,
    InputType,
    Json,
    Labels,
    Model,
    Precision,
    Quiet,
    Resize,
    Scores,
    SignZero,
    declarations,
    precision_options,
)
from bnnhw.cli.output import out, print_classes, print_error, print_json, print_notes
from bnnhw.cli.zoo import app as zoo_app
from bnnhw.errors import BnnhwError, internal_error
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_YOUNG = 200_000
"""Objects made between two searches for cycles: exact numbers are many, and in none."""

app = typer.Typer(
    help="Compiles trained binary neural networks (ONNX) to bit-exact FPGA accelerators.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its tables show flags as if they took a value
)
app.add_typer(lists_app)
app.add_typer(zoo_app, name="zoo")
app.command("compile")(compile_command)
app.command("explore", short_help="Estimate designs for boards, targets, precisions.")(
    explore_command
)
app.command(short_help="Simulate a build's Verilog and compare it.")(simulate)


def main() -> None:
    """Runs the command line; user errors end with exit code 1 and a message that helps."""
    gc.set_threshold(_YOUNG)
    try:
        app()
    except BnnhwError as error:
        print_error(str(error))
    except OSError as error:  # what no command foresaw: a full disk, a file without permission
        place = f"{error.filename}: " if error.filename else ""
        print_error(f"{place}{error.strerror or error}\n  fix: check the path and its permissions")
    except Exception as error:
        print_error(str(internal_error(error, "bnnhw")))
    else:
        return
    sys.exit(1)


@app.command(short_help="Run the bit-exact interpreter on inputs.")
def run(
    model_or_build: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL_OR_BUILD",
            help="A build folder, or a model as for compile.",
            autocompletion=complete_model,
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Option("--input", "-i", help=INPUT_HELP),
    ],
    output: Scores = None,
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
    top_k: Annotated[int, typer.Option(help="Print the K best classes of each input.")] = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the bit-exact interpreter on images or arrays; scores are integers.

    Where inputs have labels (a folder for each class, labels or y in .npz files, a .csv of files
    and labels), the accuracy follows.
    """
    if top_k < 1:
        raise BnnhwError(f"{top_k} classes", where="option --top-k", fix="give 1 or more")
    from bnnhw.api.scores_file import check_scores_file

    check_scores_file(output)
    ran = bnnhw.run(
        model_or_build,
        inputs,
        **declarations(input_type, (input_scale, input_offset), (input_mean, input_std), sign_zero),
        precision=precision_options(precision),
        calibrate=calibrate or (),
        resize=resize,
        grey=grey,
        class_names=labels,
    )
    print_notes(ran.notes, quiet=quiet)
    if output is not None:
        ran.save(output)
    best = ran.best(top_k)
    if as_json:
        print_json(
            {
                "inputs": ran.names,
                "scores": ran.scores.tolist(),
                "best": best.tolist(),
                "accuracy": ran.accuracy,
                "labelled": ran.labelled,
                "class_names": ran.class_names,
            }
        )
        return
    width = max(map(len, ran.names))
    for name, classes, numbers in zip(ran.names, best, ran.scores, strict=True):
        row = numbers.reshape(-1)
        line = "  ".join(f"{_class(c, ran.class_names)} ({row[c]})" for c in classes)
        typer.echo(f"{name:{width}}  {line}")
    if ran.accuracy is not None:
        typer.echo(f"accuracy: {ran.accuracy:.2%} of {ran.labelled} labelled inputs")


@app.command("inspect", short_help="List a model's layers and operations.")
def inspect_command(
    model: Model,
    input_type: InputType = None,
    input_scale: InputScale = None,
    input_offset: InputOffset = None,
    input_mean: InputMean = None,
    input_std: InputStd = None,
    sign_zero: SignZero = "minus",
    streams: Annotated[
        bool, typer.Option("--streams", help="List what --precision may name, and its width.")
    ] = False,
    loops: Annotated[
        bool, typer.Option("--loops", help="List the runs of equal blocks that may become loops.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List a model's layers, what is binary in them, and its operations and parameters.

    A model that a compile would refuse is listed as far as it is read, and why; the exit code is 1.
    """
    from bnnhw.report.inspect_table import print_inspection, print_loops, print_widths

    declared = declarations(
        input_type, (input_scale, input_offset), (input_mean, input_std), sign_zero
    )
    found = bnnhw.inspect(model, **declared)
    if as_json:
        listed = {"precision": [asdict(width) for width in found.streams]} if streams else {}
        listed |= {"loops": [asdict(loop) for loop in found.loops]} if loops else {}
        print_json({**found.to_json(), **listed})
    else:
        print_inspection(found, out)
        if streams and found.complete:
            print_widths(found.streams, out)
        if loops and found.complete:
            print_loops(found.loops, out)
    error = found.problem or found.undeclared
    if error is not None:
        raise error


@app.command(short_help="Show a build's report.")
def report(build: BuildDir, as_json: Json = False) -> None:
    """Show a build's report, with what Vivado has made of the build since."""
    opened = bnnhw.open(build)
    opened.read_placement()
    if as_json:
        print_json(opened.report)
        return
    from bnnhw.report.terminal import summary

    summary(opened.report, out)
    print_classes(opened.class_names)
    typer.echo(f"report: {build / 'report.html'}")


@app.command(short_help="Show builds side by side.")
def compare(
    builds: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUILD",
            help="Folders that compile wrote.",
            autocompletion=complete_build,
        ),
    ],
    page: Annotated[
        Path | None, typer.Option("--page", help="Write the comparison as a page to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show builds side by side: cycles, resources, accuracy, and each layer."""
    found = bnnhw.compare(*builds)
    if page is not None:
        page.write_text(found.page(), encoding="utf-8")
    if as_json:
        print_json(found.to_json())
        return
    for line in found.lines(out.width):
        typer.echo(line)


app.command(short_help="Synthesise a build with Yosys.")(synth)
app.command(short_help="Copy a build to a PYNQ board and validate it.")(deploy)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"bnnhw {__version__}")
        raise typer.Exit


def _class(number: int, names: Sequence[str]) -> str:
    return f"class {number}" if number >= len(names) else f"class {number}, {names[number]}"


if __name__ == "__main__":
    main()
