"""The wheel of bnnhw-host, made of the package's own files: no network, no build tool.

It is a pure Python package, so a wheel of it is an archive of its files and three files that
describe them (PEP 427). The same files give the same wheel, byte by byte.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import zipfile
from typing import TYPE_CHECKING, Any

from bnnhw.assets import asset_folder

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = "bnnhw_host"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that an archive can hold
_TAG = "py3-none-any"


def host_wheel() -> tuple[str, bytes]:
    """File name and content of the wheel of bnnhw-host that belongs to this version of bnnhw."""
    folder = asset_folder("host")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = str(project["name"]).replace("-", "_"), str(project["version"])
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in _sources(folder / PACKAGE)
    }
    info = f"{name}-{version}.dist-info"
    readme = (folder / str(project["readme"])).read_text(encoding="utf-8")
    files[f"{info}/METADATA"] = _metadata(project, readme).encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: bnnhw\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()
    )
    record = f"{info}/RECORD"
    rows = [f"{path},{_digest(content)},{len(content)}" for path, content in files.items()]
    files[record] = ("\n".join([*rows, f"{record},,"]) + "\n").encode()
    return f"{name}-{version}-{_TAG}.whl", _archive(files)


def _sources(package: Path) -> list[Path]:
    """The package's files, sorted, without what Python compiled of them."""
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def _metadata(project: dict[str, Any], readme: str) -> str:
    """Core metadata 2.1, which every pip of the last years reads."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
    ]
    for extra, needs in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {needed}; extra == '{extra}'" for needed in needs]
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    return f"sha256={digest.rstrip('=')}"


def _archive(files: dict[str, bytes]) -> bytes:
    """Not compressed: what a compressor gives depends on its version."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, whatever this runs on
            archive.writestr(entry, content)
    return made.getvalue()
