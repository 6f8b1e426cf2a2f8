"""Long names in narrow columns: broken behind separators where that is possible."""

from __future__ import annotations

import re


def name_lines(name: str, width: int) -> str:
    """``name`` in lines of at most ``width`` letters, broken behind / _ . : and the like."""
    lines = [""]
    for part in re.findall(r"[^/_.:\-\s]*[/_.:\-\s]?", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1]) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return "\n".join(lines)
