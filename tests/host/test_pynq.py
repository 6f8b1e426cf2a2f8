"""pynq's own Overlay, DMA, allocate and Clocks on the simulated board, in each of its versions.

``make test-pynq`` makes the environments; without them these tests are skipped.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bnnhw_host.manifest import read_manifest
from bnnhw_host.sim.verilated import library
from host_cases import make_case, save_case

if TYPE_CHECKING:
    from host_cases import Case

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.0.1", "3.1.2", "4.0.0")


def python_of(version: str) -> Path:
    return ROOT / f".venv-pynq-{version}" / "bin" / "python"


pytestmark = pytest.mark.skipif(
    not any(python_of(version).exists() for version in VERSIONS),
    reason="needs pynq in environments of its own: make test-pynq",
)


@pytest.fixture(scope="module")
def cases(digits: Case, with_memory: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    kria = make_case(folder / "kv260", "digits", 40, board="kv260", cycles=1000)
    library(kria.path, read_manifest(kria.path / "manifest.json"))
    for name, case in (("digits", digits), ("memory", with_memory), ("digits-kv260", kria)):
        (folder / name).mkdir()
        (folder / name / "build").symlink_to(case.path)
        save_case(case, folder / name)
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_under_pynq(version: str, cases: Path) -> None:
    python = python_of(version)
    if not python.exists():
        pytest.skip(f"no environment with pynq {version}: make test-pynq")
    tests = ROOT / "tests/host/on_pynq"
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", tests],
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        | {"BNNHW_CASES": str(cases)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout.replace("1 skipped", "")
