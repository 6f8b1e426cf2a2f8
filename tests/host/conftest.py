"""Builds that the host's tests run, each compiled once, and once for all processes of a run."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bnnhw_host.manifest import read_manifest
from bnnhw_host.sim.verilated import library
from host_cases import load_case, make_case, save_case

if TYPE_CHECKING:
    from host_cases import Case

collect_ignore = ["on_pynq"]  # test_pynq.py runs these where pynq is installed


def shared_case(factory: pytest.TempPathFactory, name: str, count: int, **options: Any) -> Case:
    """A case of the network digits, with its simulated board compiled."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / f"host-{name}"
    with (root / f"host-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "scores.npy").is_file():
            case = make_case(folder / "build", "digits", count, **options)
            library(case.path, read_manifest(case.path / "manifest.json"))
            save_case(case, folder)
    return load_case(folder)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """All weights on the chip, 384 cycles a frame."""
    return shared_case(tmp_path_factory, "digits", 200, cycles=400)


@pytest.fixture(scope="session")
def with_memory(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The last two layers' weights in memory."""
    layers = {
        "dense3": {"pe": 4, "simd": 64, "memory": "ddr"},
        "dense4": {"pe": 1, "simd": 16, "memory": "ddr"},
    }
    folding = tmp_path_factory.mktemp("folding") / "folding.json"
    folding.write_text(json.dumps({"layers": layers}))
    return shared_case(tmp_path_factory, "memory", 60, folding=folding, cycles=2000)
