"""bnn_stream_check: silent on a good master, and each of its assertions fires on a faulty one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner import run_module
from unit_builds import HW, sources

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = {
    "late": "tvalid is high after a reset",
    "dropped": "tvalid fell before the beat was taken",
    "changed": "tdata changed before the beat was taken",
}


@pytest.mark.slow
def test_the_check_is_silent_on_a_good_master() -> None:
    run_module("bnn_stream_check", {}, "stream_check_bench", env={"BNNHW_FAULT": ""})


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_names_each_fault(fault: str) -> None:
    with pytest.raises(AssertionError) as caught:
        run_module("bnn_stream_check", {}, "stream_check_bench", env={"BNNHW_FAULT": fault})
    said = re.findall(r": (t(?:valid|data) .+)", str(caught.value))
    assert set(said) == {FAULTS[fault]}


def test_the_check_has_no_assertion_that_no_fault_fires() -> None:
    text = (HW / "bnn_stream_check.sv").read_text()
    assert re.findall(r'\$error\("bnn_stream_check: (.+)"\)', text) == list(FAULTS.values())


@pytest.mark.parametrize("path", sorted(HW.glob("bnn_*.sv")), ids=lambda path: path.stem)
def test_the_check_guards_every_stream_that_leaves_a_unit(path: Path) -> None:
    masters = re.findall(r"output logic[^,;]*?\bm\d?_ax\w*_t?(?:data|addr)\b", path.read_text())
    assert not masters or HW / "bnn_stream_check.sv" in sources(path.stem)
