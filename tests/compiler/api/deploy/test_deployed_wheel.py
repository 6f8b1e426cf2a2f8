"""The host's wheel that `bnnhw deploy` makes: pip takes it, and it is the same each time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

from bnnhw.api.deploy.wheel import host_wheel

HOST = Path(__file__).resolve().parents[4] / "host"


def test_the_same_sources_give_the_same_wheel() -> None:
    assert host_wheel() == host_wheel()


def test_it_holds_every_file_of_the_package_and_nothing_else() -> None:
    name, content = host_wheel()
    archive = zipfile.ZipFile(BytesIO(content))
    files = {n for n in archive.namelist() if ".dist-info/" not in n}
    package = HOST / "bnnhw_host"
    expected = {
        path.relative_to(HOST).as_posix()
        for suffix in (".py", ".cpp", ".h")
        for path in package.rglob(f"*{suffix}")
    }
    assert files == expected
    assert name.startswith("bnnhw_host-") and name.endswith("-py3-none-any.whl")


def test_pip_installs_it_and_it_runs(tmp_path) -> None:
    name, content = host_wheel()
    (tmp_path / name).write_bytes(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    target = tmp_path / "site"
    subprocess.run([*pip, "--target", str(target), str(tmp_path / name)], check=True)
    script = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import importlib.metadata as m, bnnhw_host\n"
        "print(bnnhw_host.__file__, m.version('bnnhw-host') == bnnhw_host.__version__)\n"
        "print(m.requires('bnnhw-host'))\n"
        "print(all(f.locate().is_file() for f in m.files('bnnhw-host')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    where, needs, whole = done.stdout.splitlines()
    assert where == f"{target / 'bnnhw_host' / '__init__.py'} True"
    assert "numpy>=1.24" in needs and "extra == 'sim'" in needs
    assert whole == "True"
