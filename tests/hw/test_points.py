"""Every unit is free of lint where its parameters are legal, and says why where they are not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from compute import lint
from points import POINTS
from unit_builds import HW

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGAL = [(unit, values) for unit, table in POINTS.items() for values in [{}, *table.legal]]
ILLEGAL = [
    (unit, values, message)
    for unit, table in POINTS.items()
    for message, sets in table.illegal.items()
    for values in sets
]


def test_every_unit_has_a_table() -> None:
    assert list(POINTS) == sorted(path.stem for path in HW.glob("*.sv"))


@pytest.mark.parametrize(("unit", "values"), LEGAL, ids=str)
def test_a_unit_is_free_of_lint(unit: str, values: Mapping[str, int | str]) -> None:
    assert lint(unit, values) == ""


@pytest.mark.parametrize(("unit", "values", "message"), ILLEGAL, ids=str)
def test_a_unit_refuses_illegal_parameters(
    unit: str, values: Mapping[str, int | str], message: str
) -> None:
    said = re.findall(r"^%\w+-USERERROR: \S+ (.*)", lint(unit, values), re.M)
    assert any(message in line for line in said), said


@pytest.mark.parametrize("unit", POINTS)
def test_each_check_of_a_unit_refuses_a_point(unit: str) -> None:
    text = (HW / f"{unit}.sv").read_text()
    checks = re.findall(r'^ +\$error\("(.+)"\);', text, re.M)  # one of an assertion follows "else"
    missed = [c for c in checks if not any(message in c for message in POINTS[unit].illegal)]
    assert not missed
