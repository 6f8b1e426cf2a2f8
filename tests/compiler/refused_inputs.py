"""Inputs that `bnnhw compile` refuses; see ``refusals``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES: dict[str, Callable[[Path], list[str]]] = {}
"""By name: writes what a case needs to a folder, and gives the arguments of the compile."""


def given(name: str, write: Callable[[Path], Path]) -> None:
    """Registers a file of inputs for ``small_cnn``, which takes uint8 [N, 3, 6, 6]."""
    CASES[name] = lambda folder: [
        str(small_cnn().save(folder / "m.onnx")),
        "--input",
        str(write(folder)),
    ]


def array(x: Any) -> Callable[[Path], Path]:
    """Writes an array as x.npy."""

    def write(folder: Path) -> Path:
        np.save(folder / "x.npy", x)
        return folder / "x.npy"

    return write


def content(file: str, data: bytes) -> Callable[[Path], Path]:
    """Writes a file."""

    def write(folder: Path) -> Path:
        (folder / file).write_bytes(data)
        return folder / file

    return write


def two_arrays(folder: Path) -> Path:
    np.savez(folder / "x.npz", a=np.zeros(3), b=np.zeros(3))
    return folder / "x.npz"


def truncated_archive(folder: Path) -> Path:
    np.savez(folder / "x.npz", x=np.zeros((4, 3, 6, 6)))
    (folder / "x.npz").write_bytes((folder / "x.npz").read_bytes()[:200])
    return folder / "x.npz"


def empty_folder(folder: Path) -> Path:
    (folder / "images").mkdir()
    return folder / "images"


def picture(image: Image.Image) -> Callable[[Path], Path]:
    """Writes an image as x.png."""

    def write(folder: Path) -> Path:
        image.save(folder / "x.png")
        return folder / "x.png"

    return write


def labelled(folder: Path) -> Path:
    np.savez(folder / "x.npz", x=np.zeros((4, 3, 6, 6), np.uint8), y=np.arange(3))
    return folder / "x.npz"


def labelled_in_floats(folder: Path) -> Path:
    np.savez(folder / "x.npz", x=np.zeros((2, 3, 6, 6), np.uint8), y=np.zeros(2))
    return folder / "x.npz"


def listed(rows: bytes) -> Callable[[Path], Path]:
    """Writes x.npy, one input, and a list."""

    def write(folder: Path) -> Path:
        np.save(folder / "x.npy", np.zeros((1, 3, 6, 6), np.uint8))
        (folder / "x.csv").write_bytes(rows)
        return folder / "x.csv"

    return write


given("inputs of another shape", array(np.zeros((2, 6, 6, 3), np.uint8)))
given("no inputs at all", array(np.zeros((0, 3, 6, 6), np.uint8)))
given("inputs that are text", array(np.full((1, 3, 6, 6), "a")))
given("complex inputs", array(np.zeros((1, 3, 6, 6), np.complex64)))
given("inputs with NaN", array(np.full((1, 3, 6, 6), np.nan)))
given("inputs with infinity", array(np.full((1, 3, 6, 6), -np.inf)))
given("inputs beyond the type", array(np.full((1, 3, 6, 6), 256)))
given("inputs between the integers", array(np.full((1, 3, 6, 6), 0.5)))
given("pickled inputs", array(np.full((1, 3, 6, 6), None)))
given("empty npy file", content("x.npy", b""))
given("npy file of something else", content("x.npy", b"PNG" * 50))
given("npz file of two unnamed arrays", two_arrays)
given("truncated npz file", truncated_archive)
given("image of garbage", content("x.png", b"\x89PNG\r\n\x1a\n" + b"x" * 99))
given("folder without images", empty_folder)
given("image of another size", picture(Image.new("RGB", (8, 6))))
given("image of 16 bits", picture(Image.new("I;16", (6, 6))))
given("labels for other inputs", labelled)
given("labels in floats", labelled_in_floats)
given("inputs of an unread type", content("x.txt", b"1,2,3\n"))
given("list of three columns", content("x.csv", b"1,2,3\n"))
given("list whose header names no label", content("x.csv", b"id,file\n1,x.npy\n"))
given("list whose header names no file", content("x.csv", b"id,label\n1,2\n"))
given("list of a missing file", content("x.csv", b"file,label\nabsent.png,1\n"))
given("list without labels", content("x.csv", b"file,label\nx.csv,\n"))
given("list with a file twice", listed(b"x.npy,1\n./x.npy,2\n"))
given("list with an unknown class", listed(b"x.npy,cat\n"))
given("list with a number below the classes", listed(b"x.npy,-1\n"))
given("list with a number of many digits", listed(b"x.npy," + b"9" * 5000))


def image_for_a_model_without_pixels(folder: Path) -> list[str]:
    path = Sketch(["N", 64]).dense(64, 8).sign().dense(8, 4).save(folder / "m.onnx")
    Image.new("L", (8, 8)).save(folder / "x.png")
    return [str(path), "--input-type", "bipolar", "--input", str(folder / "x.png")]


def image_in_colour_for_one_channel(folder: Path) -> list[str]:
    path = image(8, 1).conv(1, 4, pads=1).batch_norm(4).sign().flatten().dense(256, 4)
    Image.new("RGB", (8, 8), (9, 8, 7)).save(folder / "x.png")
    return [str(path.save(folder / "m.onnx")), "--input", str(folder / "x.png")]


for refused in (image_for_a_model_without_pixels, image_in_colour_for_one_channel):
    CASES[refused.__name__.replace("_", " ")] = refused
