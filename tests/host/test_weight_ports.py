"""A design that reads its weights through two ports, on a simulated board."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.planning import memory_rates
from bnnhw_host import Accelerator
from host_cases import make_case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_readers_behind_two_ports_get_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = {
        "dense3": {"pe": 4, "simd": 64, "memory": "ddr"},
        "dense4": {"pe": 1, "simd": 16, "memory": "ddr"},
    }
    folding = tmp_path / "folding.json"
    folding.write_text(json.dumps({"layers": layers}))
    # One port gives both readers their 8,272 bytes in 1,536 cycles, but for a hundredth.
    monkeypatch.setattr(memory_rates, "_PORT_SHARE", 0.67)
    case = make_case(tmp_path / "build", "digits", 30, folding=folding, cycles=2000)
    assert json.loads((case.path / "manifest.json").read_text())["memory"]["ports"] == 2
    with Accelerator(case.path, device="sim", pynq=False) as made:
        assert np.array_equal(made.run(case.images), case.scores)
        assert made.validate().exact
