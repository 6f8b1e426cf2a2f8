"""Inputs that users give: arrays and images, in the model's own input format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import BnnhwError, ToolError
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.ir.graph import Graph, InputFormat

_IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".ppm",
    ".pgm",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
)
_MAGIC = (b"\x93NUMPY", b"PK")
_ARRAY_KEYS = ("x", "input", "inputs", "images", "data")


def read_inputs(paths: Sequence[Path], source: InputFormat) -> NDArray[np.generic]:
    """Model inputs [N, *shape] from .npy or .npz files, images, or folders of images.

    An .npz file holds one array, or one named x, input, inputs, images, data or as the model's
    input. Images are scaled to the model's size and become its values through its input type.

    Raises:
        BnnhwError: a file is missing, unreadable, or of the wrong shape.
    """
    files = [file for path in paths for file in (_image_files(path) if path.is_dir() else [path])]
    return np.concatenate([_with_batch(_read(file, source), source, file) for file in files])


def _image_files(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in _IMAGE_SUFFIXES)
    if not files:
        raise BnnhwError(
            "the folder holds no images",
            where=str(folder),
            fix=f"give a folder of {', '.join(_IMAGE_SUFFIXES)}, or .npy or .npz files",
        )
    return files


def _read(path: Path, source: InputFormat) -> NDArray[np.generic]:
    if not path.is_file():
        raise BnnhwError("no such file", where=str(path), fix="check the path of --input")
    if path.suffix in (".npy", ".npz"):
        return _read_arrays(path, source.name)
    if path.suffix.lower() in _IMAGE_SUFFIXES:
        return _read_image(path, source)
    raise BnnhwError(
        f"files of type '{path.suffix}' are not read",
        where=str(path),
        fix="give .npy, .npz, images, or a folder of images",
    )


def _with_batch(array: NDArray[np.generic], source: InputFormat, path: Path) -> NDArray[np.generic]:
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


def read_labels(paths: Sequence[Path], count: int) -> NDArray[np.generic] | None:
    """The array ``labels`` [count] of a single .npz file of inputs, where it holds one."""
    if len(paths) != 1 or paths[0].suffix != ".npz":
        return None
    with np.load(paths[0], allow_pickle=False) as data:
        labels = data["labels"] if "labels" in data.files else None
    return labels if labels is not None and labels.shape == (count,) else None


def random_inputs(graph: Graph, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Random integer inputs [N, ...] over the whole input type; seeded."""
    rng = np.random.default_rng(seed)
    shape = graph.tensors[graph.input].shape
    dtype = graph.tensors[graph.input].dtype
    if isinstance(dtype, Integer):
        return rng.integers(dtype.low, dtype.high + 1, (count, *shape))
    low, high = dtype.low, dtype.high  # type: ignore[union-attr]
    return np.where(rng.random((count, *shape)) < 0.5, low, high).astype(np.int64)


def _read_arrays(path: Path, input_name: str) -> NDArray[np.generic]:
    """The array of a .npy file, or the input's of a .npz file."""
    try:
        with path.open("rb") as file:
            if not file.read(8).startswith(_MAGIC):  # numpy would take it for a pickled object
                raise ValueError("it does not begin as one")
        data = np.load(path, allow_pickle=False)
        if isinstance(data, np.ndarray):
            return data
        with data:
            names = list(data.files)
            chosen = next((n for n in (input_name, *_ARRAY_KEYS) if n in names), None)
            if chosen is None and len(names) == 1:
                chosen = names[0]
            if chosen is not None:
                return np.asarray(data[chosen])
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


def _read_image(path: Path, source: InputFormat) -> NDArray[np.generic]:
    """One image as a model input [*shape]: pixels 0..255 through the input's scale and offset."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolError(
            "reading images needs the package pillow", fix="pip install 'bnnhw[images]'"
        ) from error
    if not (isinstance(source.element, Integer) and source.element == Integer(8, False)):
        raise BnnhwError(
            f"the model's input type is {source.element}, pixels are uint8",
            where=str(path),
            fix="give an .npy file in the model's own input format",
        )
    shape = source.shape if source.channels_last else (*source.shape[1:], source.shape[0])
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise BnnhwError(
            f"the model's input of shape {tuple(source.shape)} is no image",
            where=str(path),
            fix="give an .npy file in the model's own input format",
        )
    try:
        with Image.open(path) as image:
            mode = "RGB" if shape[2] == 3 else "L"
            scaled = image.convert(mode).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
            pixels = np.asarray(scaled).reshape(shape)
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise BnnhwError(
            f"is no readable image: {error}",
            where=str(path),
            fix="open it in a viewer: the file is damaged, or of another type than its name says",
        ) from error
    integers = pixels.astype(np.int64).transpose(2, 0, 1)[None]
    return source.decode(integers)[0]
