"""The wheel of bnnhw-host: in an empty environment with numpy 1 and 2 it runs a simulated board."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from host_cases import Case

HOST = Path(__file__).resolve().parents[2] / "host"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    if importlib.util.find_spec("hatchling"):
        command.append("--no-build-isolation")
    subprocess.run([*command, str(HOST)], check=True, cwd=folder, capture_output=True)
    (path,) = folder.glob("bnnhw_host-*.whl")
    return path


def test_it_holds_all_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert wheel.name.endswith("-py3-none-any.whl"), "32-bit ARM takes it too"
    for path in (HOST / "bnnhw_host").rglob("*.*"):
        if "__pycache__" not in path.parts:
            assert path.relative_to(HOST).as_posix() in names


@pytest.mark.parametrize(
    "numpy", ["numpy==1.26.4", pytest.param("numpy>=2", marks=pytest.mark.slow)]
)
def test_it_runs_with_numpy_alone(wheel: Path, numpy: str, digits: Case, tmp_path: Path) -> None:
    if sys.version_info >= (3, 13) and "1.26" in numpy:
        pytest.skip("numpy 1 has no wheels for this Python")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, numpy, wheel], check=True)
    np.save(tmp_path / "x.npy", digits.images)
    np.save(tmp_path / "y.npy", digits.scores)
    own = ("--images", tmp_path / "x.npy", "--expected", tmp_path / "y.npy")
    for words in ((), own):
        command = [python, "-m", "bnnhw_host", "validate", digits.path, "--device", "sim", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "exact: all scores of" in done.stdout
