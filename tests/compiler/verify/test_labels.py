"""Names of classes, and lists of files with the class of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.frontend import load
from bnnhw.verify.inputs import check_labels, read_inputs, samples_of
from bnnhw.verify.labels import class_names, class_number, read_list
from bnnhw.zoo.shipped import shipped_model

if TYPE_CHECKING:
    from pathlib import Path

GRAPH = load(shipped_model("digits").path)
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Three images and an array, in folders of their own."""
    Image = pytest.importorskip("PIL.Image")
    for name, value in (("a.png", 10), ("deep/b.png", 20), ("c, d.png", 30)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(tmp_path / name)
    np.save(tmp_path / "many.npy", np.zeros((3, 8, 8, 1), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        'a.png,3\ndeep/b.png,one\n"c, d.png",9\n',
        'file,label\na.png,3\ndeep/b.png,one\n"c, d.png",nine\n',
        'id,Label,width,FileName\n0,three,8,a.png\n1,1,8,deep/b.png\n\n2,9,8,"c, d.png"\n',
        '\ufeffpath, class\r\na.png, three\r\ndeep/b.png, one\r\n"c, d.png", 9\r\n',
    ],
)
def test_a_csv_lists_files_with_their_labels(here: Path, text: str) -> None:
    (here / "list.csv").write_text(text, "utf-8")
    found = read_inputs([here / "list.csv"], GRAPH.input_format, class_names=NAMES)
    assert found.names == ("a.png", "deep/b.png", "c, d.png")
    assert found.labels is not None and found.labels.tolist() == [3, 1, 9]
    assert found.x[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert found.classes == NAMES


@pytest.mark.parametrize(
    ("text", "where", "said", "fix"),
    [
        ("a" * 5000 + ".png,3\n", "line 1", "there is no file aaa", "where the list is"),
        ("a.png,3\nabsent.png,1\n", "line 2", "there is no file absent.png", "where the list is"),
        ("a.png,thre\n", "line 1", "'thre' is no class", "did you mean 'three'?"),
        ("a.png,3\ndeep/../a.png,3\n", "line 2", "stands in", "give each file once"),
        ("file,label\na.png\n", "line 2", "has no label", "with a comma between"),
        ("a.png,3,8\n", "list.csv", "has 3 columns, and no header", "'file' and 'label'"),
        ("file,label\n", "list.csv", "lists no files", "a file and its label"),
        ("many.npy,3\n", "line 1", "many.npy holds 3 inputs", "into an .npz"),
        (
            "id,file\n0,a.png\n",
            "list.csv",
            "its header names no label: id, file",
            "'label' (or class",
        ),
        ("file,foo\na.png,3\n", "list.csv", "its header names no label: file, foo", "'label'"),
        ("id,label,w\n0,3,8\n", "list.csv", "its header names no file: id, label, w", "'file' (or"),
        ("a.png,path\n", "line 1", "'path' is no class", "the classes are zero"),
        ('a.png,"3\n', "list.csv", "is no readable CSV file", "UTF-8"),
    ],
)
def test_a_list_that_cannot_be_is_refused(here: Path, text, where, said, fix) -> None:
    (here / "list.csv").write_text(text)
    with pytest.raises(BnnhwError, match=said) as caught:
        read_inputs([here / "list.csv"], GRAPH.input_format, class_names=NAMES)
    assert str(caught.value.where).endswith(where)
    assert fix in str(caught.value.fix)


def test_labels_without_names_are_numbers(here: Path) -> None:
    (here / "list.csv").write_text("a.png,three\n")
    with pytest.raises(BnnhwError, match="'three' is no whole number, and the network's classes"):
        read_inputs([here / "list.csv"], GRAPH.input_format)
    (here / "list.csv").write_text("a.png,10\n")
    found = read_inputs([here / "list.csv"], GRAPH.input_format)
    with pytest.raises(BnnhwError, match="labels are 10 to 10"):
        check_labels(found, GRAPH)
    assert [row.label for row in read_list(here / "list.csv")] == ["10"]


@pytest.mark.parametrize("number", ["10", "-1", "9" * 5000])
@pytest.mark.parametrize("names", [(), NAMES])
def test_a_number_beyond_the_classes_is_refused_where_it_stands(here: Path, number, names) -> None:
    (here / "list.csv").write_text(f"a.png,3\ndeep/b.png,{number}\n")
    with pytest.raises(BnnhwError, match=f"the label {number[:40]}.* is no class") as caught:
        samples_of(here / "list.csv", GRAPH, class_names=names)
    assert str(caught.value.where).endswith("list.csv, line 2")
    assert caught.value.fix == "the network's classes are the integers 0 to 9"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", ["S5", "U5"])
def test_labels_in_arrays_may_be_names_in_bytes(here: Path, kind: str) -> None:
    labels = np.array(["three", "1", "nine"]).astype(kind)
    np.savez(here / "x.npz", x=np.zeros((3, 8, 8, 1), np.uint8), labels=labels)
    found = samples_of(here / "x.npz", GRAPH, class_names=NAMES)
    assert found.labels is not None and found.labels.tolist() == [3, 1, 9]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.array([b"thr\xe9e"] * 3), "are no UTF-8"),
        (np.array([b"thre"] * 3), "'thre' is no class"),
        (np.array([0.0, 1, 2]), "labels of type float64"),
        (np.array([True] * 3), "labels of type bool"),
        (np.array(["2020-01-01"] * 3, "datetime64[D]"), r"labels of type datetime64\[D\]"),
        (np.zeros(3, "V4"), r"labels of type \|V4"),
        (np.array([-1, 1, 3]), "holds labels -1 to 3"),
        (np.array([1, 1, 2**64 - 1], np.uint64), "holds labels 1 to 18446744073709551615"),
    ],
)
def test_labels_in_arrays_that_cannot_be_are_refused(here: Path, labels, said) -> None:
    np.savez(here / "x.npz", x=np.zeros((3, 8, 8, 1), np.uint8), labels=labels)
    with pytest.raises(BnnhwError, match=said) as caught:
        samples_of(here / "x.npz", GRAPH, class_names=NAMES)
    assert caught.value.where == str(here / "x.npz")
    assert caught.value.fix


def test_accuracy_is_that_of_the_labelled(here: Path) -> None:
    (here / "list.csv").write_text("a.png,3\n")
    paths = [here / "list.csv", here / "many.npy"]
    found = read_inputs(paths, GRAPH.input_format)
    assert found.labels is not None and np.ma.count(found.labels) == 1
    assert (np.array([3, 3, 0, 0]) == found.labels).mean() == 1
    assert found.notes == ("1 of 4 inputs have labels: accuracy is that of these",)
    check_labels(found, GRAPH)


@pytest.mark.parametrize("text", ["\n".join(NAMES), "\n".join(NAMES) + "\r\n\n", None])
def test_names_are_read_from_lines_and_json(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "names.txt"
    file.write_text(str(list(NAMES)).replace("'", '"') if text is None else text)
    assert class_names(file, 10) == NAMES
    assert class_names(list(NAMES), 10) == NAMES
    assert class_names(None, 10) == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[cat]\n[dog]\n", ("[cat]", "[dog]")),
        ("{cat}\r\n[0]\r\n", ("{cat}", "[0]")),
        ("[0]\n[1]\n", ("[0]", "[1]")),
        ("a\u2028b\nc\u2029d", ("a\u2028b", "c\u2029d")),
        ('[\n"[cat]",\n"dog"]', ("[cat]", "dog")),
    ],
)
def test_lines_are_names_whatever_they_hold(tmp_path: Path, text: str, names) -> None:
    (tmp_path / "names.txt").write_bytes(text.encode())
    assert class_names(tmp_path / "names.txt", 2) == names


def test_one_line_is_one_name(tmp_path: Path) -> None:
    for text in ("7", '"cat"', "null"):
        (tmp_path / "names.txt").write_text(text + "\n")
        assert class_names(tmp_path / "names.txt", 1) == (text,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nb\n", "2 class names, the network has 3 classes"),
        ("a\nb\na\n", "classes 0 and 2 are both called 'a'"),
        ("a\n\nb\n", "class 1 has no name"),
        ('["a", "b", 3]', "is no JSON list of names"),
        ('["a", "b"', "is no readable JSON"),
        ('{"0": "a", "1": "b"', "is no readable JSON"),
        ('{"0": "a", "1": "b"}', "is no JSON list of names"),
        ("[" * 100_000, "1 class names, the network has 3 classes"),
        ('["a", ' + "[" * 100_000, "is no readable JSON"),
        ("a\n\x1b[31mb\nc", r"the name of class 1 holds the control character '\\x1b'"),
        ("a\x0bb\nc\nd", r"the name of class 0 holds the control character '\\x0b'"),
        ('["a", "b\\nc", "d"]', r"the name of class 1 holds the control character '\\n'"),
        ('["a", "b", "\\ud800"]', r"the name of class 2 holds the control character '\\ud800'"),
        ("", "0 class names"),
        (None, "no such file"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "names.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BnnhwError, match=said) as caught:
        class_names(file, 3)
    assert caught.value.where == f"option --labels {file}"
    assert caught.value.fix


def test_folders_are_the_classes_that_they_are_called_after(here: Path) -> None:
    for folder, file in (("two", "a.png"), ("nine", "deep/b.png")):
        (here / "val" / folder).mkdir(parents=True)
        (here / "val" / folder / "x.png").write_bytes((here / file).read_bytes())
    found = read_inputs([here / "val"], GRAPH.input_format, class_names=NAMES)
    assert found.labels is not None and found.labels.tolist() == [9, 2]
    (here / "val" / "two").rename(here / "val" / "TWO")
    (here / "val" / "nine").rename(here / "val" / "Nine")
    found = read_inputs([here / "val"], GRAPH.input_format, class_names=NAMES)
    assert found.labels is not None and found.labels.tolist() == [9, 2]
    assert not found.notes
    (here / "val" / "Nine").rename(here / "val" / "nine")
    (here / "val" / "TWO").rename(here / "val" / "tow")
    with pytest.raises(BnnhwError, match="'tow' is no class") as caught:
        read_inputs([here / "val"], GRAPH.input_format, class_names=NAMES)
    assert "did you mean 'two'" in str(caught.value.fix)
    (here / "val" / "nine").rename(here / "val" / "n09")
    with pytest.raises(BnnhwError, match="2 folders, none of them called as a class: zero, one"):
        read_inputs([here / "val"], GRAPH.input_format, class_names=NAMES)
    found = read_inputs([here / "val"], GRAPH.input_format, class_names=("cat", "dog"))
    assert found.labels is not None and found.labels.tolist() == [0, 1]
    assert "taken in the order of their names" in found.notes[0]


def test_case_tells_classes_apart_that_are_called_alike() -> None:
    assert [class_number(name, ("Cat", "cat", "Dog"), "here") for name in ("Cat", "cat")] == [0, 1]
    assert class_number("DOG", ("Cat", "cat", "Dog"), "here") == 2
    with pytest.raises(BnnhwError, match="'CAT' is no class"):
        class_number("CAT", ("Cat", "cat", "Dog"), "here")


def test_folders_with_control_characters_are_refused(here: Path) -> None:
    (here / "val" / "t\x1bwo").mkdir(parents=True)
    (here / "val" / "t\x1bwo" / "x.png").write_bytes((here / "a.png").read_bytes())
    with pytest.raises(BnnhwError, match="class 0 holds the control character") as caught:
        read_inputs([here / "val"], GRAPH.input_format)
    assert caught.value.where == str(here / "val") and caught.value.fix
