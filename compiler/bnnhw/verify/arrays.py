"""Arrays of inputs and their labels in .npy and .npz files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import BnnhwError
from bnnhw.verify.labels import class_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.ir.graph import InputFormat

_MAGIC = (b"\x93NUMPY", b"PK")
_LABEL_KEYS = ("labels", "label", "y")
_ARRAY_KEYS = ("x", "input", "inputs", "images", "data")


def read_arrays(
    path: Path, input_name: str
) -> tuple[NDArray[np.generic], NDArray[np.generic] | None]:
    """The array of a .npy file, or the input's of a .npz file; labels that lie beside it."""
    try:
        with path.open("rb") as file:
            if not file.read(8).startswith(_MAGIC):  # numpy would take it for a pickled object
                raise ValueError("it does not begin as one")
        data = np.load(path, allow_pickle=False)
        if isinstance(data, np.ndarray):
            return data, None
        with data:
            names = list(data.files)
            chosen = next((n for n in (input_name, *_ARRAY_KEYS) if n in names), None)
            labels = next((n for n in _LABEL_KEYS if n in names and n != chosen), None)
            rest = [n for n in names if n != labels]
            if chosen is None and len(rest) == 1:
                chosen = rest[0]
            if chosen is not None:
                return np.asarray(data[chosen]), None if labels is None else np.asarray(
                    data[labels]
                )
    except Exception as error:  # numpy, zipfile and zlib have no common one for damaged files
        raise BnnhwError(
            f"is no readable {path.suffix} file: {error}",
            where=str(path),
            fix="save it again with numpy.save or numpy.savez, without pickled objects",
        ) from error
    raise BnnhwError(
        f"holds {len(names)} arrays ({', '.join(names)}), none of them named as an input",
        where=str(path),
        fix=f"name one of them '{input_name}'",
    )


def with_batch(array: NDArray[np.generic], source: InputFormat, path: Path) -> NDArray[np.generic]:
    """The array as [N, *shape]; one input alone gets its batch dimension."""
    if array.dtype.kind not in "biuf":
        raise BnnhwError(
            f"holds elements of type {array.dtype}, not numbers",
            where=str(path),
            fix=f"save the inputs as {source.dtype}",
        )
    one = array[None] if tuple(array.shape) == tuple(source.shape) else array
    if tuple(one.shape[1:]) != tuple(source.shape) or len(one) == 0:
        raise BnnhwError(
            f"holds an array of shape {tuple(array.shape)}, the model takes (N, "
            f"{', '.join(map(str, source.shape))})",
            where=str(path),
            fix="give inputs in the model's own shape and order",
        )
    if not np.isfinite(one.astype(np.float64)).all():
        raise BnnhwError(
            "holds values that are infinite or not a number",
            where=str(path),
            fix="look at how the inputs were made: every element must be a number",
        )
    return one


def numbered_labels(
    labels: NDArray[np.generic],
    count: int,
    names: Sequence[str],
    path: Path,
    classes: int | None = None,
) -> NDArray[np.int64]:
    """The labels of ``count`` inputs as numbers of classes: they may be names, in bytes too.

    Args:
        labels: as the file has them.
        count: so many inputs the file holds.
        names: of the classes, or none.
        path: the file.
        classes: how many the network has; None where that is checked later.

    Raises:
        BnnhwError: they are of another shape or type, or one is no class.
    """
    where = str(path)
    if labels.shape != (count,):
        raise BnnhwError(
            f"holds labels of shape {labels.shape} for {count} inputs",
            where=where,
            fix="give one number for each input, or leave the labels out",
        )
    if labels.dtype.kind in "US":
        try:
            texts = [t.decode() if isinstance(t, bytes) else t for t in labels.tolist()]
        except UnicodeDecodeError as error:
            raise BnnhwError(
                f"holds labels of type {labels.dtype} that are no UTF-8: {error.reason}",
                where=where,
                fix="save the labels as integers, or as text",
            ) from error
        return np.array([class_number(t, names, where, classes) for t in texts])
    if labels.dtype.kind not in "iu":
        raise BnnhwError(
            f"holds labels of type {labels.dtype}",
            where=where,
            fix="save the labels as integers from 0, or as the names of classes",
        )
    low, high = labels.min(), labels.max()
    if classes is not None and not 0 <= low <= high < classes:
        raise BnnhwError(
            f"holds labels {low} to {high}",
            where=where,
            fix=f"the network's classes are the integers 0 to {classes - 1}",
        )
    return labels.astype(np.int64)
