"""Lets the benches import ``runner`` from anywhere, and gives each of their tests several lives.

Each test that moves beats through a unit simulates its Verilog, and Yosys's netlist of it; and the
unit's constants must be the same for Verilator and for slang. The short run takes a part of
each test's points, and a few as netlists, which take longer to make: ``make test-all`` has them
all.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner
from constants import Compared

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: Tests by a part of their names that move no beats through a unit with ``runner``.
STATIC = (
    *("refuses", "lint", "has_a_table", "the_check"),
    *("finds_no_fault", "cases_saturate", "sign_cast"),
    *("no_stall_depth", "every_size", "a_frame_takes"),
)

#: Of the points of a test, the short run takes one of so many, and a unit's defaults.
STRIDE = 8

#: Tests of parameter sets, which move nothing.
POINTS = "test_points.py"

#: Points of tests, by number, that the short run simulates as netlists too.
SAMPLE = {
    ("test_bnn_window.py", "test_gives_every_window_in_the_stated_cycles"): {0},
}


#: Tests of UltraRAM, which parts of 7-series have none of: netlists for UltraScale+ alone.
ULTRA_RAM = "test_ultra_ram.py"

#: Tests whose first point is simulated as a netlist for UltraScale+ too: its DSP and block RAM.
ULTRASCALE = {
    ("test_bnn_affine.py", "test_computes_what_the_interpreter_defines_and_loses_no_cycle"),
    ("test_bnn_int_pool_overlap.py", "test_pools_exactly_and_loses_no_cycle"),
    ("test_bnn_mac_pe_array.py", "test_sums_exactly_and_loses_no_cycle"),
    ("test_bnn_window.py", "test_gives_every_window_in_the_stated_cycles"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives the tests that move beats a life for each mode of ``runner``."""
    if not any(word in metafunc.function.__name__ for word in STATIC):
        metafunc.parametrize(
            "design", ["verilog", "netlist", "ultrascale", "constants"], indirect=True
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves all netlists but the sample to the long run, those for UltraScale+ but a few out."""
    seen: Counter[tuple[str, str]] = Counter()
    plain: Counter[tuple[str, str, str | None]] = Counter()
    ultrascale = set(ULTRASCALE)
    kept = []
    for item in items:
        call = getattr(item, "callspec", None)
        design = call.params.get("design") if call else None
        test = (item.path.name, getattr(item, "originalname", ""))
        if test[0] == ULTRA_RAM and design in ("netlist", "ultrascale"):
            if design == "netlist":
                continue
            item.add_marker(pytest.mark.slow)
        elif design == "ultrascale":
            if test not in ultrascale:
                continue
            ultrascale.discard(test)
            item.add_marker(pytest.mark.slow)
        elif design in ("verilog", "constants") or test[0] == POINTS:
            defaults = call is not None and call.params.get("values") == {}
            if plain[(*test, design)] % STRIDE and not defaults:
                item.add_marker(pytest.mark.slow)
            plain[(*test, design)] += 1
        elif design == "netlist":
            if seen[test] not in SAMPLE.get(test, ()):
                item.add_marker(pytest.mark.slow)
            seen[test] += 1
        kept.append(item)
    items[:] = kept


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call() -> Generator[None, Any, None]:
    """A test whose constants agree ends there."""
    outcome = yield
    if isinstance(outcome.exception, Compared):
        outcome.force_result(True)


@pytest.fixture(autouse=True)
def design(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the benches do: see ``runner.mode``."""
    runner.mode = getattr(request, "param", "verilog")
    runner.reached.clear()
    try:
        yield runner.mode
        assert runner.mode == "verilog" or runner.reached, "no unit reached: name it in STATIC"
    finally:
        runner.mode = "verilog"
