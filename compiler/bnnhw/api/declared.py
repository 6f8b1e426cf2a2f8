"""What the arguments of a call say of a model's input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bnnhw.frontend.options import input_fields, parsed_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    Numbers = float | str | Sequence[float] | None


def declared(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of LoadOptions, of a call's arguments."""
    scale, offset, mean, std = (
        _numbers(asked[f"input_{name}"], f"input_{name}")
        for name in ("scale", "offset", "mean", "std")
    )
    fields = input_fields(asked["input_type"], (scale, offset), (mean, std))
    return {**fields, "sign_zero": asked["sign_zero"]}


def _numbers(given: Numbers, argument: str) -> float | tuple[float, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return parsed_numbers(given, f"argument {argument}")
    if not isinstance(given, Iterable):
        return float(given)
    return tuple(float(v) for v in given)
