"""`bnnhw deploy` against stand-ins for ssh, scp, sudo and the board's Python."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from standins import Board, make_board, path_with

from bnnhw.api.deploy.address import read_address
from bnnhw.api.deploy.session import PYTHON, Plan
from bnnhw.cli import commands as cli
from sketch import small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = [
    "$(touch x)", "`touch x`", "a;touch x", "a b", "a\nb", "a\ttouch", "-oProxyCommand=touch x",
    "-F/etc/passwd", "a'b", 'a"b', "a|b", "a&b", "a>x", "a*", "a?", "a\\b", "~root", "a#b", "", "é",
]  # fmt: skip


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of a small network, with files that stand for what Vivado makes."""
    folder = tmp_path_factory.mktemp("deploy")
    model = small_cnn().save(folder / "net.onnx")
    command = ["compile", str(model), "--board", "pynq-z2", "-o", str(folder / "build"), "-q"]
    subprocess.run([sys.executable, "-m", "bnnhw.cli", *command], check=True, capture_output=True)
    made = folder / "build" / "vivado" / "overlay"
    made.mkdir(parents=True)
    for suffix in ("bit", "hwh"):
        (made / f"net_top.{suffix}").write_text(f"new {suffix}")
    return folder / "build"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    board = make_board(tmp_path)
    monkeypatch.setenv("PATH", path_with(board))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return board


@pytest.fixture
def deploy(
    board: Board, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    def run(*arguments: str, python: bool = True) -> Ended:
        more = ["--python", board.python] if python else []
        monkeypatch.setattr(sys, "argv", ["bnnhw", "deploy", *more, *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        shown = capfd.readouterr()
        return Ended(int(caught.value.code or 0), shown.out, shown.err)

    return run


def test_overlay_wheel_and_vectors_arrive_and_are_validated(compiled, board, deploy) -> None:
    ended = deploy(str(compiled), "xilinx@pynq")
    assert ended.code == 0, ended.err
    assert "every score of the build's vectors is exact" in ended.out
    overlay = board.home / "jupyter_notebooks" / "bnnhw" / "net"
    names = {path.name for path in overlay.iterdir()}
    assert names == {"net_top.bit", "net_top.hwh", "manifest.json", "vectors.npz"}
    for name in ("manifest.json", "vectors.npz"):
        assert (overlay / name).read_bytes() == (compiled / name).read_bytes()
    pip, validate = board.log("python")
    assert pip[1:4] == ["-I", "-m", "pip"] and {"--no-deps", "--no-index"} <= set(pip)
    assert validate[1:] == ["-I", "-m", "bnnhw_host", "validate", str(overlay)]
    assert [call[1] for call in board.log("XILINX_XRT")] == [None, "/usr"]
    assert len(board.log("sudo")) == 2
    assert not list(board.home.glob(".bnnhw-deploy-*"))  # nothing is left of the way
    assert (board.path / "installed.whl").stat().st_size > 10_000


def test_ssh_and_scp_get_checked_words_and_no_switch_of_host_keys(compiled, board, deploy) -> None:
    key = Path("my key")
    key.write_text("")
    assert deploy(str(compiled), "xilinx@pynq", "-p", "2222", "-i", str(key)).code == 0
    (scp,), (ssh,) = board.log("scp"), board.log("ssh")
    stage = scp[-1].removeprefix("xilinx@pynq:")
    identity = ["-i", str(key.absolute())]
    assert scp[1:-2] == ["-P", "2222", *identity, "-r", "--"]
    assert ssh[1:-1] == ["-p", "2222", *identity, "--", "xilinx@pynq"]
    assert ssh[-1].startswith(f"sh {stage}/install.sh jupyter_notebooks/bnnhw net ")
    assert shlex.join(shlex.split(ssh[-1])) == ssh[-1]
    assert "StrictHostKeyChecking" not in json.dumps(board.log())


def test_root_needs_no_sudo(compiled, board, deploy) -> None:
    board.set("uid", 0)
    assert deploy(str(compiled), "root@pynq", "--no-validate").code == 0
    assert not board.log("sudo")
    assert len(board.log("python")) == 1


def test_a_dry_run_prints_what_would_run_and_runs_nothing(compiled, board, deploy) -> None:
    ended = deploy(str(compiled), "xilinx@pynq", "--dry-run", python=False)
    assert ended.code == 0
    assert not board.log()
    scp, ssh = (shlex.split(line) for line in ended.out.splitlines()[-2:])
    assert scp[:4] == ["scp", "-r", "--", "FILES"]
    assert ssh[:3] == ["ssh", "--", "xilinx@pynq"]
    assert PYTHON in shlex.split(ssh[3])
    assert "FILES/overlay/net_top.bit" in ended.out


def test_json_is_all_of_standard_output(compiled, board, deploy) -> None:
    found = json.loads(deploy(str(compiled), "xilinx@pynq", "--json").out)
    assert found["validated"] is True
    assert found["overlay"] == "jupyter_notebooks/bnnhw/net"
    assert "overlay/net_top.hwh" in found["files"]


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("place", ["host", "user", "directory", "python"])
def test_words_that_a_shell_could_run_are_refused(compiled, board, deploy, word, place) -> None:
    options = {
        "host": ["--", str(compiled), word if place == "host" else ""],
        "user": ["--", str(compiled), f"{word}@pynq"],
        "directory": [str(compiled), "xilinx@pynq", f"--directory={word}"],
        "python": [str(compiled), "xilinx@pynq", f"--python={word}"],
    }
    ended = deploy(*options[place], python=place != "python")
    assert ended.code == 1, ended.err
    assert "fix:" in ended.err
    assert not board.log()
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("part", ["network", "bit", "hwh", "weights"])
@pytest.mark.parametrize("word", ["$(touch x)", "../x", "a b", "-rf", "..", "a\nb", "'"])
def test_names_in_a_manifest_are_checked_too(compiled, board, deploy, tmp_path, part, word) -> None:
    build = tmp_path / "build"
    build.mkdir()
    manifest = json.loads((compiled / "manifest.json").read_text())
    if part == "network":
        manifest["network"] = word
    elif part == "weights":
        manifest["memory"] = {"file": word}
    else:
        manifest["overlay"]["files"][part] = word
    (build / "manifest.json").write_text(json.dumps(manifest))
    bit = compiled / "vivado" / "overlay" / "net_top.bit"
    ended = deploy(str(build), "xilinx@pynq", "--bit", str(bit))
    assert ended.code == 1
    assert "no plain name" in ended.err
    assert not board.log()


def test_paths_here_may_be_called_anything(compiled, board, deploy, monkeypatch, tmp_path) -> None:
    odd = tmp_path / 'it\'s $(touch x) "a" ; `touch y`'
    odd.mkdir()
    for suffix in ("bit", "hwh"):
        (odd / f"-a b.{suffix}").write_text(f"odd {suffix}")
    monkeypatch.setenv("TMPDIR", str(odd))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    ended = deploy(str(compiled), "xilinx@pynq", "--bit", str(odd / "-a b.bit"))
    assert ended.code == 0, ended.err
    files = board.files("jupyter_notebooks/bnnhw/net")
    assert (files["net_top.bit"], files["net_top.hwh"]) == ("odd bit", "odd hwh")
    assert not list(Path.cwd().iterdir())
    assert {path.name for path in odd.iterdir()} == {"-a b.bit", "-a b.hwh"}


@pytest.mark.parametrize(
    ("text", "ssh", "scp"),
    [
        ("xilinx@192.168.2.99", "xilinx@192.168.2.99", "xilinx@192.168.2.99"),
        ("pynq", "pynq", "pynq"),
        ("root@[fe80::1]", "root@fe80::1", "root@[fe80::1]"),
        ("root@fe80::1%eth0", "root@fe80::1%eth0", "root@[fe80::1%eth0]"),
    ],
)
def test_addresses_are_spelled_as_ssh_and_scp_take_them(text, ssh, scp) -> None:
    address = read_address(text)
    assert (address.ssh, address.scp) == (ssh, scp)


def old_overlay(board: Board) -> Path:
    place = board.home / "jupyter_notebooks" / "bnnhw" / "net"
    place.mkdir(parents=True)
    for name in ("manifest.json", "net_top.bit", "net_top.hwh", "weights.bin"):
        (place / name).write_text(f"old {name}")
    return place


def test_a_new_overlay_takes_the_place_of_the_old_as_a_whole(compiled, board, deploy) -> None:
    place = old_overlay(board)
    assert deploy(str(compiled), "xilinx@pynq").code == 0
    assert (place / "net_top.bit").read_text() == "new bit"
    assert not (place / "weights.bin").exists()
    assert {path.name for path in place.parent.iterdir()} == {"net", *notebooks()}


def test_files_of_the_users_own_stay_beside_a_new_overlay(compiled, board, deploy) -> None:
    place = old_overlay(board)
    (place / "my results").mkdir()
    (place / "my results" / "a.npy").write_text("mine")
    (place / "notes.txt").write_text("mine, too")
    (place / "net.old").write_text("and this")
    assert deploy(str(compiled), "xilinx@pynq").code == 0
    files = board.files("jupyter_notebooks/bnnhw/net")
    assert files["my results/a.npy"] == "mine"
    assert (files["notes.txt"], files["net.old"]) == ("mine, too", "and this")
    assert files["net_top.bit"] == "new bit"


def notebooks() -> set[str]:
    folder = Path(__file__).resolve().parents[4] / "host" / "notebooks"
    return {path.name for path in folder.glob("[!.]*") if path.is_file()}


def test_an_interrupted_copy_leaves_the_old_overlay(compiled, board, deploy) -> None:
    place = old_overlay(board)
    board.set("scp", 1)
    ended = deploy(str(compiled), "xilinx@pynq")
    assert ended.code == 1
    assert "scp ended with 1" in ended.err
    assert (place / "net_top.bit").read_text() == "old net_top.bit"
    assert not board.log("python")
    assert not list(board.home.glob(".bnnhw-deploy-*"))
    (clean,) = board.log("ssh")
    assert "BatchMode=yes" in clean


def test_what_an_interrupted_move_left_is_mended(compiled, board, deploy) -> None:
    place = old_overlay(board)
    place.rename(place.with_name(".bnnhw-net.old"))
    (place.with_name(".bnnhw-net.new")).mkdir()
    board.set("bnnhw_host", 2)
    assert deploy(str(compiled), "xilinx@pynq").code == 1
    assert (place / "net_top.bit").read_text() == "new bit"
    assert not list(place.parent.glob(".bnnhw*"))


def test_a_folder_that_is_no_overlay_is_left_as_it_is(compiled, board, deploy) -> None:
    mine = board.home / "jupyter_notebooks" / "bnnhw" / "net"
    mine.mkdir(parents=True)
    (mine / "thesis.ipynb").write_text("years of work")
    ended = deploy(str(compiled), "xilinx@pynq")
    assert ended.code == 1
    assert "is no overlay of bnnhw" in ended.err
    assert board.files() == {"jupyter_notebooks/bnnhw/net/thesis.ipynb": "years of work"}


def test_notebooks_changed_on_the_board_are_kept(board, tmp_path) -> None:
    from bnnhw.api.deploy import bundle

    stage = board.home / ".bnnhw-deploy-1"
    (stage / "overlay").mkdir(parents=True)
    (stage / "overlay" / "manifest.json").write_text("{}")
    (stage / "notebooks").mkdir()
    (stage / "notebooks" / "first.ipynb").write_text("new")
    (stage / "w.whl").write_text("")
    script = Path(bundle.__file__).with_name("install.sh")
    (stage / "install.sh").write_text(script.read_text())
    place = board.home / "there"
    place.mkdir()
    (place / "first.ipynb").write_text("changed")
    command = ["sh", ".bnnhw-deploy-1/install.sh", "there", "net", "w.whl", board.python, "leave"]
    subprocess.run(command, cwd=board.home, check=True, stdin=subprocess.DEVNULL)
    assert board.files("there") == {
        "first.ipynb": "new",
        "first.ipynb.~1~": "changed",
        "net/manifest.json": "{}",
    }


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        ("bnnhw_host", 1, "the board gives other scores than the interpreter"),
        ("bnnhw_host", 2, "validate could not run"),
        ("pip", 1, "could not be installed as root"),
        ("password", "", "could not be installed as root"),
        ("down", "", "ssh ended with 255"),
    ],
)
def test_what_fails_on_the_board_is_said_and_ends_with_1(
    compiled, board, deploy, what, value, said
) -> None:
    board.set(what, value)
    ended = deploy(str(compiled), "xilinx@pynq")
    assert ended.code == 1
    assert said in ended.err
    assert ended.out == ""


def test_a_board_without_pynq_is_told(compiled, board, deploy) -> None:
    ended = deploy(str(compiled), "xilinx@pynq", "--python", "/nowhere/python3", python=False)
    assert ended.code == 1
    assert "there is no Python at /nowhere/python3" in ended.err
    assert not board.files()


def test_missing_programs_are_told(compiled, board, deploy, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ended = deploy(str(compiled), "xilinx@pynq")
    assert ended.code == 1
    assert "scp is not installed" in ended.err


def test_a_build_without_a_bitstream_says_how_to_make_one(
    compiled, board, deploy, tmp_path
) -> None:
    for name in ("manifest.json", "vectors.npz"):
        (tmp_path / name).write_bytes((compiled / name).read_bytes())
    ended = deploy(str(tmp_path), "xilinx@pynq")
    assert ended.code == 1
    assert "vivado -mode batch -source build.tcl" in ended.err
    lone = tmp_path / "lone.bit"
    lone.write_text("")
    ended = deploy(str(tmp_path), "xilinx@pynq", "--bit", str(lone))
    assert "has no lone.hwh beside it" in ended.err


def test_weights_in_memory_go_along(compiled, board, deploy, tmp_path) -> None:
    build = tmp_path / "build"
    build.mkdir()
    manifest = json.loads((compiled / "manifest.json").read_text())
    manifest["memory"] = {"file": "weights.bin"}
    (build / "manifest.json").write_text(json.dumps(manifest))
    (build / "vectors.npz").write_bytes((compiled / "vectors.npz").read_bytes())
    bit = str(compiled / "vivado" / "overlay" / "net_top.bit")
    ended = deploy(str(build), "xilinx@pynq", "--bit", bit)
    assert ended.code == 1
    assert "the build holds no weights.bin" in ended.err
    (build / "weights.bin").write_bytes(b"weights")
    assert deploy(str(build), "xilinx@pynq", "--bit", bit).code == 0
    arrived = board.home / "jupyter_notebooks" / "bnnhw" / "net" / "weights.bin"
    assert arrived.read_bytes() == b"weights"


def test_wrong_ports_and_keys_are_refused(compiled, board, deploy) -> None:
    assert "is no port" in deploy(str(compiled), "xilinx@pynq", "--port", "70000").err
    assert "no such file" in deploy(str(compiled), "xilinx@pynq", "--identity", "absent").err
    assert not board.log()


def test_a_terminal_lets_sudo_ask(compiled) -> None:
    from bnnhw.api.deploy.bundle import bundle
    from bnnhw.backend.build import Build

    made = bundle(Build.open(compiled))
    assert "-t" in Plan(read_address("a"), made, terminal=True).install()
    assert "-t" not in Plan(read_address("a"), made).install()
