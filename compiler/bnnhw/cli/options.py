"""Options that several commands share, and the checks of them that need no model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bnnhw.cli.completion import complete_build, complete_model
from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


INPUT_HELP = ".npy, .npz, images, folders of images, or a .csv of files and labels."
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="An ONNX file, or the name of a shipped network.",
        autocompletion=complete_model,
    ),
]
BuildDir = Annotated[
    Path,
    typer.Argument(
        metavar="BUILD", help="A folder that compile wrote.", autocompletion=complete_build
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results, warnings and errors only.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell how long each step and each pass takes.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
InputType = Annotated[
    str | None,
    typer.Option(help="Integer type of a float input: bipolar, unipolar, uint8, int8, uint4, ..."),
]
InputScale = Annotated[
    str | None,
    typer.Option(
        help="Model value = integer * scale + offset; 1/255, or one per channel: 1/58,1/57,1/57."
    ),
]
InputOffset = Annotated[
    str | None,
    typer.Option(help="See --input-scale; = before it where it begins with a minus."),
]
InputMean = Annotated[
    str | None,
    typer.Option(
        help="The model takes (pixel - mean) / std of uint8 pixels, 0 to 1 or 0 to 255; "
        "one, or per channel: 0.485,0.456,0.406."
    ),
]
InputStd = Annotated[str | None, typer.Option(help="See --input-mean; e.g. 0.229,0.224,0.225.")]
SignZero = Annotated[str, typer.Option(help="The bit that ONNX's Sign gives at 0: minus or plus.")]
Inputs = Annotated[
    list[Path] | None,
    typer.Option("--input", "-i", help=INPUT_HELP),
]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="Names of the classes, from class 0 on: one a line, or JSON."),
]
Resize = Annotated[
    bool, typer.Option("--resize", help="Scale images that are of another size than the model's.")
]
Grey = Annotated[
    bool, typer.Option("--grey", help="Turn coloured images grey for a model of one channel.")
]
Scores = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the integer scores: .npy, or .csv.")
]


Precision = Annotated[
    list[str] | None,
    typer.Option(
        help="NAME=BITS, repeatable: of a layer's integer weights, or of another node's stream."
    ),
]
Calibrate = Annotated[
    list[Path] | None,
    typer.Option(
        help="Images or arrays that give the ranges of real-valued streams; BatchNorm's "
        "statistics give them otherwise."
    ),
]


def precision_options(items: Sequence[str] | None) -> dict[str, int]:
    """The widths that ``--precision NAME=BITS`` gives by name."""
    widths = {}
    for item in items or ():
        name, _, bits = item.rpartition("=")
        if not name or not bits.isdecimal():
            raise BnnhwError(
                f"'{item}' is no NAME=BITS",
                where="option --precision",
                fix="give e.g. --precision conv1=6",
            )
        widths[name] = int(bits)
    return widths


_SCALING = ("input_scale", "input_offset")
_PIXELS = ("input_mean", "input_std")


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and is not as it is by default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def merged(given: Mapping[str, Any], config: Path | None) -> dict[str, Any]:
    """Arguments of ``bnnhw.compile``: those of the command line, and below them those of a file."""
    from bnnhw.backend.record import read_config

    asked = read_config(config, [*given, *_SCALING, *_PIXELS]) if config else {}
    here = {k: v for k, v in given.items() if v is not None and v != () and v != {}}
    for ones, others in (  # one way to say a thing takes the place of another
        (_SCALING, _PIXELS),
        (_PIXELS, (*_SCALING, "input_type")),
        (("fps", "cycles"), ("fps", "cycles")),
    ):
        if here.keys() & set(ones):
            asked = {k: v for k, v in asked.items() if k not in others}
    return {k: v for k, v in asked.items() if v is not None} | here


def declarations(
    input_type: str | None,
    scaling: tuple[str | None, str | None],
    pixels: tuple[str | None, str | None],
    sign_zero: str,
) -> dict[str, Any]:
    """What the command line says of a model's input, as arguments of ``bnnhw.compile``.

    Args:
        input_type: --input-type.
        scaling: --input-scale and --input-offset.
        pixels: --input-mean and --input-std, which stand for the two before and for uint8.
        sign_zero: --sign-zero.
    """
    from bnnhw.frontend.options import parsed_numbers

    texts = dict(zip(("scale", "offset", "mean", "std"), (*scaling, *pixels), strict=True))
    found = {
        f"input_{name}": None if text is None else parsed_numbers(text, f"option --input-{name}")
        for name, text in texts.items()
    }
    return {"input_type": input_type, **found, "sign_zero": sign_zero}


def cycles_range(text: str | None, option: str) -> tuple[int, int] | None:
    """LEAST:MOST cycles, or one number for both."""
    if text is None:
        return None
    least, _, most = text.partition(":")
    if not least.isdecimal() or not (most or least).isdecimal():
        raise BnnhwError(
            f"'{text}' is no LEAST:MOST", where=f"option {option}", fix="give e.g. 20:150"
        )
    return int(least), int(most or least)
