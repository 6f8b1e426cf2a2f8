"""The twins give the same with the range operators that synthesis sees."""

from __future__ import annotations

import pytest
from hls_harness import Case, Outcome, check, run_cases
from test_hls_compute import CASES as COMPUTE
from test_hls_elements import CASES as ELEMENTS
from test_hls_windows import CASES as WINDOWS

CASES = [
    case
    for case in [*COMPUTE, *ELEMENTS, *WINDOWS]
    if "wide" in case.name or case.name in ("folds_and_tiles", "int_signed", "convert_7_to_5")
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("portable"), "BNNHW_PORTABLE_BITS")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_portable_bit_operations_give_the_same(case: Case, outcomes: dict[str, Outcome]) -> None:
    check(case, outcomes)
