"""Names of classes, and lists of files with the right class of each."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.errors import BnnhwError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE_COLUMNS = ("file", "filename", "file_name", "path", "filepath", "file_path", "image")
_LABEL_COLUMNS = ("label", "class", "target", "category", "y")
_MOST_SHOWN = 8
_LONGEST_SHOWN = 40
_MOST_CLASSES = 2**31 - 1
_JSON_TEXTS = re.compile(r'\s*[\[{]\s*"')
_NUMBER = re.compile(r"[+-]?\d+")


def class_names(given: str | Path | Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """Names of a network's classes, from class 0 on; empty where none are given.

    Args:
        given: the names, or a file: one name a line, or a JSON list.
        classes: how many the network has.

    Raises:
        BnnhwError: the file is not readable, names are as many as the classes are not, or a name
            stands there twice.
    """
    if given is None or given == ():
        return ()
    if isinstance(given, (str, Path)):
        where = f"option --labels {given}"
        names = _read_names(Path(given), where)
    else:
        where, names = "class_names", tuple(map(str, given))
    check_characters(names, where)
    if len(names) != classes:
        raise BnnhwError(
            f"{len(names)} class names, the network has {classes} classes",
            where=where,
            fix="give one name for each class, in the order of the network's scores",
        )
    for number, name in enumerate(names):
        if not name or names.index(name) < number:
            raise BnnhwError(
                f"class {number} has no name"
                if not name
                else f"classes {names.index(name)} and {number} are both called '{name}'",
                where=where,
                fix="give each class a name of its own",
            )
    return names


def check_characters(names: Sequence[str], where: str) -> None:
    """Refuses names that no terminal and no file can show as they are: with control characters.

    Raises:
        BnnhwError: a name holds one, or half a character.
    """
    for number, name in enumerate(names):
        wrong = [c for c in name if unicodedata.category(c) in ("Cc", "Cs")]
        if wrong:
            raise BnnhwError(
                f"the name of class {number} holds the control character {wrong[0]!a}",
                where=where,
                fix="give each class a name of letters, digits and signs, on one line",
            )


def class_number(label: str, names: Sequence[str], where: str, classes: int | None = None) -> int:
    """The class that a label means: the one of that name, else the one of that number.

    Names that differ in case alone are the same, where they are those of one class only.

    Args:
        label: a name or a number.
        names: of the classes, or none.
        where: the label is.
        classes: how many the network has; None where that is checked later.

    Raises:
        BnnhwError: it is neither.
    """
    if label in names:
        return names.index(label)
    alike = [number for number, name in enumerate(names) if name.casefold() == label.casefold()]
    if len(alike) == 1:
        return alike[0]
    shown = _shortened(label)
    if _NUMBER.fullmatch(label):
        last = _MOST_CLASSES if classes is None else classes - 1
        # Python reads no number of thousands of digits
        number = int(label) if len(label) <= _LONGEST_SHOWN else -1
        if not 0 <= number <= last:
            raise BnnhwError(
                f"the label {shown} is no class",
                where=where,
                fix=f"the network's classes are the integers 0 to {last}"
                if classes is not None
                else "classes are counted from 0",
            )
        return number
    if not names:
        raise BnnhwError(
            f"the label '{shown}' is no whole number, and the network's classes have no names",
            where=where,
            fix="give numbers from 0, or the names of all classes (--labels FILE)",
        )
    raise BnnhwError(
        f"'{shown}' is no class",
        where=where,
        fix=did_you_mean(shown, names, f"the classes are {shown_names(names)}"),
    )


def _shortened(text: str, longest: int = _LONGEST_SHOWN) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


def shown_names(names: Sequence[str]) -> str:
    """The first names of classes."""
    return ", ".join(names[:_MOST_SHOWN]) + (", ..." if len(names) > _MOST_SHOWN else "")


def origin(given: str | Path | Sequence[str] | None) -> str:
    """Where names come from that ``class_names`` reads."""
    return f"--labels {given}" if isinstance(given, (str, Path)) else "class_names"


@dataclass(frozen=True)
class ListedFile:
    """A row of a list of files.

    Attributes:
        path: the file, relative to where the list is.
        name: the file as the list has it.
        label: its class, as a number or a name.
        where: the row.
    """

    path: Path
    name: str
    label: str
    where: str


def read_list(path: Path) -> list[ListedFile]:
    """The files in a CSV file, with their labels.

    The columns are file and label. With a header they may stand in any order among others, under
    one of the usual names. Relative paths start where the CSV file is.

    Raises:
        BnnhwError: it is no such file, a file in it is missing or stands there twice, or has no
            label.
    """
    where = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        numbered = csv.reader(io.StringIO(text), strict=True)
        rows = [(numbered.line_num, row) for row in numbered if any(map(str.strip, row))]
    except (OSError, ValueError, csv.Error) as error:
        raise BnnhwError(
            f"is no readable CSV file: {error}",
            where=where,
            fix="save it as UTF-8 text with commas, a file and its label in each row",
        ) from error
    columns, rows = _columns(rows, where)
    seen: dict[Path, str] = {}
    found = []
    for line, row in rows:
        here = f"{path}, line {line}"
        cells = [row[i].strip() if i < len(row) else "" for i in columns]
        if not all(cells):
            raise BnnhwError(
                f"has no {'file' if not cells[0] else 'label'}",
                where=here,
                fix="give a file and its label in each row, with a comma between",
            )
        file = path.parent / cells[0]
        try:
            there = file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            there = False
        if not there:
            raise BnnhwError(
                f"there is no file {_shortened(cells[0], 200)}",
                where=here,
                fix=f"give its path from {path.parent} on, where the list is",
            )
        if (before := seen.setdefault(file.resolve(), here)) != here:
            raise BnnhwError(
                f"{cells[0]} stands in {before} already", where=here, fix="give each file once"
            )
        found.append(ListedFile(file, cells[0], cells[1], here))
    if not found:
        raise BnnhwError("lists no files", where=where, fix="give a file and its label in each row")
    return found


def is_list(path: Path) -> bool:
    """Whether a path is read as a list of files."""
    return path.suffix.lower() == ".csv" and not path.is_dir()


def listed_files(path: Path) -> list[Path]:
    """The files that a path names where it is a list of files; else none.

    Raises:
        BnnhwError: as ``read_list`` does.
    """
    return [row.path for row in read_list(path)] if is_list(path) and path.exists() else []


def _columns(
    rows: list[tuple[int, list[str]]], where: str
) -> tuple[tuple[int, int], list[tuple[int, list[str]]]]:
    """Which columns are file and label, and the rows below a header."""
    if not rows:
        return (0, 1), rows
    head = [cell.strip().lower() for cell in rows[0][1]]
    files = [i for i, cell in enumerate(head) if cell in _FILE_COLUMNS]
    labels = [i for i, cell in enumerate(head) if cell in _LABEL_COLUMNS]
    if files and labels:
        return (files[0], labels[0]), rows[1:]
    row = bool(Path(rows[0][1][0].strip()).suffix)  # files have one, names of columns none
    if (files or labels) and not row:
        missing, usual = ("label", _LABEL_COLUMNS) if files else ("file", _FILE_COLUMNS)
        raise BnnhwError(
            f"its header names no {missing}: {_shortened(', '.join(head))}",
            where=where,
            fix=f"call the column of the {missing}s '{missing}' (or {', '.join(usual[1:])})",
        )
    if len(head) != 2:
        raise BnnhwError(
            f"has {len(head)} columns, and no header that names file and label",
            where=where,
            fix="give two columns, or a header with 'file' and 'label' above them",
        )
    return (0, 1), rows


def _read_names(path: Path, where: str) -> tuple[str, ...]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BnnhwError("no such file", where=where, fix="check the path of --labels") from error
    except (OSError, ValueError) as error:
        raise BnnhwError(
            f"is not readable: {error}", where=where, fix="save it as UTF-8 text, a name a line"
        ) from error
    if not text.strip():
        return ()
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not _JSON_TEXTS.match(text):  # e.g. names in brackets
            return tuple(line.strip() for line in re.split("\r?\n", text.rstrip()))
        raise BnnhwError(
            f"is no readable JSON: {error}", where=where, fix='give a list: ["cat", "dog"]'
        ) from error
    if not isinstance(names, (list, dict)):  # a line that JSON takes for a number or a text
        return (text.strip(),)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BnnhwError("is no JSON list of names", where=where, fix='give e.g. ["cat", "dog"]')
    return tuple(names)
