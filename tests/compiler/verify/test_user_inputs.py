"""Arrays and images as model inputs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bnnhw.errors import BnnhwError
from bnnhw.ir.graph import InputFormat
from bnnhw.ir.types import Bit, Integer
from bnnhw.verify.inputs import random_inputs, read_inputs, read_labels
from graphs import GraphBuilder

UINT8 = Integer(8, False)
FIRST = InputFormat("x", (3, 4, 5), "uint8", element=UINT8)  # channels first
LAST = InputFormat("x", (4, 5, 3), "uint8", channels_last=True, element=UINT8)


def pixels(count: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 5), np.uint8)


def test_npy_and_npz_hold_a_batch_or_one_input(tmp_path) -> None:
    x = pixels()
    np.save(tmp_path / "batch.npy", x)
    np.save(tmp_path / "one.npy", x[0])
    np.savez(tmp_path / "named.npz", labels=np.arange(2), x=x)
    np.savez(tmp_path / "single.npz", whatever=x[1])
    paths = [tmp_path / n for n in ("batch.npy", "one.npy", "named.npz", "single.npz")]
    read = read_inputs(paths, FIRST)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, np.concatenate([x, x[:1], x, x[1:]]))


def test_the_models_own_name_is_preferred_in_npz(tmp_path) -> None:
    x = pixels()
    np.savez(tmp_path / "a.npz", x=np.zeros((1, 3, 4, 5)), image=x)
    source = InputFormat("image", (3, 4, 5), "uint8", element=UINT8)
    np.testing.assert_array_equal(read_inputs([tmp_path / "a.npz"], source), x)


def test_a_npz_under_the_name_of_a_npy_is_read_all_the_same(tmp_path) -> None:
    x = pixels()
    np.savez(tmp_path / "x.npz", x=x)
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    np.testing.assert_array_equal(read_inputs([tmp_path / "x.npy"], FIRST), x)


def test_one_image_of_the_models_size_keeps_its_pixels_in_both_orders(tmp_path) -> None:
    x = pixels(1)
    Image.fromarray(x[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_inputs([tmp_path / "a.png"], FIRST), x)
    rows = read_inputs([tmp_path / "a.png"], LAST)
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, x.transpose(0, 2, 3, 1))


def test_images_go_through_the_declared_scale_and_offset(tmp_path) -> None:
    x = pixels(1)
    Image.fromarray(x[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    source = InputFormat("x", (3, 4, 5), "float32", element=UINT8, scale=2 / 255, offset=-1.0)
    read = read_inputs([tmp_path / "a.png"], source)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, x * (2 / 255) - 1, atol=1e-6)
    np.testing.assert_array_equal(source.encode(read), x)


def test_images_are_scaled_and_turned_grey_for_one_channel(tmp_path) -> None:
    Image.new("RGB", (50, 40), (200, 200, 200)).save(tmp_path / "a.jpg")
    Image.new("RGBA", (7, 9), (200, 200, 200, 255)).save(tmp_path / "b.png")
    grey = InputFormat("x", (1, 8, 6), "uint8", element=UINT8)
    read = read_inputs([tmp_path / "a.jpg", tmp_path / "b.png"], grey)
    assert read.shape == (2, 1, 8, 6)
    assert np.abs(read.astype(int) - 200).max() <= 1  # JPEG rounds


def test_a_folder_gives_its_images_sorted_by_name_and_nothing_else(tmp_path) -> None:
    x = pixels(3)
    for name, image in zip(("b.PNG", "a.png", "c.bmp"), x, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    np.testing.assert_array_equal(read_inputs([tmp_path], FIRST), x[[1, 0, 2]])


def test_an_error_names_the_broken_file_of_a_folder(tmp_path) -> None:
    for name in ("a", "b", "c"):
        Image.new("RGB", (5, 4)).save(tmp_path / f"{name}.png")
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[:40])
    with pytest.raises(BnnhwError) as caught:
        read_inputs([tmp_path], FIRST)
    assert caught.value.where == str(tmp_path / "b.png")
    assert caught.value.fix


def test_images_are_refused_where_the_input_is_no_image(tmp_path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    for shape, element, what in (
        ((16,), UINT8, "is no image"),
        ((2, 4, 4), UINT8, "is no image"),
        ((1, 4, 4), Integer(8, True), "int8"),
        ((1, 4, 4), Bit(True), "bipolar"),
    ):
        with pytest.raises(BnnhwError, match=what):
            read_inputs([tmp_path / "a.png"], InputFormat("x", shape, "uint8", element=element))


@pytest.mark.parametrize(
    "element", [UINT8, Integer(4, True), Integer(1, False), Bit(True), Bit(False)]
)
def test_random_inputs_cover_the_whole_type_and_repeat(element) -> None:
    graph = GraphBuilder((40,), element).graph()
    x = random_inputs(graph, 200, seed=3)
    assert x.shape == (200, 40)
    assert (x.min(), x.max()) == (element.low, element.high)
    if isinstance(element, Bit):
        assert set(np.unique(x)) == {element.low, element.high}
    np.testing.assert_array_equal(x, random_inputs(graph, 200, seed=3))
    assert (x != random_inputs(graph, 200, seed=4)).any()


def test_labels_come_from_a_single_npz_of_as_many_inputs(tmp_path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=np.zeros((3, 2)), labels=np.arange(3))
    labels = read_labels([path], 3)
    assert labels is not None and labels.tolist() == [0, 1, 2]
    assert read_labels([path], 4) is None
    assert read_labels([path, path], 6) is None
    np.savez(path, images=np.zeros((3, 2)))
    assert read_labels([path], 3) is None
