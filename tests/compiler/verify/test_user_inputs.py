"""Arrays and images as model inputs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bnnhw.errors import BnnhwError
from bnnhw.ir.graph import InputFormat
from bnnhw.ir.types import Bit, Integer
from bnnhw.verify.images import ImageRules
from bnnhw.verify.inputs import Samples, check_labels, random_inputs, read_inputs
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
    samples = read_inputs(paths, FIRST)
    read = samples.x
    assert samples.names[:3] == ("batch.npy[0]", "batch.npy[1]", "one.npy")
    assert samples.labels is not None and samples.labels.tolist() == [None, None, None, 0, 1, None]
    assert samples.notes == ("2 of 6 inputs have labels: accuracy is that of these",)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, np.concatenate([x, x[:1], x, x[1:]]))


def test_the_models_own_name_is_preferred_in_npz(tmp_path) -> None:
    x = pixels()
    np.savez(tmp_path / "a.npz", x=np.zeros((1, 3, 4, 5)), image=x)
    source = InputFormat("image", (3, 4, 5), "uint8", element=UINT8)
    np.testing.assert_array_equal(read_inputs([tmp_path / "a.npz"], source).x, x)


def test_a_npz_under_the_name_of_a_npy_is_read_all_the_same(tmp_path) -> None:
    x = pixels()
    np.savez(tmp_path / "x.npz", x=x)
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    np.testing.assert_array_equal(read_inputs([tmp_path / "x.npy"], FIRST).x, x)


def test_one_image_of_the_models_size_keeps_its_pixels_in_both_orders(tmp_path) -> None:
    x = pixels(1)
    Image.fromarray(x[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_inputs([tmp_path / "a.png"], FIRST).x, x)
    rows = read_inputs([tmp_path / "a.png"], LAST).x
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, x.transpose(0, 2, 3, 1))


def test_images_go_through_the_declared_scale_and_offset(tmp_path) -> None:
    x = pixels(1)
    Image.fromarray(x[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    source = InputFormat("x", (3, 4, 5), "float32", element=UINT8, scale=2 / 255, offset=-1.0)
    read = read_inputs([tmp_path / "a.png"], source).x
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, x * (2 / 255) - 1, atol=1e-6)
    np.testing.assert_array_equal(source.encode(read), x)


def test_arrays_of_uint8_are_raw_pixels_where_the_model_takes_floats(tmp_path) -> None:
    x = pixels()
    source = InputFormat("x", (3, 4, 5), "float32", element=UINT8, scale=2 / 255, offset=-1.0)
    np.save(tmp_path / "raw.npy", x)
    np.save(tmp_path / "values.npy", (x * (2 / 255) - 1).astype(np.float32))
    raw, values = (read_inputs([tmp_path / name], source).x for name in ("raw.npy", "values.npy"))
    np.testing.assert_allclose(raw, values, atol=1e-6)
    np.testing.assert_array_equal(source.encode(raw), x)
    per_channel = InputFormat(
        "x", (4, 5, 3), "float32", True, UINT8, (0.01, 0.02, 0.03), (-1.0, -2.0, -3.0)
    )
    last = x.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(per_channel.encode(per_channel.from_pixels(last)), x)
    signed = InputFormat("x", (3, 4, 5), "float32", element=Integer(8, True))
    assert signed.from_pixels(x) is x


def test_images_of_another_size_or_colour_are_refused_unless_allowed(tmp_path) -> None:
    Image.new("RGB", (50, 40), (250, 200, 100)).save(tmp_path / "a.png")
    Image.new("RGBA", (6, 8), (200, 200, 200, 255)).save(tmp_path / "b.png")
    Image.new("P", (6, 8), 3).save(tmp_path / "c.png")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    grey = InputFormat("x", (1, 8, 6), "uint8", element=UINT8)
    with pytest.raises(BnnhwError, match="has colours, the model takes one channel"):
        read_inputs(paths, grey, ImageRules(resize=True))
    with pytest.raises(BnnhwError, match="has 50x40 pixels, the model takes 6x8"):
        read_inputs(paths, grey, ImageRules(grey=True))
    samples = read_inputs(paths, grey, ImageRules(resize=True, grey=True))
    assert samples.x.shape == (2, 1, 8, 6)
    luma = round(0.299 * 250 + 0.587 * 200 + 0.114 * 100)
    assert np.abs(samples.x[0].astype(int) - luma).max() <= 1
    assert (samples.x[1] == 200).all()
    assert samples.notes == ("images scaled to 6x8 pixels: 1", "images turned grey: 1")
    assert read_inputs(paths[1:], grey).notes == ()  # grey stored as colours
    colours = InputFormat("x", (3, 8, 6), "uint8", element=UINT8)
    assert read_inputs([tmp_path / "c.png"], colours).x.shape == (1, 3, 8, 6)


def test_images_of_more_than_8_bits_are_refused(tmp_path) -> None:
    Image.fromarray(np.full((8, 6), 40000, np.uint16)).save(tmp_path / "a.png")
    grey = InputFormat("x", (1, 8, 6), "uint8", element=UINT8)
    with pytest.raises(BnnhwError, match="more than 8 bits"):
        read_inputs([tmp_path / "a.png"], grey)


def test_a_folder_of_folders_labels_its_images_by_the_order_of_names(tmp_path) -> None:
    x = pixels(3)
    for name, image in zip(("dog/a.png", "cat/b.png", "dog/0.png"), x, strict=True):
        (tmp_path / "val" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "val" / name)
    (tmp_path / "val" / "empty").mkdir()
    samples = read_inputs([tmp_path / "val"], FIRST)
    np.testing.assert_array_equal(samples.x, x[[1, 2, 0]])
    assert samples.names == ("cat/b.png", "dog/0.png", "dog/a.png")
    assert samples.labels is not None and samples.labels.tolist() == [0, 1, 1]
    assert samples.classes == ("cat", "dog")
    (tmp_path / "other" / "cow").mkdir(parents=True)
    (tmp_path / "val" / "cat" / "b.png").rename(tmp_path / "other" / "cow" / "b.png")
    with pytest.raises(BnnhwError, match="in one folder, others in another"):
        read_inputs([tmp_path / "val", tmp_path / "other"], FIRST)
    Image.new("RGB", (5, 4)).save(tmp_path / "val" / "loose.png")
    with pytest.raises(BnnhwError, match=r"holds images \(loose.png\) and folders of images"):
        read_inputs([tmp_path / "val"], FIRST)
    with pytest.raises(BnnhwError, match="holds no images, nor a folder"):
        read_inputs([tmp_path / "val" / "empty"], FIRST)


def test_a_folder_gives_its_images_sorted_by_name_and_nothing_else(tmp_path) -> None:
    x = pixels(3)
    for name, image in zip(("b.PNG", "a.png", "c.bmp"), x, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    np.testing.assert_array_equal(read_inputs([tmp_path], FIRST).x, x[[1, 0, 2]])


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


@pytest.mark.parametrize("key", ["labels", "label", "y"])
def test_labels_lie_beside_the_inputs(tmp_path, key) -> None:
    x = pixels(3)
    path = tmp_path / "x.npz"
    np.savez(path, images=x, **{key: np.arange(3)})
    labels = read_inputs([path, path], FIRST).labels
    assert labels is not None and labels.tolist() == [0, 1, 2, 0, 1, 2]
    np.savez(path, whatever=x, **{key: np.arange(3)})
    assert read_inputs([path], FIRST).labels is not None
    np.savez(path, images=x, **{key: np.arange(2)})
    with pytest.raises(BnnhwError, match=r"labels of shape \(2,\) for 3 inputs"):
        read_inputs([path], FIRST)
    np.savez(path, images=x)
    assert read_inputs([path], FIRST).labels is None


def test_labels_are_classes_of_the_network() -> None:
    graph = GraphBuilder((40,), Bit(True)).graph()
    classes = int(np.prod(graph.tensors[graph.output].shape))
    x = np.zeros((2, 40))
    check_labels(Samples(x, ("a", "b"), np.array([0, classes - 1])), graph)
    check_labels(Samples(x, ("a", "b")), graph)
    for labels in (np.array([1, classes]), np.array([-1, 0]), np.array([0.0, 1.0])):
        with pytest.raises(BnnhwError, match="labels are"):
            check_labels(Samples(x, ("a", "b"), labels), graph)
    with pytest.raises(BnnhwError, match=f"folders of 2 classes, the network has {classes}"):
        check_labels(Samples(x, ("a", "b"), np.array([0, 1]), ("x", "y")), graph)
