"""Build folders: written whole or not at all, and nobody else's files touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bnnhw.backend.build import Build, check_folder, write_build
from bnnhw.errors import BnnhwError
from refusals import write_manifest

MANIFEST = json.dumps(
    {"schema": 1, "bnnhw": "0", "network": "n", "top": "n_top", "input": {}, "output": {}}
)
FILES: dict[str, str | bytes] = {
    "manifest.json": MANIFEST,
    "rtl/n_top.v": "// µ\n",
    "graph.npz": b"\0",
}


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_writes_text_and_bytes_and_makes_the_folders_above(tmp_path) -> None:
    build = write_build(tmp_path / "a" / "b", FILES)
    assert build.path == tmp_path / "a" / "b"
    expected = ["files.txt", "graph.npz", "manifest.json", "rtl", "rtl/n_top.v"]
    assert names(build.path) == expected
    assert (build.path / "files.txt").read_text() == "graph.npz\nmanifest.json\nrtl/n_top.v\n"
    assert (build.path / "rtl" / "n_top.v").read_bytes() == "// µ\n".encode()
    assert names(tmp_path / "a")[0] == "b", "temporary folders are left"
    assert Build.open(build.path).top == "n_top"


def test_a_build_is_as_open_to_others_as_any_new_folder(tmp_path) -> None:
    build = write_build(tmp_path / "b", FILES)
    (tmp_path / "plain").mkdir()
    assert build.path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_new_build_takes_the_place_of_an_old_one_whole(tmp_path) -> None:
    write_build(tmp_path / "b", FILES | {"old.txt": "of an earlier version"})
    write_build(tmp_path / "b", FILES)
    assert "old.txt" not in names(tmp_path / "b")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_an_empty_folder_is_taken_and_a_link_followed(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    write_build(tmp_path / "link", FILES)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "manifest.json").exists()
    write_build(tmp_path / "link", FILES)
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    "manifest", ["{", "[]", "{}", '{"name": "page", "version": 3}', '{"schema": 1, "top": "x"}', ""]
)
def test_folders_with_other_manifests_are_not_ours_to_delete(tmp_path, manifest) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "work.txt").write_text("years")
    for attempt in (check_folder, lambda path: write_build(path, FILES)):
        with pytest.raises(BnnhwError, match="no build of bnnhw"):
            attempt(tmp_path)
    assert names(tmp_path) == ["manifest.json", "work.txt"]
    with pytest.raises(BnnhwError) as caught:
        Build.open(tmp_path)
    assert caught.value.fix


@pytest.mark.parametrize("name", ["notes.md", "rtl/mine.sv", "vivado/p.xpr", "hls/tb.cpp", "link"])
def test_a_build_with_files_of_others_is_left_as_it_is(tmp_path, name) -> None:
    folder = tmp_path / "b"
    write_build(folder, FILES)
    (folder / name).parent.mkdir(exist_ok=True)
    if name == "link":
        (folder / name).symlink_to(tmp_path)
    else:
        (folder / name).write_text("a day's work")
    before = names(tmp_path)
    for attempt in (check_folder, lambda path: write_build(path, FILES)):
        with pytest.raises(BnnhwError, match="did not write") as caught:
            attempt(folder)
        assert name in caught.value.what and str(folder) == caught.value.where
        assert caught.value.fix
    assert names(tmp_path) == before


def test_what_later_commands_write_is_replaced(tmp_path) -> None:
    folder = tmp_path / "b"
    write_build(folder, FILES)
    for name in ("sim/run/waves.fst", "hls/simulation/testbench", "report.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    write_build(folder, FILES)
    assert names(folder) == ["files.txt", "graph.npz", "manifest.json", "rtl", "rtl/n_top.v"]


class Broken:
    """Content that cannot be written."""

    def encode(self) -> bytes:
        raise OSError(28, "No space left on device")


def test_a_write_that_fails_leaves_the_old_build_and_no_traces(tmp_path) -> None:
    write_build(tmp_path / "b", FILES | {"old.txt": "here"})
    before = names(tmp_path)
    broken: dict[str, object] = {**FILES, "last": Broken()}
    for path in (tmp_path / "b", tmp_path / "new" / "deep" / "b"):
        with pytest.raises(BnnhwError, match="No space left on device"):
            write_build(path, broken)  # type: ignore[arg-type]
        assert names(tmp_path) == before


def test_a_swap_that_fails_puts_the_old_build_back(tmp_path, monkeypatch) -> None:
    write_build(tmp_path / "b", FILES | {"old.txt": "here"})
    before = names(tmp_path)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BnnhwError, match="Permission denied"):
        write_build(tmp_path / "b", FILES)
    assert names(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folders_without_permission_are_refused_before_the_work(tmp_path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(BnnhwError, match="may not be written to"):
        check_folder(tmp_path / "locked" / "b")


def test_what_is_no_build_is_not_opened(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(BnnhwError, match=r"no manifest\.json") as caught:
            Build.open(path)
        assert caught.value.where == str(path)
        assert caught.value.fix


def test_a_build_opened_by_a_relative_path_is_found_from_any_folder(tmp_path, monkeypatch) -> None:
    write_build(tmp_path / "b", FILES)
    monkeypatch.chdir(tmp_path)
    build = Build.open(Path("b"))
    monkeypatch.chdir("/")
    assert build.path == tmp_path / "b" and build.manifest["top"] == "n_top"


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"{}", b"\xff\xfe", b'{"schema": 3}'])
def test_a_damaged_report_is_an_error_that_names_it(tmp_path, content) -> None:
    write_manifest(tmp_path)
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(BnnhwError) as caught:
        _ = Build.open(tmp_path).report
    assert caught.value.where == str(tmp_path / "report.json")
    assert caught.value.fix == "compile the model again"


def test_a_build_of_another_schema_is_not_read_but_may_be_replaced(tmp_path) -> None:
    newer = FILES | {"manifest.json": MANIFEST.replace('"schema": 1', '"schema": 2')}
    write_build(tmp_path / "b", newer)
    with pytest.raises(BnnhwError, match="schema 2") as caught:
        Build.open(tmp_path / "b")
    assert caught.value.fix == "compile the model again"
    assert Build.open(write_build(tmp_path / "b", FILES).path).top == "n_top"


def test_the_report_of_an_older_version_asks_for_another_compile(tmp_path) -> None:
    build = write_build(tmp_path / "b", FILES | {"report.json": '{"schema": 1, "units": []}'})
    for read in (lambda: build.report, lambda: build.require("verilog")):
        with pytest.raises(
            BnnhwError, match="has schema 1, this version of bnnhw reads 2"
        ) as caught:
            read()
        assert caught.value.where == str(build.path / "report.json")
        assert caught.value.fix == "compile the model again"


def test_the_back_end_that_a_build_lacks_is_named(tmp_path) -> None:
    build = write_build(tmp_path / "b", FILES)
    build.require("verilog")
    with pytest.raises(BnnhwError, match="holds no hls files"):
        build.require("hls")
