"""Builds that the host's tests run, each compiled once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from host_cases import make_case

if TYPE_CHECKING:
    from host_cases import Case

collect_ignore = ["on_pynq"]  # test_pynq.py runs these where pynq is installed


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """All weights on the chip, 128 cycles a frame."""
    return make_case(tmp_path_factory.mktemp("digits") / "build", "digits", 200, cycles=128)


@pytest.fixture(scope="session")
def with_memory(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The last two layers' weights in memory."""
    folder = tmp_path_factory.mktemp("memory")
    layers = {
        "dense3": {"pe": 4, "simd": 64, "memory": "ddr"},
        "dense4": {"pe": 1, "simd": 16, "memory": "ddr"},
    }
    (folder / "folding.json").write_text(json.dumps({"layers": layers}))
    return make_case(folder / "build", "digits", 60, folding=folder / "folding.json", cycles=2000)
