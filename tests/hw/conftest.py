"""Lets the benches import ``runner`` wherever pytest was started, and run on netlists too.

Each test that moves beats through a unit runs on its Verilog and on Yosys's netlist of it. Netlists
take longer to make: all but a sample are left to ``make test-all``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Tests by a part of their names that move no beats: they look at the source, or refuse it.
STATIC = ("refuses", "lint", "finds_no_fault", "the_cases_saturate", "slang", "casts")

#: One point of each unit that computes with signs: netlists that the short run simulates.
SAMPLE = {
    "test_bnn_window.py::test_gives_every_window_in_the_stated_cycles[3x3-netlist]",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Doubles the tests that move beats."""
    if not any(word in metafunc.function.__name__ for word in STATIC):
        metafunc.parametrize("design", ["verilog", "netlist"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves all netlists but the sample to the long run."""
    for item in items:
        values = getattr(item, "callspec", None)
        if values is not None and values.params.get("design") == "netlist":
            name = f"{item.path.name}::{item.name}"
            if name not in SAMPLE:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def design(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the benches simulate: "verilog", or "netlist" where the test is such a double."""
    kind = getattr(request, "param", "verilog")
    if kind == "verilog":
        yield kind
        return
    runner.netlists = []
    try:
        yield kind
        assert runner.netlists, "the test has simulated no netlist"
    finally:
        runner.netlists = None
