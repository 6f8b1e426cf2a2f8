"""The command line, run in a folder of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bnnhw.cli import commands as cli
from bnnhw.zoo.shipped import shipped_model
from sketch import small_cnn

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = shipped_model("digits").path


@dataclass(frozen=True)
class Ended:
    """What a command printed and returned."""

    code: int
    out: str
    err: str


Command = "Callable[..., Ended]"


@pytest.fixture
def bnnhw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["bnnhw", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        shown = capfd.readouterr()
        return Ended(int(caught.value.code or 0), shown.out, shown.err)

    return run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_cnn().save(tmp_path / "m.onnx")
