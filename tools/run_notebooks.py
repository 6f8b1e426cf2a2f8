"""Runs the host's notebooks and keeps their outputs, without what tells where they ran.

python tools/run_notebooks.py [NAME ...]

They run beside the builds that they make, in host/notebooks; a build that is there is used again.
Names begin those of the notebooks: 1 3 runs the first and the third.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parents[1] / "host" / "notebooks"
TIMEOUT = 1800  # seconds for a cell


def run(path: Path) -> None:
    """Runs a notebook in place."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=TIMEOUT, resources=where).execute()
    clean(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def clean(notebook: Any) -> None:
    """Leaves text, code and outputs; drops times, versions and what else changes."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)


def _joined(outputs: list[Any]) -> list[Any]:
    """Outputs in which text that came in pieces is one."""
    kept: list[Any] = []
    for output in outputs:
        last = kept[-1] if kept else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
            continue
        kept.append(output)
        if "data" in output:
            output.metadata = {}
    return kept


def main() -> None:
    """Runs those that the command line names, or all."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if len(sys.argv) > 1 and not path.name.startswith(tuple(sys.argv[1:])):
            continue
        started = time.monotonic()
        run(path)
        print(f"{path.name}: {time.monotonic() - started:.0f} s, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
