"""The wheel: all assets are in it, and it compiles a model where nothing else of bnnhw is."""

from __future__ import annotations

import email
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bnnhw.api.deploy.wheel import host_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project, as its build tool makes it."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    if importlib.util.find_spec("hatchling"):
        command.append("--no-build-isolation")
    subprocess.run([*command, str(project)], check=True, cwd=folder, capture_output=True)
    (path,) = folder.glob("bnnhw*.whl")
    return path


def sources(folder: str, pattern: str) -> set[str]:
    """Files below ``folder`` of the checkout, relative to it."""
    files = (path for path in (ROOT / folder).glob(pattern) if path.is_file())
    found = {str(path.relative_to(ROOT / folder)) for path in files}
    assert found or pattern.startswith("notebooks")
    return found


def test_the_wheel_holds_every_asset(wheel) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        licences = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
        assert [archive.read(name) for name in licences] == [(ROOT / "LICENSE").read_bytes()]
    for folder, pattern in (
        *(("hw", "*.sv"), ("hls", "*.h"), ("sim", "*.*"), ("models", "*.*")),
        *(("host", "*.*"), ("host", "**/*.py"), ("host", "**/*.cpp"), ("host", "notebooks/*.*")),
    ):
        assert {f"bnnhw/share/{folder}/{n}" for n in sources(folder, pattern)} <= names
    package = "compiler/bnnhw"
    for pattern in (
        "**/*.py",
        "hardware/boards/*.toml",
        "backend/templates/*.j2",
        "api/deploy/install.sh",
        "report/templates/*.*",
        "py.typed",
        "hardware/cost/cost_model.json",
    ):
        assert {f"bnnhw/{n}" for n in sources(package, pattern)} <= names
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"bnnhw"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_deploy_makes_the_wheel_that_the_build_tool_makes(tmp_path) -> None:
    """The same package and requirements; but for what the two say of themselves."""
    name, content = host_wheel()
    (tmp_path / name).write_bytes(content)
    built = build_wheel(ROOT / "host", tmp_path / "built")
    assert built.name == name
    ours, theirs = (read_wheel(path) for path in (tmp_path / name, built))
    assert ours == theirs


def read_wheel(path: Path) -> tuple[dict[str, bytes], dict[str, set[str]], str]:
    """Files of the package, fields of the metadata, and the description."""
    with zipfile.ZipFile(path) as archive:
        files = {n: archive.read(n) for n in archive.namelist() if ".dist-info/" not in n}
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    fields = ("Name", "Version", "Summary", "Requires-Python", "Requires-Dist", "Provides-Extra")
    found = {key: {v.replace(chr(34), "'") for v in metadata.get_all(key, [])} for key in fields}
    return files, found, str(metadata.get_payload()).strip()


@pytest.mark.slow
def test_an_installed_wheel_compiles_outside_the_checkout(wheel, tmp_path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run([sys.executable, "-m", "venv", "env"], cwd=tmp_path, check=True, env=environment)
    bin_folder = tmp_path / "env" / "bin"
    work = tmp_path / "work"
    work.mkdir()

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(bin_folder / program), *arguments]
        return subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, check=False
        )

    installed = run("pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    assert installed.returncode == 0, installed.stderr
    listed = run("bnnhw", "models").stdout.splitlines()[0]
    name, model = listed.split("  ")
    assert name == "digits"
    assert tmp_path / "env" in Path(model).parents
    done = run("bnnhw", "compile", model, "--board", "pynq-z2", "-o", "build", "--json")
    assert done.returncode == 0, done.stderr
    (check,) = json.loads(done.stdout)["verification"]
    assert (check["against"], check["mismatches"]) == ("onnxruntime", 0)
    for folder, units in (("rtl", sources("hw", "bnn_*.sv")), ("hls", sources("hls", "bnn_*.h"))):
        written = {path.name for path in (work / "build" / folder).iterdir()}
        assert units <= written
    assert (work / "build" / "rtl" / "digits_top.v").is_file()
    script = "import numpy; numpy.save('x.npy', numpy.zeros((2, 8, 8, 1), 'uint8'))"
    assert run("python", "-c", script).returncode == 0
    ran = run("bnnhw", "run", "build", "-i", "x.npy", "--json")
    first, second = json.loads(ran.stdout)["scores"]
    assert first == second and len(first) == 10
    # What the extras bring is missing here, and said to be; that is no failure of its own.
    doctor = run("bnnhw", "doctor")
    assert doctor.returncode == 0
    assert "missing cocotb: pip install 'bnnhw[sim]'" in doctor.stdout
    for command, extra in (("simulate build", "sim"), ("synth build --no-verify", "synth")):
        ended = run("bnnhw", *command.split())
        assert ended.returncode == 1
        assert f"pip install 'bnnhw[{extra}]'" in ended.stderr
        assert "Traceback" not in ended.stderr
