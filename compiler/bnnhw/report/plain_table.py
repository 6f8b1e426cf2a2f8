"""Tables as plain lines: whole words in every cell, whatever the terminal's width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_WIDE, _NARROW = 2, 1  # gaps between columns


def plain_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    width: int = 80,
) -> list[str]:
    """Lines of a table whose cells are never cut nor wrapped.

    Columns stand closer where the table is wider than ``width`` otherwise; what is wider even then
    goes beyond.

    Args:
        headings: of the columns.
        rows: cells, as many as headings.
        right: places of the columns that end flush right: numbers.
        width: letters in a line of the terminal.
    """
    table = [list(headings), *(list(row) for row in rows)]
    sizes = [max(map(len, column)) for column in zip(*table, strict=True)]
    gap = _WIDE if sum(sizes) + _WIDE * (len(sizes) - 1) <= width else _NARROW
    return [
        (" " * gap)
        .join(
            cell.rjust(size) if place in right else cell.ljust(size)
            for place, (cell, size) in enumerate(zip(row, sizes, strict=True))
        )
        .rstrip()
        for row in table
    ]
