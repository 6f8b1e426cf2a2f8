"""Records of units agree with the modules in hw/ and with the page that describes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bnnhw.hardware.units import KINDS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "hw" / "README.md").read_text("utf-8")
#: Described too, but parts of other units alone.
PARTS = {"bnn_register_slice"}


def test_the_page_lists_every_unit_in_both_of_its_tables() -> None:
    rows = re.findall(r"^\| `(bnn_\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(2 * [*KINDS, *PARTS])


@pytest.mark.parametrize("name", KINDS)
def test_a_record_has_the_path_that_the_page_gives(name: str) -> None:
    (path,) = re.findall(rf"^\| `{name}` \| (\d+\.\d) \|", PAGE, re.MULTILINE)
    assert KINDS[name].path_ns == float(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_record_asks_its_module_only_for_parameters_that_it_has(name: str) -> None:
    source = (ROOT / "hw" / f"{name}.sv").read_text("utf-8")
    declared = set(re.findall(r"^\s*parameter\b[^=]*?(\w+)\s*=", source, re.MULTILINE))
    kind = KINDS[name]
    for point in kind.points:
        assert set(point) <= declared
    assert not kind.style or kind.style in declared
    if kind.twin:
        files = {argument.parameter for argument in kind.twin.memories}
        styles = {argument.style for argument in kind.twin.memories if argument.style}
        assert files | styles | set(kind.twin.timing) <= declared


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.timing])
def test_a_unit_where_paths_meet_or_part_has_so_many_streams(name: str) -> None:
    twin = KINDS[name].twin
    assert twin is not None
    assert len(twin.outputs) == 1 + KINDS[name].parts
    beside = KINDS[name].meets or KINDS[name].reads_marks or "p_axis" in twin.inputs
    assert len(twin.inputs) == 1 + beside
