"""Runs Tcl for Vivado under tclsh, or under Python's own Tcl, with stand-ins for Vivado."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STAND_INS = Path(__file__).with_name("vivado_stand_ins.tcl")
_EMBEDDED = (
    "import sys, tkinter; tcl = tkinter.Tcl(); tcl.call('set', 'argv', sys.argv[2:]); "
    "tcl.call('source', sys.argv[1])"
)


@dataclass(frozen=True)
class Run:
    """What a script did.

    Attributes:
        calls: each call of a command of Vivado, as its words.
        printed: what it printed.
        error: what it ended with; empty where nothing went wrong.
    """

    calls: list[list[str]]
    printed: str
    error: str

    def of(self, command: str) -> list[list[str]]:
        """The words of all calls of one command."""
        return [call[1:] for call in self.calls if call[0] == command]

    def index(self, *words: str) -> int:
        """Where the first call is that begins with these words."""
        for at, call in enumerate(self.calls):
            if call[: len(words)] == list(words):
                return at
        raise AssertionError(f"there is no call {' '.join(words)}")


def interpreter() -> list[str]:
    """The command that runs a Tcl script; a machine with neither fails the tests."""
    if tclsh := shutil.which("tclsh"):
        return [tclsh]
    try:
        import tkinter  # noqa: F401
    except ImportError as error:
        raise AssertionError(
            "the scripts for Vivado need a Tcl to be tested: apt-get install tcl"
        ) from error
    return [sys.executable, "-c", _EMBEDDED]


def run_script(script: Path, *arguments: str, fabric_mhz: float = 100, **environment: str) -> Run:
    """Runs a script of a build's ``vivado/`` in that folder."""
    folder = script.parent
    record = folder.parent / "calls.txt"
    start = folder.parent / "start.tcl"
    start.write_text(f"source {{{STAND_INS}}}\nsource {{{script}}}\n")
    given: Mapping[str, str] = {
        **{k: v for k, v in os.environ.items() if k not in ("JOBS", "PART")},
        "RECORD": str(record),
        "FABRIC_HZ": f"{fabric_mhz * 1e6:.0f}",
        **environment,
    }
    command = [*interpreter(), str(start), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=given, capture_output=True, text=True, check=False
    )
    calls = [line.split("\t") for line in record.read_text("utf-8").splitlines()]
    record.unlink()
    start.unlink()
    return Run(calls, done.stdout, done.stderr if done.returncode else "")
