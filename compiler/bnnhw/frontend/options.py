"""What the user may declare about a model that its file does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnhw.errors import ModelError
from bnnhw.ir.types import Bit, Integer


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
