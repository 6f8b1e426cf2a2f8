"""Lets the benches import ``runner`` wherever pytest was started, and gives each test three lives.

Each test that moves beats through a unit simulates its Verilog, and Yosys's netlist of it; and its
constants must be the same for Verilator and for slang. Netlists take longer to make: all but a
sample are left to ``make test-all``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: Tests by a part of their names that move no beats through a unit with ``runner``.
STATIC = (
    *("refuses", "lint", "finds_no_fault", "cases_saturate", "sign_cast"),
    *("no_stall_depth", "every_size", "a_frame_takes"),
)

#: One point of each unit that computes with signs: netlists that the short run simulates.
SAMPLE = {
    "test_bnn_window.py::test_gives_every_window_in_the_stated_cycles[3x3-netlist]",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Doubles the tests that move beats."""
    if not any(word in metafunc.function.__name__ for word in STATIC):
        metafunc.parametrize("design", ["verilog", "netlist", "constants"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves all netlists but the sample to the long run."""
    for item in items:
        values = getattr(item, "callspec", None)
        if values is not None and values.params.get("design") == "netlist":
            name = f"{item.path.name}::{item.name}"
            if name not in SAMPLE:
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call() -> Generator[None, Any, None]:
    """A test whose constants agree ends there."""
    outcome = yield
    if isinstance(outcome.exception, runner.Compared):
        outcome.force_result(True)


@pytest.fixture(autouse=True)
def design(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the benches do: see ``runner.mode``."""
    runner.mode = getattr(request, "param", "verilog")
    runner.reached.clear()
    try:
        yield runner.mode
        assert runner.mode == "verilog" or runner.reached, "the test has reached no unit"
    finally:
        runner.mode = "verilog"
