"""What users ask of the C++ compiler that builds simulations, and headers compiled once for all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "BNNHW_CXXFLAGS"


def asked_flags() -> tuple[str, ...]:
    """The flags in ``BNNHW_CXXFLAGS``, which come behind those of a simulation's own.

    A small design that moves few frames is sooner through with -O0: its compilation takes longest.
    """
    return tuple(shlex.split(os.environ.get(VARIABLE, "")))


def cache_folder() -> Path:
    """Where what all simulations share is kept, in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bnnhw"


def precompiled(names: Sequence[str], command: Sequence[str]) -> Path | None:
    """A header that includes ``names``, precompiled by ``command``, kept in the user's cache.

    To be included first, by ``-include``, where a file is compiled by the same command: there it
    takes the place of headers that take longer than a small design. A compiler that finds the
    precompiled form made in another way reads the header itself.

    Returns:
        The header; None where it cannot be compiled, or kept.
    """
    compiler = shutil.which(command[0])
    if compiler is None:
        return None
    age = Path(compiler).stat().st_mtime_ns
    digest = hashlib.sha256(repr((compiler, age, *command, *names)).encode()).hexdigest()[:16]
    header = cache_folder() / f"headers-{digest}" / "headers.h"
    if header.exists():
        return header
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        header.parent.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=header.parent.parent))
        try:
            text = "".join(f"#include <{name}>\n" for name in names)
            (draft / header.name).write_text(text, encoding="utf-8")
            made = [*command, "-x", "c++-header", header.name]
            subprocess.run(made, cwd=draft, check=True, capture_output=True)
            with contextlib.suppress(OSError):  # another process was faster
                draft.rename(header.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return header if header.exists() else None
