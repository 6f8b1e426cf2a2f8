"""Names of stages that are legal and apart from each other in every place where hardware has names.

A stage's name begins those of its units, streams, memories and files: ``conv1_window``,
``conv1_window_out``, ``conv1_weights.mem``. In Verilog they are identifiers, in C++ too, and files
may lie where ``A`` and ``a`` are one. Nothing that a stage's name begins is a keyword or a port,
since each has a suffix; but a stage ``conv1_window`` beside a stage ``conv1``, or one called
``input`` beside the design's own input, would share names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the top module calls its own parts.
_OWN = (
    "input",
    "output",
    "top_k",
    "registers",
    "reset_control",
    "read_arbiter",
    "memory",
    "weights",
    "frame",
    "instruments",
)
# What the units, streams and memories of a stage add to its name; see wiring, datapath,
# streamed_layers, lower and layer_memory.
_PART = re.compile(
    r"(_loop(_end)?)?(_window|_feed_converter|_replay|_pe_array|_converter\d?|_fork\d*|_init"
    r"|(_weights|_parameters)(_reader|_converter)?|_thresholds|_table|_minimum|_gather|_pixels"
    r"|_tiles)?"
    r"(_out\d?|_back)?(_w)?(_fifo|_monitor|_counters)?"
)
# Suffixes come on top, and a file's name has at most 255 characters.
_LONGEST = 80


def hardware_names(names: Sequence[str]) -> list[str]:
    """A name for each stage, in order: its own where that is legal and free, else numbered."""
    found: list[str] = []
    for name in names:
        plain = identifier(name)[:_LONGEST].strip("_") or "stage"
        candidate, number = plain, 1
        while any(_meet(candidate, other) for other in (*_OWN, *found)):
            number += 1
            candidate = f"{plain}_{number}"
        found.append(candidate)
    return found


def identifier(name: str) -> str:
    """A name as an identifier: other characters become single underscores; may be empty."""
    text = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
    return f"n{text}" if text[:1].isdigit() else text


def _meet(name: str, other: str) -> bool:
    """Whether two stages of these names would share a name somewhere."""
    short, long = sorted((name.lower(), other.lower()), key=len)
    return long == short or (
        long.startswith(short) and _PART.fullmatch(long[len(short) :]) is not None
    )


def unused(name: str, taken: set[str]) -> str:
    """``name``, numbered where it is ``taken``."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}{count}"
    return candidate
