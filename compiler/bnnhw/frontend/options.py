"""What the user may declare about a model that its file does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bnnhw.errors import ModelError
from bnnhw.ir.types import Bit, Integer

Numbers = float | tuple[float, ...] | None
"""One for all channels, one per channel, or nothing said."""


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Declarations that ``load`` needs where the model file leaves them open.

    Attributes:
        input_type: "bipolar", "unipolar", "int2".."int16" or "uint1".."uint16"; None takes it from
            the file (uint8 or int8 input, QONNX annotation, quantiser at the input).
        input_scale: model value = integer * scale + offset; one for all or one per channel of an
            image; None means 1.
        input_offset: see ``input_scale``; None means 0.
        sign_zero: the bit that ONNX's Sign gives at 0: "minus" (bit 0) or "plus" (bit 1).
    """

    input_type: str | None = None
    input_scale: float | tuple[float, ...] | None = None
    input_offset: float | tuple[float, ...] | None = None
    sign_zero: str = "minus"

    def __post_init__(self) -> None:
        if self.sign_zero not in ("minus", "plus"):
            raise ModelError(
                f"sign-zero '{self.sign_zero}' is unknown",
                where="option --sign-zero",
                fix="give minus (Sign(0) is bit 0) or plus (bit 1)",
            )
        for scale in _listed(self.input_scale):
            if not 0 < scale < float("inf"):
                raise ModelError(
                    f"the input scale {scale:g} is not a positive number",
                    where="option --input-scale",
                    fix="give the value of one step, e.g. 1/255",
                )
        if not all(abs(offset) < float("inf") for offset in _listed(self.input_offset)):
            raise ModelError(
                "the input offset is not finite",
                where="option --input-offset",
                fix="give the value of integer 0",
            )
        if self.input_type is not None:
            parse_type(self.input_type, where="option --input-type")


def parsed_numbers(text: str, where: str) -> float | tuple[float, ...]:
    """A decimal number or a fraction such as 1/255; several between commas.

    Raises:
        ModelError: it is none; blames ``where``.
    """
    if "," in text:
        return tuple(_parsed(part, where) for part in text.split(","))
    return _parsed(text, where)


def _parsed(text: str, where: str) -> float:
    try:
        above, _, below = text.partition("/")
        return float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ModelError(
            f"'{text}' is no number", where=where, fix="give e.g. 0.5 or 1/255"
        ) from None


def input_fields(
    input_type: str | None,
    scaling: tuple[Numbers, Numbers],
    pixels: tuple[Numbers, Numbers],
) -> dict[str, Any]:
    """The fields of LoadOptions that say what a model's input is.

    Args:
        input_type: integer type of a float input.
        scaling: scale and offset.
        pixels: mean and standard deviation, which stand for the two before and for uint8.

    Raises:
        ModelError: both are given, or what ``pixel_format`` refuses.
    """
    if pixels != (None, None):
        if scaling != (None, None):
            raise ModelError(
                "mean and standard deviation, and scale and offset exclude each other",
                where="option --input-mean",
                fix="give the one pair or the other",
            )
        input_type, scaling = input_type or "uint8", pixel_format(*pixels)
    return {"input_type": input_type, "input_scale": scaling[0], "input_offset": scaling[1]}


def pixel_format(
    mean: Numbers, std: Numbers
) -> tuple[float | tuple[float, ...], float | tuple[float, ...]]:
    """Scale and offset of uint8 pixels that a model takes as (pixel - mean) / std.

    Mean and standard deviation are those of pixels from 0 to 1 where none is above 1, as
    torchvision has them, else of pixels from 0 to 255. One for all channels, or one per channel.

    Raises:
        ModelError: a standard deviation is not positive, or they are of different channel counts.
    """
    if mean is None or std is None:
        raise ModelError(
            f"there is no {'mean' if mean is None else 'standard deviation'}",
            where="options --input-mean, --input-std",
            fix="give both, as the training normalised its images",
        )
    means, stds = _listed(mean), _listed(std)
    count = max(len(means), len(stds))
    if {len(means), len(stds)} - {1, count}:
        raise ModelError(
            f"{len(means)} means and {len(stds)} standard deviations",
            where="option --input-mean",
            fix="give one of each for all channels, or one per channel",
        )
    if not all(0 < s < float("inf") for s in stds):
        raise ModelError(
            "a standard deviation is not a positive number",
            where="option --input-std",
            fix="give e.g. 0.229,0.224,0.225",
        )
    if not all(0 <= m <= 255 for m in means) or (max(means) > 1 and max(stds) <= 1):
        raise ModelError(
            f"mean {', '.join(f'{m:g}' for m in means)} and standard deviation "
            f"{', '.join(f'{s:g}' for s in stds)} are not of the same pixels",
            where="options --input-mean, --input-std",
            fix="give both of pixels from 0 to 1, or both of pixels from 0 to 255",
        )
    largest = 255.0 if max(map(abs, (*means, *stds))) <= 1 else 1.0
    means, stds = means * (count // len(means)), stds * (count // len(stds))
    scales = tuple(1 / (largest * s) for s in stds)
    offsets = tuple(-m / s for m, s in zip(means, stds, strict=True))
    return (scales[0], offsets[0]) if count == 1 else (scales, offsets)


def _listed(values: float | tuple[float, ...] | None) -> tuple[float, ...]:
    if values is None:
        return ()
    return values if isinstance(values, tuple) else (values,)


def parse_type(text: str, *, where: str) -> Integer | Bit:
    """The element type named ``text``: bipolar, unipolar, intN, uintN (QONNX spells N too)."""
    name = text.strip().lower()
    if name in ("bipolar", "unipolar"):
        return Bit(name == "bipolar")
    if name in ("binary", "uint1"):
        return Bit(False)
    match = re.fullmatch(r"(u?)int([0-9]{1,3})", name)
    if match and 2 <= int(match[2]) <= 16:
        return Integer(int(match[2]), not match[1])
    raise ModelError(
        f"the type '{text}' is unknown",
        where=where,
        fix="give bipolar, unipolar, int2 to int16 or uint2 to uint16",
    )
