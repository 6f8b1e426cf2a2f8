"""What `bnnhw compile` refuses: the words of docs/errors.md, exit code 1, and nothing written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bnnhw.cli import commands as cli
from refusals import CASES, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def table() -> dict[str, tuple[str, str]]:
    """(error, way out) by input, from all tables of the page."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {row[0]: (row[1], row[2]) for row in rows if row[0] not in ("input", "---")}


TABLE = table()
NONE = "as the error says"
"""The way out in the table where the error itself says it."""


def everything(folder: Path) -> dict[str, bytes | None]:
    """All paths below ``folder`` with their content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def compile_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[object]:
    """Runs `bnnhw compile` in an empty folder; gives exit code, output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[object, str, str]:
        board = () if "--board" in arguments else ("--board", "pynq-z2")
        monkeypatch.setattr(sys, "argv", ["bnnhw", "compile", *arguments, *board])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        shown = capfd.readouterr()
        return caught.value.code, shown.out, shown.err

    return run


@pytest.mark.parametrize("name", CASES)
def test_is_refused_and_leaves_nothing_behind(tmp_path, compile_here, name) -> None:
    arguments = CASES[name](tmp_path)
    build = tmp_path / "old_build"
    build.mkdir()
    write_manifest(build)
    for target in ([], ["-o", str(build)]):
        if target and "-o" in arguments:
            continue  # the case is about the output itself
        before = everything(tmp_path)
        code, shown, message = compile_here(*arguments, *target)
        assert everything(tmp_path) == before
        assert code == 1
        assert shown == ""
        assert "Traceback" not in message and "Warning" not in message
        _, _, error = message.replace(f"{tmp_path}/", "").partition("error: ")
        said, _, fix = error.partition("\n  fix: ")
        assert_says(said, TABLE[name][0].strip("`"))
        if TABLE[name][1] == NONE:
            assert not fix
        else:
            assert_says(fix, TABLE[name][1])


def assert_says(text: str, expected: str) -> None:
    """``text`` is ``expected``, whatever stands for its dots, and whatever the spaces."""
    pattern = ".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", expected))
    assert re.fullmatch(pattern, " ".join(text.split())), f"'{text}' is not '{expected}'"


def test_the_page_lists_what_is_tested() -> None:
    assert len(CASES) >= 100
    assert sorted(TABLE) == sorted(CASES)


@pytest.mark.parametrize(
    "arguments",
    [["absent.onnx", "--board", "pynq-z2"], ["m.onnx", "--board", "b", "--fps=x"], ["-?"]],
)
def test_processes_end_with_a_message_and_no_traceback(tmp_path, arguments) -> None:
    command = [sys.executable, "-m", "bnnhw.cli", "compile", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    usage = "absent.onnx" not in arguments
    assert done.returncode == (2 if usage else 1)
    assert done.stdout == ""
    assert ("Usage:" in done.stderr) == usage
    assert ("error: file 'absent.onnx'" in done.stderr) != usage
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
