"""Stand-ins for ssh, scp, sudo and a board's Python: they write down what they are given."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_NOTE = """#!{python}
import json, os, pathlib, shutil, subprocess, sys
board = pathlib.Path({board!r})
with (board / "log").open("a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
"""
_SCP = """
source, target = sys.argv[-2:]
code = int((board / "scp").read_text())
shutil.copytree(source, board / "home" / target.rpartition(":")[2])
sys.exit(code)
"""
_SSH = """
words = sys.argv[sys.argv.index("--") + 1:]
if (board / "down").exists():
    print("ssh: connect to host: No route to host", file=sys.stderr)
    sys.exit(255)
# As sshd does: the words behind the host, joined, are a line for the login shell.
line = ["sh", "-c", " ".join(words[1:])]
sys.exit(subprocess.run(line, cwd=board / "home", stdin=subprocess.DEVNULL).returncode)
"""
_SUDO = """
words = sys.argv[sys.argv.index("--") + 1:]
if (board / "password").exists():
    sys.exit("sudo: a password is required")
sys.exit(subprocess.run(words).returncode)
"""
_ID = "print((board / 'uid').read_text())\n"
_PYTHON = """
step = sys.argv[3]
with (board / "log").open("a") as log:
    log.write(json.dumps(["XILINX_XRT", os.environ.get("XILINX_XRT")]) + "\\n")
if step == "pip":
    wheel = pathlib.Path(sys.argv[-1])
    shutil.copy(wheel, board / "installed.whl")
sys.exit(int((board / step).read_text()))
"""


@dataclass(frozen=True)
class Board:
    """A folder that stands for a board.

    Attributes:
        path: the folder; ``home`` in it is the user's home.
        programs: folder of the stand-ins, for PATH.
    """

    path: Path
    programs: Path

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def python(self) -> str:
        return str(self.path / "python3")

    def set(self, name: str, value: int | str) -> None:
        """The exit code of "scp", "pip" or "bnnhw_host"; "uid"; or "down" and "password"."""
        (self.path / name).write_text(str(value))

    def log(self, *programs: str) -> list[list[Any]]:
        """What was called, with its arguments, in order; of some programs only."""
        path = self.path / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        calls = [json.loads(line) for line in lines]
        return [call for call in calls if not programs or call[0] in programs]

    def files(self, below: str = ".") -> dict[str, str]:
        """Files in the user's home with their content."""
        root = self.home / below
        return {
            str(path.relative_to(root)): path.read_text(errors="replace")
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.suffix not in (".npz", ".bin")
        }


def make_board(folder: Path) -> Board:
    """A board with an empty home, on which all goes well."""
    board = Board(folder / "board", folder / "programs")
    board.home.mkdir(parents=True)
    board.programs.mkdir()
    bodies = {"scp": _SCP, "ssh": _SSH, "sudo": _SUDO, "id": _ID}
    for name, body in bodies.items():
        _program(board.programs / name, name, body, board)
    _program(board.path / "python3", "python", _PYTHON, board)
    for name, value in (("scp", 0), ("pip", 0), ("bnnhw_host", 0), ("uid", 1000)):
        board.set(name, value)
    return board


def _program(path: Path, name: str, body: str, board: Board) -> None:
    head = _NOTE.format(python=sys.executable, board=str(board.path), name=name)
    path.write_text(head + body)
    path.chmod(0o755)


def path_with(board: Board) -> str:
    """PATH with the stand-ins first."""
    return f"{board.programs}{os.pathsep}{os.environ['PATH']}"
