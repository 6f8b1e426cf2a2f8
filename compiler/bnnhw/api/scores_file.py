"""Scores in a file: .npy for programs, .csv for people."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".npy", ".csv")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def check_scores_file(path: Path | None) -> None:
    """Refuses a file for scores that cannot be written: worth asking before the work."""
    if path is None:
        return
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BnnhwError(
            "is a folder" if path.is_dir() else "lies in a folder that does not exist",
            where=f"option --output {path}",
            fix="give the name of a .npy or .csv file in an existing folder",
        )
    if path.suffix.lower() not in SUFFIXES:
        raise BnnhwError(
            f"files of type '{path.suffix}' are not written",
            where=f"option --output {path}",
            fix="give a name that ends in .npy (integers [N, ...]) or .csv (file, class, scores)",
        )


def write_scores(
    path: Path,
    scores: NDArray[np.int64],
    classes: NDArray[np.int64],
    *,
    names: Sequence[str] = (),
    class_names: Sequence[str] = (),
    top_k: int = 0,
) -> None:
    """Writes integer scores: to .npy as they are, to .csv a row an input.

    A row is the file, the best class, its name where it has one, and all scores by class. Of a
    design that sends its ``top_k`` best classes it has these, each before its score. Names that a
    spreadsheet would run as formulas stand behind a '.

    Args:
        path: ends in .npy or .csv.
        scores: [N, ...].
        classes: the best class of each, [N].
        names: of the inputs, repeated where there are fewer; their numbers where there are none.
        class_names: names of the classes, or none.
        top_k: pairs of class and score per input, 0 where the scores are those of all classes.

    Raises:
        BnnhwError: the file cannot be.
    """
    check_scores_file(path)
    if path.suffix.lower() == ".npy":
        with path.open("wb") as file:  # by name, numpy.save would add .npy to .NPY
            np.save(file, scores)
        return
    flat = scores.reshape(len(scores), -1)
    if top_k:
        columns = [f"{what}_{i + 1}" for i in range(top_k) for what in ("class", "score")]
    else:
        columns = [f"score_{i}" for i in range(flat.shape[1])]
    with path.open("w", encoding="utf-8", newline="") as text:
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["file", "class", *(["name"] if class_names else []), *columns])
        for number, (best, row) in enumerate(zip(classes.tolist(), flat.tolist(), strict=True)):
            name = names[number % len(names)] if names else str(number)
            called = map(_as_text, class_names[best : best + 1])
            rows.writerow([_as_text(name), best, *called, *row])


def _as_text(cell: str) -> str:
    """A name as a spreadsheet shows it: behind ' where it would be run as a formula."""
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
