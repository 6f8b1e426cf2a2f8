"""What the tests look at in builds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def files(folder: Path) -> dict[str, bytes]:
    """Content by path; but for the record of the compile, which alone holds paths and the date."""
    found = [p for p in folder.rglob("*") if p.is_file() and p.name != "compile.json"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def report_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())
