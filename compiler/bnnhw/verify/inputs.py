"""Samples that users give: arrays and images, in the model's own input format."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import BnnhwError
from bnnhw.ir.types import Integer
from bnnhw.verify.arrays import numbered_labels, read_arrays, with_batch
from bnnhw.verify.images import IMAGE_SUFFIXES, Changes, ImageRules, images_in, read_image
from bnnhw.verify.labels import check_characters, class_number, is_list, read_list, shown_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from bnnhw.ir.graph import Graph, InputFormat

_AS_THEY_ARE = ImageRules()


@dataclass(frozen=True)
class Samples:
    """Model inputs that a user gave.

    Attributes:
        x: the inputs, [N, *shape] in the model's own format.
        names: of each input: its file, with its place where the file holds several;
            none for arrays.
        labels: the right class of each, [N]; masked where an input has none (``numpy.ma``), None
            where no input has one.
        classes: names of the classes, where the user or folders gave them.
        notes: what was done to them.
    """

    x: NDArray[np.generic]
    names: tuple[str, ...]
    labels: NDArray[np.generic] | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


if TYPE_CHECKING:
    Given = ArrayLike | Samples | Sequence[str | Path] | str | Path


def read_inputs(
    paths: Sequence[Path],
    source: InputFormat,
    rules: ImageRules = _AS_THEY_ARE,
    class_names: Sequence[str] = (),
    classes: int | None = None,
    names_from: str = "class_names",
    *,
    labelled: bool = True,
) -> Samples:
    """Model inputs from .npy or .npz files, images, folders of images, or lists of files.

    An .npz file holds one array, or one named x, input, inputs, images, data or as the model's
    input; an array labels, label or y has the right classes. A folder holds images, or a folder of
    images for each class: classes count from 0 in the order of their names, as torchvision's
    ImageFolder does, unless they are called as ``class_names`` are. A .csv file lists files with
    their labels (``labels.read_list``). Images become the model's values through its input type,
    and so do arrays of uint8 where the model takes pixels in float.

    Args:
        paths: the files and folders.
        source: the model's input.
        rules: what may be done to images that are of another size or colour.
        class_names: names of the network's classes, which labels and folders may have.
        classes: how many the network has, so that a label beyond is refused with its place.
        names_from: where ``class_names`` were given.
        labelled: whether labels in arrays and lists are read; without, they may be anything.

    Raises:
        BnnhwError: a file is missing, unreadable, or of the wrong shape, or labels are as many as
            inputs are not.
    """
    changes = Changes()
    reader = _Reader(source, rules, changes, tuple(class_names), classes, names_from, labelled)
    parts = [part for path in paths for part in reader.parts(path)]
    count = sum(len(part.x) for part in parts)
    known = sum(len(part.x) for part in parts if part.labels is not None)
    named = dict.fromkeys(part.classes for part in parts if part.classes)
    if len(named) > 1 and not class_names:
        raise BnnhwError(
            f"the classes are {', '.join(next(iter(named)))} in one folder, others in another",
            where="option --input",
            fix="give one folder that holds a folder for each class",
        )
    notes = [*changes.notes(source), *reader.notes]
    if 0 < known < count:
        notes.append(f"{known} of {count} inputs have labels: accuracy is that of these")
    return Samples(
        np.concatenate([part.x for part in parts]),
        tuple(name for part in parts for name in part.names),
        _joined_labels(parts) if known else None,
        tuple(class_names) or next(iter(named), ()),
        tuple(notes),
    )


def _joined_labels(parts: Sequence[Samples]) -> NDArray[np.generic]:
    """Labels [N] of all parts; masked where a part has none."""
    given = [part.labels for part in parts]
    if all(labels is not None for labels in given):
        return np.concatenate(given)  # type: ignore[arg-type]
    filled = [
        np.zeros(len(part.x), np.int64) if part.labels is None else part.labels for part in parts
    ]
    unknown = [np.full(len(part.x), part.labels is None) for part in parts]
    return np.ma.MaskedArray(np.concatenate(filled), np.concatenate(unknown))


def samples_of(
    given: Given,
    graph: Graph,
    *,
    labels: ArrayLike | None = None,
    rules: ImageRules = _AS_THEY_ARE,
    class_names: Sequence[str] = (),
    names_from: str = "class_names",
) -> Samples:
    """Inputs of a network, however a user gives them.

    Args:
        given: model inputs [N, *shape], or one [*shape]; files or folders as ``read_inputs`` takes
            them; or samples that were read before. Numbers of uint8 are raw pixels where the model
            takes pixels as floats.
        graph: the network.
        labels: the right class of each input, [N], in place of those that files hold.
        rules: what may be done to images that are of another size or colour.
        class_names: names of the network's classes; empty where nobody gave them.
        names_from: where they were given.

    Raises:
        BnnhwError: as ``read_inputs`` does; labels are no classes of the network.
    """
    if isinstance(given, Samples):
        samples = given
    elif are_files(given):
        classes = count_classes(graph)
        source = graph.input_format
        samples = read_inputs(paths_of(given), source, rules, class_names, classes, names_from)
    else:
        source, array = graph.input_format, np.asarray(given)
        one = array[None] if array.shape == tuple(source.shape) else array
        samples = Samples(source.from_pixels(one), (), classes=tuple(class_names))
    if labels is not None:
        samples = replace(samples, labels=_as_labels(labels, len(samples.x)))
    check_labels(samples, graph)
    return samples


def are_files(given: object) -> bool:
    """Whether inputs are files or folders, not numbers."""
    first = given[0] if isinstance(given, (list, tuple)) and given else given
    return isinstance(first, (str, Path))


def paths_of(given: Any) -> tuple[Path, ...]:
    """One path or several."""
    return (Path(given),) if isinstance(given, (str, Path)) else tuple(map(Path, given))


def count_classes(graph: Graph) -> int:
    """Scores per input."""
    return math.prod(graph.tensors[graph.output].shape)


def _as_labels(labels: ArrayLike, count: int) -> NDArray[np.generic]:
    """Labels [count] that a caller gives."""
    wanted = np.asarray(labels).reshape(-1)
    if len(wanted) != count or wanted.dtype.kind not in "iu":
        raise BnnhwError(
            f"{len(wanted)} labels for {count} inputs, of type {wanted.dtype}",
            where="labels",
            fix="give the number of the right class for each input",
        )
    return wanted


def check_labels(samples: Samples, graph: Graph) -> None:
    """Holds labels to the classes of a network.

    Raises:
        BnnhwError: there is a folder for more or fewer classes, or a label that is no class.
    """
    classes = count_classes(graph)
    if samples.classes and len(samples.classes) != classes:
        raise BnnhwError(
            f"there are folders of {len(samples.classes)} classes, the network has {classes}",
            where="option --input",
            fix="give a folder of images for each class, or an .npz with labels",
        )
    labels = samples.labels
    if labels is None:
        return
    whole = labels.dtype.kind in "iu"
    if not whole or not 0 <= labels.min() <= labels.max() < classes:
        raise BnnhwError(
            f"labels are {labels.min()} to {labels.max()}"
            if whole
            else f"labels are of type {labels.dtype}",
            where="option --input",
            fix=f"the network's classes are the integers 0 to {classes - 1}",
        )


class _Reader:
    """Reads paths one by one.

    Args:
        source: the model's input.
        rules: what may be done to images.
        changes: counts what was done.
        class_names: names of the network's classes, or none.
        classes: how many the network has, where that is known.
        names_from: where the names were given.
        labelled: whether labels in arrays and lists are read.
    """

    def __init__(
        self,
        source: InputFormat,
        rules: ImageRules,
        changes: Changes,
        class_names: tuple[str, ...],
        classes: int | None,
        names_from: str,
        labelled: bool,
    ) -> None:
        self._source, self._rules, self._changes = source, rules, changes
        self._class_names, self._classes = class_names, classes
        self._names_from, self._labelled = names_from, labelled
        self.notes: list[str] = []

    def parts(self, path: Path) -> Iterator[Samples]:
        """The inputs of one path: file by file, with labels."""
        if not path.exists():
            raise BnnhwError("no such file", where=str(path), fix="check the path of --input")
        if path.is_dir():
            yield from self._folder(path)
        elif is_list(path):
            yield from self._list(path)
        else:
            yield self._file(path, path.name)

    def _list(self, path: Path) -> Iterator[Samples]:
        for row in read_list(path):
            part = self._file(row.path, row.name)
            if len(part.x) != 1:
                raise BnnhwError(
                    f"{row.name} holds {len(part.x)} inputs",
                    where=row.where,
                    fix="list files of one input each, or put the labels into an .npz file",
                )
            if not self._labelled:
                yield part
                continue
            label = class_number(row.label, self._class_names, row.where, self._classes)
            yield replace(part, labels=np.array([label]))

    def _folder(self, path: Path) -> Iterator[Samples]:
        files = images_in(path)
        folders = sorted(f for f in path.iterdir() if f.is_dir() and images_in(f))
        if files and folders:
            raise BnnhwError(
                f"the folder holds images ({files[0].name}) and folders of images "
                f"({folders[0].name})",
                where=str(path),
                fix="give a folder of images, or one that holds a folder for each class",
            )
        if files:
            for file in files:
                yield self._file(file, file.name)
            return
        if not folders:
            raise BnnhwError(
                "the folder holds no images, nor a folder of images for each class",
                where=str(path),
                fix=f"give a folder of {', '.join(IMAGE_SUFFIXES)}, or .npy or .npz files",
            )
        classes = tuple(folder.name for folder in folders)
        check_characters(classes, str(path))
        numbers = self._class_folders(classes, path)
        for label, folder in zip(numbers, folders, strict=True):
            for file in images_in(folder):
                part = self._file(file, f"{folder.name}/{file.name}")
                yield replace(part, labels=np.array([label]), classes=classes)

    def _class_folders(self, folders: tuple[str, ...], path: Path) -> list[int]:
        """The class of each folder: the one that it is called after, else by its place."""
        names = self._class_names
        if not set(map(str.casefold, folders)) & set(map(str.casefold, names)):
            if names and len(folders) != len(names):
                raise BnnhwError(
                    f"holds {len(folders)} folders, none of them called as a class: "
                    f"{shown_names(names)} ({self._names_from})",
                    where=str(path),
                    fix="call each folder as the class of its images, or give other names "
                    "(--labels FILE)",
                )
            if names:
                self.notes.append(
                    f"the folders in {path.name} are not called as the classes are: taken in the "
                    "order of their names"
                )
            return list(range(len(folders)))
        return [class_number(name, names, str(path / name)) for name in folders]

    def _file(self, path: Path, name: str) -> Samples:
        source = self._source
        if path.suffix.lower() in IMAGE_SUFFIXES:
            x = read_image(path, source, self._rules, self._changes)[None]
            return Samples(x, (name,))
        if path.suffix not in (".npy", ".npz"):
            raise BnnhwError(
                f"files of type '{path.suffix}' are not read",
                where=str(path),
                fix="give .npy, .npz, images, a folder of images, or a .csv list of files",
            )
        found, labels = read_arrays(path, source.name)
        x = source.from_pixels(with_batch(found, source, path))
        if not self._labelled:
            labels = None
        if labels is not None:
            labels = numbered_labels(labels, len(x), self._class_names, path, self._classes)
        names = (name,) if len(x) == 1 else tuple(f"{name}[{i}]" for i in range(len(x)))
        return Samples(x, names, labels)


def random_inputs(graph: Graph, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Random integer inputs [N, ...] over the whole input type; seeded."""
    rng = np.random.default_rng(seed)
    shape = graph.tensors[graph.input].shape
    dtype = graph.tensors[graph.input].dtype
    if isinstance(dtype, Integer):
        return rng.integers(dtype.low, dtype.high + 1, (count, *shape))
    low, high = dtype.low, dtype.high  # type: ignore[union-attr]
    return np.where(rng.random((count, *shape)) < 0.5, low, high).astype(np.int64)
