"""What the papers print of their networks' parameters and operations, beside what is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.zoo.figures import Figures

#: What a figure is called, by the attribute of ``Figures`` that it belongs to.
FIGURES = {"words": "parameters in 32-bit words", "bops": "BOPs", "flops": "FLOPs", "ops": "OPs"}
_TRUNCATED = (
    "118.0 + 19.3 + 0.5 M FLOPs and 1,676.3 M BOPs / 64 make 164.0 M; what is printed is 0.6 % less"
)


@dataclass(frozen=True)
class Printed:
    """Figures as they are printed.

    Attributes:
        source: where.
        figures: digits as printed, by the attributes of ``Figures``.
        reasons: why the counted figure is another, by attribute.
    """

    source: str
    figures: Mapping[str, str]
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One printed figure and the counted one.

    Attributes:
        figure: its name.
        printed: as printed.
        counted: of the definition.
        agrees: whether rounding to the printed digits gives what is printed.
        reason: why not; empty where it does.
    """

    figure: str
    printed: str
    counted: float
    agrees: bool
    reason: str


PRINTED = {
    "birealnet18": Printed("Bi-Real Net, ECCV 2018", {"ops": "1.63e8"}, {"ops": _TRUNCATED}),
    "birealnet34": Printed("Bi-Real Net, ECCV 2018", {"ops": "1.93e8"}),
    "reactnet18": Printed("liuzechun/ReActNet on GitHub", {"ops": "1.63e8"}, {"ops": _TRUNCATED}),
    "reactnet-a": Printed(
        "ReActNet, ECCV 2020", {"bops": "4.82e9", "flops": "0.12e8", "ops": "0.87e8"}
    ),
    "reactnet-b": Printed(
        "ReActNet, ECCV 2020",
        {"bops": "4.69e9", "flops": "0.44e8", "ops": "1.63e8"},
        {"ops": "the BOPs / 64 and FLOPs printed beside it make 1.17e8"},
    ),
    "reactnet-c": Printed(
        "ReActNet, ECCV 2020", {"bops": "4.69e9", "flops": "1.40e8", "ops": "2.14e8"}
    ),
    "xnornet18-k": Printed("Bi-Real Net, ECCV 2018, of XNOR-Net", {"ops": "1.67e8"}),
    "ftbnn18-g1-90m": Printed(
        "FTBNN, Table 4",
        {"words": "1.66e6", "bops": "4516e6", "flops": "19.0e6"},
        {
            "words": "a channel has a gain, a bias and two slopes here; with the gain folded into "
            "the slopes they are 1.66e6"
        },
    ),
}


def compare(name: str, counted: Figures) -> list[Comparison]:
    """The printed figures of a network beside those of its definition, none where none is known."""
    printed = PRINTED.get(name)
    found = []
    for figure, digits in printed.figures.items() if printed else ():
        value = float(getattr(counted, figure))
        agrees = _rounded(value, digits) == Decimal(digits)
        reason = "" if agrees or printed is None else printed.reasons[figure]
        found.append(Comparison(FIGURES[figure], digits, value, agrees, reason))
    return found


def _rounded(value: float, digits: str) -> Decimal:
    """The value in steps of the last of the printed digits."""
    step = Decimal((0, (1,), Decimal(digits).as_tuple().exponent))  # type: ignore[arg-type]
    return (Decimal(value) / step).to_integral_value() * step
