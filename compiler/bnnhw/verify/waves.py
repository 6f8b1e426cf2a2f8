"""How large a recording of all signals will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.backend.build import Build


def wave_note(build: Build, frames: int) -> str:
    """What is recorded, and about how large it will be."""
    return f"recording {frames}"
