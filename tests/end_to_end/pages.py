"""Pages of the documentation as a reader follows them: commands, and how to type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commands(page: str) -> list[str]:
    """What a page says to type after the installation."""
    install, *lines = re.findall(r"^    \$ (.*)$", page, re.MULTILINE)
    assert install.startswith("pip install")
    return lines


def run(words: str | list[str], folder: Path) -> str:
    """What a command, or a program with its arguments, prints in a folder; it must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        words,
        shell=isinstance(words, str),
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
