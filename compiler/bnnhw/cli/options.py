"""Options that several commands share, and the checks of them that need no model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="An ONNX file, or the name of a shipped network.")
]
BuildDir = Annotated[Path, typer.Argument(metavar="BUILD", help="A folder that compile wrote.")]
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
    str | None, typer.Option(help="See --input-scale; e.g. -1, or --input-offset=-2.1,-2,-1.8.")
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
    typer.Option("--input", "-i", help=".npy, .npz, images or folders of images."),
]
Resize = Annotated[
    bool, typer.Option("--resize", help="Scale images that are of another size than the model's.")
]
Grey = Annotated[
    bool, typer.Option("--grey", help="Turn coloured images grey for a model of one channel.")
]
Scores = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the integer scores to this .npy file.")
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


_PATHS = ("inputs", "calibrate")
_NUMBERS = ("input_scale", "input_offset", "input_mean", "input_std")


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and is not as it is by default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def merged(given: Mapping[str, Any], config: Path | None) -> dict[str, Any]:
    """Options of the command line, and below them those of a file."""
    from bnnhw.backend.record import read_config
    from bnnhw.frontend.options import input_fields

    asked = read_config(config, [*given, "input_mean", "input_std"]) if config else {}
    for name in _PATHS:
        if name in asked:
            asked[name] = tuple(Path(path) for path in asked[name])
    if asked.get("folding"):
        asked["folding"] = Path(asked["folding"])
    for name in ("backends", *_NUMBERS):
        if isinstance(asked.get(name), list):
            asked[name] = tuple(asked[name])
    here = {k: v for k, v in given.items() if v is not None and v != () and v != {}}
    scale, offset, mean, std = (asked.pop(name, None) for name in _NUMBERS)
    if here.keys() & {"input_scale", "input_offset"}:  # they take the place of a mean
        mean = std = None
    asked |= input_fields(asked.get("input_type"), (scale, offset), (mean, std))
    if here.keys() & {"fps", "cycles"}:  # one target takes the place of another
        asked = {k: v for k, v in asked.items() if k not in ("fps", "cycles")}
    return {k: v for k, v in asked.items() if v is not None} | here


def model_path(name: Path | str | None) -> Path:
    """The file of a model, or of the shipped network of that name."""
    from bnnhw.zoo.shipped import model_file

    if name is None:
        raise BnnhwError("no model", where="argument MODEL", fix="give an ONNX file")
    return model_file(name)


def declarations(
    input_type: str | None,
    scaling: tuple[str | None, str | None],
    pixels: tuple[str | None, str | None],
    sign_zero: str,
) -> dict[str, Any]:
    """The fields of LoadOptions: what the command line says of a model.

    Args:
        input_type: --input-type.
        scaling: --input-scale and --input-offset.
        pixels: --input-mean and --input-std, which stand for the two before and for uint8.
        sign_zero: --sign-zero.
    """
    from bnnhw.frontend.options import input_fields

    scale, offset = (
        numbers(text, f"--input-{name}")
        for text, name in zip(scaling, ("scale", "offset"), strict=True)
    )
    mean, std = (
        numbers(text, f"--input-{name}") for text, name in zip(pixels, ("mean", "std"), strict=True)
    )
    return {**input_fields(input_type, (scale, offset), (mean, std)), "sign_zero": sign_zero}


def check_pauses(idle: float, back_pressure: float) -> None:
    """Refuses shares of cycles that leave no time."""
    for name, value in (("--idle", idle), ("--back-pressure", back_pressure)):
        if not 0 <= value <= 0.95:
            raise BnnhwError(
                f"{value:g} is not within 0 to 0.95",
                where=f"option {name}",
                fix="give the share of cycles to pause, e.g. 0.3",
            )


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


def check_scores_file(path: Path | None) -> None:
    """Refuses a file for scores that cannot be written, before the work is done."""
    if path is None:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BnnhwError(
            "is a folder" if path.is_dir() else "lies in a folder that does not exist",
            where=f"option --output {path}",
            fix="give the name of a .npy file in an existing folder",
        )


def numbers(text: str | None, option: str) -> float | tuple[float, ...] | None:
    """A number, or several between commas."""
    if text is None or "," not in text:
        return None if text is None else _number(text, option)
    return tuple(_number(part, option) for part in text.split(","))


def _number(text: str, option: str) -> float:
    """A decimal number or a fraction such as 1/255."""
    try:
        above, _, below = text.partition("/")
        return float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        raise BnnhwError(
            f"'{text}' is no number", where=f"option {option}", fix="give e.g. 0.5 or 1/255"
        ) from None
