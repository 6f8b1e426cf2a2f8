"""What a network is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Files are named after the network and more; a file's name has at most 255 characters.
_LONGEST_NAME = 80


def network_name(model: Path) -> str:
    """A legal identifier from the model's file name."""
    name = re.sub(r"\W+", "_", model.stem, flags=re.ASCII).lower()[:_LONGEST_NAME].strip("_")
    name = name or "network"
    return f"n_{name}" if name[0].isdigit() else name
